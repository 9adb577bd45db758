"""What the mails say: from a delivery to the message. The wording is in templates/emails, three files a kind."""

import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import format_datetime, parseaddr, quote
from typing import Any, cast

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.crypto import salted_hmac

from accounts import password_codes
from accounts.models import User
from events.models import Booking
from events.tokens import manage_token
from notifications.models import Delivery, Kind
from projects.models import Project
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
    "hold_reason": "Reason of the hold",
    "created_by_id": "Created by",
    "created_at": "Created",
}
# An empty value, where one is shown beside what it was or has become.
NOTHING = "(nothing)"


class Withheld(Exception):
    """What this tells of is not for its user any more."""


def compose(delivery: Delivery) -> EmailMultiAlternatives:
    """The mail of a delivery, to its user or guest. Reads what is not in its payload.

    :raises Withheld:
    """
    template = f"emails/{delivery.kind.replace('-', '_')}"
    context = {
        "name": delivery.name,
        "site_url": settings.SITE_URL,
        "payload": delivery.payload,
        **CONTEXTS[Kind(delivery.kind)](delivery),
    }
    context["subject"] = one_line(render_to_string(f"{template}.subject.txt", context))
    message = EmailMultiAlternatives(
        subject=context["subject"],
        body=render_to_string(f"{template}.txt", context).rstrip() + "\n",
        to=[f'"{quote(one_line(delivery.name))}" <{delivery.address}>'],
        headers=headers(delivery),
    )
    message.attach_alternative(render_to_string(f"{template}.html", context), "text/html")
    return message


def headers(delivery: Delivery) -> dict[str, str]:
    """The same at each attempt: a mail program shows one mail, even when it had to be sent twice."""
    domain = parseaddr(settings.MAIL_FROM)[1].rpartition("@")[2]
    # Nobody can guess it, so that nobody sends a mail that hides ours.
    secret = salted_hmac("notifications.mails", f"{delivery.pk} {delivery.about}").hexdigest()[:16]
    fixed = {
        "Message-ID": f"<delivery-{delivery.pk}.{secret}@{domain}>",
        "Date": format_datetime(delivery.created_at),
        # No answers from machines, please.
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    }
    if delivery.ticket_id:
        thread = f"<ticket-{delivery.ticket_id}@{domain}>"
    elif delivery.booking_id:
        thread = f"<booking-{delivery.booking_id}@{domain}>"
    else:
        return fixed
    return {**fixed, "In-Reply-To": thread, "References": thread}


def one_line(text: str) -> str:
    """What goes into a header, whatever a hand in psql wrote."""
    return " ".join(text.split())


@dataclass(frozen=True)
class Line:
    """One thing that changed, as people read it; without a `before` it is only named."""

    label: str
    before: str
    after: str

    @property
    def is_long(self) -> bool:
        return any("\n" in text or len(text) > 80 for text in (self.before, self.after))

    @property
    def was_something(self) -> bool:
        return self.before != NOTHING

    @property
    def indented(self) -> dict[str, str]:
        """For the plain text."""
        return {name: textwrap.indent(getattr(self, name), "    ") for name in ("before", "after")}


def ticket_updated(delivery: Delivery) -> dict[str, Any]:
    payload, ticket_id = delivery.payload, cast(int, delivery.ticket_id)
    items = changes_between(ticket_id, payload["first_event"], payload["last_event"])
    return {
        "number": ticket_id,
        "title": one_line(payload["title"]),
        "status": readable("status", payload["status"]),
        "status_code": payload["status"],
        "assignees": [one_line(name) for name in payload["assignees"]],
        "lines": [line for item in items for line in readable_lines(item)],
        "by": items[0].by if items else None,
        "changed_at": readable("changed_at", delivery.created_at),
        "link": link(ticket_id) if is_to_staff(delivery) else "",
    }


def changes_between(ticket_id: int, first_event: int, last_event: int) -> list[queries.Item]:
    """The items of a ticket's history with these ids and those between them, oldest first."""
    # Of another ticket's items the ids may be between them as well, so this is at least enough.
    limit = min(last_event - first_event + 1, 100)
    items = queries.history(ticket_id=ticket_id, before_id=last_event + 1, limit=limit)
    return [item for item in reversed(items) if item.id >= first_event]


def readable_lines(item: queries.Item) -> Iterator[Line]:
    for change in item.changes:
        if change.field != queries.ASSIGNEE:
            yield Line(
                LABELS[change.field], readable(change.field, change.before), readable(change.field, change.after)
            )
        elif change.after:
            yield Line("Now assigned", "", change.after.name)
        else:
            yield Line("No longer assigned", "", change.before.name)


