"""The tables of the help desk: tickets, assignments, comments, and the history of the first two.

Rules that must hold whatever code runs are constraints and triggers here. Rules that depend on the caller are in
`services`.
"""

from tickets.models.assignment import ASSIGNMENTS, MAX_ASSIGNEES, Assignee, Assignment
from tickets.models.clock import Status
from tickets.models.comment import MAX_MESSAGE, Comment, CommentQuerySet
from tickets.models.history import AssignmentEvent, TicketEvent
from tickets.models.label import MAX_LABEL, MAX_LABELS, LabelCount
from tickets.models.macro import Macro, MacroQuerySet
from tickets.models.ordering import SORT_KEYS, Ordering, weeks
from tickets.models.queryset import TicketQuerySet
from tickets.models.ticket import DERIVED, MAX_PRICE, TITLED_FIELDS, WEEKLY, WEEKLY_FIELDS, Ticket
from tickets.models.watch import Watch

__all__ = [
    "ASSIGNMENTS",
    "DERIVED",
    "MAX_ASSIGNEES",
    "MAX_LABEL",
    "MAX_LABELS",
    "MAX_MESSAGE",
    "MAX_PRICE",
    "SORT_KEYS",
    "TITLED_FIELDS",
    "WEEKLY",
    "WEEKLY_FIELDS",
    "Assignee",
    "Assignment",
    "AssignmentEvent",
    "Comment",
    "CommentQuerySet",
    "LabelCount",
    "Macro",
    "MacroQuerySet",
    "Ordering",
    "Status",
    "Ticket",
    "TicketEvent",
    "TicketQuerySet",
    "Watch",
    "weeks",
]
