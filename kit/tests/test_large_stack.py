"""Calls cost the same at every depth of a web server's thread."""

import sys
import threading
import time
from collections.abc import Callable
from statistics import median

import pytest

from kit.web.server import with_large_stack

DEPTHS, CALLS, ROUNDS = range(250), 200, 5
# A call at the end of a chunk of frames takes some hundred times as long as others.
MAX_TIMES_MEDIAN = 5


def empty() -> None:
    pass


def seconds_at(depth: int) -> float:
    """Return the CPU time of a loop of calls that begins so many calls further down. The fastest of some rounds."""
    if depth:
        return seconds_at(depth - 1)
    rounds = []
    for _ in range(ROUNDS):
        started_at = time.thread_time()
        for _ in range(CALLS):
            empty()
        rounds.append(time.thread_time() - started_at)
    return min(rounds)


def slowest(call: Callable[[Callable[[], None]], None]) -> float:
    """Run the loop at each depth, in a thread of its own. Return the longest time, in multiples of the median."""
    seconds: list[float] = []
    thread = threading.Thread(target=call, args=[lambda: seconds.extend(map(seconds_at, DEPTHS))])
    thread.start()
    thread.join()
    return max(seconds) / median(seconds)


@pytest.mark.slow
def test_no_depth_is_slow() -> None:
    assert slowest(with_large_stack) < MAX_TIMES_MEDIAN


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info >= (3, 12), reason="Observed only with Python 3.11.")
def test_without_it_some_depth_is_slow() -> None:
    assert slowest(lambda function: function()) > MAX_TIMES_MEDIAN
