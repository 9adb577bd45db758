"""When to try again, and when to give up: after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h."""

from datetime import timedelta

WAITS = [
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
]
# A webhook to which every attempt has failed for this long is paused, even if each of its deliveries has attempts left.
PATIENCE = sum(WAITS, timedelta())
# The most that a receiver can put off a retry by `Retry-After`.
MAX_RETRY_AFTER = timedelta(hours=1)


def next_wait(attempts: int, *, retry_after: timedelta | None = None) -> timedelta | None:
    """Return the wait after so many failed attempts, or None to give up. `retry_after` can only make it longer."""
    if attempts > len(WAITS):
        return None
    return max(WAITS[attempts - 1], min(retry_after or timedelta(), MAX_RETRY_AFTER))


def spread(wait: timedelta, *, seed: int) -> timedelta:
    """Make a wait up to 10% longer, so that deliveries that failed together are not all retried together."""
    return wait * (1 + seed % 11 / 100)
