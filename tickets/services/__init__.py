"""Use cases that change tickets, with the acting user as `by` and, where it matters, the time as `at`.

Changes of an existing ticket lock its row first and then check the rules, in one transaction. Triggers write the
history, move the version and queue the mail.
"""

from tickets.services.assignments import assign, hand_over, unassign
from tickets.services.changes import change_faults, update
from tickets.services.comments import comment, reply, reply_and_hold
from tickets.services.creation import create, create_many, new_faults, new_faults_of_many
from tickets.services.errors import (
    DUE_DATE_PAST,
    NO_SUCH_PROJECT,
    NO_SUCH_USER,
    AdminNotAssignable,
    AlreadyAssigned,
    AlreadyOnHold,
    AssignmentLimitReached,
    ClosedForHold,
    InternalForStaff,
    NotAllowed,
    NotAssigned,
    NotOnHold,
    TicketClosed,
    TicketNotFound,
    UserNotFound,
)
from tickets.services.holds import hold, resume
from tickets.services.labels import fold_label_counts
from tickets.services.presences import forget_absent, look
from tickets.services.reassignments import (
    MAX_HANDED_OVER,
    UNDO_TIME,
    Choice,
    NothingToUndo,
    Reassigned,
    SamePerson,
    TooManyToHandOver,
    adding,
    deactivate,
    hand_over_all,
    instead,
    keep_for_undo,
    only,
    reassign,
    take_undo,
    undo,
    undoable,
)
from tickets.services.watching import unwatch, watch

__all__ = [
    "DUE_DATE_PAST",
    "MAX_HANDED_OVER",
    "NO_SUCH_PROJECT",
    "NO_SUCH_USER",
    "UNDO_TIME",
    "AdminNotAssignable",
    "AlreadyAssigned",
    "AlreadyOnHold",
    "AssignmentLimitReached",
    "Choice",
    "ClosedForHold",
    "InternalForStaff",
    "NotAllowed",
    "NotAssigned",
    "NotOnHold",
    "NothingToUndo",
    "Reassigned",
    "SamePerson",
    "TicketClosed",
    "TicketNotFound",
    "TooManyToHandOver",
    "UserNotFound",
    "adding",
    "assign",
    "change_faults",
    "comment",
    "create",
    "create_many",
    "deactivate",
    "fold_label_counts",
    "forget_absent",
    "hand_over",
    "hand_over_all",
    "hold",
    "instead",
    "keep_for_undo",
    "look",
    "new_faults",
    "new_faults_of_many",
    "only",
    "reassign",
    "reply",
    "reply_and_hold",
    "resume",
    "take_undo",
    "unassign",
    "undo",
    "undoable",
    "unwatch",
    "update",
    "watch",
]
