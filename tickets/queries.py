"""Reads: lists of tickets, their comments, and their history."""

import heapq
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Max, Min, prefetch_related_objects

from accounts.models import User
from kit.dates import Span
from kit.db import sql
from projects.models import Project, Visibility
from sla.models import SlaState
from tickets.models import (
    ASSIGNMENTS,
    TITLED_FIELDS,
    WEEKLY_FIELDS,
    Comment,
    Ordering,
    Status,
    Ticket,
    TicketQuerySet,
    weeks,
)

ASSIGNEE = "assignee"
MAX_VERSION = 2**31 - 1
# The states that a list can be filtered by.
SLA_STATES = (SlaState.BREACHED, SlaState.AT_RISK, SlaState.MET, SlaState.MISSED)
DELETED = "Deleted user"
# The fields in the history, in the order in which they are shown.
FIELDS = (
    *("title", "description", "project_id", "status", "type", "venue", "price", "priority"),
    *("due_at", "sla_due_at", "held_at", "hold_reason", "created_by_id", "created_at"),
)

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
        elif not self.is_weekly and not self.is_sorted_soon:
            yield 4 * far

    @property
    def is_span(self) -> bool:
        return self.filter == TicketFilter(span=self.filter.span)

    @property
    def is_weekly(self) -> bool:
        return self.is_span and self.ordering.field in WEEKLY_FIELDS

    @property
    def is_sorted_soon(self) -> bool:
        """Return whether one index has all that is needed to sort the tickets that are not closed, which are few."""
        is_walked = self.ordering in UNCLOSED_ORDERINGS or self.ordering.field in ("created_at", "title")
        return self.filter.excludes_closed and self.filter.search is None and not is_walked

    def by_weeks(self) -> list[Ticket] | None:
        """Return the page of a span from the first tickets of each of its weeks, or None if no index lists these."""
        if not self.is_weekly:
            return None
        created = Ticket.objects.aggregate(first=Min("created_at"), last=Max("created_at"))
        span = self.filter.span
        begun = weeks(span.starts_at or created["first"], span.ends_at or created["last"])
        if not 0 < len(begun) <= MAX_WEEKS:
            return None
        visible = self.filter.matching(at=self.at).visible_to(self.viewer).in_order(self.ordering, after=self.after)
        first, *others = (visible.created_in_week(week).values("pk")[: self.stop] for week in begun)
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


def comments(*, ticket_id: int, viewer: User, after_id: int = 0, limit: int) -> list[Comment]:
    """Return the first `limit` comments that `viewer` may see, after the comment `after_id`; oldest first."""
    comments = Comment.objects.visible_to(viewer).filter(ticket=ticket_id, pk__gt=after_id)
    return list(comments.select_related("author").defer("author__search").order_by("pk")[:limit])


def last_comments(*, ticket_id: int, viewer: User, before_id: int = sql.MAX_ID, limit: int) -> list[Comment]:
    """Return the last `limit` comments that `viewer` may see, before the comment `before_id`; oldest first."""
    comments = Comment.objects.visible_to(viewer).filter(ticket=ticket_id, pk__lt=before_id)
    return list(comments.select_related("author").defer("author__search").order_by("-pk")[:limit])[::-1]


@dataclass(frozen=True)
class Person:
    """A user with their current name, or DELETED if they have since been deleted."""

    id: int
    name: str


@dataclass(frozen=True)
class Change:
    """A field before and after; None is empty. For the field ASSIGNEE, the person removed or added."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Item:
    """An entry of the history. `by` is None if the transaction named no actor, as in psql."""

    id: int
    at: datetime
    by: Person | None
    door: str
    changes: list[Change]


@dataclass(frozen=True)
class LaterChange:
    """A field then and now, and who changed it last. For the field ASSIGNEE, the name of the person."""

    field: str
    before: Any
    after: Any
    at: datetime
    by: Person | None
    door: str


def changes_since(*, ticket_id: int, since: int) -> list[LaterChange]:
    """Return what has changed since the version `since`, ordered by each field's last change. One query."""
    if not 1 <= since <= MAX_VERSION:
        return []
    rows = sql.rows("tickets/changes_since", ticket_id=ticket_id, version=since, deleted=DELETED)
    return [_later_change(**row) for row in rows]


