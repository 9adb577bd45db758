"""Mail about tickets: changes, comments and SLA deadlines."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.conf import settings
from django.urls import reverse

from notifications.mails.wording import NOTHING, is_long, one_line, readable, shortened
from notifications.models import Delivery
from tickets import queries
from tickets.models import Comment

LABELS = {
    "title": "Title",
    "description": "Description",
    "project_id": "Project",
    "status": "Status",
    "type": "Type",
    "venue": "Venue",
    "price": "Price",
    "priority": "Priority",
    "due_at": "Due date",
    "sla_due_at": "SLA due",
    "held_at": "On hold since",
    "hold_reason": "Reason for hold",
    "created_by_id": "Created by",
    "created_at": "Created",
    "labels": "Labels",
    "merged_into_id": "Merged into",
    "merged_from": "Merged from",
}

# Maximum number of history entries in one mail.
MAX_CHANGES = 100

MAX_LINE_LENGTH = 80


class StaffOnly(Exception):
    """The message is for staff, and its recipient is no longer staff."""


@dataclass(frozen=True)
class Line:
    """One change in words. `before` is empty where the label says it all, as in "Assigned: Dave"."""

    label: str
    before: str
    after: str
    is_shortened: bool = False

    @property
    def is_long(self) -> bool:
        return any("\n" in text or len(text) > MAX_LINE_LENGTH for text in (self.before, self.after))

    @property
    def was_something(self) -> bool:
        return self.before != NOTHING

    @property
    def indented(self) -> dict[str, str]:
        return {name: indented(getattr(self, name)) for name in ("before", "after")}


def ticket_updated(delivery: Delivery) -> dict[str, Any]:
    payload = delivery.payload
    items = changes_between(cast(int, delivery.ticket_id), payload["first_event"], payload["last_event"])
    lines = [line for item in items for line in readable_lines(item)]
    return {
        **about_ticket(delivery),
        "assignees": [one_line(name) for name in payload["assignees"]],
        "lines": lines,
        "is_shortened": any(line.is_shortened for line in lines),
        "by": items[0].by if items else None,
        "changed_at": readable("changed_at", delivery.created_at),
    }


def comment_added(delivery: Delivery) -> dict[str, Any]:
    """Return the context of the mail about a comment. sql/triggers/announce_comment.sql selects its recipients.

    :raises StaffOnly: the comment is internal, and the recipient is no longer staff.
    """
    comments = Comment.objects.readable_by(delivery.user).select_related("author")
    comment = comments.filter(pk=delivery.payload["comment"]).first()
    if comment is None:
        raise StaffOnly
    return {
        **about_ticket(delivery),
        "author": one_line(comment.author.name),
        "message": shortened(comment.message),
        "indented_message": indented(shortened(comment.message)),
        "is_shortened": is_long(comment.message),
        "is_internal": comment.is_internal,
        "commented_at": readable("commented_at", comment.created_at),
    }


def sla_deadline(delivery: Delivery) -> dict[str, Any]:
    payload = delivery.payload
    return {
        **about_ticket(delivery),
        "priority": readable("priority", payload["priority"]),
        "due": readable("due", datetime.fromisoformat(payload["due"])),
    }


def about_ticket(delivery: Delivery) -> dict[str, Any]:
    """Return what all mail about a ticket says. Title and status are those at the time of the change."""
    payload, ticket_id = delivery.payload, cast(int, delivery.ticket_id)
    return {
        "number": ticket_id,
        "title": one_line(payload["title"]),
        "status": readable("status", payload["status"]),
        "status_code": payload["status"],
        "link": admin_link(ticket_id) if is_to_staff(delivery) else "",
    }


def changes_between(ticket_id: int, first_event: int, last_event: int) -> list[queries.Item]:
    """Return the items of a ticket's history from the first to the last of these ids, oldest first."""
    # Tickets share one sequence of ids, so there are at most this many.
    limit = min(last_event - first_event + 1, MAX_CHANGES)
    items = queries.history(ticket_id=ticket_id, before_id=last_event + 1, limit=limit)
    return [item for item in reversed(items) if item.id >= first_event]


def readable_lines(item: queries.Item) -> Iterator[Line]:
    for change in item.changes:
        if change.field != queries.ASSIGNEE:
            before, after = (readable(change.field, value) for value in (change.before, change.after))
            yield Line(
                LABELS[change.field],
                shortened(before),
                shortened(after),
                is_shortened=is_long(before) or is_long(after),
            )
        elif change.after:
            yield Line("Assigned", "", change.after.name)
        else:
            yield Line("Unassigned", "", change.before.name)


def admin_link(ticket_id: int) -> str:
    """Return the ticket's page in the admin; "" without settings.SITE_URL."""
    return settings.SITE_URL and settings.SITE_URL + reverse("admin:tickets_ticket_change", args=[ticket_id])


def is_to_staff(delivery: Delivery) -> bool:
    return delivery.user is not None and delivery.user.is_staff


def indented(text: str) -> str:
    return textwrap.indent(text, "    ")
