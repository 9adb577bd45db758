"""Use cases that change tickets, with the acting user as `by` and, where it matters, the time as `at`.

Changes of an existing ticket lock its row first and then check the rules, in one transaction. Triggers write the
history, move the version and queue the mail.
"""

from tickets.services.assignments import assign, hand_over, unassign
from tickets.services.changes import change_faults, update
from tickets.services.comments import comment, reply
from tickets.services.creation import create, create_many, new_faults, new_faults_of_many
from tickets.services.errors import (
    DUE_DATE_PAST,
    NO_SUCH_PROJECT,
    NO_SUCH_TICKET,
    NO_SUCH_USER,
    AdminNotAssignable,
    AlreadyAssigned,
    AlreadyMerged,
    AlreadyOnHold,
    AssignmentLimitReached,
    ClosedForHold,
    InternalForStaff,
    MergedIntoItself,
    MergedStaysClosed,
    NotAllowed,
    NotAssigned,
    NotOnHold,
    TargetMerged,
    TicketClosed,
    TicketNotFound,
    UserNotFound,
)
from tickets.services.holds import hold, resume
from tickets.services.labels import fold_label_counts
from tickets.services.macros import (
    MacroNameTaken,
    MacroNotFound,
    TextTooLong,
    apply_macro,
    create_macro,
    delete_macro,
    update_macro,
)
from tickets.services.merges import merge
from tickets.services.watching import unwatch, watch

__all__ = [
    "DUE_DATE_PAST",
    "NO_SUCH_PROJECT",
    "NO_SUCH_TICKET",
    "NO_SUCH_USER",
    "AdminNotAssignable",
    "AlreadyAssigned",
    "AlreadyMerged",
    "AlreadyOnHold",
    "AssignmentLimitReached",
    "ClosedForHold",
    "InternalForStaff",
    "MacroNameTaken",
    "MacroNotFound",
    "MergedIntoItself",
    "MergedStaysClosed",
    "NotAllowed",
    "NotAssigned",
    "NotOnHold",
    "TargetMerged",
    "TextTooLong",
    "TicketClosed",
    "TicketNotFound",
    "UserNotFound",
    "apply_macro",
    "assign",
    "change_faults",
    "comment",
    "create",
    "create_macro",
    "create_many",
    "delete_macro",
    "fold_label_counts",
    "hand_over",
    "hold",
    "merge",
    "new_faults",
    "new_faults_of_many",
    "reply",
    "resume",
    "unassign",
    "unwatch",
    "update",
    "update_macro",
    "watch",
]
