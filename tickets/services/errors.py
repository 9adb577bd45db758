"""Why a change of a ticket is refused."""

from kit.errors import Conflict, Forbidden, Invalid, Missing, Refused
from tickets.models import MAX_LABELS

# Field errors that need the database or the time.
DUE_DATE_PAST = "The due date must be in the future."
NO_SUCH_PROJECT = "No such project."
NO_SUCH_USER = "No such user."
NOT_A_CUSTOMER = "Choose a customer."
NO_SUCH_TICKET = "No such ticket."
TOO_MANY_LABELS = f"A ticket can have at most {MAX_LABELS} labels."


class TicketNotFound(Missing):
    message = "Ticket not found"


class NotAllowed(Forbidden):
    """Neither the creator nor staff nor, where assignees are allowed too, an assignee."""

    code = "not_allowed"


class TicketClosed(Conflict):
    message = "Cannot assign users to a closed ticket"


class UserNotFound(Missing):
    message = "User does not exist"


class AdminNotAssignable(Invalid):
    message = "Cannot assign a ticket to an admin"


class AlreadyAssigned(Conflict):
    message = "User already assigned"


class AssignmentLimitReached(Conflict):
    message = "User assignment limit reached"


class NotAssigned(Missing):
    message = "User is not assigned"


class AlreadyOnHold(Conflict):
    message = "Ticket is already on hold"


class NotOnHold(Conflict):
    message = "Ticket is not on hold"


class ClosedForHold(Conflict):
    message = "Cannot put a closed ticket on hold"


class MergedIntoItself(Conflict):
    message = "Cannot merge a ticket into itself"


class AlreadyMerged(Conflict):
    message = "Ticket was already merged into another one"


class TargetMerged(Conflict):
    message = "Cannot merge into a ticket that was merged itself"


class MergedStaysClosed(Conflict):
    message = "Cannot reopen a merged ticket"


class InternalForStaff(Forbidden):
    message = "Only staff can write internal comments"


# What a violated constraint means: other SQL broke the rule after it was checked here.
ERROR_OF_CONSTRAINT: dict[str, type[Refused]] = {
    "assignment_open_ticket": TicketClosed,
    "assignment_active_user": UserNotFound,
    "assignment_no_admin": AdminNotAssignable,
    "assignment_once": AlreadyAssigned,
    "assignment_slot_once": AssignmentLimitReached,
    "assignment_limit": AssignmentLimitReached,
}
