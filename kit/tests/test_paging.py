"""Pages and their cursors."""

from typing import Any

import pytest
from rest_framework import serializers

from kit.text import json_size
from kit.web.paging import (
    MAX_BYTES,
    MAX_LIMIT,
    CursorField,
    Page,
    PageSerializer,
    encode,
    line,
    page,
    row_id,
)


def read(cursor: str) -> Any:
    return CursorField([line, row_id]).run_validation(cursor)


def list_of(text: str) -> list[str]:
    return [text]


class TestPage:
    @pytest.mark.parametrize("found", [[], ["a"], ["a", "b"]])
    def test_is_the_last_if_there_are_no_more_rows(self, found: list[str]) -> None:
        assert page(found, limit=2, key=lambda row: (row,)) == Page(found, None)

    def test_ends_with_the_cursor_of_its_last_row(self) -> None:
        first = page(["a", "b", "c"], limit=2, key=lambda row: (row, 7))

        assert first.items == ["a", "b"]
        assert read(first.nextCursor or "") == ("b", 7)

    def test_has_fewer_rows_if_their_text_is_long(self) -> None:
        rows = ["a" * (MAX_BYTES - 8), "b", "c", "d"]

        assert page(rows, limit=4, key=lambda row: (row,), texts=list_of).items == rows[:3]
        assert page(rows, limit=4, key=lambda row: (row,), texts=list_of).nextCursor
        assert page(rows[:3], limit=4, key=lambda row: (row,), texts=list_of).nextCursor is None

    def test_adds_up_all_texts_of_a_row(self) -> None:
        rows = [["a" * (MAX_BYTES - 8), "b"], ["c"], ["d"]]

        assert page(rows, limit=3, key=lambda row: tuple(row), texts=list).items == rows[:2]

    def test_measures_text_in_bytes(self) -> None:
        assert [json_size(text) for text in ("a", "ä", "界", "\x01")] == [3, 4, 5, 8]

    def test_has_at_least_one_row(self) -> None:
        rows = ["a" * MAX_BYTES, "b"]

        assert page(rows, limit=2, key=lambda row: (row,), texts=list_of).items == rows[:1]


class TestCursor:
    @pytest.mark.parametrize("keys", [("", 0), ('Ödipus & "Söhne"', 2**63 - 1), ("\U0001f3ab" * 255, 1)])
    def test_round_trips(self, keys: tuple[str, int]) -> None:
        assert read(encode(*keys)) == keys

    def test_is_url_safe(self) -> None:
        assert encode("\U0001f3ab~?>", 1).isascii()
        assert not set(encode("\U0001f3ab~?>ÿÿÿ", 1)) & set("+/=&?%")

    @pytest.mark.parametrize(
        "cursor",
        [
            *("nonsense", "!", "ö", "\x00", "W", "W10", "e30", "MQ", "bnVsbA"),
            *(encode("a"), encode("a", 1, 2), encode(1, "a"), encode(None, 1), encode("a", None)),
            *(encode("a", True), encode("a", 1.0), encode("a", -1), encode("a", 2**63), encode("a\x00", 1)),
            *(encode(["a"], 1), encode({"a": 1}, 1), encode("a", "1")),
            # Almost valid.
            *(encode("a", 1) + "=", encode("a", 1) + "!", " " + encode("a", 1), encode("a", 1)[:-1]),
        ],
    )
    def test_is_refused_if_malformed(self, cursor: str) -> None:
        with pytest.raises(serializers.ValidationError) as refusal:
            read(cursor)

        assert refusal.value.get_codes() == ["invalid"]


class TestLimit:
    def test_is_twenty_by_default(self) -> None:
        query = PageSerializer(data={})

        assert query.is_valid()
        assert query.validated_data == {"limit": 20}

    @pytest.mark.parametrize(
        ("limit", "is_allowed"), [(0, False), (1, True), (MAX_LIMIT, True), (MAX_LIMIT + 1, False)]
    )
    def test_is_bounded(self, limit: int, is_allowed: bool) -> None:
        assert PageSerializer(data={"limit": limit}).is_valid() == is_allowed
