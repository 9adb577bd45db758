"""Keyset paging: a page begins after the last row of the one before, so every page costs the same, however deep.

A cursor is opaque to clients: the sort keys of that row, as base64 of a JSON list. It holds nothing that the page it
came with did not show, and a client who makes one up gets a page from there or a 400.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import orjson
from rest_framework import serializers

from kit.errors import Invalid

Row = TypeVar("Row")

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
NO_CURSOR = "This is no cursor of this list."
BAD_CURSOR = Invalid(fields={"cursor": [NO_CURSOR]})


@dataclass(frozen=True)
class Page(Generic[Row]):
    """What a list answers with: `nextCursor` is where the next page begins, None when this is the last."""

    items: list[Row]
    nextCursor: str | None


def page(found: list[Row], *, limit: int, key: Callable[[Row], tuple[Any, ...]]) -> Page[Row]:
    """The first `limit` of the rows found; that one more was found tells that there is a next page."""
    items = found[:limit]
    return Page(items, encode(*key(items[-1])) if len(found) > limit else None)


def encode(*keys: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(keys)).decode().rstrip("=")


class CursorField(serializers.Field[Any, Any, Any, Any]):
    """A cursor, read as the tuple of its keys. `readers` turn the JSON values into keys; ValueError: not ours."""

    default_error_messages = {"invalid": NO_CURSOR}

    def __init__(self, readers: Sequence[Callable[[Any], Any]], **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)
        self.readers = readers

    def to_internal_value(self, data: Any) -> tuple[Any, ...]:
        try:
            keys = orjson.loads(base64.urlsafe_b64decode(str(data) + "=="))
            # Python's base64 passes over what is none.
            if not isinstance(keys, list) or encode(*keys) != data:
                self.fail("invalid")
            return tuple(reader(key) for reader, key in zip(self.readers, keys, strict=True))
        except (binascii.Error, ValueError, TypeError, OverflowError):
            self.fail("invalid")


class PageSerializer(serializers.Serializer[Any]):
    limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT)


def row_id(key: Any) -> int:
    """The reader of an id's place in a cursor."""
    if not isinstance(key, int) or isinstance(key, bool) or not 0 <= key < 2**63:
        raise ValueError(key)
    return key


def moment(key: Any) -> datetime:
    """The reader of a time's place in a cursor."""
    time = datetime.fromisoformat(key)
    if time.tzinfo is None:
        raise ValueError(key)
    return time.astimezone(UTC)


def line(key: Any) -> str:
    """The reader of a text's place in a cursor."""
    if not isinstance(key, str) or "\x00" in key:
        raise ValueError(key)
    return key
