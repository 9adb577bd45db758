"""Codes of e-tickets: how they are read, what they prove, and what they do not reveal."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events import ticket_codes
from events.ticket_codes import ALPHABET, Ticket
from events.tokens import is_manage_token, manage_token
from kit.db.sql import MAX_ID

TICKET = Ticket(booking_id=31, seat=2, revision=1)


def plain(code: str) -> str:
    return code.replace("-", "")


class TestCode:
    @given(st.integers(1, MAX_ID), st.integers(1, 1_000_000), st.integers(1, 2**31 - 1))
    def test_names_booking_seat_and_revision(self, booking_id: int, seat: int, revision: int) -> None:
        ticket = Ticket(booking_id, seat, revision)

        assert ticket_codes.read(ticket.code()) == ticket

    def test_can_be_typed(self) -> None:
        code = TICKET.code()

        assert set(plain(code)) <= set(ALPHABET)
        assert not set("ILOU") & set(code)
        assert [len(group) for group in code.split("-")][:-1] == [4] * code.count("-")

    @pytest.mark.parametrize(("booking_id", "length"), [(1, 27), (31, 28), (1_000_000, 31), (100_000_000, 32)])
    def test_is_as_short_as_128_bits_allow(self, booking_id: int, length: int) -> None:
        assert len(plain(Ticket(booking_id, seat=2, revision=1).code())) == length

    def test_differs_by_booking_seat_and_revision(self) -> None:
        tickets = [
            Ticket(booking_id, seat, revision) for booking_id in (1, 2) for seat in (1, 2, 3) for revision in (1, 2)
        ]

        assert len({plain(ticket.code())[-25:] for ticket in tickets}) == len(tickets)

    def test_is_unrelated_to_the_manage_token(self) -> None:
        assert not is_manage_token(TICKET.code(), TICKET.booking_id)
        assert ticket_codes.read(manage_token(TICKET.booking_id)) is None

    def test_depends_on_the_secret(self, settings: Any) -> None:
        code = TICKET.code()
        settings.SECRET_KEY = "another secret"

        assert TICKET.code() != code
        assert ticket_codes.read(code) is None

    def test_survives_a_change_of_the_secret_with_fallbacks(self, settings: Any) -> None:
        code, earlier = TICKET.code(), settings.SECRET_KEY
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another secret", [earlier]

        assert ticket_codes.read(code) == TICKET
        assert TICKET.codes() == [TICKET.code(), code]


class TestRead:
    @pytest.mark.parametrize(
        "written",
        [
            str.lower,
            plain,
            lambda code: code.replace("-", " "),
            lambda code: f"  {code}\n",
            lambda code: code.replace("-", " – "),
            lambda code: code.replace("0", "O").replace("1", "l"),
            lambda code: code.replace("0", "o").replace("1", "I"),
        ],
    )
    def test_is_lenient(self, written: Any) -> None:
        for booking_id in range(1, 40):
            ticket = Ticket(booking_id, 1, 1)
            assert ticket_codes.read(written(ticket.code())) == ticket

    def test_refuses_any_other_character(self) -> None:
        code = plain(TICKET.code())

        for place, right in enumerate(code):
            wrong = ALPHABET[(ALPHABET.index(right) + 1) % 32]
            assert ticket_codes.read(code[:place] + wrong + code[place + 1 :]) is None

    @given(st.text(max_size=80))
    def test_refuses_anything_else(self, text: str) -> None:
        assert ticket_codes.read(text) is None

    @pytest.mark.parametrize("text", ["", "-", "0", "U" * 28, "Z" * 27, "Z" * 64, "Z" * 65, "0" * 30, "🎫", "١" * 28])
    def test_refuses_what_looks_like_one(self, text: str) -> None:
        assert ticket_codes.read(text) is None
