"""Announcements of SLA deadlines: to whom, when, and only once."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection, transaction
from pytest_django import DjangoAssertNumQueries

from accounts.models import User, UserType
from accounts.tests.factories import make_user
from notifications import mails, services
from notifications.models import Delivery
from notifications.tests.factories import end_of_transaction, run_worker
from projects.tests.psql import psql
from sla.models import Priority
from tickets import services as tickets
from tickets.models import Status, Ticket, TicketEvent
from tickets.tests.factories import make_ticket

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def ticket(owner: User, assignee: User, admin: User) -> Ticket:
    """Created at noon, due 24 hours later."""
    ticket = tickets.create(by=owner, at=NOON, title="Fix the database", assigned_user_ids=[assignee.pk])
    end_of_transaction()
    return ticket


def after(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def announced(hours: float) -> list[tuple[str, str]]:
    """Announce deadlines this many hours after noon, and return the kinds and recipients of the new mail."""
    before = set(Delivery.objects.values_list("pk", flat=True))
    services.announce_deadlines(at=after(hours))
    new = Delivery.objects.exclude(pk__in=before).order_by("kind", "name")
    return [(delivery.kind, delivery.name) for delivery in new]


WARNED = [("sla-at-risk", "Ada Admin"), ("sla-at-risk", "Axel Assignee")]
LATE = [("sla-breached", "Ada Admin"), ("sla-breached", "Axel Assignee")]


class TestDeadlines:
    def test_are_announced_once_when_near_and_once_when_passed(self, ticket: Ticket) -> None:
        sent = {hours: announced(hours) for hours in (0, 19.2, 19.21, 20, 24, 24.01, 25, 1000)}

        assert {hours: who for hours, who in sent.items() if who} == {19.21: WARNED, 24.01: LATE}

    def test_are_announced_as_breached_only_if_noticed_late(self, ticket: Ticket) -> None:
        assert [announced(hours) for hours in (30, 31)] == [LATE, []]

    def test_are_announced_again_when_they_move(self, ticket: Ticket, owner: User, agent: User) -> None:
        first = announced(20)
        tickets.hold(ticket_id=ticket.pk, by=agent, at=after(21))
        during = announced(100)
        tickets.resume(ticket_id=ticket.pk, by=agent, at=after(101))
        resumed = announced(101), announced(105)
        tickets.update(ticket_id=ticket.pk, by=owner, at=after(106), priority=Priority.LOW)
        eased = announced(107)

        assert (first, during, resumed, eased) == (WARNED, [], (WARNED, LATE), [])

    def test_are_announced_at_once_when_a_new_priority_breaches_them(self, ticket: Ticket, owner: User) -> None:
        tickets.update(ticket_id=ticket.pk, by=owner, at=after(5), priority=Priority.HIGH)

        assert announced(5) == LATE

    def test_of_closed_tickets_are_announced_after_reopening_only(self, ticket: Ticket, owner: User) -> None:
        tickets.update(ticket_id=ticket.pk, by=owner, at=after(20), status=Status.CLOSED)
        closed = announced(100)
        tickets.update(ticket_id=ticket.pk, by=owner, at=after(101), status=Status.OPEN)

        assert (closed, announced(102)) == ([], WARNED)

    def test_of_unassigned_tickets_are_announced_to_admins_only(self, owner: User, admin: User, agent: User) -> None:
        make_user("Otto Gone", type=UserType.ADMIN, is_active=False)
        tickets.create(by=owner, at=NOON, title="Unassigned")

        assert announced(20) == [("sla-at-risk", "Ada Admin")]

    def test_do_not_change_the_ticket(self, ticket: Ticket) -> None:
        events = TicketEvent.objects.count()

        announced(20)
        announced(30)

        ticket.refresh_from_db()
        assert (ticket.version, TicketEvent.objects.count()) == (1, events)

    def test_are_announced_for_any_number_of_tickets(
        self, owner: User, admin: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(services, "DEADLINE_BATCH", 2)
        for _ in range(5):
            make_ticket(owner, created_at=NOON)

        assert [services.announce_deadlines(at=after(hours)) for hours in (20, 21)] == [5, 0]
        assert Delivery.objects.count() == 5

    def test_run_three_queries_when_there_is_nothing_to_announce(
        self, ticket: Ticket, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        # One SELECT and two UPDATEs of no rows.
        with django_assert_num_queries(3):
            services.announce_deadlines(at=NOON)


class TestMail:
    def test_states_the_deadline(self, ticket: Ticket, settings: object) -> None:
        announced(20)
        delivery = Delivery.objects.get(name="Ada Admin")
        assert delivery.user

        message = mails.compose(delivery)

        assert message.subject == f"Ticket #{ticket.pk} is due soon"
        assert message.body.startswith(
            f"Ticket #{ticket.pk} is due soon: most of its SLA time has been used.\n\n"
            'Title: "Fix the database"\nStatus: "Open"\nPriority: Medium\nDue: Tuesday 3 March 2026, 12:00 UTC\n'
        )
        assert f"/admin/tickets/ticket/{ticket.pk}/change/" in message.body
        assert message.message()["References"].startswith(f"<ticket-{ticket.pk}@")

    def test_reports_a_breach(self, ticket: Ticket) -> None:
        announced(30)
        delivery = Delivery.objects.get(name="Axel Assignee")
        assert delivery.user

        message = mails.compose(delivery)

        assert message.subject == f"Ticket #{ticket.pk} is overdue"
        assert "/admin/" not in message.body

    def test_is_sent(self, ticket: Ticket) -> None:
        announced(30)

        run_worker(at=datetime(2099, 1, 1, tzinfo=UTC))

        assert len(mail.outbox) == 2


@pytest.mark.slow
@pytest.mark.database
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestSeveralWorkers:
    def announce(self) -> int:
        with closing(connection):
            return services.announce_deadlines(at=after(20))

    def test_announce_each_deadline_once(self, owner: User, admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(services, "DEADLINE_BATCH", 3)
        for _ in range(20):
            make_ticket(owner, created_at=NOON)

        with ThreadPoolExecutor(4) as workers:
            numbers = [future.result() for future in [workers.submit(self.announce) for _ in range(4)]]

        assert sum(numbers) == 20
        assert Delivery.objects.count() == 20

    def test_do_not_wait_for_a_locked_ticket(self, owner: User, admin: User) -> None:
        busy, free = (make_ticket(owner, created_at=NOON) for _ in range(2))

        with transaction.atomic():
            psql("SELECT FROM tickets_ticket WHERE id = %(ticket)s FOR UPDATE", ticket=busy.pk)
            with ThreadPoolExecutor(1) as worker:
                number = worker.submit(self.announce).result(timeout=60)

        assert number == 1
        assert Delivery.objects.get().ticket == free
        assert self.announce() == 1

    def test_shows_times_in_the_sites_zone(self, ticket: Ticket, settings: Any) -> None:
        settings.TIME_ZONE = "Europe/Berlin"
        announced(20)

        message = mails.compose(Delivery.objects.get(name="Ada Admin"))

        assert "\nDue: Tuesday 3 March 2026, 13:00 CET\n" in message.body
