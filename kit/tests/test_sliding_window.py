"""Counting in this process gives the same answers as the `limits` library, which counts in Redis."""

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as some
from limits import RateLimitItem, parse, strategies
from limits.storage import MemoryStorage, memory

from kit.web import sliding_window
from kit.web.sliding_window import SlidingWindow

LIMIT = parse("5/minute")
START = 1_700_000_000.25


class TestSlidingWindow:
    @given(
        pauses=some.lists(some.sampled_from([0, 0.5, 3, 11, 30, 59, 60, 61, 150]), min_size=1, max_size=60),
        limit=some.sampled_from(["1/minute", "5/minute", "7/2 minutes", "3/second"]).map(parse),
    )
    def test_decides_and_reports_like_the_library(self, pauses: list[float], limit: RateLimitItem) -> None:
        clock = SimpleNamespace(now=START)
        library = strategies.SlidingWindowCounterRateLimiter(MemoryStorage())
        ours = SlidingWindow()

        with pytest.MonkeyPatch.context() as patch:
            for module in (memory, strategies):
                patch.setattr(module, "time", SimpleNamespace(time=lambda: clock.now))
            for pause in pauses:
                clock.now += pause
                is_allowed = library.hit(limit, "owner")
                expected = library.get_window_stats(limit, "owner")

                found = ours.hit(limit, "owner", at=clock.now)

                assert (found[0], found[1].remaining) == (is_allowed, expected.remaining)
                assert found[1].reset_time == pytest.approx(expected.reset_time, abs=1e-3)

    def test_counts_callers_and_limits_separately(self) -> None:
        counter = SlidingWindow()
        for _ in range(5):
            counter.hit(LIMIT, "owner", at=START)

        assert not counter.hit(LIMIT, "owner", at=START)[0]
        assert counter.hit(LIMIT, "outsider", at=START)[0]
        assert counter.hit(parse("6/minute"), "owner", at=START)[0]
        assert counter.hit(parse("5/hour"), "owner", at=START)[0]

    def test_allows_no_more_than_the_limit_in_threads(self) -> None:
        counter, limit = SlidingWindow(), parse("500/minute")

        with ThreadPoolExecutor(8) as pool:
            allowed = list(pool.map(lambda _: counter.hit(limit, "owner", at=START)[0], range(2_000)))

        assert sum(allowed) == 500

    def test_starts_no_threads(self) -> None:
        before = threading.active_count()
        counter = SlidingWindow()
        for second in range(100):
            counter.hit(LIMIT, "owner", at=START + second)

        assert threading.active_count() <= before

    def test_forgets_the_earliest_callers_when_there_are_too_many(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sliding_window, "MAX_CALLERS", 2)
        counter, limit = SlidingWindow(), parse("1/minute")
        for caller in ("first", "second", "third"):
            counter.hit(limit, caller, at=START)

        assert [counter.hit(limit, caller, at=START)[0] for caller in ("third", "second", "first")] == [
            False,
            False,
            True,
        ]

    def test_forgets_windows_that_no_longer_count(self) -> None:
        counter = SlidingWindow()
        for number in range(100):
            counter.hit(LIMIT, f"caller {number}", at=START + 60 * number)

        (window,) = counter._windows.values()
        assert len(window.current) + len(window.previous) == 2
