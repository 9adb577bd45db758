"""The limits on mail about tickets per hour: what counts, what is sent, and what becomes part of a summary."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pghistory
import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import make_user
from events.tests.factories import GUEST, book, make_event
from notifications import mails, sending, services, transport
from notifications.models import Delivery, Kind, State
from notifications.tests.factories import end_of_transaction, make_delivery, run_worker
from projects.tests.psql import psql
from tickets import services as tickets
from tickets.models import Ticket
from tickets.tests.factories import assign, make_comment, make_ticket

pytestmark = pytest.mark.django_db

# Later than everything that the tests create, so that it is due.
AT = timezone.now() + timedelta(days=1)


@pytest.fixture
def limits(settings: Any) -> Any:
    """Small limits: three messages an hour to one address, two from one customer to others."""
    settings.MAIL_PER_RECIPIENT, settings.MAIL_PER_CUSTOMER = 3, 2
    return settings


@pytest.fixture
def victim(owner: User, outsider: User) -> User:
    """A customer whom another has assigned to a ticket. The mail about that has been removed."""
    assign(make_ticket(owner), outsider)
    end_of_transaction()
    Delivery.objects.all().delete()
    return outsider


def ticket_of(user: User) -> Ticket:
    return Ticket.objects.get(assignments__user=user)


def update(ticket: Ticket, by: User | None, *, times: int = 1, **fields: Any) -> None:
    """Update a ticket several times, in the name of `by`; without one, in SQL."""
    for number in range(times):
        venue = f"Hall {ticket.pk}-{Delivery.objects.count()}-{number}"
        if by is None:
            psql("UPDATE tickets_ticket SET venue = %(venue)s WHERE id = %(id)s", venue=venue, id=ticket.pk)
        else:
            with pghistory.context(user=by.pk):
                tickets.update(ticket_id=ticket.pk, by=by, at=timezone.now(), **{"venue": venue, **fields})
        end_of_transaction()


def states(**of: Any) -> list[str]:
    """Return the states of ticket mail other than summaries, in order of creation."""
    about_tickets = Delivery.objects.filter(ticket__isnull=False, **of)
    return [str(state) for (state,) in about_tickets.order_by("id").values_list("state")]


def run(at: datetime = AT) -> list[str]:
    """Run the worker once, and return the subjects of the mail that it sends."""
    before = len(mail.outbox)
    run_worker(at=at)
    return [str(message.subject) for message in mail.outbox[before:]]


class TestCausedBy:
    def causers(self) -> set[Any]:
        return set(Delivery.objects.values_list("caused_by", flat=True))

    def test_is_the_user_who_changed_the_ticket(self, ticket: Ticket, owner: User, signed_in: Any) -> None:
        assert signed_in(owner).patch(f"/tickets/{ticket.pk}", {"venue": "Hall"}).status_code == 200
        end_of_transaction()

        assert self.causers() == {owner.pk}

    def test_is_the_user_who_assigned(self, ticket: Ticket, owner: User, outsider: User, signed_in: Any) -> None:
        answer = signed_in(owner).post(f"/tickets/{ticket.pk}/assign", {"userId": outsider.pk})
        end_of_transaction()

        assert answer.status_code == 200
        assert self.causers() == {owner.pk}

    def test_is_the_author_of_a_comment(self, ticket: Ticket, team: list[User]) -> None:
        make_comment(ticket, team[0])
        end_of_transaction()

        assert self.causers() == {team[0].pk}

    def test_is_nobody_for_changes_in_sql(self, ticket: Ticket) -> None:
        update(ticket, None)

        assert self.causers() == {None}

    def test_is_nobody_if_the_user_is_gone(self, ticket: Ticket, owner: User) -> None:
        with pghistory.context(user=999_999):
            tickets.update(ticket_id=ticket.pk, by=owner, at=AT, venue="Hall")
        end_of_transaction()

        assert self.causers() == {None}

    def test_is_forgotten_with_the_user(self, owner: User) -> None:
        delivery = make_delivery(owner, caused_by=make_user("Short Timer"))
        User.objects.get(name="Short Timer").delete()

        delivery.refresh_from_db()
        assert delivery.caused_by is None


class TestFlood:
    def test_of_200_updates_is_the_limit_and_one_summary(self, owner: User, victim: User, settings: Any) -> None:
        ticket = ticket_of(victim)
        for number in range(200):
            update(ticket, owner, description=f"{number} " + "spam " * 3_990)

        sent = run() + run(AT + timedelta(minutes=10)) + run(AT + timedelta(minutes=59))

        assert sent == [f"Ticket #{ticket.pk} updated"] * settings.MAIL_PER_CUSTOMER + [
            f"Updates on ticket #{ticket.pk}"
        ]
        assert max(len(message.message().as_bytes()) for message in mail.outbox) < 20_000
        assert "(Open): 140 updates" in mail.outbox[-1].body
        assert not Delivery.objects.exclude(state__in=[State.SENT, State.SUMMARISED]).exists()
        assert not Delivery.objects.filter(state=State.SUMMARISED, summary=None).exists()

    def test_leaves_the_first_messages_as_they_are(self, ticket: Ticket, owner: User, limits: Any) -> None:
        update(ticket, owner, status="in-progress")
        delivery = Delivery.objects.order_by("id")[0]
        expected = mails.compose(delivery).message().as_string()
        update(ticket, owner, times=5)

        run()

        first = mail.outbox[0]
        assert first.body == (
            f'Ticket #{ticket.pk} updated:\nTitle: "Fix the database"\nStatus: "In progress"\n\n'
            "Current assignees: Max, Dave, Yaris.\n\n"
            f"Changed by Olga Owner on {mails.readable('at', delivery.created_at)}:\n"
            "- Status: Open → In progress\n"
            f"- Venue: (nothing) → Hall {ticket.pk}-0-0\n\n"
            "-- \nYou are receiving this e-mail because you are assigned to this ticket or watch it.\n"
        )
        assert without_boundaries(first.message().as_string()) == without_boundaries(expected)


def without_boundaries(message: str) -> list[str]:
    return [line for line in message.splitlines() if "==" not in line]


class TestLimitPerCustomer:
    def test_counts_mail_to_all_others(self, ticket: Ticket, owner: User, limits: Any) -> None:
        update(ticket, owner)

        run()

        assert states() == [State.SENT] * 2 + [State.SUMMARISED]

    def test_does_not_count_mail_to_oneself(self, owner: User, limits: Any) -> None:
        ticket = make_ticket(owner)
        assign(ticket, owner)
        update(ticket, owner, times=3)

        run()

        assert states() == [State.SENT] * 3

    @pytest.mark.parametrize("role", ["agent", "admin"])
    def test_does_not_apply_to_staff(self, role: str, victim: User, limits: Any, request: Any) -> None:
        update(ticket_of(victim), request.getfixturevalue(role), times=3)

        run()

        assert states() == [State.SENT] * 3

    def test_leaves_mail_caused_by_others(self, owner: User, victim: User, agent: User, limits: Any) -> None:
        update(ticket_of(victim), owner, times=4)
        run()

        update(ticket_of(victim), agent)
        run()

        assert states() == [State.SENT] * 2 + [State.SUMMARISED] * 2 + [State.SENT]

    def test_counts_comments(self, owner: User, victim: User, limits: Any) -> None:
        for _ in range(3):
            make_comment(ticket_of(victim), owner)
        end_of_transaction()

        run()

        assert states() == [State.SENT] * 2 + [State.SUMMARISED]

    def test_does_not_concern_changes_in_sql(self, owner: User, victim: User, limits: Any) -> None:
        limits.MAIL_PER_CUSTOMER = 0
        update(ticket_of(victim), None)
        update(ticket_of(victim), owner)

        run()

        assert states() == [State.SENT, State.SUMMARISED]


class TestLimitPerRecipient:
    def test_counts_changes_in_sql(self, victim: User, limits: Any) -> None:
        update(ticket_of(victim), None, times=5)

        run()

        assert states() == [State.SENT] * 3 + [State.SUMMARISED] * 2

    def test_applies_to_bulk_changes_of_staff_and_loses_nothing(self, owner: User, admin: User, limits: Any) -> None:
        numbers = [make_ticket(owner, title=f"Ticket {number}").pk for number in range(12)]
        for ticket in Ticket.objects.filter(pk__in=numbers):
            assign(ticket, owner)
            end_of_transaction()
            update(ticket, admin)
        run()

        run(AT + timedelta(minutes=10))

        listed = [number for number in numbers if f"\n- #{number} " in mail.outbox[-1].body]
        sent = Delivery.objects.filter(state=State.SENT, ticket__isnull=False).values_list("ticket", flat=True)
        assert {*listed, *sent} == set(numbers)

    def test_counts_each_hour_anew(self, victim: User, limits: Any) -> None:
        update(ticket_of(victim), None, times=3)
        run()
        update(ticket_of(victim), None)

        sent = run(AT + timedelta(minutes=61))

        assert sent == [f"Ticket #{ticket_of(victim).pk} updated"]

    def test_counts_mail_to_an_address_that_another_account_had(self, owner: User, victim: User, limits: Any) -> None:
        update(ticket_of(victim), None, times=3)
        run()
        address = victim.email
        User.objects.filter(pk=victim.pk).update(email="elsewhere@example.com")
        second = make_user("Second Account", email=address.upper())
        assign(make_ticket(owner), second)
        end_of_transaction()

        run()

        assert states(user=second) == [State.SUMMARISED]

    def test_counts_reminders_of_deadlines_apart(self, owner: User, victim: User, limits: Any) -> None:
        update(ticket_of(victim), None, times=4)
        Ticket.objects.update(sla_due_at=AT - timedelta(hours=1), sla_alarm_at=AT - timedelta(hours=1))
        services.announce_deadlines(at=AT)

        run()

        assert states(kind=Kind.SLA_BREACHED) == [State.SENT]
        assert states(kind=Kind.TICKET_UPDATED)[3] == State.SUMMARISED

    def test_bounds_reminders_of_deadlines(self, owner: User, admin: User, limits: Any) -> None:
        for _ in range(5):
            make_ticket(owner, created_at=AT - timedelta(days=3))
        Ticket.objects.update(sla_alarm_at=AT - timedelta(hours=1))
        services.announce_deadlines(at=AT)

        run()

        assert sorted(states(user=admin)) == [State.SENT] * 3 + [State.SUMMARISED] * 2

    def test_does_not_concern_other_mail(self, admin: User, victim: User, limits: Any) -> None:
        update(ticket_of(victim), None, times=4)
        run()
        services.notify(kind=Kind.RESET_PASSWORD, about="a test", users=[victim])
        for number in range(4):
            book(make_event(admin, name=f"Event {number}"), victim)

        assert len(run()) == 5

    def test_does_not_count_other_mail(self, admin: User, victim: User, limits: Any) -> None:
        for number in range(4):
            book(make_event(admin, name=f"Event {number}"), victim)
        run()
        update(ticket_of(victim), None, times=3)

        assert len(run()) == 3

    def test_counts_a_message_once_however_often_it_is_tried(
        self, victim: User, limits: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        update(ticket_of(victim), None, times=3)

        def fail(*_: Any) -> None:
            raise OSError("451 Later")

        with monkeypatch.context() as patched:
            patched.setattr(transport.Connection, "send", fail)
            run()
        at = AT + timedelta(minutes=1)

        assert len(run(at)) == 3
        assert states() == [State.SENT] * 3

    def test_counts_nothing_during_an_outage(self, victim: User, limits: Any) -> None:
        sending._note_outage("ConnectionRefusedError", at=AT)
        update(ticket_of(victim), None, times=4)

        run_worker(at=AT)

        assert states() == [State.PENDING] * 4
        assert not Delivery.objects.exclude(admitted_at=None).exists()


class TestLimitPerGuest:
    @pytest.fixture
    def bookings(self, admin: User, settings: Any) -> list[str]:
        """Five bookings for one guest's address. Return their numbers."""
        settings.MAIL_PER_GUEST = 2
        event = make_event(admin, capacity=10)
        return [f"#{book(event, guest=GUEST).pk}" for _ in range(5)]

    def test_lets_further_mail_wait(self, bookings: list[str]) -> None:
        sent = [len(run(AT + timedelta(minutes=minutes))) for minutes in range(0, 150, 10)]

        assert sent == [2, *[0] * 5, 2, *[0] * 5, 1, 0, 0]
        assert all(any(number in message.body for message in mail.outbox) for number in bookings)
        assert set(Delivery.objects.values_list("state", "attempts")) == {(State.SENT, 1)}

    def test_is_apart_for_each_address(self, bookings: list[str], admin: User) -> None:
        book(make_event(admin), guest=replace(GUEST, email="someone.else@example.com"))

        assert len(run()) == 3

    def test_does_not_concern_users(self, bookings: list[str], admin: User, owner: User) -> None:
        User.objects.filter(pk=owner.pk).update(email=GUEST.email)
        for _ in range(3):
            book(make_event(admin), owner)

        # One of them tells the owner's old address about the change.
        assert len(run()) == 6
