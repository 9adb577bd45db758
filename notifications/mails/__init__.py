"""Turns a delivery into a message. The wording is in templates/emails: subject, plain text and HTML of each kind."""

from collections.abc import Callable
from email.utils import format_datetime, parseaddr
from functools import cache
from typing import Any

from django.conf import settings
from django.utils.crypto import salted_hmac

from kit.email_addresses import UnusableAddress, normalized
from notifications.mails.accounts import address_changed, password_code
from notifications.mails.bookings import booking_changed, event_changed
from notifications.mails.message import Message
from notifications.mails.reports import weekly_report
from notifications.mails.summaries import ticket_summary
from notifications.mails.templates import render
from notifications.mails.tickets import StaffOnly, comment_added, sla_deadline, ticket_updated
from notifications.mails.webhooks import webhook_stopped
from notifications.mails.wording import one_line, readable
from notifications.models import Delivery, Kind

__all__ = ["Message", "StaffOnly", "UnusableAddress", "compose", "readable"]

# The context of each kind's templates, in addition to the payload.
CONTEXTS: dict[Kind, Callable[[Delivery], dict[str, Any]]] = {
    Kind.TICKET_UPDATED: ticket_updated,
    Kind.SLA_AT_RISK: sla_deadline,
    Kind.SLA_BREACHED: sla_deadline,
    Kind.COMMENT_ADDED: comment_added,
    Kind.TICKET_SUMMARY: ticket_summary,
    Kind.BOOKING_CONFIRMED: booking_changed,
    Kind.BOOKING_WAITING: booking_changed,
    Kind.BOOKING_PROMOTED: booking_changed,
    Kind.BOOKING_CANCELLED: booking_changed,
    Kind.EVENT_CANCELLED: booking_changed,
    Kind.EVENT_CHANGED: event_changed,
    Kind.SET_PASSWORD: password_code,
    Kind.RESET_PASSWORD: password_code,
    Kind.ADDRESS_CHANGED: address_changed,
    Kind.WEEKLY_REPORT: weekly_report,
    Kind.WEBHOOK_STOPPED: webhook_stopped,
}


def compose(delivery: Delivery) -> Message:
    """Return the message of a delivery, looking up what its payload does not hold.

    :raises StaffOnly: the message is for staff, and the recipient is no longer staff.
    :raises UnusableAddress: the address, which plain SQL may have written, would not be an address in a header.
    """
    address = normalized(delivery.address)
    template = f"emails/{delivery.kind.replace('-', '_')}"
    context = {
        "name": delivery.name,
        "site_url": settings.SITE_URL,
        "payload": delivery.payload,
        **CONTEXTS[Kind(delivery.kind)](delivery),
    }
    context["subject"] = one_line(render(f"{template}.subject.txt", context))
    return Message(
        subject=context["subject"],
        body=render(f"{template}.txt", context).rstrip() + "\n",
        html=render(f"{template}.html", context),
        name=one_line(delivery.name),
        address=address,
        headers=headers(delivery),
    )


def headers(delivery: Delivery) -> dict[str, str]:
    """Return headers that stay the same between attempts, so that mail programs show a message sent twice only once."""
    domain = _domain(settings.MAIL_FROM)
    # Hard to guess, so nobody can send a message that hides ours.
    secret = salted_hmac("notifications.mails", f"{delivery.pk} {delivery.about}").hexdigest()[:16]
    fixed = {
        "Message-ID": f"<delivery-{delivery.pk}.{secret}@{domain}>",
        "Date": format_datetime(delivery.created_at),
        # Auto-responders do not reply to these.
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


@cache
def _domain(sender: str) -> str:
    return parseaddr(sender)[1].rpartition("@")[2]
