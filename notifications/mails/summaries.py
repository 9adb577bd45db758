"""Mail that replaces messages about tickets beyond the limits per hour (sql/functions/admit.sql)."""

from typing import Any, cast

from accounts.models import User
from kit.db import sql
from kit.text import counted
from notifications.mails.tickets import StaffOnly, admin_link, is_to_staff
from notifications.mails.wording import one_line, readable
from notifications.models import Delivery

# Tickets shown with their titles, and further ones shown by their numbers only. A summary stays small.
MAX_LISTED = 100
MAX_NUMBERED = 2_000


def ticket_summary(delivery: Delivery) -> dict[str, Any]:
    """Return the context of a summary: its tickets, in order of their numbers, and what happened to each.

    :raises StaffOnly: it replaces internal comments only, and the recipient is no longer staff.
    """
    recipient = cast(User, delivery.user)
    tickets = sql.rows("notifications/summary", summary_id=delivery.pk, user_type=recipient.type)
    if not tickets:
        raise StaffOnly
    numbers = [ticket["number"] for ticket in tickets]
    messages = sum(ticket[kind] for ticket in tickets for kind in ("updates", "comments", "reminders", "misses"))
    unnumbered = len(tickets) - MAX_LISTED - MAX_NUMBERED
    return {
        "subject_of": f"ticket #{numbers[0]}" if len(tickets) == 1 else counted(len(tickets), "ticket"),
        "messages": counted(messages, "separate message"),
        "listed": [
            {
                "number": ticket["number"],
                "title": one_line(ticket["title"]),
                "status": readable("status", ticket["status"]),
                "news": news(ticket),
                "link": admin_link(ticket["number"]) if is_to_staff(delivery) else "",
            }
            for ticket in tickets[:MAX_LISTED]
        ],
        "numbered": numbers[MAX_LISTED : MAX_LISTED + MAX_NUMBERED],
        "unnumbered": counted(unnumbered, "more ticket") if unnumbered > 0 else "",
    }


def news(ticket: dict[str, Any]) -> str:
    """Return what happened to a ticket, as in "3 updates, 1 comment, SLA deadline missed"."""
    counts = [(ticket["updates"], "update"), (ticket["comments"], "comment")]
    words = [counted(number, noun) for number, noun in counts if number]
    words += ["SLA deadline near"] if ticket["reminders"] else []
    words += ["SLA deadline missed"] if ticket["misses"] else []
    return ", ".join(words)
