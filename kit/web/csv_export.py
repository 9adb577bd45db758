"""Lists as CSV (RFC 4180), read and written in batches, so that memory use does not grow with the number of rows.

Each batch is a query of its own that starts after the last row, like the pages of a list. A slow client therefore
never keeps a transaction open.
"""

import codecs
import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import Any, TypeVar

from django.db import DatabaseError
from django.http import StreamingHttpResponse

from kit.long_tasks.leases import RETRY_SECONDS, ExportRunning, Lease, slot
from kit.replicas import reading

Row = TypeVar("Row")

BATCH = 1000
CSV = "text/csv"
# As in the API's documentation.
RUNNING = ExportRunning(retry_after=RETRY_SECONDS)
# Spreadsheets read text that starts with these as a formula, unless an apostrophe precedes it.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
GUARD = "'"
GUARD_NOTE = (
    "Text that a spreadsheet would treat as a formula, or that starts with an apostrophe, has an apostrophe added in "
    "front. To restore the text, remove the first character of every cell that starts with an apostrophe."
)


def batches(fetch: Callable[[Row | None], list[Row]], *, user_id: int | None = None) -> Iterator[list[Row]]:
    """Yield all rows in batches. `fetch(row)` returns up to BATCH rows after that row, or the first ones if None.

    With the user's id, it may read them from a replica.
    """
    last = None
    while found := _fetched(partial(fetch, last), user_id):
        yield found
        if len(found) < BATCH:
            return
        last = found[-1]


def _fetched(fetch: Callable[[], list[Row]], user_id: int | None) -> list[Row]:
    return fetch() if user_id is None else reading.read(reading.caller_with_id(user_id), fetch)


def encode(columns: Iterable[str], batches: Iterable[Iterable[Mapping[str, Any]]]) -> Iterator[bytes]:
    """Yield the CSV of each batch of rows, with a header line first. Each row has the columns as its keys, in order."""
    start = _lines([columns])
    for batch in batches:
        yield start + _lines(row.values() for row in batch)
        start = b""
    if start:
        yield start


class Download(StreamingHttpResponse):
    """An export. Its user cannot start another until it is closed: sent, or given up."""

    def __init__(self, *args: Any, lease: Lease, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lease = lease

    def renew(self) -> None:
        self.lease.renew()

    def close(self) -> None:
        try:
            self.lease.release()
        finally:
            super().close()


def answer(name: str, content: Iterator[bytes], *, user_id: int, is_for_excel: bool = False) -> StreamingHttpResponse:
    """Return `content` as a download. Produce the first chunk now, so that an error in it gets an ordinary response.

    Without a byte order mark, Excel reads UTF-8 in the computer's older encoding: "ZoÃ«" for "Zoë". Programs would take
    it for part of the first column's name.

    :raises ExportRunning: the user has another export or bulk change running.
    """
    lease = Lease(user_id)
    try:
        with slot():
            first = (codecs.BOM_UTF8 if is_for_excel else b"") + next(content)
    except BaseException:
        # PostgreSQL refuses it in a failed transaction, whose rollback releases the lease anyway.
        with suppress(DatabaseError):
            lease.release()
        raise
    return Download(
        lease.kept(chain([first], content)),
        content_type=f"{CSV}; charset=utf-8; header=present",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
        lease=lease,
    )


def _lines(rows: Iterable[Iterable[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(map(_cell, row) for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    """Defuse formulas in text. Numbers may start with a minus sign.

    Text that starts with an apostrophe gets one more, so that removing the first one always restores the text.
    """
    is_guarded = isinstance(value, str) and value.startswith((GUARD, *FORMULA_STARTS))
    return f"{GUARD}{value}" if is_guarded else value
