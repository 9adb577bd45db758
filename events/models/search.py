"""Search for bookings: by the name and address of the user or guest, and by the name of the event.

These are in three tables, and no index serves a condition across tables, so there are two ways to state it.
"""

from django.contrib.postgres.search import SearchVectorField
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Coalesce

from kit.db import sql
from kit.search.expressions import contains

# A word that matches more users or events than this is not looked up: it has too many bookings.
MAX_IDS = 1_000


class _AllWords(Func):
    template = "(%(expressions)s)"
    arg_joiner = " || "
    output_field = SearchVectorField()


NO_WORDS = Value("", output_field=SearchVectorField())
ALL_WORDS = _AllWords(
    F("event__name_words"), Coalesce(F("user__search"), NO_WORDS), Coalesce(F("guest_words"), NO_WORDS)
)


def concerns(text: str) -> Q:
    """Return the condition to check bookings one by one. A text without words matches nothing."""
    return contains(ALL_WORDS, text)


def concerns_holder(text: str) -> Q:
    """Return the condition on the holder alone. A text without words matches nothing."""
    return contains(F("user__search"), text) | (Q(user__isnull=True) & contains(F("guest_words"), text))


def few_concern(text: str) -> Q:
    """Return the same condition in a form that uses indexes. Runs a query for the users and events with each word."""
    rows = sql.rows("events/names", words=text, row_limit=MAX_IDS + 1)
    found = concerns(text)
    for row in rows:
        if row["is_looked_up"] and max(len(row["users"]), len(row["events"])) <= MAX_IDS:
            is_guest = Q(user__isnull=True) & contains(F("guest_words"), row["word"])
            found &= Q(user__in=row["users"]) | Q(event__in=row["events"]) | is_guest
    return found
