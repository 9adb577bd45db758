"""Business time, tested against properties that hold for any calendar."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from sla.business_hours import ALL_DAY, HORIZON, ROUND_THE_CLOCK, BusinessHours

# A Monday. In Berlin, clocks go forward on 29 March 2026 at 02:00, and back on 25 October at 03:00.
MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
NINE_TO_FIVE = [(time(9), time(17))]
OFFICE = BusinessHours("Europe/Berlin", dict.fromkeys(range(5), NINE_TO_FIVE))

zones = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
# Around the changes to and from daylight saving time.
moments = st.builds(
    lambda day, minutes: day + timedelta(minutes=minutes),
    st.sampled_from([datetime(2026, month, 1, tzinfo=UTC) for month in (3, 4, 10, 11)]),
    st.integers(0, 40 * 1440),
)
amounts = st.integers(1, 60 * 100).map(lambda minutes: timedelta(minutes=minutes))
quarters = st.integers(0, 95).map(lambda quarter: time(quarter // 4, quarter % 4 * 15))
openings = st.tuples(quarters, quarters | st.just(time.min)).filter(
    lambda opening: opening[1] in {time.min} or opening[0] < opening[1]
)
weeks = st.dictionaries(st.integers(0, 6), st.lists(openings, min_size=1, max_size=3), min_size=1)
holidays = st.frozensets(st.dates(date(2026, 3, 1), date(2026, 12, 31)), max_size=5)
calendars = st.builds(BusinessHours, zones, weeks, holidays)


def local(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=BERLIN)


class TestAdd:
    @given(start=moments, amount=amounts)
    def test_is_plain_addition_when_open_round_the_clock(self, start: datetime, amount: timedelta) -> None:
        always = BusinessHours("Europe/Berlin", dict.fromkeys(range(7), ALL_DAY))

        assert ROUND_THE_CLOCK.add(start, amount) == start + amount
        assert always.add(start, amount) == start + amount
        assert always.between(start, start + amount) == amount

    @given(hours=calendars, start=moments, amount=amounts)
    def test_is_the_inverse_of_between(self, hours: BusinessHours, start: datetime, amount: timedelta) -> None:
        assert hours.between(start, hours.add(start, amount)) == amount

    @given(hours=calendars, start=moments, later=amounts, amount=amounts, more=amounts)
    def test_grows_with_the_start_and_the_amount(
        self, hours: BusinessHours, start: datetime, later: timedelta, amount: timedelta, more: timedelta
    ) -> None:
        assert start + amount <= hours.add(start, amount) <= hours.add(start + later, amount)
        assert hours.add(start, amount) < hours.add(start, amount + more)

    @given(hours=calendars, start=moments, amount=amounts, more=amounts)
    def test_can_be_split_into_two_steps(
        self, hours: BusinessHours, start: datetime, amount: timedelta, more: timedelta
    ) -> None:
        end = hours.add(start, amount + more)
        # With 15 minutes a week, 200 hours are further away than `add` looks.
        assume(end < start + HORIZON)

        assert hours.add(hours.add(start, amount), more) == end

    @given(hours=calendars, start=moments, first=amounts, second=amounts)
    # An opening that falls into the hour that is skipped in spring, next to another opening.
    @example(
        BusinessHours("Europe/Berlin", {6: [(time(1), time(2, 30)), (time(2, 30), time(5))]}),
        local(2026, 3, 29),
        timedelta(hours=2),
        timedelta(hours=20),
    )
    def test_agrees_with_between_over_adjacent_spans(
        self, hours: BusinessHours, start: datetime, first: timedelta, second: timedelta
    ) -> None:
        middle, end = start + first, start + first + second

        assert hours.between(start, middle) + hours.between(middle, end) == hours.between(start, end)
        assert hours.between(start, end) <= end - start
        assert hours.between(end, start) == timedelta()

    @pytest.mark.parametrize(
        ("start", "hours", "due"),
        [
            (local(2026, 3, 2, 10), 4, local(2026, 3, 2, 14)),
            # The end of the day, not the next morning.
            (local(2026, 3, 2, 13), 4, local(2026, 3, 2, 17)),
            (local(2026, 3, 2, 15), 4, local(2026, 3, 3, 11)),
            # Across a weekend, and across those on which clocks change.
            (local(2026, 3, 6, 16), 4, local(2026, 3, 9, 12)),
            (local(2026, 3, 27, 16), 4, local(2026, 3, 30, 12)),
            (local(2026, 10, 24, 3), 1, local(2026, 10, 26, 10)),
            (local(2026, 3, 2, 5), 40, local(2026, 3, 6, 17)),
        ],
    )
    def test_skips_nights_and_weekends_of_an_office(self, start: datetime, hours: int, due: datetime) -> None:
        assert OFFICE.add(start, timedelta(hours=hours)) == due

    def test_skips_holidays(self) -> None:
        easter = BusinessHours("Europe/Berlin", OFFICE.openings, frozenset({date(2026, 4, 3), date(2026, 4, 6)}))

        assert easter.add(local(2026, 4, 2, 16), timedelta(hours=2)) == local(2026, 4, 7, 10)

    def test_counts_all_day_if_only_holidays_are_set(self) -> None:
        days = BusinessHours(holidays=frozenset({date(2026, 3, 3)}))

        assert days.add(MONDAY, timedelta(hours=13)) == MONDAY + timedelta(hours=37)

    def test_follows_daylight_saving_time(self) -> None:
        nights = BusinessHours("Europe/Berlin", {6: [(time(0), time(6))]})

        forward, back = (
            nights.between(day, day + timedelta(days=1)) for day in (local(2026, 3, 29), local(2026, 10, 25))
        )

        assert (forward, back) == (timedelta(hours=5), timedelta(hours=7))

    def test_stops_at_the_horizon(self) -> None:
        rare = BusinessHours("UTC", {0: [(time(9), time(9, 1))]})

        assert rare.add(MONDAY, timedelta(hours=32767)) == MONDAY + timedelta(days=3660)