def readable(field: str, value: Any) -> str:
    match value:
        case None | "":
            return NOTHING
        case datetime():
            moment = value.astimezone(UTC)
            return f"{moment.day} {moment:%B %Y, %H:%M} UTC"
        case Decimal() | int() if field == "price":
            return f"{value:,.2f}"
        case int() if field == "project_id":
            return Project.objects.filter(pk=value).values_list("name", flat=True).first() or f"project {value}"
        case int() if field == "created_by_id":
            return User.objects.filter(pk=value).values_list("name", flat=True).first() or queries.DELETED
        case str() if field in ("status", "priority"):
            # As document 001 writes it: "In progress".
            return value.replace("-", " ").capitalize()
    return str(value)


def link(ticket_id: int) -> str:
    """Where staff see the ticket; other people's programs are not ours to know."""
    return settings.SITE_URL and settings.SITE_URL + reverse("admin:tickets_ticket_change", args=[ticket_id])


def is_to_staff(delivery: Delivery) -> bool:
    return delivery.user is not None and delivery.user.is_staff


def sla_deadline(delivery: Delivery) -> dict[str, Any]:
    payload, ticket_id = delivery.payload, cast(int, delivery.ticket_id)
    return {
        "number": ticket_id,
        "title": one_line(payload["title"]),
        "status": readable("status", payload["status"]),
        "priority": readable("priority", payload["priority"]),
        "due": readable("due", datetime.fromisoformat(payload["due"])),
        "link": link(ticket_id) if is_to_staff(delivery) else "",
    }


def comment_added(delivery: Delivery) -> dict[str, Any]:
    payload, ticket_id = delivery.payload, cast(int, delivery.ticket_id)
    comment = Comment.objects.select_related("author").get(pk=payload["comment"])
    if comment.is_internal and not is_to_staff(delivery):
        raise Withheld
    return {
        "number": ticket_id,
        "title": one_line(payload["title"]),
        "status": readable("status", payload["status"]),
        "status_code": payload["status"],
        "author": one_line(comment.author.name),
        "message": comment.message,
        "indented_message": textwrap.indent(comment.message, "    "),
        "is_internal": comment.is_internal,
        "commented_at": readable("commented_at", comment.created_at),
        "link": link(ticket_id) if is_to_staff(delivery) else "",
    }


def password_code(delivery: Delivery) -> dict[str, Any]:
    """The code is made now and kept nowhere."""
    uid, code = password_codes.code_for(cast(User, delivery.user))
    return {"uid": uid, "code": code, "hours": settings.PASSWORD_RESET_TIMEOUT // 3600}


def booking_changed(delivery: Delivery) -> dict[str, Any]:
    """What became of the booking then, at the event as it is now. A guest's token is derived now and kept nowhere."""
    booking, payload = cast(Booking, delivery.booking), delivery.payload
    is_over = payload["left"] == 0
    facts = [("When", readable("starts_at", booking.event.starts_at)), ("Where", one_line(booking.event.venue))]
    if not is_over:
        each, total = booking.unit_price, booking.unit_price * payload["left"]
        facts.append(("Price", f"{each:,.2f} a ticket, {total:,.2f} in all" if each else "free"))
    return {
        "number": booking.pk,
        "event": one_line(booking.event.name),
        "starts_at": facts[0][1],
        "facts": [(label, value) for label, value in facts if value],
        "tickets": tickets(payload["quantity"]),
        "left": payload["left"],
        "tickets_left": tickets(payload["left"]),
        "place": payload["place"],
        "manage_token": "" if booking.user_id or is_over else manage_token(booking.pk),
    }


def tickets(number: int) -> str:
    return "1 ticket" if number == 1 else f"{number:,} tickets"


# What the texts of a kind know besides the payload.
CONTEXTS: dict[Kind, Callable[[Delivery], dict[str, Any]]] = {
    Kind.TICKET_UPDATED: ticket_updated,
    Kind.SLA_AT_RISK: sla_deadline,
    Kind.SLA_BREACHED: sla_deadline,
    Kind.COMMENT_ADDED: comment_added,
    Kind.BOOKING_CONFIRMED: booking_changed,
    Kind.BOOKING_WAITING: booking_changed,
    Kind.BOOKING_PROMOTED: booking_changed,
    Kind.BOOKING_CANCELLED: booking_changed,
    Kind.EVENT_CANCELLED: booking_changed,
    Kind.SET_PASSWORD: password_code,
    Kind.RESET_PASSWORD: password_code,
}
