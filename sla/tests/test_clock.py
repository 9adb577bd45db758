"""The pure clock. tickets/tests/test_clock.py compares the database with it."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sla import clock
from sla.business_hours import BusinessHours
from sla.clock import Terms

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = Terms(hours=24, at_risk_share=0.8)
FOUR_HOURS = Terms(hours=4, at_risk_share=0.8)
# Monday to Friday, nine to five. NOON is on a Monday.
OFFICE = BusinessHours(openings={weekday: [(time(9), time(17))] for weekday in range(5)})
IN_OFFICE = Terms(hours=10, at_risk_share=0.8, calendar="Office", business_hours=OFFICE)
STARTED = clock.start(created_at=NOON, terms=DAY)

spans = st.integers(0, 10_000).map(lambda minutes: timedelta(minutes=minutes))


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


class TestStart:
    def test_sets_the_deadline_and_the_warning(self) -> None:
        assert (STARTED.due_at, STARTED.warn_at) == (NOON + hours(24), NOON + hours(19.2))
        assert (STARTED.stopped_at, STARTED.is_met, STARTED.held_seconds) == (None, None, 0)


class TestHold:
    def test_stops_the_clock_where_it_is(self) -> None:
        held = clock.hold(STARTED, at=NOON + hours(1), reason="Waiting")

        assert (held.stopped_at, held.hold_reason) == (NOON + hours(1), "Waiting")
        assert (held.due_at, held.warn_at) == (STARTED.due_at, STARTED.warn_at)


class TestResume:
    @given(before=spans, on_hold=spans)
    def test_moves_the_deadline_by_the_time_on_hold(self, before: timedelta, on_hold: timedelta) -> None:
        held = clock.hold(STARTED, at=NOON + before, reason="Waiting")

        resumed = clock.resume(held, at=NOON + before + on_hold)

        assert resumed.due_at == STARTED.due_at + on_hold
        assert resumed.warn_at == STARTED.warn_at + on_hold
        assert (resumed.stopped_at, resumed.hold_reason) == (None, "")

    def test_rounds_up_to_whole_seconds(self) -> None:
        held = clock.hold(STARTED, at=NOON)

        assert clock.resume(held, at=NOON + timedelta(milliseconds=1)).held_seconds == 1

    @given(before=spans, on_hold=spans)
    def test_leaves_as_much_business_time_as_before(self, before: timedelta, on_hold: timedelta) -> None:
        started = clock.start(created_at=NOON, terms=IN_OFFICE)
        stopped, restarted = NOON + before, NOON + before + on_hold

        resumed = clock.resume(
            clock.hold(started, at=stopped, business_hours=OFFICE), at=restarted, business_hours=OFFICE
        )

        for before_it, after_it in ((started.due_at, resumed.due_at), (started.warn_at, resumed.warn_at)):
            assert OFFICE.between(restarted, after_it) == OFFICE.between(stopped, before_it)
            assert OFFICE.between(after_it, restarted) == OFFICE.between(before_it, stopped)

    def test_leaves_that_much_under_a_calendar_that_changed_meanwhile(self) -> None:
        started = clock.start(created_at=NOON, terms=IN_OFFICE)
        held = clock.hold(started, at=NOON + hours(1), business_hours=OFFICE)
        # The deadline was on this day.
        changed = BusinessHours(openings=OFFICE.openings, holidays=frozenset({date(2026, 3, 3)}))

        resumed = clock.resume(held, at=NOON + hours(24 * 3), business_hours=changed)

        # Nine hours left: five on Thursday, four on Friday. The warning moves by the business hours on hold.
        assert started.due_at == datetime(2026, 3, 3, 14, tzinfo=UTC)
        assert resumed.due_at == datetime(2026, 3, 6, 13, tzinfo=UTC)
        assert resumed.warn_at == datetime(2026, 3, 5, 16, tzinfo=UTC)

    def test_does_not_move_a_deadline_at_closing_time_without_a_reason(self) -> None:
        started = clock.start(created_at=datetime(2026, 3, 2, 7, tzinfo=UTC), terms=replace(IN_OFFICE, hours=8))
        held = clock.hold(started, at=datetime(2026, 3, 2, 18, tzinfo=UTC), business_hours=OFFICE)

        resumed = clock.resume(held, at=datetime(2026, 3, 2, 19, tzinfo=UTC), business_hours=OFFICE)

        assert resumed.due_at == started.due_at == datetime(2026, 3, 2, 17, tzinfo=UTC)

    def test_leaves_a_running_clock_alone(self) -> None:
        assert clock.resume(STARTED, at=NOON + hours(5)) == STARTED


class TestClose:
    def test_is_in_time_until_the_deadline(self) -> None:
        in_time, late = (clock.close(STARTED, at=NOON + hours(at)) for at in (24, 24.01))

        assert (in_time.is_met, late.is_met) == (True, False)

    def test_counts_from_the_hold(self) -> None:
        held = clock.hold(STARTED, at=NOON + hours(23), reason="Waiting")

        closed = clock.close(held, at=NOON + hours(100))

        assert (closed.is_met, closed.held_at, closed.hold_reason) == (True, None, "")


class TestReopen:
    @given(before=spans, closed_for=spans)
    def test_undoes_close_except_for_the_time_that_passed(self, before: timedelta, closed_for: timedelta) -> None:
        closed = clock.close(STARTED, at=NOON + before)

        reopened = clock.reopen(closed, at=NOON + before + closed_for)

        assert reopened.due_at - NOON == hours(24) + closed_for
        assert (reopened.closed_at, reopened.is_met) == (None, None)


class TestReprioritise:
    def test_counts_again_from_the_creation(self) -> None:
        urgent = clock.reprioritise(STARTED, terms=FOUR_HOURS)

        assert (urgent.due_at, urgent.hours) == (NOON + hours(4), 4)
        assert clock.reprioritise(urgent, terms=DAY) == STARTED

    def test_keeps_the_time_on_hold(self) -> None:
        resumed = clock.resume(clock.hold(STARTED, at=NOON), at=NOON + hours(2))

        assert clock.reprioritise(resumed, terms=FOUR_HOURS).due_at == NOON + hours(6)

    def test_only_marks_a_closed_clock(self) -> None:
        closed = clock.close(STARTED, at=NOON + hours(1))

        assert clock.reprioritise(closed, terms=FOUR_HOURS) == replace(closed, is_outdated=True)
