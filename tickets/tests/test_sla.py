"""SLA deadlines as tickets go through creation, holds, closing and reopening."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction

from accounts.models import User
from projects.tests.psql import psql
from sla.models import Calendar, Priority, SlaPolicy, SlaState
from sla.tests.factories import make_office_calendar
from tickets import queries, services
from tickets.models import Ordering, Status, Ticket, TicketEvent
from tickets.tests.factories import make_ticket

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def local(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=BERLIN)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


@pytest.fixture
def office(db: None) -> Calendar:
    """Office hours, used by the policy of `high`."""
    return make_office_calendar(priority=Priority.HIGH)


@pytest.fixture
def ticket(owner: User) -> Ticket:
    """A ticket created on Monday at noon and due 24 hours later."""
    return services.create(by=owner, at=MONDAY, title="Fix the database")


def clock(ticket: Ticket) -> tuple[datetime, datetime | None, int]:
    ticket.refresh_from_db()
    return ticket.sla_due_at, ticket.held_at, ticket.held_seconds


@pytest.mark.django_db
class TestCalendar:
    def test_moves_the_deadline_into_business_hours(self, owner: User, office: Calendar) -> None:
        ticket = services.create(by=owner, at=local(2026, 3, 6, 16), title="New", priority=Priority.HIGH)

        ticket.refresh_from_db()
        assert ticket.sla_due_at == local(2026, 3, 9, 12)
        assert ticket.sla_warn_at == local(2026, 3, 9, 11, 12)
        assert (ticket.sla_hours, ticket.sla_calendar) == (4, "Office hours")

    def test_applies_to_deadlines_set_after_it_changes(self, owner: User, office: Calendar) -> None:
        ticket = services.create(by=owner, at=local(2026, 3, 6, 16), title="New", priority=Priority.HIGH)
        office.openings.all().delete()

        services.update(ticket_id=ticket.pk, by=owner, at=local(2026, 3, 6, 17), title="Another")
        unchanged = clock(ticket)
        services.update(ticket_id=ticket.pk, by=owner, at=local(2026, 3, 6, 17), priority=Priority.LOW)
        services.update(ticket_id=ticket.pk, by=owner, at=local(2026, 3, 6, 17), priority=Priority.HIGH)

        assert unchanged[0] == local(2026, 3, 9, 12)
        assert clock(ticket)[0] == local(2026, 3, 6, 20)


@pytest.mark.django_db
class TestAtRiskShare:
    def test_is_read_from_the_policy(self, owner: User) -> None:
        SlaPolicy.objects.update(at_risk_share=0.5)
        by_service = services.create(by=owner, at=MONDAY, title="New")
        by_sql = make_ticket(owner, created_at=MONDAY)

        psql("UPDATE tickets_ticket SET sla_due_at = sla_due_at + interval '10 hours' WHERE id = %(id)s", id=by_sql.pk)

        by_sql.refresh_from_db()
        assert by_service.sla_warn_at == MONDAY + hours(12)
        assert by_sql.sla_warn_at == MONDAY + hours(17)


@pytest.mark.django_db
class TestHold:
    def test_stops_the_clock(self, ticket: Ticket, agent: User) -> None:
        held = services.hold(ticket_id=ticket.pk, by=agent, at=MONDAY + hours(2), reason="Waiting")

        assert (held.held_at, held.hold_reason, held.version) == (MONDAY + hours(2), "Waiting", 2)
        much_later = MONDAY + hours(10_000)
        assert not Ticket.objects.breached(much_later).exists()
        assert not Ticket.objects.at_risk(much_later).exists()
        assert held.sla_state(much_later) == SlaState.ON_HOLD

    def test_gives_back_the_time_on_hold(self, ticket: Ticket, agent: User) -> None:
        services.hold(ticket_id=ticket.pk, by=agent, at=MONDAY + hours(2))
        services.resume(ticket_id=ticket.pk, by=agent, at=MONDAY + hours(102))

        assert clock(ticket) == (MONDAY + hours(124), None, 360_000)
        assert ticket.sla_warn_at == MONDAY + hours(100 + 0.8 * 24)

    def test_can_be_repeated(self, ticket: Ticket, agent: User) -> None:
        for begins, ends in ((2, 3), (5, 9)):
            services.hold(ticket_id=ticket.pk, by=agent, at=MONDAY + hours(begins))
            services.resume(ticket_id=ticket.pk, by=agent, at=MONDAY + hours(ends))

        assert clock(ticket) == (MONDAY + hours(24 + 1 + 4), None, 5 * 3600)

    def test_gives_back_business_time_only(self, owner: User, agent: User, office: Calendar) -> None:
        ticket = services.create(by=owner, at=local(2026, 3, 5, 15), title="New", priority=Priority.HIGH)

        services.hold(ticket_id=ticket.pk, by=agent, at=local(2026, 3, 5, 16))
        services.resume(ticket_id=ticket.pk, by=agent, at=local(2026, 3, 9, 10))

        # Ten business hours on hold: one on Thursday, eight on Friday, one on Monday.
        assert clock(ticket) == (local(2026, 3, 9, 13), None, 10 * 3600)

    def test_counts_towards_a_new_priority_too(self, ticket: Ticket, owner: User, agent: User) -> None:
        services.hold(ticket_id=ticket.pk, by=agent, at=MONDAY + hours(1))
        services.update(ticket_id=ticket.pk, by=owner, at=MONDAY + hours(2), priority=Priority.HIGH)
        during = clock(ticket)
        services.resume(ticket_id=ticket.pk, by=agent, at=MONDAY + hours(3))
        after = clock(ticket)
        services.update(ticket_id=ticket.pk, by=owner, at=MONDAY + hours(4), priority=Priority.LOW)

        assert during == (MONDAY + hours(4), MONDAY + hours(1), 0)
        assert after == (MONDAY + hours(6), None, 7200)
        assert clock(ticket) == (MONDAY + hours(50), None, 7200)

    def test_ends_when_the_ticket_is_closed(self, ticket: Ticket, owner: User, agent: User) -> None:
        services.hold(ticket_id=ticket.pk, by=agent, at=MONDAY + hours(23), reason="Waiting")
        closed = services.update(ticket_id=ticket.pk, by=owner, at=MONDAY + hours(123), status=Status.CLOSED)

        assert clock(ticket) == (MONDAY + hours(124), None, 360_000)
        assert (closed.sla_met, closed.hold_reason) == (True, "")

    @pytest.mark.parametrize("role", ["owner", "assignee"])
    def test_requires_staff(self, role: str, ticket: Ticket, assignee: User, request: pytest.FixtureRequest) -> None:
        services.assign(ticket_id=ticket.pk, user_id=assignee.pk, by=ticket.created_by)
        user = request.getfixturevalue(role)

        for change in (services.hold, services.resume):
            with pytest.raises(services.NotAllowed):
                change(ticket_id=ticket.pk, by=user, at=MONDAY)

    def test_does_not_find_a_ticket_that_the_user_cannot_see(self, hidden_ticket: Ticket, outsider: User) -> None:
        for change in (services.hold, services.resume):
            with pytest.raises(services.TicketNotFound):
                change(ticket_id=hidden_ticket.pk, by=outsider, at=MONDAY)

    def test_can_neither_start_nor_end_twice(self, ticket: Ticket, agent: User) -> None:
        with pytest.raises(services.NotOnHold):
            services.resume(ticket_id=ticket.pk, by=agent, at=MONDAY)
        services.hold(ticket_id=ticket.pk, by=agent, at=MONDAY)
        with pytest.raises(services.AlreadyOnHold):
            services.hold(ticket_id=ticket.pk, by=agent, at=MONDAY)

    def test_refuses_a_closed_ticket(self, closed_ticket: Ticket, agent: User) -> None:
        with pytest.raises(services.ClosedForHold):
            services.hold(ticket_id=closed_ticket.pk, by=agent, at=MONDAY)

    def test_is_recorded_in_the_history(self, ticket: Ticket, agent: User) -> None:
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
    def test_records_whether_it_was_in_time(self, ticket: Ticket, owner: User, after: float, is_met: bool) -> None:
        closed = services.update(ticket_id=ticket.pk, by=owner, at=MONDAY + hours(after), status=Status.CLOSED)

        assert (closed.closed_at, closed.sla_met) == (MONDAY + hours(after), is_met)
        assert Ticket.objects.met().exists() == is_met
        assert Ticket.objects.missed().exists() != is_met

    def test_freezes_the_deadline(self, ticket: Ticket, owner: User) -> None:
        services.update(ticket_id=ticket.pk, by=owner, at=MONDAY + hours(20), status=Status.CLOSED)
        services.update(ticket_id=ticket.pk, by=owner, at=MONDAY + hours(30), priority=Priority.HIGH)

        assert clock(ticket) == (MONDAY + hours(24), None, 0)
        assert (ticket.closed_at, ticket.sla_met) == (MONDAY + hours(20), True)

    def test_uses_a_priority_set_at_the_same_time(self, ticket: Ticket, owner: User) -> None:
        changes: dict[str, Any] = {"status": Status.CLOSED, "priority": Priority.HIGH}

        services.update(ticket_id=ticket.pk, by=owner, at=MONDAY + hours(20), **changes)

        assert clock(ticket)[0] == MONDAY + hours(4)
        assert ticket.sla_met is False

    def test_leaves_the_remaining_time_to_a_reopened_ticket(self, ticket: Ticket, owner: User) -> None:
        services.update(ticket_id=ticket.pk, by=owner, at=MONDAY + hours(20), status=Status.CLOSED)
        services.update(ticket_id=ticket.pk, by=owner, at=MONDAY + hours(120), status=Status.OPEN)

        assert clock(ticket) == (MONDAY + hours(124), None, 360_000)
        assert (ticket.closed_at, ticket.sla_met) == (None, None)

    def test_leaves_a_late_ticket_late_when_reopened(self, ticket: Ticket, owner: User) -> None:
        services.update(ticket_id=ticket.pk, by=owner, at=MONDAY + hours(30), status=Status.CLOSED)
        services.update(ticket_id=ticket.pk, by=owner, at=MONDAY + hours(130), status=Status.OPEN)

        assert clock(ticket)[0] == MONDAY + hours(124)
        assert ticket.sla_state(MONDAY + hours(130)) == SlaState.BREACHED

    def test_on_creation_is_in_time(self, owner: User) -> None:
        ticket = services.create(by=owner, at=MONDAY, title="Done", status=Status.CLOSED)

        ticket.refresh_from_db()
        assert (ticket.closed_at, ticket.sla_met) == (MONDAY, True)


Stop = Callable[[Ticket, User, datetime], object]


def _hold(ticket: Ticket, by: User, at: datetime) -> None:
    services.hold(ticket_id=ticket.pk, by=by, at=at)


def _resume(ticket: Ticket, by: User, at: datetime) -> None:
    services.resume(ticket_id=ticket.pk, by=by, at=at)


def _close(ticket: Ticket, by: User, at: datetime) -> None:
    services.update(ticket_id=ticket.pk, by=by, at=at, status=Status.CLOSED)


def _reopen(ticket: Ticket, by: User, at: datetime) -> None:
    services.update(ticket_id=ticket.pk, by=by, at=at, status=Status.OPEN)


@pytest.mark.django_db
@pytest.mark.parametrize(("stop", "restart"), [(_hold, _resume), (_close, _reopen)], ids=["on-hold", "closed"])
class TestPolicyThatChangesWhileTheClockIsStopped:
    """What was left stays left, under the terms that the ticket had."""

    def test_leaves_the_time_that_was_left(self, ticket: Ticket, agent: User, stop: Stop, restart: Stop) -> None:
        stop(ticket, agent, MONDAY + hours(2))
        SlaPolicy.objects.update(hours=4, at_risk_share=0.5, calendar=make_office_calendar())
        restart(ticket, agent, MONDAY + hours(102))

        assert clock(ticket) == (MONDAY + hours(124), None, 360_000)
        assert ticket.sla_warn_at == MONDAY + hours(100 + 0.8 * 24)
        assert (ticket.sla_hours, ticket.sla_calendar) == (24, "")

    def test_keeps_the_calendar_that_the_ticket_had(
        self, owner: User, agent: User, office: Calendar, stop: Stop, restart: Stop
    ) -> None:
        ticket = services.create(by=owner, at=local(2026, 3, 5, 15), title="New", priority=Priority.HIGH)

        stop(ticket, agent, local(2026, 3, 5, 16))
        SlaPolicy.objects.update(hours=1, calendar=None)
        restart(ticket, agent, local(2026, 3, 9, 10))

        assert clock(ticket) == (local(2026, 3, 9, 13), None, 10 * 3600)
        assert (ticket.sla_hours, ticket.sla_calendar) == (4, "Office hours")

    def test_leaves_as_many_hours_when_the_calendar_changes(
        self, owner: User, agent: User, office: Calendar, stop: Stop, restart: Stop
    ) -> None:
        ticket = services.create(by=owner, at=local(2026, 3, 5, 15), title="New", priority=Priority.HIGH)

        # Three hours left: one on Thursday, two on Friday.
        stop(ticket, agent, local(2026, 3, 5, 16))
        office.holidays.create(day=local(2026, 3, 6).date())
        office.openings.filter(weekday=0).update(closes_at=time(12))
        restart(ticket, agent, local(2026, 3, 9, 10))

        assert clock(ticket)[0] == local(2026, 3, 10, 10)

    def test_counts_by_the_policy_if_the_calendar_is_gone(
        self, owner: User, agent: User, office: Calendar, stop: Stop, restart: Stop
    ) -> None:
        ticket = services.create(by=owner, at=local(2026, 3, 5, 15), title="New", priority=Priority.HIGH)

        stop(ticket, agent, local(2026, 3, 5, 16))
        SlaPolicy.objects.update(calendar=None)
        office.delete()
        restart(ticket, agent, local(2026, 3, 9, 10))

        assert clock(ticket)[0] == local(2026, 3, 9, 13)

    def test_applies_with_a_new_priority(self, ticket: Ticket, agent: User, stop: Stop, restart: Stop) -> None:
        stop(ticket, agent, MONDAY + hours(1))
        SlaPolicy.objects.filter(pk=Priority.LOW).update(hours=10)
        services.update(ticket_id=ticket.pk, by=agent, at=MONDAY + hours(2), priority=Priority.LOW)
        restart(ticket, agent, MONDAY + hours(3))

        assert clock(ticket)[0] == MONDAY + hours(12)

    def test_keeps_a_deadline_that_was_set_in_sql(self, ticket: Ticket, agent: User, stop: Stop, restart: Stop) -> None:
        psql("UPDATE tickets_ticket SET sla_due_at = created_at + interval '30 hours'")
        stop(ticket, agent, MONDAY + hours(2))
        restart(ticket, agent, MONDAY + hours(12))

        assert clock(ticket)[0] == MONDAY + hours(40)


@pytest.mark.django_db
class TestPolicyThatChangesWhileTheTicketIsClosed:
    def test_applies_if_the_ticket_is_reopened_with_another_priority(self, ticket: Ticket, agent: User) -> None:
        _close(ticket, agent, MONDAY + hours(1))
        services.update(ticket_id=ticket.pk, by=agent, at=MONDAY + hours(3), status=Status.OPEN, priority=Priority.HIGH)

        assert clock(ticket) == (MONDAY + hours(6), None, 7200)

    def test_applies_once(self, ticket: Ticket, agent: User) -> None:
        _close(ticket, agent, MONDAY + hours(1))
        services.update(ticket_id=ticket.pk, by=agent, at=MONDAY + hours(1), priority=Priority.HIGH)
        _reopen(ticket, agent, MONDAY + hours(1))
        SlaPolicy.objects.update(hours=8)
        _close(ticket, agent, MONDAY + hours(2))
        _reopen(ticket, agent, MONDAY + hours(3))

        assert clock(ticket) == (MONDAY + hours(5), None, 3600)


@pytest.mark.django_db
@pytest.mark.database
class TestClockInSql:
    """Changes in plain SQL, without a service."""

    def test_records_closing(self, owner: User) -> None:
        late, early = make_ticket(owner, created_at=MONDAY), make_ticket(owner)

        psql("UPDATE tickets_ticket SET status = 'closed'")

        for ticket in (late, early):
            ticket.refresh_from_db()
            assert ticket.closed_at is not None
        assert (late.sla_met, early.sla_met) == (False, True)

    def test_counts_a_ticket_on_hold_as_closed_when_it_was_held(self, owner: User) -> None:
        ticket = make_ticket(owner, created_at=MONDAY)
        psql("UPDATE tickets_ticket SET held_at = created_at, hold_reason = 'x'")
        psql("UPDATE tickets_ticket SET status = 'closed'")

        ticket.refresh_from_db()
        assert (ticket.sla_met, ticket.held_at, ticket.hold_reason) == (True, None, "")

    def test_records_reopening(self, closed_ticket: Ticket) -> None:
        psql("UPDATE tickets_ticket SET status = 'open'")

        closed_ticket.refresh_from_db()
        assert (closed_ticket.closed_at, closed_ticket.sla_met) == (None, None)

    @pytest.mark.parametrize(
        "change", ["closed_at = now()", "closed_at = NULL", "sla_met = NOT sla_met", "held_at = now()"]
    )
    def test_keeps_the_outcome_of_a_closed_ticket(self, owner: User, change: str) -> None:
        ticket = make_ticket(owner, created_at=MONDAY, status=Status.CLOSED)
        psql(f"UPDATE tickets_ticket SET {change}")

        ticket.refresh_from_db()
        assert (ticket.closed_at, ticket.sla_met, ticket.held_at) == (MONDAY, True, None)
        assert (ticket.version, TicketEvent.objects.count()) == (1, 1)

    def test_does_not_count_derived_columns_as_a_change(self, owner: User) -> None:
        ticket = make_ticket(owner, created_at=MONDAY)
        psql(
            "UPDATE tickets_ticket SET sla_alarm_at = NULL, held_seconds = 5, sla_hours = 5, sla_calendar = 'x', "
            "sla_left = '1 hour', sla_is_outdated = TRUE"
        )

        ticket.refresh_from_db()
        assert (ticket.version, TicketEvent.objects.count()) == (1, 1)

    def test_forgets_what_was_left_when_the_clock_runs_or_the_deadline_moves(
        self, owner: User, agent: User, office: Calendar
    ) -> None:
        resumed, moved = (
            services.create(by=owner, at=local(2026, 3, 5, 15), title="New", priority=Priority.HIGH) for _ in range(2)
        )
        for ticket in (resumed, moved):
            _hold(ticket, agent, local(2026, 3, 5, 16))
            ticket.refresh_from_db()
            assert ticket.sla_left == hours(3)

        psql("UPDATE tickets_ticket SET held_at = NULL WHERE id = %(id)s", id=resumed.pk)
        psql("UPDATE tickets_ticket SET sla_due_at = sla_due_at + interval '1 h' WHERE id = %(id)s", id=moved.pk)

        for ticket in (resumed, moved):
            ticket.refresh_from_db()
            assert ticket.sla_left is None

    def test_fills_in_the_terms_of_the_policy(self, owner: User) -> None:
        ticket = make_ticket(owner, created_at=MONDAY, priority=Priority.LOW)

        ticket.refresh_from_db()
        assert (ticket.sla_hours, ticket.sla_warn_at) == (48, MONDAY + hours(0.8 * 24))

    def test_sets_no_alarm_for_past_deadlines_in_quiet_mode(self, owner: User) -> None:
        psql("SELECT set_config('ticketing.quiet', 'on', true)")
        make_ticket(owner, created_at=MONDAY - hours(9_999))
        fresh = make_ticket(owner)

        fresh.refresh_from_db()
        assert [ticket.sla_alarm_at for ticket in Ticket.objects.order_by("pk")] == [None, fresh.sla_warn_at]


@pytest.mark.django_db
class TestSlaState:
    def test_is_the_same_in_lists_and_on_one_ticket(self, owner: User, agent: User) -> None:
        now = MONDAY
        for age in (0, 19.2, 19.3, 24, 24.1):
            make_ticket(owner, created_at=now - hours(age))
            make_ticket(owner, created_at=now - hours(age), status=Status.CLOSED, closed_at=now)
            held = make_ticket(owner, created_at=now - hours(age))
            services.hold(ticket_id=held.pk, by=agent, at=now)

        for state in queries.SLA_STATES:
            wanted = queries.TicketFilter(sla=state)
            rows = queries.tickets(viewer=agent, filter=wanted, ordering=Ordering(), limit=100, at=now)
            listed = {row["id"] for row in rows}
            assert listed == {ticket.pk for ticket in Ticket.objects.all() if ticket.sla_state(now) == state}
            assert listed

    @pytest.mark.database
    @pytest.mark.parametrize(
        ("tickets", "index"),
        [
            (lambda: Ticket.objects.breached(MONDAY), "ticket_unclosed"),
            (lambda: Ticket.objects.at_risk(MONDAY), "ticket_unclosed"),
            (lambda: Ticket.objects.met().order_by("-created_at", "-id"), "ticket_sla_met"),
            (lambda: Ticket.objects.missed().order_by("-created_at", "-id"), "ticket_sla_met"),
            (lambda: Ticket.objects.with_due_alarm(MONDAY), "ticket_sla_alarm"),
        ],
    )
    def test_is_found_by_an_index(self, owner: User, tickets: Any, index: str) -> None:
        # Enough other rows for the index to be worth using.
        for _ in range(50):
            make_ticket(owner)
        # As fast with so few tickets.
        psql("DROP INDEX ticket_next")
        psql("ANALYZE tickets_ticket")
        with transaction.atomic():
            for method in ("enable_seqscan", "enable_sort", "enable_bitmapscan"):
                psql(f"SET LOCAL {method} = off")

            plan = tickets().explain()

        assert f"Index Scan using {index}" in plan
        assert "Sort" not in plan
