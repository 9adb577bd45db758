"""Business time, against what is true of any clock; and calendars, holds and closing, as tickets go through them."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from django.db import transaction
from hypothesis import example, given
from hypothesis import strategies as st
from psycopg.errors import CheckViolation

from accounts.models import User
from projects.models import Visibility
from projects.tests.factories import make_project
from projects.tests.psql import psql
from sla.business_hours import ALL_DAY, ROUND_THE_CLOCK, BusinessHours
from sla.models import Calendar, Priority, SlaPolicy, SlaState
from tickets import queries, services
from tickets.models import Status, Ticket, TicketEvent
from tickets.tests.factories import make_ticket

# A Monday; the clocks of Berlin go forward on 29 March 2026 at 02:00, and back on 25 October at 03:00.
MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
NINE_TO_FIVE = [(time(9), time(17))]
OFFICE = BusinessHours("Europe/Berlin", dict.fromkeys(range(5), NINE_TO_FIVE))

zones = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
# Around the days on which clocks change, in both directions.
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


class TestBusinessTime:
    @given(start=moments, amount=amounts)
    def test_round_the_clock_is_time(self, start: datetime, amount: timedelta) -> None:
        always = BusinessHours("Europe/Berlin", dict.fromkeys(range(7), ALL_DAY))

        assert ROUND_THE_CLOCK.add(start, amount) == start + amount
        assert always.add(start, amount) == start + amount
        assert always.between(start, start + amount) == amount

    @given(hours=calendars, start=moments, amount=amounts)
    def test_that_is_added_has_then_passed(self, hours: BusinessHours, start: datetime, amount: timedelta) -> None:
        assert hours.between(start, hours.add(start, amount)) == amount

    @given(hours=calendars, start=moments, later=amounts, amount=amounts, more=amounts)
    def test_ends_later_when_it_begins_later_or_takes_longer(
        self, hours: BusinessHours, start: datetime, later: timedelta, amount: timedelta, more: timedelta
    ) -> None:
        assert start + amount <= hours.add(start, amount) <= hours.add(start + later, amount)
        assert hours.add(start, amount) < hours.add(start, amount + more)

    @given(hours=calendars, start=moments, amount=amounts, more=amounts)
    def test_may_be_added_in_parts(
        self, hours: BusinessHours, start: datetime, amount: timedelta, more: timedelta
    ) -> None:
        assert hours.add(hours.add(start, amount), more) == hours.add(start, amount + more)

    @given(hours=calendars, start=moments, first=amounts, second=amounts)
    # An opening that the change of clocks leaves out, in front of another.
    @example(
        BusinessHours("Europe/Berlin", {6: [(time(1), time(2, 30)), (time(2, 30), time(5))]}),
        local(2026, 3, 29),
        timedelta(hours=2),
        timedelta(hours=20),
    )
    def test_is_counted_once(self, hours: BusinessHours, start: datetime, first: timedelta, second: timedelta) -> None:
        middle, end = start + first, start + first + second

        assert hours.between(start, middle) + hours.between(middle, end) == hours.between(start, end)
        assert hours.between(start, end) <= end - start
        assert hours.between(end, start) == timedelta()

    @pytest.mark.parametrize(
        ("start", "hours", "due"),
        [
            (local(2026, 3, 2, 10), 4, local(2026, 3, 2, 14)),
            # To the end of the day, not to the next morning.
            (local(2026, 3, 2, 13), 4, local(2026, 3, 2, 17)),
            (local(2026, 3, 2, 15), 4, local(2026, 3, 3, 11)),
            # Over a weekend, and over one on which the clocks go forward.
            (local(2026, 3, 6, 16), 4, local(2026, 3, 9, 12)),
            (local(2026, 3, 27, 16), 4, local(2026, 3, 30, 12)),
            (local(2026, 10, 24, 3), 1, local(2026, 10, 26, 10)),
            (local(2026, 3, 2, 5), 40, local(2026, 3, 6, 17)),
        ],
    )
    def test_is_that_of_an_office(self, start: datetime, hours: int, due: datetime) -> None:
        assert OFFICE.add(start, timedelta(hours=hours)) == due

    def test_passes_on_no_holiday(self) -> None:
        easter = BusinessHours("Europe/Berlin", OFFICE.openings, frozenset({date(2026, 4, 3), date(2026, 4, 6)}))

        assert easter.add(local(2026, 4, 2, 16), timedelta(hours=2)) == local(2026, 4, 7, 10)

    def test_passes_on_every_other_day_where_there_are_holidays_alone(self) -> None:
        days = BusinessHours(holidays=frozenset({date(2026, 3, 3)}))

        assert days.add(MONDAY, timedelta(hours=13)) == MONDAY + timedelta(hours=37)

    def test_follows_the_clocks_of_its_zone(self) -> None:
        nights = BusinessHours("Europe/Berlin", {6: [(time(0), time(6))]})

        forward, back = (
            nights.between(day, day + timedelta(days=1)) for day in (local(2026, 3, 29), local(2026, 10, 25))
        )

        assert (forward, back) == (timedelta(hours=5), timedelta(hours=7))

    def test_ends_sometime_however_little_there_is(self) -> None:
        rare = BusinessHours("UTC", {0: [(time(9), time(9, 1))]})

        assert rare.add(MONDAY, timedelta(hours=32767)) == MONDAY + timedelta(days=3660)


# --- With tables --------------------------------------------------------------------------------------------------


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


@pytest.fixture
def office(db: None) -> Calendar:
    """From nine to five in Berlin, on weekdays; the policy of `high` counts by it."""
    calendar = Calendar.objects.create(name="Office hours", time_zone="Europe/Berlin")
    for weekday in range(5):
        calendar.openings.create(weekday=weekday, opens_at=time(9), closes_at=time(17))
    SlaPolicy.objects.filter(pk="high").update(calendar=calendar)
    return calendar


@pytest.fixture
def ticket(owner: User) -> Ticket:
    """Made on Monday at noon, due 24 hours later."""
    return services.create(by=owner, at=MONDAY, title="Fix the database")


def clock(ticket: Ticket) -> tuple[datetime, datetime | None, int]:
    ticket.refresh_from_db()
    return ticket.sla_due_at, ticket.held_at, ticket.held_seconds


@pytest.mark.django_db
class TestCalendar:
    def test_is_read_from_its_rows(self, office: Calendar) -> None:
        office.holidays.create(day=date(2026, 4, 6), name="Easter Monday")
        office.openings.create(weekday=0, opens_at=time(18), closes_at=time(0))

        found = office.business_hours()

        assert found.time_zone == "Europe/Berlin"
        assert found.openings == {**OFFICE.openings, 0: [*NINE_TO_FIVE, (time(18), time(0))]}
        assert found.holidays == {date(2026, 4, 6)}

    def test_says_when_a_ticket_is_due(self, owner: User, office: Calendar) -> None:
        ticket = services.create(by=owner, at=local(2026, 3, 6, 16), title="New", priority=Priority.HIGH)

        ticket.refresh_from_db()
        assert ticket.sla_due_at == local(2026, 3, 9, 12)
        assert ticket.sla_warn_at == local(2026, 3, 9, 11, 12)
        assert (ticket.sla_hours, ticket.sla_calendar) == (4, "Office hours")

    def test_counts_from_then_on(self, owner: User, office: Calendar) -> None:
        ticket = services.create(by=owner, at=local(2026, 3, 6, 16), title="New", priority=Priority.HIGH)
        office.openings.all().delete()

        services.update(ticket_id=ticket.pk, by=owner, at=local(2026, 3, 6, 17), title="Another")
        unchanged = clock(ticket)
        services.update(ticket_id=ticket.pk, by=owner, at=local(2026, 3, 6, 17), priority=Priority.LOW)
        services.update(ticket_id=ticket.pk, by=owner, at=local(2026, 3, 6, 17), priority=Priority.HIGH)

        assert unchanged[0] == local(2026, 3, 9, 12)
        assert clock(ticket)[0] == local(2026, 3, 6, 20)

    @pytest.mark.database
    @pytest.mark.parametrize("zone", ["Berlin", "europe/berlin", "+02:00", ""])
    def test_has_a_time_zone(self, office: Calendar, zone: str) -> None:
        with pytest.raises(CheckViolation) as refusal:
            psql("UPDATE sla_calendar SET time_zone = %(zone)s", zone=zone)

        assert refusal.value.diag.constraint_name == "calendar_time_zone"

    @pytest.mark.database
    @pytest.mark.parametrize(
        ("changes", "constraint"),
        [
            ("closes_at = '08:00'", "opening_before_closing"),
            ("weekday = 7", "opening_weekday"),
            ("weekday = 1", "opening_once"),
        ],
    )
    def test_opens_before_it_closes_on_days_that_there_are(
        self, office: Calendar, changes: str, constraint: str
    ) -> None:
        with pytest.raises(psycopg.errors.IntegrityError) as refusal:
            psql(f"UPDATE sla_opening SET {changes}")

        assert refusal.value.diag.constraint_name == constraint


@pytest.mark.django_db
class TestHold:
    def test_stops_the_clock(self, ticket: Ticket, agent: User) -> None:
        held = services.hold(ticket_id=ticket.pk, by=agent, at=MONDAY + hours(2), reason="Waiting")

        assert (held.held_at, held.hold_reason, held.version) == (MONDAY + hours(2), "Waiting", 2)
        much_later = MONDAY + hours(10_000)
        assert not Ticket.objects.breached(much_later).exists()
        assert not Ticket.objects.at_risk(much_later).exists()
        assert held.sla_state(much_later) == SlaState.ON_HOLD

    def test_leaves_what_was_left(self, ticket: Ticket, agent: User) -> None:
        services.hold(ticket_id=ticket.pk, by=agent, at=MONDAY + hours(2))
        services.resume(ticket_id=ticket.pk, by=agent, at=MONDAY + hours(102))

        assert clock(ticket) == (MONDAY + hours(124), None, 360_000)
        assert ticket.sla_warn_at == MONDAY + hours(100 + 0.8 * 24)

    def test_may_come_again(self, ticket: Ticket, agent: User) -> None:
        for begins, ends in ((2, 3), (5, 9)):
            services.hold(ticket_id=ticket.pk, by=agent, at=MONDAY + hours(begins))
            services.resume(ticket_id=ticket.pk, by=agent, at=MONDAY + hours(ends))

        assert clock(ticket) == (MONDAY + hours(24 + 1 + 4), None, 5 * 3600)

    def test_gives_back_business_time_alone(self, owner: User, agent: User, office: Calendar) -> None:
        ticket = services.create(by=owner, at=local(2026, 3, 5, 15), title="New", priority=Priority.HIGH)

        services.hold(ticket_id=ticket.pk, by=agent, at=local(2026, 3, 5, 16))
        services.resume(ticket_id=ticket.pk, by=agent, at=local(2026, 3, 9, 10))

        # Three of four hours were left on Thursday afternoon: one of then, eight of Friday, one of Monday stood still.
        assert clock(ticket) == (local(2026, 3, 9, 13), None, 10 * 3600)

    def test_is_kept_in_mind_by_a_new_priority(self, ticket: Ticket, owner: User, agent: User) -> None:
        services.hold(ticket_id=ticket.pk, by=agent, at=MONDAY + hours(1))
        services.update(ticket_id=ticket.pk, by=owner, at=MONDAY + hours(2), priority=Priority.HIGH)
        during = clock(ticket)
        services.resume(ticket_id=ticket.pk, by=agent, at=MONDAY + hours(3))
        after = clock(ticket)
        services.update(ticket_id=ticket.pk, by=owner, at=MONDAY + hours(4), priority=Priority.LOW)

        assert during == (MONDAY + hours(4), MONDAY + hours(1), 0)
        assert after == (MONDAY + hours(6), None, 7200)
        assert clock(ticket) == (MONDAY + hours(50), None, 7200)

    def test_is_over_when_it_is_closed(self, ticket: Ticket, owner: User, agent: User) -> None:
        services.hold(ticket_id=ticket.pk, by=agent, at=MONDAY + hours(23), reason="Waiting")
        closed = services.update(ticket_id=ticket.pk, by=owner, at=MONDAY + hours(123), status=Status.CLOSED)

        assert clock(ticket) == (MONDAY + hours(124), None, 360_000)
        assert (closed.sla_met, closed.hold_reason) == (True, "")

    @pytest.mark.parametrize("role", ["owner", "assignee"])
    def test_is_for_staff(self, role: str, ticket: Ticket, assignee: User, request: pytest.FixtureRequest) -> None:
        services.assign(ticket_id=ticket.pk, user_id=assignee.pk, by=ticket.created_by)
        user = request.getfixturevalue(role)

        for change in (services.hold, services.resume):
            with pytest.raises(services.NotAllowed):
                change(ticket_id=ticket.pk, by=user, at=MONDAY)

    def test_is_of_no_ticket_that_one_may_not_see(self, owner: User, outsider: User) -> None:
        hidden = make_ticket(owner, project=make_project(visibility=Visibility.INVOLVED))

        for change in (services.hold, services.resume):
            with pytest.raises(services.TicketNotFound):
                change(ticket_id=hidden.pk, by=outsider, at=MONDAY)

    def test_does_not_begin_twice_nor_end_twice(self, ticket: Ticket, agent: User) -> None:
        with pytest.raises(services.NotOnHold):
            services.resume(ticket_id=ticket.pk, by=agent, at=MONDAY)
        services.hold(ticket_id=ticket.pk, by=agent, at=MONDAY)
        with pytest.raises(services.AlreadyOnHold):
            services.hold(ticket_id=ticket.pk, by=agent, at=MONDAY)

    def test_is_not_of_closed_tickets(self, owner: User, agent: User) -> None:
        closed = make_ticket(owner, status=Status.CLOSED)

        with pytest.raises(services.ClosedForHold):
            services.hold(ticket_id=closed.pk, by=agent, at=MONDAY)

    def test_is_in_the_history(self, ticket: Ticket, agent: User) -> None:
        services.hold(ticket_id=ticket.pk, by=agent, at=MONDAY + hours(1), reason="Waiting")
        services.resume(ticket_id=ticket.pk, by=agent, at=MONDAY + hours(2))

        resumed, held, _ = queries.history(ticket_id=ticket.pk, limit=10)

        assert held.changes == [
            queries.Change("held_at", None, MONDAY + hours(1)),
            queries.Change("hold_reason", "", "Waiting"),
        ]
        assert resumed.changes == [
            queries.Change("sla_due_at", MONDAY + hours(24), MONDAY + hours(25)),
            queries.Change("held_at", MONDAY + hours(1), None),
            queries.Change("hold_reason", "Waiting", ""),
        ]


@pytest.mark.django_db
class TestClosing:
    @pytest.mark.parametrize(("after", "is_met"), [(23, True), (24, True), (24.001, False), (100, False)])
    def test_says_whether_it_was_in_time(self, ticket: Ticket, owner: User, after: float, is_met: bool) -> None:
        closed = services.update(ticket_id=ticket.pk, by=owner, at=MONDAY + hours(after), status=Status.CLOSED)

        assert (closed.closed_at, closed.sla_met) == (MONDAY + hours(after), is_met)
        assert Ticket.objects.met().exists() == is_met
        assert Ticket.objects.missed().exists() != is_met

    def test_freezes_the_deadline(self, ticket: Ticket, owner: User) -> None:
        services.update(ticket_id=ticket.pk, by=owner, at=MONDAY + hours(20), status=Status.CLOSED)
        services.update(ticket_id=ticket.pk, by=owner, at=MONDAY + hours(30), priority=Priority.HIGH)

        assert clock(ticket) == (MONDAY + hours(24), None, 0)
        assert (ticket.closed_at, ticket.sla_met) == (MONDAY + hours(20), True)

    def test_counts_with_the_priority_that_comes_with_it(self, ticket: Ticket, owner: User) -> None:
        changes: dict[str, Any] = {"status": Status.CLOSED, "priority": Priority.HIGH}

        services.update(ticket_id=ticket.pk, by=owner, at=MONDAY + hours(20), **changes)

        assert clock(ticket)[0] == MONDAY + hours(4)
        assert ticket.sla_met is False

    def test_is_taken_back_with_the_time_that_was_left(self, ticket: Ticket, owner: User) -> None:
        services.update(ticket_id=ticket.pk, by=owner, at=MONDAY + hours(20), status=Status.CLOSED)
        services.update(ticket_id=ticket.pk, by=owner, at=MONDAY + hours(120), status=Status.OPEN)

        assert clock(ticket) == (MONDAY + hours(124), None, 360_000)
        assert (ticket.closed_at, ticket.sla_met) == (None, None)

    def test_of_a_late_one_is_taken_back_as_late(self, ticket: Ticket, owner: User) -> None:
        services.update(ticket_id=ticket.pk, by=owner, at=MONDAY + hours(30), status=Status.CLOSED)
        services.update(ticket_id=ticket.pk, by=owner, at=MONDAY + hours(130), status=Status.OPEN)

        assert clock(ticket)[0] == MONDAY + hours(124)
        assert ticket.sla_state(MONDAY + hours(130)) == SlaState.BREACHED

    def test_from_the_beginning_is_in_time(self, owner: User) -> None:
        ticket = services.create(by=owner, at=MONDAY, title="Done", status=Status.CLOSED)

        ticket.refresh_from_db()
        assert (ticket.closed_at, ticket.sla_met) == (MONDAY, True)


@pytest.mark.django_db
@pytest.mark.database
class TestClockInSql:
    """What psql changes, without a service."""

    def test_closing_is_noted(self, owner: User) -> None:
        late, early = make_ticket(owner, created_at=MONDAY), make_ticket(owner)

        psql("UPDATE tickets_ticket SET status = 'closed'")

        for ticket in (late, early):
            ticket.refresh_from_db()
            assert ticket.closed_at is not None
        assert (late.sla_met, early.sla_met) == (False, True)

    def test_closing_is_in_time_when_it_was_on_hold_before_that(self, owner: User) -> None:
        ticket = make_ticket(owner, created_at=MONDAY)
        psql("UPDATE tickets_ticket SET held_at = created_at, hold_reason = 'x'")
        psql("UPDATE tickets_ticket SET status = 'closed'")

        ticket.refresh_from_db()
        assert (ticket.sla_met, ticket.held_at, ticket.hold_reason) == (True, None, "")

    def test_reopening_is_noted(self, owner: User) -> None:
        ticket = make_ticket(owner, status=Status.CLOSED)
        psql("UPDATE tickets_ticket SET status = 'open'")

        ticket.refresh_from_db()
        assert (ticket.closed_at, ticket.sla_met) == (None, None)

    @pytest.mark.parametrize(
        "change", ["closed_at = now()", "closed_at = NULL", "sla_met = NOT sla_met", "held_at = now()"]
    )
    def test_what_is_closed_stays_as_it_is(self, owner: User, change: str) -> None:
        ticket = make_ticket(owner, created_at=MONDAY, status=Status.CLOSED)
        psql(f"UPDATE tickets_ticket SET {change}")

        ticket.refresh_from_db()
        assert (ticket.closed_at, ticket.sla_met, ticket.held_at) == (MONDAY, True, None)
        assert (ticket.version, TicketEvent.objects.count()) == (1, 1)

    def test_what_follows_from_a_change_is_none(self, owner: User) -> None:
        ticket = make_ticket(owner, created_at=MONDAY)
        psql("UPDATE tickets_ticket SET sla_alarm_at = NULL, held_seconds = 5, sla_hours = 5, sla_calendar = 'x'")

        ticket.refresh_from_db()
        assert (ticket.version, TicketEvent.objects.count()) == (1, 1)

    def test_a_row_without_an_explanation_gets_the_policys(self, owner: User) -> None:
        ticket = make_ticket(owner, created_at=MONDAY, priority=Priority.LOW)

        ticket.refresh_from_db()
        assert (ticket.sla_hours, ticket.sla_warn_at) == (48, MONDAY + hours(0.8 * 24))

    def test_a_past_that_is_loaded_quietly_alarms_nobody(self, owner: User) -> None:
        psql("SELECT set_config('ticketing.quiet', 'on', true)")
        make_ticket(owner, created_at=MONDAY - hours(9_999))
        fresh = make_ticket(owner)

        fresh.refresh_from_db()
        assert [ticket.sla_alarm_at for ticket in Ticket.objects.order_by("pk")] == [None, fresh.sla_warn_at]


@pytest.mark.django_db
class TestStates:
    def test_are_the_same_in_lists_and_of_one_ticket(self, owner: User, agent: User) -> None:
        now = MONDAY
        for age in (0, 19.2, 19.3, 24, 24.1):
            make_ticket(owner, created_at=now - hours(age))
            make_ticket(owner, created_at=now - hours(age), status=Status.CLOSED, closed_at=now)
            held = make_ticket(owner, created_at=now - hours(age))
            services.hold(ticket_id=held.pk, by=agent, at=now)

        for state in queries.SLA_STATES:
            listed = set(queries.TicketFilter(sla=state).matching(at=now))
            assert listed == {ticket for ticket in Ticket.objects.all() if ticket.sla_state(now) == state}
            assert listed

    @pytest.mark.database
    @pytest.mark.parametrize(
        ("tickets", "index"),
        [
            (lambda: Ticket.objects.breached(MONDAY), "ticket_sla_due_at"),
            (lambda: Ticket.objects.at_risk(MONDAY), "ticket_sla_due_at"),
            (lambda: Ticket.objects.met().order_by("-created_at", "-id"), "ticket_sla_met"),
            (lambda: Ticket.objects.missed().order_by("-created_at", "-id"), "ticket_sla_met"),
            (lambda: Ticket.objects.with_due_alarm(MONDAY), "ticket_sla_alarm"),
        ],
    )
    def test_are_known_to_an_index(self, owner: User, tickets: Any, index: str) -> None:
        # Enough of others for the index to pay.
        for _ in range(50):
            make_ticket(owner)
        psql("ANALYZE tickets_ticket")
        with transaction.atomic():
            for way in ("enable_seqscan", "enable_sort", "enable_bitmapscan"):
                psql(f"SET LOCAL {way} = off")

            plan = tickets().explain()

        assert f"Index Scan using {index}" in plan
        assert "Sort" not in plan
