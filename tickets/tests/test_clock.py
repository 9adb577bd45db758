"""The clock in the database against the pure one in sla/clock.py, through services and through plain SQL."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pgtrigger.installation
import pytest
from django.db import transaction
from hypothesis import example, given, settings
from hypothesis import strategies as st

from accounts.models import User
from projects.tests.psql import psql
from sla import clock
from sla.business_hours import ROUND_THE_CLOCK, BusinessHours
from sla.clock import Clock, Terms
from sla.models import Calendar, Priority, SlaPolicy
from sla.tests.factories import make_office_calendar
from tickets import services
from tickets.models import Status

pytestmark = [pytest.mark.django_db, pytest.mark.database]

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
WORDS = ["", "Waiting for the customer", "Waiting for parts"]


@dataclass(frozen=True)
class Step:
    """An operation, whether it goes through the services or through SQL, and how long after the previous one it comes.

    An operation that does not fit the state of the clock is skipped.
    """

    operation: str
    in_sql: bool
    delay: timedelta
    priority: str
    reason: str


steps = st.builds(
    Step,
    operation=st.sampled_from(
        ["hold", "resume", "close", "reopen", "reprioritise", "move_deadline", "change_policies"]
    ),
    in_sql=st.booleans(),
    delay=st.integers(0, 100 * 60).map(lambda minutes: timedelta(minutes=minutes)),
    priority=st.sampled_from(Priority.values),
    reason=st.sampled_from(WORDS),
)


# Closing ends the hold, which moves the deadline, and leaves as much time as when the hold began.
CLOSED_ON_HOLD = [
    Step("hold", in_sql=False, delay=timedelta(), priority=Priority.LOW, reason=""),
    Step("reprioritise", in_sql=False, delay=timedelta(minutes=1), priority=Priority.HIGH, reason=""),
    Step("close", in_sql=False, delay=timedelta(), priority=Priority.HIGH, reason=""),
]


class Pair:
    """A ticket in the database, and the state that the pure clock says it is in."""

    def __init__(self, by: User, *, priority: str, is_closed: bool) -> None:
        self.by = by
        self.at = MONDAY
        self.priority = priority
        status = Status.CLOSED if is_closed else Status.OPEN
        self.ticket = services.create(by=by, at=self.at, title="Fix it", priority=priority, status=status)
        self.expected = clock.start(created_at=self.at, terms=self.terms())
        if is_closed:
            self.expected = clock.close(self.expected, at=self.at)

    def terms(self) -> Terms:
        return SlaPolicy.objects.select_related("calendar").get(pk=self.priority).terms

    def business_hours(self) -> BusinessHours:
        calendar = Calendar.objects.filter(name=self.expected.calendar).first()
        return calendar.business_hours() if calendar else ROUND_THE_CLOCK

    def take(self, step: Step) -> None:
        self.at += step.delay
        is_running = self.expected.stopped_at is None
        match step.operation:
            case "hold" if is_running:
                self.hold(step)
            case "resume" if self.expected.held_at:
                self.resume(step)
            case "close" if not self.expected.closed_at:
                self.close(step)
            case "reopen" if self.expected.closed_at:
                self.reopen(step)
            case "reprioritise":
                self.reprioritise(step)
            case "move_deadline":
                self.move_deadline()
            case "change_policies":
                self.change_policies()

    def hold(self, step: Step) -> None:
        hours = self.business_hours()
        self.expected = clock.hold(self.expected, at=self.at, reason=step.reason, business_hours=hours)
        if step.in_sql:
            self.expected = replace(self.expected, left=None)
            self.sql("held_at = %(at)s, hold_reason = %(reason)s", reason=step.reason)
        else:
            services.hold(ticket_id=self.ticket.pk, by=self.by, at=self.at, reason=step.reason)

    def resume(self, step: Step) -> None:
        if step.in_sql:
            # Plain SQL has no calendar: the deadline stays.
            self.expected = replace(self.expected, held_at=None, hold_reason="", left=None)
            self.sql("held_at = NULL")
        else:
            self.expected = clock.resume(self.expected, at=self.at, business_hours=self.business_hours())
            services.resume(ticket_id=self.ticket.pk, by=self.by, at=self.at)

    def close(self, step: Step) -> None:
        if step.in_sql:
            left = self.expected.left
            self.expected = replace(clock.close(self.expected, at=self.at), left=left)
            self.sql("status = 'closed', closed_at = %(at)s")
        else:
            hours = self.business_hours()
            if self.expected.held_at:
                self.expected = clock.resume(self.expected, at=self.at, business_hours=hours)
            self.expected = clock.close(self.expected, at=self.at, business_hours=hours)
            self.update(status=Status.CLOSED)

    def reopen(self, step: Step) -> None:
        if step.in_sql:
            self.expected = replace(self.expected, closed_at=None, is_met=None, left=None, is_outdated=False)
            self.sql("status = 'in-progress'")
        else:
            terms = self.terms()
            is_outdated = self.expected.is_outdated
            hours = terms.business_hours if is_outdated else self.business_hours()
            self.expected = clock.reopen(self.expected, at=self.at, business_hours=hours)
            if is_outdated:
                self.expected = clock.reprioritise(self.expected, terms=terms)
            self.update(status=Status.IN_PROGRESS)

    def reprioritise(self, step: Step) -> None:
        is_new, self.priority = step.priority != self.priority, step.priority
        if step.in_sql:
            self.sql("priority = %(priority)s", priority=step.priority)
        else:
            if is_new:
                self.expected = clock.reprioritise(self.expected, terms=self.terms())
            self.update(priority=step.priority)

    def move_deadline(self) -> None:
        """Set a deadline that no policy explains, which only SQL can do."""
        due_at = self.expected.created_at + timedelta(hours=100)
        if due_at != self.expected.due_at:
            warn_at = self.expected.created_at + self.terms().at_risk_share * timedelta(hours=100)
            self.expected = replace(self.expected, due_at=due_at, warn_at=warn_at, left=None)
        self.sql("sla_due_at = %(due_at)s", due_at=due_at)

    def change_policies(self) -> None:
        """Halve the hours of every policy, and swap round-the-clock time and office hours."""
        for policy in SlaPolicy.objects.all():
            policy.hours = max(1, policy.hours // 2)
            policy.calendar = None if policy.calendar else Calendar.objects.first()
            policy.save()

    def update(self, **changes: Any) -> None:
        services.update(ticket_id=self.ticket.pk, by=self.by, at=self.at, **changes)

    def sql(self, assignments: str, **parameters: Any) -> None:
        statement = f"UPDATE tickets_ticket SET {assignments} WHERE id = %(ticket)s"
        psql(statement, **{"ticket": self.ticket.pk, "at": self.at, **parameters})

    def stored(self) -> tuple[Clock, datetime | None]:
        """Return the clock in the database, and its next alarm."""
        self.ticket.refresh_from_db()
        return self.ticket.clock, self.ticket.sla_alarm_at


class TestClockOfTheDatabase:
    @pytest.mark.slow
    @settings(max_examples=40)
    @given(
        priority=st.sampled_from(Priority.values),
        is_closed=st.booleans(),
        has_calendar=st.booleans(),
        taken=st.lists(steps, max_size=8),
    )
    @example(priority=Priority.LOW, is_closed=False, has_calendar=True, taken=CLOSED_ON_HOLD).via("a failure")
    def test_is_the_pure_clock_after_any_sequence_of_changes(
        self, agent: User, priority: str, is_closed: bool, has_calendar: bool, taken: list[Step]
    ) -> None:
        with transaction.atomic():
            if has_calendar:
                make_office_calendar(priority=Priority.HIGH)
            pair = Pair(agent, priority=priority, is_closed=is_closed)
            states = []
            for step in taken:
                pair.take(step)
                states.append((pair.stored(), pair.expected))
            transaction.set_rollback(True)

        for (stored, alarm_at), expected in states:
            assert stored == expected
            assert alarm_at == (None if expected.stopped_at else expected.warn_at)

    def test_starts_as_the_pure_clock_starts(self, agent: User) -> None:
        for priority in Priority.values:
            pair = Pair(agent, priority=priority, is_closed=False)

            assert pair.stored() == (pair.expected, pair.expected.warn_at)

    def test_keeps_what_another_calendar_leaves_even_if_it_is_as_much_as_before(self, agent: User) -> None:
        make_office_calendar(priority=Priority.HIGH)
        make_office_calendar(priority=Priority.MEDIUM, name="Tokyo", time_zone="Asia/Tokyo")
        SlaPolicy.objects.filter(pk=Priority.MEDIUM).update(hours=SlaPolicy.objects.get(pk=Priority.HIGH).hours)
        pair = Pair(agent, priority=Priority.HIGH, is_closed=False)
        left = timedelta(hours=pair.terms().hours)
        pair.take(Step("hold", in_sql=False, delay=timedelta(), priority="", reason=""))

        pair.take(Step("reprioritise", in_sql=False, delay=timedelta(), priority=Priority.MEDIUM, reason=""))

        assert (pair.expected.calendar, pair.expected.left) == ("Tokyo", left)
        assert pair.stored()[0] == pair.expected

    def test_would_differ_without_its_trigger(self, agent: User) -> None:
        """Otherwise the test above would prove nothing."""
        pair = Pair(agent, priority=Priority.HIGH, is_closed=False)
        pair.hold(Step("hold", True, timedelta(), Priority.HIGH, "Waiting"))
        psql("SET CONSTRAINTS ALL IMMEDIATE")
        pgtrigger.installation.disable("tickets.Ticket:step_1_keep_clock")

        pair.resume(Step("resume", True, timedelta(), Priority.HIGH, ""))

        assert pair.stored()[0] != pair.expected
