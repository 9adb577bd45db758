"""The orders in which tickets are listed, each backed by an index."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self, cast

from django.db import models
from django.db.models import Case, Expression, F, Func, OrderBy, Q, Value, When
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact, GreaterThan, LessThan
from django.db.models.sql.datastructures import BaseTable

from kit.search.expressions import SortKey
from sla.models import Priority

if TYPE_CHECKING:
    from tickets.models.ticket import Ticket

    TicketQuerySetBase = models.QuerySet[Ticket]
else:
    TicketQuerySetBase = models.QuerySet


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

    def key_of(self, value: Any, model: type[models.Model]) -> Expression:
        """Return the key of a value of the field, which may be None."""
        column = cast("models.Field[Any, Any]", model._meta.get_field(self.field))
        return SORT_KEYS[self.field](Value(value, output_field=column), self.is_descending)

    def place(self, ticket: "Ticket") -> tuple[Any, int]:
        """Return the position of a ticket in this order, for `in_order(after=…)`."""
        return getattr(ticket, self.field), ticket.pk

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


class _Rows(BaseTable):
    """The rows of a query in the place of a table."""

    def __init__(self, rows: models.QuerySet[Any], alias: Any) -> None:
        super().__init__(rows.model._meta.db_table, alias)
        self.rows = rows

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        sql, params = self.rows.query.as_sql(compiler, connection)
        return f"({sql}) {compiler.quote_name_unless_alias(self.table_alias)}", params

    def relabeled_clone(self, change_map: dict[Any, Any]) -> "_Rows":
        return _Rows(self.rows, change_map.get(self.table_alias, self.table_alias))


class OrderedQuerySet(TicketQuerySetBase):
    """The part of TicketQuerySet that puts tickets in order."""

    def among(self, tickets: Self) -> Self:
        """Select from these tickets alone, which may be a slice. To be called first.

        PostgreSQL reads the slice once, in its order. With `pk__in` it would look up each of the tickets again, or
        start with all that meet the other conditions.
        """
        found = self.all()
        alias = found.query.get_initial_alias()
        found.query.alias_map[alias] = _Rows(tickets, alias)
        return found

    def in_order(self, ordering: Ordering, *, after: tuple[Any, int] | None = None) -> Self:
        """Sort by this order, starting after a position if one is given."""
        key = ordering.key()
        tickets = self.order_by(*(each.desc() if ordering.is_descending else each.asc() for each in (key, F("pk"))))
        if after is None:
            return tickets
        value, ticket_id = after
        row, position = _row(key, F("pk")), _row(ordering.key_of(value, self.model), Value(ticket_id))
        return tickets.filter(LessThan(row, position) if ordering.is_descending else GreaterThan(row, position))

    def without_index(self) -> Self:
        """Make PostgreSQL find all matches and sort them instead of walking the order's index. For few matches."""
        first, *others = cast("tuple[OrderBy, ...]", self.query.order_by)
        # GREATEST of one value is that value, but no index is on it.
        hidden = OrderBy(Func(first.expression, function="GREATEST"), descending=first.descending)
        return self.order_by(hidden, *others)

    def created_in_week(self, week: datetime) -> Self:
        """Select the tickets created in a week that begins at one of `weeks`."""
        return self.filter(Exact(CreationWeek("created_at"), week))

    def alike(self, ordering: Ordering, value: Any) -> Self:
        """Select the tickets that tie with `value` in this order."""
        return self.filter(Exact(ordering.key(), ordering.key_of(value, self.model)))


def _row(*values: Any) -> Func:
    # A row comparison is one step into the index; "greater, or equal and …" would walk along all ties.
    return Func(*values, function="ROW", output_field=models.TextField())
