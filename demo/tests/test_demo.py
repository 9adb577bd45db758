"""`manage.py demo`: the data it creates, and when it refuses to."""

import io
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import F, Q
from rest_framework.test import APIClient
from rich.console import Console

from accounts.models import User, UserType
from analytics import queries
from analytics.models import DailyCount
from demo.management.commands.demo import fill
from demo.people import SIGN_INS
from events import services
from events.models import Booking, CheckIn, Event
from events.tests.factories import book
from notifications.models import Delivery
from tickets.models import Assignment, Comment, Ticket
from tickets.queries import ASSIGNEE, FIELDS, history
from tickets.tests.factories import make_ticket

NOW = datetime(2026, 3, 31, 15, 30, tzinfo=UTC)


def load_demo(**changed: Any) -> None:
    fill(**{"tickets": 200, "seed": 1, "at": NOW, "console": Console(file=io.StringIO()), **changed})


def all_rows() -> list[list[Any]]:
    """Return every row of the demo, without password hashes and project ids."""
    people = User.objects.order_by("pk").values_list("pk", "name", "email", "type", "created_at")
    fields = [field.attname for field in Ticket._meta.concrete_fields if field.name != "project"]
    tickets = Ticket.objects.order_by("pk").values_list("project__name", *fields)
    assignments = Assignment.objects.order_by("ticket", "slot").values_list("ticket", "user", "slot", "assigned_at")
    bookings = Booking.objects.order_by("pk").values_list("event__name", "user", "guest_email", "status", "created_at")
    return [list(people), list(tickets), list(assignments), list(bookings)]


