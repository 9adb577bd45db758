"""Merging a ticket into another one."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from kit.db.sql import MAX_ID
from kit.errors import Invalid
from kit.versions import Expected
from tickets.models import MAX_ASSIGNEES, Comment, Status, Ticket, Watch
from tickets.models.clock import columns_of
from tickets.services import clock
from tickets.services.assignments import add_assignee
from tickets.services.changes import check_version, refresh, write
from tickets.services.errors import (
    NO_SUCH_TICKET,
    AlreadyMerged,
    MergedIntoItself,
    NotAllowed,
    TargetMerged,
    TicketNotFound,
)
from tickets.services.fields import Known


@transaction.atomic
def merge(*, ticket_id: int, into_id: int, by: User, at: datetime, expected: Expected | None = None) -> Ticket:
    """Merge a ticket into another one and close it. Return the other one.

    Comments, watchers and assignees move, assignees as far as the limit allows; a closed ticket takes none. The creator
    watches the other ticket from now on. Triggers add later comments to the other ticket.

    :raises TicketNotFound: no such ticket, or not visible to `by`.
    :raises NotAllowed: `by` is not staff.
    :raises VersionConflict, PreconditionFailed: as for `update`.
    :raises MergedIntoItself:
    :raises Invalid: no ticket `into_id`.
    :raises AlreadyMerged:
    :raises TargetMerged: the other ticket was merged itself, so this also rules out cycles.
    """
    tickets = _lock(ticket_id, into_id, by=by)
    source, target = tickets.get(ticket_id), tickets.get(into_id)
    if source is None:
        raise TicketNotFound
    if not by.is_staff:
        raise NotAllowed
    check_version(source, expected)
    if into_id == ticket_id:
        raise MergedIntoItself
    if target is None:
        raise Invalid(fields={"into": [NO_SUCH_TICKET]})
    if source.merged_into_id is not None:
        raise AlreadyMerged(f"Ticket was already merged into #{source.merged_into_id}")
    if target.merged_into_id is not None:
        raise TargetMerged(f"Ticket #{target.pk} was merged into #{target.merged_into_id}. Merge into that one")
    _move_assignees(source, target, by=by, at=at)
    _move_watchers(source, target)
    close = {"status": Status.CLOSED, "merged_into_id": target.pk}
    write(source, close | columns_of(clock.updated(source, close, at=at)))
    write(target, {"merged_from": [*target.merged_from, source.pk]})
    # After the source was marked as merged, which the trigger keep_comment requires.
    Comment.objects.filter(ticket=source).update(ticket=target)
    refresh(target)
    return target


def remaining_id(ticket_id: int) -> int:
    """Return the ticket that a merged ticket has become part of, or the ticket itself."""
    while target_id := Ticket.objects.filter(pk=ticket_id).values_list("merged_into", flat=True).first():
        ticket_id = target_id
    return ticket_id


def _lock(*ids: int, by: User) -> dict[int, Ticket]:
    """Lock tickets in the order of their ids, also against new comments, which would miss the merge."""
    storable = [number for number in ids if number <= MAX_ID]
    tickets = Ticket.objects.visible_to(by).select_for_update(of=("self",))
    return {ticket.pk: ticket for ticket in tickets.filter(pk__in=storable).order_by("pk")}


def _move_assignees(source: Ticket, target: Ticket, *, by: User, at: datetime) -> None:
    if target.status == Status.CLOSED:
        return
    moving = list(source.assignments.order_by("pk").values_list("user_id", flat=True))
    assigned = set(target.assignments.values_list("user_id", flat=True))
    # All of them are locked at once, because triggers lock them one by one.
    people = Known.of([{"assigned_user_ids": moving}], by=by).people
    able = [number for number in moving if number not in assigned and people[number].is_active]
    added = able[: MAX_ASSIGNEES - len(assigned)]
    source.assignments.filter(user_id__in=[*added, *assigned]).delete()
    for user_id in added:
        add_assignee(target, user_id, by=by, at=at)


def _move_watchers(source: Ticket, target: Ticket) -> None:
    users = User.objects.filter(Q(watches__ticket=source) | Q(pk=source.created_by_id))
    watchers = users.exclude(pk=target.created_by_id).order_by("pk").distinct().values_list("pk", flat=True)
    Watch.objects.bulk_create([Watch(ticket=target, user_id=number) for number in watchers], ignore_conflicts=True)
    source.watches.all().delete()
