"""What mail programs read in the bytes of a message."""

from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any

import pytest
from django.core.mail import BadHeaderError, EmailMultiAlternatives
from hypothesis import given
from hypothesis import strategies as st

from notifications.mails import Message

LONG_NAME = "Maximilian " * 24 + "Max"
# PostgreSQL stores neither NUL nor lone surrogates.
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@pytest.fixture(autouse=True)
def empty_queue() -> None:
    """Override the fixture that needs a database: nothing here does."""


def make(**fields: Any) -> Message:
    fields = {"subject": "Subject", "body": "Text\n", "html": "<p>Text</p>\n", "name": "Max", **fields}
    return Message(address="max@example.com", **fields)


def read(message: Message) -> EmailMessage:
    return message_from_bytes(message.as_bytes(), policy=policy.default)


def texts(message: Message) -> list[str]:
    return [str(part.get_content()).replace("\r\n", "\n") for part in read(message).iter_parts()]


class TestText:
    @pytest.mark.parametrize(
        "text", ["Hello\n", "Grüße, 世界\n", "one\n.\n..two\n", "x" * 3_000 + "\n", "ü" * 600 + "\n", "= \n"]
    )
    def test_is_read_as_it_was_written(self, text: str) -> None:
        assert texts(make(body=text, html=f"<p>{text}</p>\n")) == [text, f"<p>{text}</p>\n"]

    @given(TEXTS, TEXTS)
    def test_is_read_as_it_was_written_whatever_it_is(self, text: str, html: str) -> None:
        plain, marked_up = texts(make(body=f"{text}\n", html=f"{html}\n"))

        assert plain == f"{text}\n".replace("\r\n", "\n").replace("\r", "\n")
        assert marked_up == f"{html}\n".replace("\r\n", "\n").replace("\r", "\n")

    @pytest.mark.parametrize("text", ["x" * 3_000, "a\r\nb\rc\n", "ü" * 600])
    def test_has_only_lines_that_mail_servers_accept(self, text: str) -> None:
        lines = make(body=text, html=text).as_bytes().split(b"\r\n")

        assert max(map(len, lines)) <= 998
        assert not any(b"\n" in line or b"\r" in line for line in lines)


class TestHeaders:
    @pytest.mark.parametrize(
        "subject", ["Ticket #1 updated", "Grüße", "Summer " * 40 + "Festival", "Ünderground " * 30 + "Fest"]
    )
    def test_subject_is_read_as_it_was_written(self, subject: str) -> None:
        assert read(make(subject=subject))["Subject"] == subject

    @pytest.mark.parametrize(
        "name", ["Max", "Max Müller", 'Max "The Axe" Müller, Jr.', LONG_NAME, LONG_NAME + "i Müller"]
    )
    def test_name_and_address_are_read_as_they_were_written(self, name: str) -> None:
        header = message_from_bytes(make(name=name).as_bytes())["To"]

        encoded, address = parseaddr(header)
        assert address == "max@example.com"
        assert str(make_header(decode_header(encoded))) == name

    def test_lines_are_short(self) -> None:
        head, _, _ = make(subject="Ünderground " * 30, name=LONG_NAME).as_bytes().partition(b"\r\n\r\n")

        assert max(map(len, head.split(b"\r\n"))) <= 78

    @pytest.mark.parametrize("fields", [{"subject": "a\nBcc: eve@example.com"}, {"name": "a\r\nBcc: eve@example.com"}])
    def test_cannot_contain_others(self, fields: dict[str, str]) -> None:
        with pytest.raises(BadHeaderError):
            make(**fields).as_bytes()

    def test_are_those_that_django_writes(self) -> None:
        fields: dict[str, Any] = {
            "subject": "Grüße",
            "body": "Text\n",
            "from_email": "Ticketing Büro <tickets@example.com>",
            "headers": {"Message-ID": "<1@example.com>", "Date": "Sun, 29 Nov 2026 12:00:00 +0000"},
        }
        django = EmailMultiAlternatives(to=['"Max Müller" <max@example.com>'], **fields)
        django.attach_alternative("<p>Text</p>\n", "text/html")

        ours = read(make(name="Max Müller", **fields))

        assert {name: value for name, value in ours.items() if name != "Content-Type"} == {
            name: value
            for name, value in message_from_bytes(django.message().as_bytes(), policy=policy.default).items()
            if name != "Content-Type"
        }
