"""Lists as CSV (RFC 4180), read and written some rows at a time: a million take no more memory than a few.

Each batch is a query of its own that goes on behind the last row, as the pages of the list do. So however slow the
reader is, no transaction waits for it.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, TypeVar

from django.http import StreamingHttpResponse
from rest_framework.serializers import Serializer

Row = TypeVar("Row")

BATCH = 1000
CSV = "text/csv"
# What spreadsheets take for the beginning of a formula. An apostrophe in front makes it text.
FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def batches(fetch: Callable[[Row | None], list[Row]]) -> Iterator[list[Row]]:
    """All rows that `fetch` finds: it returns the first BATCH of those behind a row, at first of all."""
    last = None
    while found := fetch(last):
        yield found
        if len(found) < BATCH:
            return
        last = found[-1]


def encode(shape: type[Serializer[Any]], rows: Iterable[list[Any]]) -> Iterator[bytes]:
    """The CSV of batches of rows, a piece a batch: as `shape` shows them, its fields' names in the first line."""
    head = [list(shape().fields)]
    for batch in rows:
        yield _lines(chain(head, (item.values() for item in shape(batch, many=True).data)))
        head = []
    if head:
        yield _lines(head)


def answer(name: str, content: Iterator[bytes]) -> StreamingHttpResponse:
    """`content` as a file to download. Its first piece is made before the answer begins, to be refused like any."""
    first = next(content)
    return StreamingHttpResponse(
        chain([first], content),
        content_type=f"{CSV}; charset=utf-8; header=present",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def _lines(rows: Iterable[Iterable[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(map(_cell, row) for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    """None is empty. Of numbers a minus is no formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULAS) else value
