"""Who has a ticket open in the admin."""

from datetime import datetime

from accounts.models import User
from kit.db import sql
from tickets.models import PRESENT_FOR, Presence

# Names on the page.
MAX_OTHERS = 5


def look(*, ticket_id: int, by: User, at: datetime) -> list[str]:
    """Note that `by` has the ticket open, and return the names of up to MAX_OTHERS others who have. One statement.

    This changes neither the ticket's version nor its history. The caller has checked that `by` may see the ticket.
    """
    found = sql.rows(
        "tickets/look", ticket_id=ticket_id, user_id=by.pk, at=at, since=at - PRESENT_FOR, row_limit=MAX_OTHERS
    )
    return [row["name"] for row in found]


def forget_absent(*, at: datetime) -> None:
    """Delete the presences of users who have left."""
    Presence.objects.filter(seen_at__lt=at - PRESENT_FOR).delete()
