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
from tickets.models.presence import PRESENT_FOR, Presence
from tickets.models.queryset import TicketQuerySet
from tickets.models.queues import HAVE_CLOSED, Queue, next_due
from tickets.models.saved_filter import MAX_FILTER_NAME, MAX_FILTER_QUERY, SavedFilter
from tickets.models.ticket import DERIVED, MAX_PRICE, TITLED_FIELDS, WEEKLY, WEEKLY_FIELDS, Ticket
from tickets.models.title_span import NewlyTitled, SpannedWord, TitleSpans
from tickets.models.undo import Undo
from tickets.models.watch import Watch

__all__ = [
    "ASSIGNMENTS",
    "DERIVED",
    "HAVE_CLOSED",
    "MAX_ASSIGNEES",
    "MAX_FILTER_NAME",
    "MAX_FILTER_QUERY",
    "MAX_LABEL",
    "MAX_LABELS",
    "MAX_MESSAGE",
    "MAX_PRICE",
    "PRESENT_FOR",
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
    "NewlyTitled",
    "Ordering",
    "Presence",
    "Queue",
    "SavedFilter",
    "SpannedWord",
    "Status",
    "Ticket",
    "TicketEvent",
    "TicketQuerySet",
    "TitleSpans",
    "Undo",
    "Watch",
    "next_due",
    "weeks",
]
