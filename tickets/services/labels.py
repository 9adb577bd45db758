"""Adding and removing labels, and keeping the counts of labels small."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from accounts.models import User
from kit.db import sql
from tickets.models import Ticket
from tickets.models.label import normalized
from tickets.services.changes import checked, lock, refresh, write


@transaction.atomic
def relabel(*, ticket_id: int, add: Iterable[str] = (), remove: Iterable[str] = (), by: User, at: datetime) -> Ticket:
    """Add labels to a ticket and remove others, whatever labels it has by now.

    :raises: as `update`.
    """
    ticket = lock(ticket_id, by=by)
    kept = set(ticket.labels) - set(normalized(remove))
    if write(ticket, checked(ticket, {"labels": [*kept, *add]}, by=by, at=at)):
        refresh(ticket)
    return ticket


def fold_label_counts() -> None:
    """Replace the rows that triggers have written for each label with their sum. The counts stay the same."""
    sql.run("tickets/fold_label_counts")
