"""Macros: writing them, and applying them to a ticket."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import User
from kit.db.sql import violated
from kit.errors import Conflict, Forbidden, Invalid, Missing
from kit.versions import Expected
from tickets import placeholders
from tickets.models import MAX_MESSAGE, Macro, Status, Ticket
from tickets.models.label import normalized
from tickets.services.assignments import add_assignee
from tickets.services.changes import check_version, checked, lock, refresh, write_around
from tickets.services.comments import write_comment
from tickets.services.errors import NotAllowed
from tickets.services.holds import put_on_hold
from tickets.services.merges import remaining_id

NOTHING_TO_DO = "Enter a text or choose something to change."
HOLD_OR_CLOSE = "A ticket cannot be closed and put on hold at once."


class MacroNotFound(Missing):
    message = "Macro not found"


class MacroNameTaken(Conflict):
    message = "Another macro has this name"


class TextTooLong(Invalid):
    message = f"The text is longer than {MAX_MESSAGE:,} characters with its placeholders filled in"


def create_macro(*, by: User, is_shared: bool = False, **fields: Any) -> Macro:
    """Create a macro of the user's own or a shared one.

    :raises Forbidden: a shared macro, and `by` is not an admin.
    :raises Invalid: a placeholder does not exist; the macro does nothing; it closes tickets and puts them on hold.
    :raises MacroNameTaken: another macro of the user's, or another shared one, has this name, regardless of case.
    """
    return _save(Macro(), by=by, is_shared=is_shared, **fields)


@transaction.atomic
def update_macro(*, macro_id: int, by: User, **changes: Any) -> Macro:
    """Change a macro. `is_shared` shares it, or makes it the user's own.

    :raises MacroNotFound: no such macro, or another user's.
    :raises Forbidden: a shared macro, before or after, and `by` is not an admin.
    :raises Invalid, MacroNameTaken: as for `create_macro`.
    """
    macro = _lock(macro_id, by=by)
    return _save(macro, by=by, **{"is_shared": macro.is_shared} | changes)


@transaction.atomic
def delete_macro(*, macro_id: int, by: User) -> None:
    """Delete a macro.

    :raises MacroNotFound, Forbidden: as for `update_macro`.
    """
    _lock(macro_id, by=by).delete()


def _lock(macro_id: int, *, by: User) -> Macro:
    macro = Macro.objects.usable_by(by).select_for_update().filter(pk=macro_id).first()
    if macro is None:
        raise MacroNotFound
    if not macro.may_be_changed_by(by):
        raise Forbidden
    return macro


def _save(macro: Macro, *, by: User, is_shared: bool, **fields: Any) -> Macro:
    if is_shared and not by.is_admin:
        raise Forbidden
    for name, value in fields.items():
        setattr(macro, name, value)
    macro.owner = None if is_shared else by
    macro.labels = normalized(macro.labels)
    if not macro.puts_on_hold:
        macro.hold_reason = ""
    if faults := placeholders.faults(macro.text):
        raise Invalid(fields={"text": faults})
    if not any((macro.text, macro.status, macro.priority, macro.labels, macro.assigns_me, macro.puts_on_hold)):
        raise Invalid(fields={"text": [NOTHING_TO_DO]})
    if macro.puts_on_hold and macro.status == Status.CLOSED:
        raise Invalid(fields={"status": [HOLD_OR_CLOSE]})
    try:
        with transaction.atomic():
            macro.save()
    except IntegrityError as error:
        if violated(error) == "macro_name_unique":
            raise MacroNameTaken(fields={"name": [f"{MacroNameTaken.message}."]}) from error
        raise
    return macro


@transaction.atomic
def apply_macro(
    *,
    ticket_id: int,
    macro_id: int,
    by: User,
    at: datetime,
    message: str | None = None,
    expected: Expected | None = None,
) -> Ticket:
    """Comment on a ticket with the text of a macro, and change it as the macro says, in one transaction.

    `message` replaces the macro's text after it was edited. Admins, who cannot be assigned, are left out of the
    assignees. A macro that is used on a merged ticket works on the ticket that it was merged into.

    :raises TicketNotFound, VersionConflict, PreconditionFailed, Invalid: as for `update`.
    :raises NotAllowed: `by` is not staff.
    :raises MacroNotFound: no such macro, or another user's.
    :raises TextTooLong:
    :raises TicketClosed, AssignmentLimitReached: as for `assign`.
    :raises ClosedForHold: as for `hold`.
    """
    ticket = lock(remaining_id(ticket_id), by=by)
    if not by.is_staff:
        raise NotAllowed
    check_version(ticket, expected)
    macro = Macro.objects.usable_by(by).filter(pk=macro_id).first()
    if macro is None:
        raise MacroNotFound
    text = placeholders.filled(macro.text, ticket=ticket, agent=by) if message is None else message
    if len(text) > MAX_MESSAGE:
        raise TextTooLong
    if text.strip():
        write_comment(ticket.pk, by=by, at=at, message=text, is_internal=macro.is_internal)
    _change(ticket, macro, by=by, at=at)
    refresh(ticket)
    return ticket


def _change(ticket: Ticket, macro: Macro, *, by: User, at: datetime) -> None:
    changes: dict[str, Any] = {name: getattr(macro, name) for name in ("status", "priority") if getattr(macro, name)}
    if macro.labels:
        changes["labels"] = normalized([*ticket.labels, *macro.labels])

    def assign() -> None:
        if macro.assigns_me and not by.is_admin and not ticket.assignments.filter(user=by).exists():
            add_assignee(ticket, by.pk, by=by, at=at)

    write_around(ticket, checked(ticket, changes, by=by, at=at), assign)
    if macro.puts_on_hold and ticket.held_at is None:
        put_on_hold(ticket, at=at, reason=macro.hold_reason)
