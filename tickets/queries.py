"""Which tickets there are, and, in raw SQL, what happened to them."""

import heapq
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import prefetch_related_objects

from accounts.models import User
from kit.dates import Span
from kit.db import sql
from sla.models import SlaState
from tickets.models import ASSIGNMENTS, Comment, Ordering, Status, Ticket, TicketQuerySet

ASSIGNEE = "assignee"
MAX_VERSION = 2**31 - 1
# By which a list can be asked for.
SLA_STATES = (SlaState.BREACHED, SlaState.AT_RISK, SlaState.MET, SlaState.MISSED)
DELETED = "Deleted user"
# In this order an item names them.
FIELDS = (
    *("title", "description", "project_id", "status", "type", "venue", "price", "priority"),
    *("due_at", "sla_due_at", "held_at", "hold_reason", "created_by_id", "created_at"),
)

# How many tickets of the order are looked at before the search begins at the other end.
WALK = 2_000
# Each has an index that goes on with created_at. Those that few tickets have in common come first.
WALKED = ("created_by_id", "venue", "project_id", "type", "sla_met", "status")


@dataclass(frozen=True, kw_only=True)
class TicketFilter:
    """Which tickets are meant; None: any. All of it must match."""

    span: Span = field(default_factory=Span)
    status: str | None = None
    priority: str | None = None
    type: str | None = None
    venue: str | None = None
    project_id: int | None = None
    created_by_id: int | None = None
    assignee_id: int | None = None
    # Beginnings of words.
    search: Sequence[str] | None = None
    # SLA_STATES.
    sla: str | None = None

    def matching(self, *, at: datetime) -> TicketQuerySet:
        tickets: TicketQuerySet = self._during(Ticket.objects.filter(**self._equal()))
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
        """Those that an index finds in this order without a look at any other: all that match, and more."""
        equal = self._equal()
        if self.sla in (SlaState.MET, SlaState.MISSED):
            equal["sla_met"] = self.sla == SlaState.MET
        tickets: TicketQuerySet = Ticket.objects.all()
        if ordering.field == "created_at":
            name = next((name for name in WALKED if name in equal), None)
            return self._during(tickets.filter(**{name: equal[name]} if name else {}))
        if self.priority and ordering.field == "priority":
            return tickets.alike(ordering, self.priority)
        # What is open is passed over: in a desk of some age few are, but they may lie all together.
        return tickets.filter(status=Status.CLOSED) if self.status == Status.CLOSED else tickets

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
    """The first `limit` tickets that `viewer` may see, with their assignees; of these, those `after` a place.

    Costs the same at any depth that is reached by `after`; what is passed over by `offset` costs as if it were shown.
    PostgreSQL would have to guess whether to walk along the order until enough matches, or to fetch all that matches
    and sort it, and the wrong guess costs a walk along all tickets there are. So it is told: the next few in order are
    looked at, then the next thousands; where those do not suffice, little matches.
    """
    if filter.search == []:
        return []
    if viewer.is_staff and filter == TicketFilter():
        return _with_assignees(Ticket.objects.in_order(ordering, after=after)[offset : offset + limit])
    matching = filter.matching(at=at)
    # An export asks for more at once than a list does.
    far = max(WALK, 4 * limit)
    for walk in sorted({4 * limit, far, 4 * far}) if offset < WALK else ():
        order = filter.along(ordering).in_order(ordering, after=after).values("pk")
        near = matching.visible_to(viewer).filter(pk__in=order[:walk])
        found = list(near.in_order(ordering)[offset : offset + limit])
        # Full, or there is no more to walk: the last page, or a list of few.
        if len(found) == limit or not order[walk : walk + 1]:
            return _with_assignees(found)
        if walk >= WALK and len(found) < limit // 6:
            break
    # Apart, because of the few that somebody is involved in PostgreSQL has an index.
    visible = [matching] if viewer.is_staff else [matching.involving(viewer), matching.seen_by_everyone()]
    first, *others = (
        tickets.in_order(ordering, after=after, by_index=False).values("pk")[: offset + limit] for tickets in visible
    )
    foremost = Ticket.objects.filter(pk__in=first.union(*others)).in_order(ordering)
    return _with_assignees(foremost[offset : offset + limit])


def _with_assignees(tickets: Iterable[Ticket]) -> list[Ticket]:
    found = list(tickets)
    prefetch_related_objects(found, ASSIGNMENTS)
    return found


def comments(*, ticket_id: int, viewer: User, after_id: int = 0, limit: int) -> list[Comment]:
    """The first `limit` comments on a ticket that `viewer` may see, after one of them; oldest first, with authors."""
    comments = Comment.objects.visible_to(viewer).filter(ticket=ticket_id, pk__gt=after_id)
    return list(comments.select_related("author").order_by("pk")[:limit])


