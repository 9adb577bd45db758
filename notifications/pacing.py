"""Pauses between batches of mail while the machine is busy, so that the processes that answer requests get its time.

The worker's priority is low (WORKER_NICENESS), but that of PostgreSQL, which works for it, is not.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# Of this thread, in nanoseconds: how long it has run, and how long it has waited for a processor.
SCHEDULED = Path("/proc/thread-self/schedstat")
NANOSECONDS = 1_000_000_000

# The machine is busy if a thread waits half as long as it runs. Measured: 0.2 to 0.4 on an idle machine, where each
# reply of the mail server wakes the thread, and 0.7 to 5 on a busy one.
BUSY = 0.5
# On a busy machine, the worker rests six times as long as it has worked. So it works for a seventh of the time, and
# sends a batch at least every LONGEST_PAUSE.
REST = 6
LONGEST_PAUSE = 0.5


@dataclass(frozen=True)
class Effort:
    """The seconds for which a thread has run, and for which it has waited for a processor."""

    ran: float = 0.0
    waited: float = 0.0

    def __add__(self, other: "Effort") -> "Effort":
        return Effort(self.ran + other.ran, self.waited + other.waited)

    def __sub__(self, other: "Effort") -> "Effort":
        return Effort(self.ran - other.ran, self.waited - other.waited)


def effort() -> Effort:
    """Return what the current thread has spent so far: nothing where the kernel does not tell, so mail never pauses."""
    with suppress(OSError):
        ran, waited = SCHEDULED.read_text().split()[:2]
        return Effort(int(ran) / NANOSECONDS, int(waited) / NANOSECONDS)
    return Effort()


def pause(batches: Iterable[Effort], *, seconds: float) -> float:
    """Return for how long to pause after the last of some batches, which took so many seconds."""
    spent = sum(batches, Effort())
    is_busy = spent.waited > BUSY * spent.ran
    return min(REST * seconds, LONGEST_PAUSE) if is_busy else 0.0
