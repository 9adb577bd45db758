"""Lists of tickets: filters, orders, and how to find a page quickly among a million."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import Max, Min, prefetch_related_objects

from accounts.models import User
from kit.dates import Span
from projects.models import Project, Visibility
from sla.models import SlaState
from tickets.models import ASSIGNMENTS, TITLED_FIELDS, WEEKLY_FIELDS, Ordering, Status, Ticket, TicketQuerySet, weeks

# The states that a list can be filtered by.
SLA_STATES = (SlaState.BREACHED, SlaState.AT_RISK, SlaState.MET, SlaState.MISSED)

# How many tickets to walk past, in order, before giving up on filling a page that way.
WALK = 2_000
# How many to find a match of a search among. Looking up words in their index is slower if they are common.
SEARCH_WALK = 400
# How many where the index alone tells which tickets match, which is much faster.
FAR_WALK = 20_000
# How many weeks of a span to put together. Each is a part of the statement, which takes longer to plan.
MAX_WEEKS = 26
# Fields with an index that continues with created_at, the most selective first.
WALKED_FIELDS = ("created_by_id", "venue", "project_id", "type", "sla_met", "status")


# Orders in which a single index lists the tickets that are not closed.
UNCLOSED_ORDERINGS = (
    Ordering("updated_at", is_descending=False),
    Ordering("title", is_descending=False),
    Ordering("title", is_descending=True),
)


@dataclass(frozen=True, kw_only=True)
class TicketFilter:
    """Conditions that tickets must all meet. None means no condition."""

    span: Span = field(default_factory=Span)
    status: str | None = None
    priority: str | None = None
    type: str | None = None
    venue: str | None = None
    project_id: int | None = None
    created_by_id: int | None = None
    assignee_id: int | None = None
    # Words, or their beginnings.
    search: str | None = None
    # One of SLA_STATES.
    sla: str | None = None

    def matching(self, *, at: datetime, among: TicketQuerySet | None = None) -> TicketQuerySet:
        """Select the tickets that meet all conditions, `among` those given."""
        tickets: TicketQuerySet = Ticket.objects.all() if among is None else Ticket.objects.among(among)
        tickets = self._during(tickets.filter(**self._equal()))
        if self.assignee_id is not None:
            tickets = tickets.filter(assignments__user_id=self.assignee_id)
        match self.sla:
            case SlaState.BREACHED:
                tickets = tickets.breached(at)
            case SlaState.AT_RISK:
                tickets = tickets.at_risk(at)
            case SlaState.MET:
                tickets = tickets.met()
            case SlaState.MISSED:
                tickets = tickets.missed()
        return tickets if self.search is None else tickets.search(self.search)

    def along(self, ordering: Ordering) -> TicketQuerySet:
        """Select a superset of the matching tickets that a single index lists in this order."""
        equal = self._equal()
        if self.sla in (SlaState.MET, SlaState.MISSED):
            equal["sla_met"] = self.sla == SlaState.MET
        tickets: TicketQuerySet = Ticket.objects.all()
        if ordering.field == "created_at":
            name = next((name for name in WALKED_FIELDS if name in equal), None)
            return self._during(tickets.filter(**{name: equal[name]} if name else {}))
        if ordering.field == "title" and (name := next((name for name in TITLED_FIELDS if name in equal), None)):
            return tickets.filter(**{name: equal[name]})
        if self.priority and ordering.field == "priority":
            return tickets.alike(ordering, self.priority)
        if ordering in UNCLOSED_ORDERINGS and self.excludes_closed:
            return tickets.exclude(status=Status.CLOSED)
        # An established desk has few open tickets, but they may be clustered and would use up the whole walk.
        return tickets.filter(status=Status.CLOSED) if self.status == Status.CLOSED else tickets

    @property
    def excludes_closed(self) -> bool:
        return self.status in (Status.OPEN, Status.IN_PROGRESS) or self.sla in (SlaState.BREACHED, SlaState.AT_RISK)

    def _equal(self) -> dict[str, Any]:
        names = ("status", "priority", "type", "venue", "project_id", "created_by_id")
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    def _during(self, tickets: TicketQuerySet) -> TicketQuerySet:
        if self.span.starts_at:
            tickets = tickets.filter(created_at__gte=self.span.starts_at)
        return tickets.filter(created_at__lt=self.span.ends_at) if self.span.ends_at else tickets


def tickets(
    *,
    viewer: User,
    filter: TicketFilter,  # noqa: A002
    ordering: Ordering,
    after: tuple[Any, int] | None = None,
    offset: int = 0,
    limit: int,
    at: datetime,
) -> list[Ticket]:
    """Return the first `limit` matching tickets that `viewer` may see after a position, with their assignees.

    Any depth costs the same when it is reached by `after`; tickets skipped by `offset` cost as much as those returned.
    """
    page = _Page(viewer=viewer, filter=filter, ordering=ordering, after=after, start=offset, stop=offset + limit, at=at)
    if viewer.is_staff and filter == TicketFilter():
        return _with_assignees(page.of(Ticket.objects.in_order(ordering, after=after)))
    for find in (page.by_walking, page.by_weeks):
        if (found := find()) is not None:
            return _with_assignees(found)
    return _with_assignees(page.by_sorting())


@dataclass(frozen=True, kw_only=True)
class _Page:
    """One page of a filtered list, and the ways to find it.

    PostgreSQL would have to guess whether to walk along the order until enough tickets match, or to fetch all matches
    and sort them, and a wrong guess costs a walk along the whole table. So this class decides: it walks along the next
    few tickets in order, then along the next thousands. If those do not fill the page, few tickets match: sort those.
    Or many match that are all far down the order: the wide indexes make up for that, as far as they can, and a span is
    put together from its weeks.
    """

    viewer: User
    filter: TicketFilter
    ordering: Ordering
    after: tuple[Any, int] | None
    start: int
    stop: int
    at: datetime

    def of(self, tickets: TicketQuerySet) -> TicketQuerySet:
        return tickets[self.start : self.stop]

    def by_walking(self) -> list[Ticket] | None:
        """Return the page if it lies within the next tickets in order, else None."""
        if self.start >= WALK:
            return None
        limit = self.stop - self.start
        # The columns to search and sort by are deferred otherwise. PostgreSQL reads only those that it needs.
        walk = self.filter.along(self.ordering).in_order(self.ordering, after=self.after).defer(None)
        for size in self._window_sizes(limit):
            visible = self.filter.matching(at=self.at, among=walk[:size]).visible_to(self.viewer)
            found = self._loaded(visible.in_order(self.ordering).values("pk")[: self.stop])
            # The page is full, or it is the last one because there is nothing left to walk along.
            if len(found) == limit or not walk.values("pk")[size : size + 1]:
                return found
            if self.filter.search is not None and len(found) < max(1, limit // 10):
                # Matches of rare words are soon found in their index.
                return None
        return None

    def _window_sizes(self, limit: int) -> Iterator[int]:
        """Yield how far to walk: past a few tickets for common matches, then thousands, or more for large exports."""
        far = max(WALK, 4 * limit)
        if self.filter.search is not None:
            yield from sorted({max(SEARCH_WALK, 4 * limit), far, 4 * far})
            return
        yield 4 * limit
        if self.is_span and self.ordering.field == "title":
            yield max(FAR_WALK, 4 * far)
        elif not self.span_weeks and not self.is_sorted_soon:
            yield 4 * far

    @property
    def is_span(self) -> bool:
        return self.filter == TicketFilter(span=self.filter.span)

    @cached_property
    def span_weeks(self) -> list[datetime]:
        """The weeks to put a span together from: none if no index lists these, or if there are too many."""
        if not self.is_span or self.ordering.field not in WEEKLY_FIELDS:
            return []
        span = self.filter.span
        starts_at = span.starts_at or Ticket.objects.aggregate(at=Min("created_at"))["at"]
        ends_at = span.ends_at or Ticket.objects.aggregate(at=Max("created_at"))["at"]
        # Without tickets, an open span has no bounds.
        found = weeks(starts_at, ends_at) if starts_at and ends_at else []
        return found if len(found) <= MAX_WEEKS else []

    @property
    def is_sorted_soon(self) -> bool:
        """Return whether one index has all that is needed to sort the tickets that are not closed, which are few."""
        is_walked = self.ordering in UNCLOSED_ORDERINGS or self.ordering.field in ("created_at", "title")
        return self.filter.excludes_closed and self.filter.search is None and not is_walked

    def by_weeks(self) -> list[Ticket] | None:
        """Return the page of a span from the first tickets of each of `span_weeks`, or None if there are none."""
        if not self.span_weeks:
            return None
        visible = self.filter.matching(at=self.at).visible_to(self.viewer).in_order(self.ordering, after=self.after)
        first, *others = (visible.created_in_week(week).values("pk")[: self.stop] for week in self.span_weeks)
        return self._loaded(first.union(*others, all=True))

    def by_sorting(self) -> list[Ticket]:
        """Return the page from all matches, for filters that few tickets meet."""
        matching = self.filter.matching(at=self.at)
        selections = [matching.visible_to(self.viewer)]
        # Selected separately, since PostgreSQL has indexes for the few tickets that involve a customer. A search has an
        # index of its own, in which it would be looked up each time.
        if not self.viewer.is_staff and self.filter.search is None and not self.is_sorted_soon:
            selections = matching.involving(self.viewer)
            project = self.filter.project_id
            if project is None or Project.objects.filter(pk=project, visibility=Visibility.EVERYONE).exists():
                selections.append(matching.seen_by_everyone())
        first, *others = (
            selection.in_order(self.ordering, after=self.after).without_index().values("pk")[: self.stop]
            for selection in selections
        )
        return self._loaded(first.union(*others))

    def _loaded(self, ids: Any) -> list[Ticket]:
        return list(self.of(Ticket.objects.filter(pk__in=ids).in_order(self.ordering)))


def _with_assignees(tickets: Iterable[Ticket]) -> list[Ticket]:
    found = list(tickets)
    prefetch_related_objects(found, ASSIGNMENTS)
    return found
