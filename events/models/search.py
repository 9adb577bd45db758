"""Search for bookings: by who holds them, and by the name of the event."""

from django.db.models import Q, Value
from django.db.models.functions import Coalesce

from accounts.models import User
from events.models.event import EVENT_NAME, Event
from kit.db import sql
from kit.search.expressions import SearchVector, contains

# More users or events than this are selected by a subquery instead of by their ids.
MAX_IDS = 1_000
GUEST_WORDS = SearchVector("guest_first_name", "guest_last_name", "guest_email")
# The holder, a user or a guest, and the event.
ALL_WORDS = SearchVector(
    *(Coalesce(f"user__{name}", Value("")) for name in ("name", "email")),
    *("guest_first_name", "guest_last_name", "guest_email", "event__name"),
)


def concerns(text: str) -> Q:
    """Return the condition that each word begins a word in the names or addresses of a booking. Runs a query.

    Names and addresses are in three tables, and PostgreSQL uses no index for a condition across tables. So this looks
    for users and events by each word first; their ids and the index on guests then find the bookings.
    """
    rows = sql.rows("events/names", words=text, row_limit=MAX_IDS + 1)
    if not rows:
        return Q(pk__in=[])
    found = Q()
    for row in rows:
        if row["is_looked_up"]:
            found &= _concerns(row["word"], users=row["users"], events=row["events"])
    others = " ".join(row["word"] for row in rows if not row["is_looked_up"])
    return found & contains(ALL_WORDS, others) if others else found


def _concerns(word: str, *, users: list[int], events: list[int]) -> Q:
    is_guest = Q(user__isnull=True) & contains(GUEST_WORDS, word)
    is_user = Q(user__in=users if len(users) <= MAX_IDS else User.objects.search(word).values("pk"))
    is_event = Q(event__in=events if len(events) <= MAX_IDS else Event.objects.filter(contains(EVENT_NAME, word)))
    return is_guest | is_user | is_event
