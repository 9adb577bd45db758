"""The orders in which tickets are listed, each backed by an index."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import Case, Expression, F, Func, Q, Value, When
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact

from kit.search.expressions import SortKey
from sla.models import Priority


def _date_key(date: Expression, is_descending: bool) -> Expression:
    last = "'-infinity'::timestamptz" if is_descending else "'infinity'::timestamptz"
    return Coalesce(date, Func(template=last, output_field=models.DateTimeField()))


def _priority_key(priority: Expression, is_descending: bool) -> Expression:
    ranks = [When(Exact(priority, Value(name)), then=Value(rank)) for rank, name in enumerate(Priority.values)]
    return Case(*ranks, output_field=models.SmallIntegerField())


# The expression to compare for each field. Each has an index in Ticket.Meta.
SORT_KEYS: dict[str, Callable[[Any, bool], Expression]] = {
    "created_at": lambda date, _: date,
    "updated_at": _date_key,
    "due_at": _date_key,
    "priority": _priority_key,
    "title": lambda title, _: SortKey(title),
}


class CreationWeek(Func):
    """The start of the week in which a ticket was created; `weeks` returns the same in Python.

    Indexes by week list the tickets of a span in another order than that of creation.
    """

    template = "date_bin('7 days', %(expressions)s, '2000-01-03 00:00+00')"
    arity = 1
    output_field = models.DateTimeField()


def weeks(starts_at: datetime, ends_at: datetime) -> list[datetime]:
    """Return the starts of the weeks from `starts_at` to `ends_at`, inclusive."""
    week = timedelta(days=7)
    monday = datetime(2000, 1, 3, tzinfo=UTC)
    first, last = ((at - monday) // week for at in (starts_at, ends_at))
    return [monday + number * week for number in range(first, last + 1)]


@dataclass(frozen=True)
class Ordering:
    """An order of tickets by a field of SORT_KEYS, with ties broken by id in the same direction.

    Priorities go from low to high, titles ignore case and accents, and tickets without a date come last either way.
    """

    field: str = "created_at"
    is_descending: bool = True

    def key(self) -> Any:
        """Return the expression that tickets are compared by."""
        if self.field == "title":
            return F("title_key")
        return SORT_KEYS[self.field](F(self.field), self.is_descending)

    def index(
        self,
        name: str,
        *,
        by: F | Func | None = None,
        include: Iterable[str] = (),
        condition: Q | None = None,
    ) -> models.Index:
        """Return an index for listing tickets in this order: all, those meeting a condition, or those alike in `by`."""
        key = self.key()
        columns = [key.desc(), F("id").desc()] if self.is_descending else [key, F("id")]
        if by:
            columns.insert(0, by)
        # Including what an expression is computed from lets PostgreSQL skip rows without a look at the table.
        sources = [] if self.field == "title" else [self.field]
        return models.Index(*columns, include=[*sources, *include], condition=condition, name=name)
