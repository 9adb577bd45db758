"""The waits between attempts to send a delivery."""

from datetime import timedelta

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from notifications import backoff


@pytest.fixture(autouse=True)
def empty_queue() -> None:
    """Override the fixture that needs a database: nothing here does."""


def waits() -> list[timedelta]:
    """Return all waits until `next_wait` gives up."""
    found: list[timedelta] = []
    while wait := backoff.next_wait(len(found) + 1):
        found.append(wait)
    return found


class TestNextWait:
    @pytest.mark.parametrize(
        ("attempts", "seconds"),
        [
            (1, 30),
            (2, 60),
            (3, 120),
            (4, 240),
            (5, 480),
            (6, 960),
            (7, 1920),
            (8, 3600),
            (9, 3600),
            (10, 3600),
            (78, 3600),
            (79, None),
            (80, None),
        ],
    )
    def test_doubles_up_to_an_hour_for_three_days(self, attempts: int, seconds: int | None) -> None:
        assert backoff.next_wait(attempts) == (None if seconds is None else timedelta(seconds=seconds))

    @given(first=st.integers(1, 600), longest=st.integers(1, 7200), hours=st.integers(0, 100))
    def test_grows_to_its_limit_and_gives_up_in_time(self, first: int, longest: int, hours: int) -> None:
        # So that no example takes thousands of attempts.
        longest = max(longest, 120 * hours)
        first = max(first, hours)
        with override_settings(MAIL_RETRY_SECONDS=first, MAIL_RETRY_MAX_SECONDS=longest, MAIL_RETRY_HOURS=hours):
            found = waits()

        patience, limit = timedelta(hours=hours), timedelta(seconds=longest)
        assert found == sorted(found)
        assert all(timedelta(0) < wait <= limit for wait in found)
        # It gives up after the first attempt past MAIL_RETRY_HOURS.
        assert patience <= sum(found, timedelta()) < patience + limit or not found
        assert bool(found) == bool(hours)

    @given(attempts=st.integers(1, 1_000))
    def test_gives_up_for_good(self, attempts: int) -> None:
        if backoff.next_wait(attempts) is None:
            assert backoff.next_wait(attempts + 1) is None


class TestSpread:
    @given(seed=st.integers(1, 2**63 - 1))
    def test_varies_the_wait_by_up_to_ten_percent(self, seed: int) -> None:
        hour = timedelta(hours=1)

        assert 0.9 * hour <= backoff.spread(hour, seed=seed) <= 1.1 * hour

    def test_separates_consecutive_deliveries(self) -> None:
        assert len({backoff.spread(timedelta(hours=1), seed=seed) for seed in range(100, 121)}) == 21