@pytest.mark.django_db
@pytest.mark.slow
class TestFill:
    def test_creates_valid_tickets_of_90_days(self) -> None:
        load_demo()

        tickets = Ticket.objects.all()
        assert tickets.count() == 200
        assert not tickets.exclude(created_at__range=(NOW - timedelta(days=91), NOW)).exists()
        assert not tickets.filter(Q(updated_at__lt=F("created_at")) | Q(updated_at__gt=NOW)).exists()
        assert not tickets.filter(created_by__type=UserType.ADMIN).exists()
        assert not Assignment.objects.filter(user__type=UserType.ADMIN).exists()
        assert not Assignment.objects.filter(assigned_at__lt=F("ticket__created_at")).exists()
        # Users joined before they created anything.
        assert not tickets.filter(created_by__created_at__gt=F("created_at")).exists()
        for user in User.objects.all():
            user.full_clean()
        for ticket in tickets:
            ticket.full_clean()
        assert Assignment.objects.count() > 20

    def test_checks_in_the_guests_of_past_events(self) -> None:
        load_demo()

        scans = CheckIn.objects.select_related("event", "by")
        assert scans.count() > 100
        assert {scan.by.type for scan in scans} == {UserType.AGENT}
        assert {scan.event_id for scan in scans} == set(
            Event.objects.filter(starts_at__lt=NOW).values_list("pk", flat=True)
        )
        assert all(abs(scan.at - scan.event.starts_at) <= timedelta(hours=1) for scan in scans)

    def test_sends_no_mail(self) -> None:
        load_demo()

        # Deliveries are created by deferred triggers, at the end of the transaction.
        connection.check_constraints()
        assert not Delivery.objects.exists()

    def test_history_leads_to_the_current_values(self) -> None:
        load_demo()

        for ticket in Ticket.objects.with_assignees():
            items = history(ticket_id=ticket.pk, limit=100)
            changes = [change for item in reversed(items) for change in item.changes]
            values = {change.field: change.after for change in changes if change.field != ASSIGNEE}
            assert values == {
                field: getattr(ticket, field) for field in FIELDS if getattr(ticket, field) not in (None, "", [])
            }
            assert [change.after.id for change in changes if change.field == ASSIGNEE] == [
                assignment.user_id for assignment in ticket.assignments.all()
            ]
            assert len(items) == ticket.version
            assert (items[0].at, items[-1].at) == (ticket.updated_at or ticket.created_at, ticket.created_at)
            assert [item.at for item in items] == sorted((item.at for item in items), reverse=True)
            assert all(item.by and item.door == "api" for item in items)

    def test_closes_most_old_tickets(self) -> None:
        load_demo()

        old = Ticket.objects.filter(created_at__lt=NOW - timedelta(days=30))
        assert old.filter(status="closed").count() > 0.9 * old.count()
        assert set(Ticket.objects.values_list("status", flat=True)) == {"open", "in-progress", "closed"}

    @pytest.mark.parametrize("hour", [0, 9, 23])
    def test_leaves_work_in_every_state(self, hour: int) -> None:
        """Whenever the demo is loaded, the board is neither empty nor all overdue."""
        at = NOW.replace(hour=hour)
        load_demo(tickets=300, at=at)

        states = Counter(ticket.sla_state(at) for ticket in Ticket.objects.exclude(status="closed"))
        assert states["ok"] >= 20
        assert states["at-risk"] >= 4
        assert 4 <= states["breached"] <= 15
        assert states["on-hold"] >= 5
        running = states.total() - states["on-hold"]
        assert states["breached"] < running / 3
        held = Ticket.objects.filter(held_at__isnull=False)
        assert not held.filter(hold_reason="").exists()
        assert not held.filter(Q(held_at__lt=F("created_at")) | Q(held_at__gt=at)).exists()
        assert not Ticket.objects.filter(created_at__gt=at).exists()
        assert {"low", "medium", "high"} == set(
            Ticket.objects.breached(at + timedelta(days=3)).values_list("priority", flat=True)
        )

    def test_writes_comments(self) -> None:
        load_demo()

        comments = Comment.objects.select_related("author", "ticket").order_by("ticket", "pk")
        conversations = [list(said) for _, said in groupby(comments, lambda comment: comment.ticket_id)]
        assert 60 < len(conversations) < 180
        assert max(map(len, conversations)) >= 3
        assert 0 < comments.filter(is_internal=True).count() < comments.count() / 2
        assert not comments.filter(is_internal=True, author__type=UserType.CUSTOMER).exists()
        assert {"agent", "customer"} <= set(comments.values_list("author__type", flat=True))
        for said in conversations:
            ticket, times = said[0].ticket, [comment.created_at for comment in said]
            assert times == sorted(times)
            assert ticket.created_at <= times[0] <= times[-1] <= (ticket.closed_at or NOW)

    def test_updates_the_daily_counts(self) -> None:
        load_demo()

        assert queries.daily_count_faults() == []
        assert DailyCount.objects.count() > 0

    def test_ledger_matches_bookings_and_inventory(self) -> None:
        load_demo()

        for event in Event.objects.select_related("inventory"):
            event.full_clean()
            inventory, bookings = event.inventory, event.bookings.all()
            sold, waiting = sum(booking.seats for booking in bookings), event.bookings.queue()
            assert (inventory.confirmed, inventory.waiting) == (sold, waiting.count())
            assert inventory.last_queue_number == max((booking.queue_number or 0 for booking in bookings), default=0)
            # The first in the queue asks for more seats than are available.
            assert not waiting or waiting[0].left > inventory.available
            taken = queued = 0
            for entry in event.entries.order_by("pk"):
                taken, queued = taken + entry.seats, queued + entry.waiting
                assert 0 <= taken <= inventory.for_sale
                assert entry.amount == entry.seats * event.price
            assert (taken, queued) == (sold, waiting.count())
        for booking in Booking.objects.all():
            booking.full_clean(exclude=["user", "queue_number"])
            entries = booking.entries.order_by("pk")
            assert sum(entry.seats for entry in entries) == booking.seats
            assert sum(entry.quantity for entry in entries if entry.kind == "cancelled") == booking.cancelled
            times = [entry.at for entry in entries]
            assert times == sorted(times)
            assert booking.created_at == times[0] >= NOW - timedelta(days=91)
            assert times[-1] <= min(NOW, booking.event.starts_at)

    def test_includes_events_and_bookings_in_every_state(self) -> None:
        load_demo()

        sold_out = [event for event in Event.objects.all() if event.inventory.waiting]
        assert len(sold_out) >= 3
        assert set(Event.objects.values_list("status", flat=True)) == {"draft", "published", "cancelled"}
        assert {"Europe/Berlin", "Europe/London"} < set(Event.objects.values_list("time_zone", flat=True))
        assert {"EUR", "USD"} < set(Event.objects.values_list("currency", flat=True))
        assert {None} < set(Event.objects.values_list("ends_at", flat=True))
        assert set(Booking.objects.values_list("status", flat=True)) == {"confirmed", "waiting", "cancelled"}
        assert Booking.objects.filter(user=None).exists()
        assert Booking.objects.exclude(user=None).exists()

    def test_real_bookings_can_follow(self) -> None:
        load_demo()
        event = next(event for event in Event.objects.filter(status="published") if event.inventory.waiting)
        event.bookings_close_at = None
        event.save()

        latest = book(event)
        services.cancel(booking_id=event.bookings.filter(status="confirmed")[0].pk, by=event.created_by)

        assert latest.pk == Booking.objects.latest("pk").pk
        assert latest.ahead is not None
        assert event.entries.filter(kind="promoted", at__gt=latest.created_at).exists()

    def test_new_tickets_get_the_next_id(self) -> None:
        load_demo()

        ticket = make_ticket(User.objects.get(email="customer@example.com"))

        assert ticket.pk == 1 + max(Ticket.objects.exclude(pk=ticket.pk).values_list("pk", flat=True))

    def test_is_the_same_for_the_same_seed_at_the_same_time(self) -> None:
        loaded = []
        for _ in range(2):
            with transaction.atomic():
                load_demo()
                loaded.append(all_rows())
                transaction.set_rollback(True)

        assert loaded[0] == loaded[1]

    def test_is_different_for_another_seed(self) -> None:
        loaded = []
        for seed in (1, 2):
            with transaction.atomic():
                load_demo(seed=seed)
                loaded.append(all_rows())
                transaction.set_rollback(True)

        assert loaded[0][0] != loaded[1][0]
        assert loaded[0][1] != loaded[1][1]


