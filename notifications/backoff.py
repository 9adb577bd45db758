"""How long to wait before trying again, and when to give up.

The waits double: 30 s, 1 min, 2 min and so on up to an hour, until they add up to 72 hours (the MAIL_RETRY settings).
"""

from datetime import timedelta

from django.conf import settings

# Keeps the arithmetic in range. MAIL_RETRY_MAX_SECONDS applies long before.
MAX_DOUBLINGS = 20

# Pauses while the mail server is unreachable. sql/note_outage.sql doubles them: it counts the failures.
FIRST_OUTAGE_PAUSE = timedelta(seconds=30)
LONGEST_OUTAGE_PAUSE = timedelta(minutes=5)


def next_wait(attempts: int) -> timedelta | None:
    """Return the wait after `attempts` failed attempts, or None to give up.

    Only waits between attempts count towards the limit, so an outage, which costs no attempt, does not bring it closer.
    """
    waited = sum((_wait_after(attempt) for attempt in range(1, attempts)), timedelta())
    if waited >= timedelta(hours=settings.MAIL_RETRY_HOURS):
        return None
    return _wait_after(attempts)


def spread(wait: timedelta, *, seed: int) -> timedelta:
    """Vary a wait by up to 10%, so that deliveries that failed together are not all retried together."""
    return wait * (0.9 + seed % 21 / 100)


def _wait_after(attempt: int) -> timedelta:
    doubled = settings.MAIL_RETRY_SECONDS * 2 ** min(attempt - 1, MAX_DOUBLINGS)
    return timedelta(seconds=min(settings.MAIL_RETRY_MAX_SECONDS, doubled))
