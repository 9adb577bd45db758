"""Keyset pagination: a page starts after the last row of the previous one, so every page costs the same.

A cursor is opaque to clients: the sort keys of that row, as base64 of a JSON list. It reveals nothing that the page did
not show; a made-up one yields the page from there on, or a 400.
"""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import orjson
from rest_framework import serializers

from kit.errors import Invalid
from kit.text import json_size
from kit.web.fields import CountField

Row = TypeVar("Row")
Order = TypeVar("Order")

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
# Bytes of long text on a page, as JSON. Without this limit, a hundred descriptions could take 12 MB.
MAX_BYTES = 500_000
INVALID_CURSOR = "Invalid cursor."
BAD_CURSOR = Invalid(fields={"cursor": [INVALID_CURSOR]})


@dataclass(frozen=True)
class Page(Generic[Row]):
    """One page of a list. `nextCursor` is None on the last page."""

    items: list[Row]
    nextCursor: str | None


def page(
    found: list[Row],
    *,
    limit: int,
    key: Callable[[Row], tuple[Any, ...]],
    texts: Callable[[Row], list[str]] | None = None,
) -> Page[Row]:
    """Return the first `limit` of the rows. Pass one row more than that, if there is one, for a next page.

    `texts` returns what is long in a row. If there is too much of it, the page has fewer rows.
    """
    items = fitting(found[:limit], texts) if texts else found[:limit]
    return Page(items, encode(*key(items[-1])) if len(found) > len(items) else None)


def fitting(rows: list[Row], texts: Callable[[Row], list[str]]) -> list[Row]:
    """Return the first rows, at least one, whose texts take at most MAX_BYTES as JSON."""
    texts_of_rows = list(map(texts, rows))
    # Usually they all fit, which takes a single call to find out.
    if json_size(texts_of_rows) <= MAX_BYTES:
        return rows
    total = 0
    for number, texts_of_row in enumerate(texts_of_rows):
        total += sum(map(json_size, texts_of_row))
        if total > MAX_BYTES:
            return rows[: max(1, number)]
    return rows


def orders(fields: Mapping[str, str], ordering: Callable[..., Order]) -> dict[str, Order]:
    """Return the orders of a list by their names in the API: of each field, and with `-`, in descending order.

    `fields` maps names in the API to fields of the model, and `ordering` takes such a field and `is_descending`.
    """
    return {sign + name: ordering(fields[name], is_descending=sign == "-") for name in fields for sign in ("", "-")}


def encode(*keys: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(keys)).decode().rstrip("=")


class CursorField(serializers.Field[Any, Any, Any, Any]):
    """A cursor, parsed into a tuple of sort keys. Each of `readers` parses one JSON value, or raises ValueError."""

    default_error_messages = {"invalid": INVALID_CURSOR}

    def __init__(self, readers: Sequence[Callable[[Any], Any]], **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)
        self.readers = readers

    def to_internal_value(self, data: Any) -> tuple[Any, ...]:
        try:
            keys = orjson.loads(base64.urlsafe_b64decode(str(data) + "=="))
            # Python's base64 skips invalid characters.
            if not isinstance(keys, list) or encode(*keys) != data:
                self.fail("invalid")
            return tuple(reader(key) for reader, key in zip(self.readers, keys, strict=True))
        except (binascii.Error, ValueError, TypeError, OverflowError):
            self.fail("invalid")


class PageSerializer(serializers.Serializer[Any]):
    limit = CountField(min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT)


def row_id(key: Any) -> int:
    """Parse an id in a cursor."""
    if not isinstance(key, int) or isinstance(key, bool) or not 0 <= key < 2**63:
        raise ValueError(key)
    return key


def small(key: Any) -> int:
    """Parse a number in a cursor that a 32-bit integer holds, with room for a page."""
    number = row_id(key)
    if number >= 2**30:
        raise ValueError(key)
    return number


def moment(key: Any) -> datetime:
    """Parse a time in a cursor."""
    time = datetime.fromisoformat(key)
    if time.tzinfo is None:
        raise ValueError(key)
    return time.astimezone(UTC)


def line(key: Any) -> str:
    """Parse a text in a cursor."""
    if not isinstance(key, str) or "\x00" in key:
        raise ValueError(key)
    return key