# The command ends with VACUUM, which cannot run in a transaction.
@pytest.mark.database
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestDemo:
    def test_creates_people_who_can_sign_in(self, anonymous: APIClient) -> None:
        call_command("demo", tickets=20, stdout=io.StringIO())

        for role, email, password in SIGN_INS:
            response = anonymous.post("/auth/login", {"email": email, "password": password})
            assert response.status_code == 200
            assert User.objects.get(email=email).type == role

    def test_prints_the_sign_ins(self) -> None:
        output = io.StringIO()

        call_command("demo", tickets=0, stdout=output)

        assert all(email in output.getvalue() and password in output.getvalue() for _, email, password in SIGN_INS)

    def test_refuses_a_database_in_use(self, owner: User) -> None:
        with pytest.raises(CommandError, match="--force"):
            call_command("demo", stdout=io.StringIO())

        assert (User.objects.count(), Ticket.objects.count()) == (1, 0)

    def test_adds_to_a_database_in_use_with_force(self, owner: User) -> None:
        mine = make_ticket(owner)

        call_command("demo", tickets=20, force=True, stdout=io.StringIO())

        assert Ticket.objects.exclude(pk=mine.pk).count() == 20
        assert queries.daily_count_faults() == []

    def test_refuses_to_load_twice(self) -> None:
        call_command("demo", tickets=5, stdout=io.StringIO())

        with pytest.raises(CommandError, match="already"):
            call_command("demo", tickets=5, force=True, stdout=io.StringIO())
