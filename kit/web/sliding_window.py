"""Counts requests in this process, as the `limits` library does in Redis.

The library's own storage in memory starts a thread for nearly every request, which takes longer than the counting.
"""

import math
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

from limits import RateLimitItem, WindowStats

# Callers counted in one window. Beyond this, the earliest are forgotten, so that made-up addresses cannot fill the
# memory.
MAX_CALLERS = 50_000

Counts = OrderedDict[tuple[object, ...], int]


@dataclass
class Window:
    """The counts of the current window of time, and of the one before it."""

    number: int
    current: Counts = field(default_factory=OrderedDict)
    previous: Counts = field(default_factory=OrderedDict)


class SlidingWindow:
    """A sliding window counter: requests of the previous window count by the share of it that is still within reach."""

    def __init__(self) -> None:
        self._lock = Lock()
        # By the length of the window in seconds.
        self._windows: dict[int, Window] = {}

    def hit(self, limit: RateLimitItem, *key: str, at: float, cost: int = 1) -> tuple[bool, WindowStats]:
        """Count a request as `cost` requests, or as many as remain. Return whether one did, and the window's state."""
        seconds = limit.get_expiry()
        remaining_seconds = seconds - at % seconds
        counted = (limit.amount, *key)
        with self._lock:
            window = self._window(int(at // seconds), seconds)
            previous, current = window.previous.get(counted, 0), window.current.get(counted, 0)
            weighted_previous = previous * remaining_seconds / seconds
            remaining = max(0, limit.amount - math.floor(weighted_previous + current))
            if remaining:
                current += min(cost, remaining)
                _count(window.current, counted, current)
        remaining_after = max(0, limit.amount - math.floor(weighted_previous + current))
        resets = [remaining_seconds] if current else []
        if previous:
            resets.append(remaining_seconds % (seconds / previous))
        return remaining > 0, WindowStats(at + min(resets, default=0), remaining_after)

    def _window(self, number: int, seconds: int) -> Window:
        window = self._windows.get(seconds)
        if window is None or window.number != number:
            is_next = window is not None and window.number == number - 1
            window = Window(number, previous=window.current if window and is_next else OrderedDict())
            self._windows[seconds] = window
        return window


def _count(counts: Counts, counted: tuple[object, ...], count: int) -> None:
    counts[counted] = count
    if len(counts) > MAX_CALLERS:
        counts.popitem(last=False)