def last_comments(*, ticket_id: int, viewer: User, before_id: int = sql.MAX_ID, limit: int) -> list[Comment]:
    """The last `limit` of them, of those before one of them; oldest first, with authors."""
    comments = Comment.objects.visible_to(viewer).filter(ticket=ticket_id, pk__lt=before_id)
    return list(comments.select_related("author").order_by("-pk")[:limit])[::-1]


def words(text: str) -> list[str]:
    """The words of a text, as tickets are searched for them: runs of letters and digits, in lower case, each once.

    Without those that others begin with: who has these has them too.
    """
    found: list[str] = sql.row("tickets/words", words=text)["words"]
    return [word for word in found if not any(other.startswith(word) for other in found if other != word)]


@dataclass(frozen=True)
class Person:
    """Somebody, as they are called now; DELETED who has been deleted since."""

    id: int
    name: str


@dataclass(frozen=True)
class Change:
    """A field before and after, None: empty; the field ASSIGNEE: who was taken off or put to work."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Item:
    """What was done at once. `by` is None where nobody said who they are, as in psql."""

    id: int
    at: datetime
    by: Person | None
    door: str
    changes: list[Change]


@dataclass(frozen=True)
class Meanwhile:
    """What a field was at some time and is now, and who changed it last. Of an assignee: a name, where they were."""

    field: str
    before: Any
    after: Any
    at: datetime
    by: Person | None
    door: str


def meanwhile(*, ticket_id: int, since: int) -> list[Meanwhile]:
    """What was changed of a ticket since it had the version `since`, in order of the last changes. One query."""
    if not 1 <= since <= MAX_VERSION:
        return []
    rows = sql.rows("tickets/meanwhile", ticket_id=ticket_id, version=since, deleted=DELETED)
    return [_meanwhile(**row) for row in rows]


def changed_fields(*, ticket_id: int, since: int) -> list[str]:
    """The fields of a ticket that changed since it had the version `since`, ASSIGNEE among them; in order."""
    changed = {change.field for change in meanwhile(ticket_id=ticket_id, since=since)}
    return [name for name in (*FIELDS, ASSIGNEE) if name in changed]


def history(*, ticket_id: int, before_id: int | None = None, limit: int) -> list[Item]:
    """What was done to a ticket, newest first, of that the part before the item `before_id`.

    Complete, whatever did it: triggers write it down. One query, which costs the same however long the history is.
    """
    rows = sql.rows("tickets/history", ticket_id=ticket_id, before_id=before_id, row_limit=limit)
    return [_item(**row) for row in rows]


# Of things said and done the newest.
NEWEST = (sql.MAX_ID, sql.MAX_ID)


def conversation(
    *, ticket_id: int, viewer: User, before: tuple[int, int] = NEWEST, limit: int
) -> tuple[list[Item | Comment], tuple[int, int] | None]:
    """The last `limit` things done to a ticket or said about it that `viewer` may see, oldest first.

    Of those `before` a place, which is the ids of an item and of a comment; the second that is returned is the place
    before which there are more, None: there are not. Two queries, which cost the same however much there is.
    """
    item_id, comment_id = before
    done: list[Item | Comment] = [*history(ticket_id=ticket_id, before_id=item_id, limit=limit + 1)]
    said: list[Item | Comment] = [
        *reversed(last_comments(ticket_id=ticket_id, viewer=viewer, before_id=comment_id, limit=limit + 1))
    ]
    found = list(heapq.merge(said, done, key=_moment, reverse=True))
    shown = found[:limit]
    if len(found) > limit:
        item_id = min((entry.id for entry in shown if isinstance(entry, Item)), default=item_id)
        comment_id = min((entry.pk for entry in shown if isinstance(entry, Comment)), default=comment_id)
    return shown[::-1], (item_id, comment_id) if len(found) > limit else None


def _moment(entry: Item | Comment) -> datetime:
    """As precise as comments know it. Of what is of one moment, that was done first."""
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


def _meanwhile(
    *,
    field: str,
    before: str | None,
    after: str | None,
    at: datetime,
    door: str,
    actor_id: int | None,
    actor_name: str | None,
) -> Meanwhile:
    by = None if actor_id is None else Person(actor_id, actor_name or DELETED)
    if field == ASSIGNEE:
        return Meanwhile(field, before, after, at, by, door)
    was, is_now = (_value(field, json.loads(text or "null", parse_float=Decimal)) for text in (before, after))
    return Meanwhile(field, was, is_now, at, by, door)


def _changes(text: str) -> list[Change]:
    pairs = json.loads(text, parse_float=Decimal)
    return [Change(field, *(_value(field, value) for value in pairs[field])) for field in FIELDS if field in pairs]


def _value(field: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if value is not None and field.endswith("_at") else value