def changed_fields(*, ticket_id: int, since: int) -> list[str]:
    """Return the names of the fields that have changed since the version `since`, ASSIGNEE last."""
    changed = {change.field for change in changes_since(ticket_id=ticket_id, since=since)}
    return [name for name in (*FIELDS, ASSIGNEE) if name in changed]


def history(*, ticket_id: int, before_id: int | None = None, limit: int) -> list[Item]:
    """Return the last `limit` entries of a ticket's history, before the entry `before_id`; newest first.

    Triggers write the history, so it includes changes made in SQL. One query, whose cost does not depend on its length.
    """
    rows = sql.rows("tickets/history", ticket_id=ticket_id, before_id=before_id, row_limit=limit)
    return [_item(**row) for row in rows]


# The position after the newest entry of a conversation.
NEWEST = (sql.MAX_ID, sql.MAX_ID)


def conversation(
    *, ticket_id: int, viewer: User, before: tuple[int, int] = NEWEST, limit: int
) -> tuple[list[Item | Comment], tuple[int, int] | None]:
    """Return the last `limit` changes and comments that `viewer` may see, oldest first, and where to continue.

    A position is a pair of ids, of a history entry and a comment. The returned one is None if nothing comes before it.
    Two queries, whose cost does not depend on the length of the conversation.
    """
    item_id, comment_id = before
    changes: list[Item | Comment] = [*history(ticket_id=ticket_id, before_id=item_id, limit=limit + 1)]
    comments: list[Item | Comment] = [
        *reversed(last_comments(ticket_id=ticket_id, viewer=viewer, before_id=comment_id, limit=limit + 1))
    ]
    found = list(heapq.merge(comments, changes, key=_moment, reverse=True))
    shown = found[:limit]
    if len(found) > limit:
        item_id = min((entry.id for entry in shown if isinstance(entry, Item)), default=item_id)
        comment_id = min((entry.pk for entry in shown if isinstance(entry, Comment)), default=comment_id)
    return shown[::-1], (item_id, comment_id) if len(found) > limit else None


def _moment(entry: Item | Comment) -> datetime:
    """Return when an entry was made, truncated to the precision of comments. In a tie, changes come first."""
    if isinstance(entry, Comment):
        return entry.created_at
    return entry.at.replace(microsecond=entry.at.microsecond // 1000 * 1000)


def _item(
    *,
    id: int,  # noqa: A002
    at: datetime,
    door: str,
    actor_id: int | None,
    actor_name: str | None,
    changes: str | None,
    assignee_id: int | None,
    assignee_name: str | None,
    is_assigned: bool,
) -> Item:
    by = None if actor_id is None else Person(actor_id, actor_name or DELETED)
    if assignee_id is None:
        return Item(id, at, by, door, _changes(changes or "{}"))
    assignee = Person(assignee_id, assignee_name or DELETED)
    change = Change(ASSIGNEE, None, assignee) if is_assigned else Change(ASSIGNEE, assignee, None)
    return Item(id, at, by, door, [change])


def _later_change(
    *,
    field: str,
    before: str | None,
    after: str | None,
    at: datetime,
    door: str,
    actor_id: int | None,
    actor_name: str | None,
) -> LaterChange:
    by = None if actor_id is None else Person(actor_id, actor_name or DELETED)
    if field == ASSIGNEE:
        return LaterChange(field, before, after, at, by, door)
    was, is_now = (_value(field, json.loads(text or "null", parse_float=Decimal)) for text in (before, after))
    return LaterChange(field, was, is_now, at, by, door)


def _changes(text: str) -> list[Change]:
    pairs = json.loads(text, parse_float=Decimal)
    return [Change(field, *(_value(field, value) for value in pairs[field])) for field in FIELDS if field in pairs]


def _value(field: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if value is not None and field.endswith("_at") else value
