"""Reads: lists of tickets, their comments, and their history."""

from tickets.queries.history import (
    ASSIGNEE,
    DELETED,
    FIELDS,
    NEWEST,
    Change,
    Item,
    LaterChange,
    Person,
    changed_fields,
    changes_since,
    comments,
    conversation,
    history,
    last_comments,
)
from tickets.queries.lists import SLA_STATES, TicketFilter, tickets

__all__ = [
    "ASSIGNEE",
    "DELETED",
    "FIELDS",
    "NEWEST",
    "SLA_STATES",
    "Change",
    "Item",
    "LaterChange",
    "Person",
    "TicketFilter",
    "changed_fields",
    "changes_since",
    "comments",
    "conversation",
    "history",
    "last_comments",
    "tickets",
]
