"""Commenting on a ticket."""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from tickets.models import Comment
from tickets.services.changes import check_visible, checked, lock, write
from tickets.services.errors import InternalForStaff, NotAllowed
from tickets.services.fields import in_milliseconds
from tickets.services.holds import put_on_hold
from tickets.services.merges import remaining_id


@transaction.atomic
def comment(*, ticket_id: int, by: User, at: datetime, message: str, is_internal: bool = False) -> Comment:
    """Comment on a ticket, even on a closed one. This does not change its version; triggers notify the people involved.

    A comment on a merged ticket goes to the ticket that it was merged into.

    :raises TicketNotFound: no such ticket, or not visible to `by`.
    :raises InternalForStaff: an internal comment, and `by` is not staff.
    """
    check_visible(ticket_id, by=by)
    return write_comment(ticket_id, by=by, at=at, message=message, is_internal=is_internal)


@transaction.atomic
def reply(
    *, ticket_id: int, by: User, at: datetime, message: str, is_internal: bool = False, status: str | None = None
) -> Comment:
    """Comment on a ticket and set its status, in one transaction. None keeps the status.

    For a merged ticket, both go to the ticket that it was merged into.

    :raises TicketNotFound, InternalForStaff: as for `comment`.
    :raises NotAllowed: as for `update`.
    """
    if status is None:
        return comment(ticket_id=ticket_id, by=by, at=at, message=message, is_internal=is_internal)
    ticket = lock(remaining_id(ticket_id), by=by)
    written = write_comment(ticket.pk, by=by, at=at, message=message, is_internal=is_internal)
    write(ticket, checked(ticket, {"status": status}, by=by, at=at))
    return written


@transaction.atomic
def reply_and_hold(
    *, ticket_id: int, by: User, at: datetime, message: str, is_internal: bool = False, reason: str = ""
) -> Comment:
    """Comment on a ticket and put it on hold, in one transaction.

    :raises TicketNotFound, InternalForStaff: as for `comment`.
    :raises NotAllowed, ClosedForHold, AlreadyOnHold: as for `hold`.
    """
    ticket = lock(remaining_id(ticket_id), by=by)
    written = write_comment(ticket.pk, by=by, at=at, message=message, is_internal=is_internal)
    if not by.is_staff:
        raise NotAllowed
    put_on_hold(ticket, at=at, reason=reason)
    return written


def write_comment(ticket_id: int, *, by: User, at: datetime, message: str, is_internal: bool) -> Comment:
    """Comment on a ticket whose rules the caller has checked.

    :raises InternalForStaff: an internal comment, and `by` is not staff.
    """
    if is_internal and not by.is_staff:
        raise InternalForStaff
    return Comment.objects.create(
        ticket_id=ticket_id, author=by, message=message, is_internal=is_internal, created_at=in_milliseconds(at)
    )
