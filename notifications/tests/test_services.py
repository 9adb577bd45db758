"""Notify, deliver, retry and purge. Faults of the mail server are in test_faults.py."""

from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import make_user
from events.services import cancel
from events.tests.factories import book, make_event
from notifications import sending, services, transport
from notifications.models import Delivery, Kind, State
from notifications.tests.factories import clear_jobs, due_ids, make_delivery, run_worker

pytestmark = pytest.mark.django_db


class TestNotify:
    def test_mails_each_user(self, team: list[User]) -> None:
        services.notify(kind=Kind.RESET_PASSWORD, about="a test", users=team)

        run_worker(at=timezone.now())

        assert sorted(message.to[0] for message in mail.outbox) == sorted(
            f'"{user.name}" <{user.email}>' for user in team
        )
        assert set(Delivery.objects.values_list("state", "attempts")) == {(State.SENT, 1)}

    def test_mails_a_user_once_per_occasion(self, owner: User) -> None:
        for _ in range(2):
            services.notify(kind=Kind.SET_PASSWORD, about="the same", users=[owner])

        assert Delivery.objects.count() == 1
        assert len(due_ids()) == 1

    def test_skips_deactivated_users(self, owner: User) -> None:
        User.objects.filter(pk=owner.pk).update(is_active=False)

        services.notify(kind=Kind.SET_PASSWORD, about="a test", users=[owner])

        assert not Delivery.objects.exists()

    def test_is_rolled_back_with_its_transaction(self, owner: User) -> None:
        with transaction.atomic():
            services.notify(kind=Kind.SET_PASSWORD, about="a test", users=[owner])
            transaction.set_rollback(True)

        assert not Delivery.objects.exists()
        assert due_ids() == []

    def test_stores_the_payload(self, owner: User) -> None:
        services.notify(kind=Kind.SET_PASSWORD, about="a test", users=[owner], payload={"by": 'Ada "The" Admin'})

        assert Delivery.objects.get().payload == {"by": 'Ada "The" Admin'}

    def test_runs_one_query_for_any_number_of_users(self, team: list[User], django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(1):
            services.notify(kind=Kind.SET_PASSWORD, about="a test", users=team)

    def test_puts_password_mail_first(self, owner: User, ticket: Any) -> None:
        make_delivery(owner, kind=Kind.TICKET_UPDATED, ticket=ticket)
        services.notify(kind=Kind.RESET_PASSWORD, about="a test", users=[owner])
        services.announce_bookings()

        first, _ = sending._admit(at=timezone.now())

        assert Delivery.objects.get(pk=first["id"]).kind == Kind.RESET_PASSWORD


class TestDeliver:
    def test_leaves_a_delivery_that_another_worker_holds(self, owner: User) -> None:
        delivery = make_delivery(owner)
        another_worker = connection.copy()
        with closing(another_worker), another_worker.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [f"delivery/{delivery.pk}"])

            run_worker(at=timezone.now())

        assert mail.outbox == []

    def test_leaves_a_delivery_that_is_not_due(self, owner: User) -> None:
        make_delivery(owner, next_attempt_at=timezone.now() + timedelta(minutes=5))

        run_worker(at=timezone.now())

        assert mail.outbox == []

    def test_uses_the_current_address(self, owner: User) -> None:
        delivery = make_delivery(owner)
        User.objects.filter(pk=owner.pk).update(email="olga.new@example.com")

        run_worker(at=timezone.now())

        delivery.refresh_from_db()
        assert mail.outbox[0].to == ['"Olga Owner" <olga.new@example.com>']
        assert delivery.address == "olga.new@example.com"

    def test_leaves_deliveries_that_are_done(self, team: list[User]) -> None:
        at = timezone.now()
        make_delivery(team[0], state=State.SENT, sent_at=at)
        make_delivery(team[1], state=State.DEAD)

        run_worker(at=at)

        assert mail.outbox == []

    @pytest.mark.parametrize(("is_announced", "statements"), [(True, 4), (False, 7)])
    def test_runs_four_statements_for_a_batch_and_three_to_announce_bookings(
        self, is_announced: bool, statements: int, django_assert_num_queries: Any
    ) -> None:
        event = make_event(make_user("Ada Admin", type="admin"), capacity=20)
        for number in range(sending.BATCH):
            book(event, make_user(f"User {number}"))
        if is_announced:
            services.announce_bookings()
        server = transport.Connection()

        # Begin and commit are a savepoint in the test's transaction.
        with django_assert_num_queries(statements + 2):
            sending.deliver(at=timezone.now(), connection=server)

        assert len(mail.outbox) == sending.BATCH

    def test_announces_bookings_after_older_mail(self, owner: User, ticket: Any, monkeypatch: Any) -> None:
        monkeypatch.setattr(sending, "BATCH", 1)
        for _ in range(4):
            make_delivery(owner, kind=Kind.TICKET_UPDATED, ticket=ticket)
        services.announce_bookings()
        booking = book(make_event(make_user("Ada Admin", type="admin")), owner)
        cancel(booking_id=booking.pk, by=owner)
        server = transport.Connection()

        sending.deliver(at=timezone.now(), connection=server)
        kinds = set(Delivery.objects.filter(booking=booking).values_list("kind", flat=True))
        run_worker(at=timezone.now())

        assert kinds == {Kind.BOOKING_CANCELLED}
        assert ["cancelled" in message.subject for message in mail.outbox[-2:]] == [False, True]

    def test_returns_whether_more_may_be_due(self, owner: User) -> None:
        for _ in range(sending.BATCH + 1):
            make_delivery(owner)
        server = transport.Connection()

        assert sending.deliver(at=timezone.now(), connection=server) is True
        assert sending.deliver(at=timezone.now(), connection=server) is False
        assert len(mail.outbox) == sending.BATCH + 1


class TestRetry:
    def test_resets_and_queues_what_was_given_up(self, team: list[User]) -> None:
        at = timezone.now()
        dead = make_delivery(team[0], state=State.DEAD, attempts=79, last_error="451 Later")
        make_delivery(team[1], state=State.SENT, sent_at=at)

        number = services.retry(Delivery.objects.all(), at=at)

        dead.refresh_from_db()
        assert number == 1
        assert (dead.state, dead.attempts, dead.last_error) == (State.PENDING, 0, "451 Later")
        assert due_ids() == [dead.pk]


class TestPurge:
    def test_deletes_old_deliveries_except_pending_ones(self, team: list[User]) -> None:
        at = timezone.now()
        long_ago = at - timedelta(days=91)
        make_delivery(team[0], state=State.SENT, sent_at=long_ago, created_at=long_ago)
        kept = [make_delivery(team[1], created_at=long_ago), make_delivery(team[2], state=State.SENT, sent_at=at)]

        number = services.purge(older_than=timedelta(days=90), at=at)

        assert number == 1
        assert list(Delivery.objects.order_by("id")) == kept
        clear_jobs()
