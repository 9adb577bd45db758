"""Deliveries are derived from the log of changes: what they are about, what is in them, and that none is lost."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import jsonschema_rs
import orjson
import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts import services as accounts
from accounts.models import User
from accounts.tests.factories import make_user
from changes import services as changes
from changes.models import Change
from events import services as events
from events.tests.factories import GUEST, book, make_event
from kit.openapi.views import document
from kit.tests.races import at_once
from notifications.services import mute
from projects import services as projects
from projects.tests.factories import make_project
from projects.tests.psql import psql
from tickets import services as tickets
from tickets.models import Ticket
from tickets.tests.factories import make_ticket
from webhooks import deriving, services
from webhooks import payloads as payloads_of
from webhooks.models import EVENTS, TEST_EVENT, Delivery, Progress, Webhook, WebhookStatus
from webhooks.tests.factories import derive, make_webhook
from webhooks.tests.factories import events as names

pytestmark = pytest.mark.django_db

Api = Callable[[User], APIClient]


def payloads() -> list[Any]:
    return [orjson.loads(delivery.body) for delivery in derive()]


def newest() -> Any:
    return payloads()[-1]


def faults(body: str) -> list[str]:
    """Return how the body differs from what the schema says about its event."""
    payload = orjson.loads(body)
    described = document()["webhooks"][payload["type"]]["post"]["requestBody"]["content"]["application/json"]["schema"]
    validator = jsonschema_rs.Draft202012Validator(
        described | {"components": document()["components"]}, validate_formats=True
    )
    return [error.message for error in validator.iter_errors(payload)]


def test_the_schema_describes_every_event() -> None:
    assert [*document()["webhooks"]] == [*EVENTS, TEST_EVENT]


def test_the_schema_describes_tests(admin: User) -> None:
    assert faults(payloads_of.test(make_webhook(by=admin), at=timezone.now())) == []


class TestEvent:
    """Every event that a webhook can subscribe to happens."""

    @pytest.fixture(autouse=True)
    def webhook(self, admin: User) -> Iterator[Webhook]:
        yield make_webhook(by=admin)
        for delivery in Delivery.objects.all():
            assert faults(delivery.body) == []

    def test_of_a_ticket(self, owner: User, admin: User) -> None:
        ticket, other = make_ticket(owner), make_ticket(owner)
        tickets.update(ticket_id=ticket.pk, by=owner, at=timezone.now(), title="Other")
        tickets.comment(ticket_id=ticket.pk, message="Hello", by=owner, at=timezone.now())
        tickets.merge(ticket_id=ticket.pk, into_id=other.pk, by=admin, at=timezone.now())

        found = names()

        assert [name for name in found if name.startswith("ticket.")][:5] == [
            "ticket.created",
            "ticket.created",
            "ticket.updated",
            "ticket.commented",
            "ticket.merged",
        ]

    def test_of_a_booking(self, admin: User, owner: User, outsider: User) -> None:
        event = make_event(admin, capacity=2)
        first = book(event, owner, quantity=2)
        second = book(event, outsider)
        events.cancel(booking_id=first.pk, seats=1, by=owner)
        events.cancel(booking_id=first.pk, by=owner)

        found = [delivery for delivery in derive() if delivery.event.startswith("booking.")]

        assert [delivery.event for delivery in found if delivery.about == f"booking/{first.pk}"] == [
            "booking.confirmed",
            "booking.changed",
            "booking.cancelled",
        ]
        assert [delivery.event for delivery in found if delivery.about == f"booking/{second.pk}"] == [
            "booking.waiting",
            "booking.promoted",
        ]

    def test_of_an_event(self, admin: User) -> None:
        event, never_booked = make_event(admin), make_event(admin)
        events.update(event_id=event.pk, by=admin, at=timezone.now(), venue="Hall 2")
        events.cancel_event(event_id=event.pk, by=admin, at=timezone.now())
        events.delete(event_id=never_booked.pk, by=admin)

        found = [name for name in names() if name.startswith("event.")]

        assert found == ["event.created", "event.created", "event.updated", "event.cancelled", "event.deleted"]

    def test_of_a_project(self) -> None:
        project = make_project("Website")
        projects.update(project_id=project.pk, name="Web site")
        projects.delete(project_id=project.pk)

        assert names()[-3:] == ["project.created", "project.updated", "project.deleted"]

    def test_of_a_user(self, admin: User) -> None:
        user, other = make_user("Una User"), make_user("Otto Other")
        accounts.update(user_id=user.pk, by=admin, name="Una Umbridge")
        accounts.update(user_id=user.pk, by=admin, is_active=False)
        accounts.delete(user_id=other.pk, by=admin)

        found = [delivery.event for delivery in derive() if delivery.about in (f"user/{user.pk}", f"user/{other.pk}")]

        assert found == ["user.created", "user.created", "user.updated", "user.deactivated", "user.deleted"]

    def test_of_psql_is_the_same(self, owner: User) -> None:
        ticket = make_ticket(owner)
        derive()

        psql("UPDATE tickets_ticket SET title = 'By hand' WHERE id = %(id)s", id=ticket.pk)

        assert (newest()["type"], newest()["data"]["title"]) == ("ticket.updated", "By hand")

    def test_is_one_for_several_changes_in_a_transaction(self, owner: User) -> None:
        ticket = make_ticket(owner)
        before = len(derive())
        with transaction.atomic():
            for title in ("One", "Two"):
                psql("UPDATE tickets_ticket SET title = %(title)s WHERE id = %(id)s", title=title, id=ticket.pk)

        assert len(derive()) == before + 1

    def test_of_a_bulk_load_is_not_announced(self, owner: User) -> None:
        before = len(derive())
        with transaction.atomic():
            mute()
            make_ticket(owner)

        assert len(derive()) == before


class TestData:
    @pytest.fixture(autouse=True)
    def webhook(self, admin: User) -> Webhook:
        return make_webhook(by=admin)

    def test_is_what_the_api_returns(self, signed_in: Api, admin: User, owner: User) -> None:
        ticket = make_ticket(owner, project=make_project("Website"), price="12.50", venue="Hall", labels=["vip"])
        booking = book(make_event(admin, capacity=1, price="9.90"), guest=GUEST)
        api = signed_in(admin)

        found = {payload["type"]: payload for payload in payloads()}

        (shown,) = [item for item in api.get("/tickets").json()["items"] if item["id"] == ticket.pk]
        assert found["ticket.created"]["data"] == shown
        assert found["booking.confirmed"]["data"] == api.get("/bookings").json()["items"][0]
        assert found["event.created"]["data"] == api.get(f"/events/{booking.event_id}").json()
        project = api.get(f"/projects/{ticket.project_id}").json()
        assert found["project.created"]["data"] == project
        assert found["user.created"]["data"] in api.get("/users").json()["items"]

    def test_has_a_timestamp_and_a_type(self, owner: User) -> None:
        make_ticket(owner)

        payload = newest()

        assert set(payload) == {"type", "timestamp", "data"}
        assert payload["timestamp"].endswith("Z")

    def test_of_a_comment_has_the_comment(self, owner: User, agent: User) -> None:
        ticket = make_ticket(owner)
        comment = tickets.comment(
            ticket_id=ticket.pk, message="Between us", is_internal=True, by=agent, at=timezone.now()
        )

        data = newest()["data"]

        assert (data["id"], data["comment"]["id"]) == (ticket.pk, comment.pk)
        assert data["comment"] | {"createdDate": ""} == {
            "id": comment.pk,
            "message": "Between us",
            "internal": True,
            "author": {"id": agent.pk, "name": agent.name},
            "createdDate": "",
        }

    def test_of_a_merged_ticket_names_the_other_one(self, owner: User, admin: User) -> None:
        ticket, other = make_ticket(owner), make_ticket(owner)
        tickets.merge(ticket_id=ticket.pk, into_id=other.pk, by=admin, at=timezone.now())

        (merged,) = [payload for payload in payloads() if payload["type"] == "ticket.merged"]

        assert (merged["data"]["id"], merged["data"]["mergedInto"]) == (ticket.pk, other.pk)

    def test_of_what_was_deleted_is_its_id(self) -> None:
        project = make_project("Website")
        projects.delete(project_id=project.pk)

        created, deleted = payloads()[-2:]

        assert created["data"] == deleted["data"] == {"id": project.pk, "deleted": True}

    def test_stays_as_it_was_sent(self) -> None:
        project = make_project("Website")
        (before,) = [delivery.body for delivery in derive() if delivery.about == f"project/{project.pk}"]
        projects.delete(project_id=project.pk)

        assert next(delivery.body for delivery in derive() if delivery.about == f"project/{project.pk}") == before

    def test_runs_the_same_number_of_statements_for_any_number_of_changes(
        self, owner: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        derive()
        for number in (1, 20):
            for _ in range(number):
                make_ticket(owner)
            changes.sequence()
            # Savepoint; progress, webhooks, changes, tickets, deliveries, progress; release.
            with django_assert_num_queries(8):
                deriving.derive()


class TestSubscription:
    @pytest.mark.parametrize(
        ("pattern", "number"),
        [("*", len(EVENTS)), ("ticket.*", 4), ("ticket.created", 1), ("booking.c*", 3), ("user.d*", 2)],
    )
    def test_matches_events(self, pattern: str, number: int) -> None:
        webhook = Webhook(events=[pattern])

        assert sum(webhook.wants(event) for event in EVENTS) == number

    def test_gets_only_the_events_that_it_wants(self, owner: User) -> None:
        make_webhook(events=["ticket.updated", "user.*"])
        user = make_user("Una User")
        tickets.update(ticket_id=make_ticket(user).pk, by=user, at=timezone.now(), title="Other")

        assert names() == ["user.created", "ticket.updated"]

    def test_gets_nothing_from_before_it_was_created(self, owner: User) -> None:
        make_ticket(owner)
        make_webhook(events=["ticket.*"])
        make_ticket(owner)

        assert names() == ["ticket.created"]

    def test_gets_what_happens_while_it_is_paused(self, owner: User) -> None:
        webhook = make_webhook(events=["ticket.*"])
        services.update(webhook_id=webhook.pk, status=WebhookStatus.PAUSED)
        make_ticket(owner)

        assert names() == ["ticket.created"]

    def test_gets_nothing_that_happened_while_it_was_ended(self, owner: User) -> None:
        webhook = make_webhook(events=["ticket.*"])
        Webhook.objects.filter(pk=webhook.pk).update(status=WebhookStatus.ENDED)
        make_ticket(owner)
        assert names() == []
        make_ticket(owner)
        services.update(webhook_id=webhook.pk, status=WebhookStatus.ACTIVE)
        make_ticket(owner)

        assert len(names()) == 1

    def test_of_several_webhooks_is_separate(self, owner: User) -> None:
        make_webhook(events=["ticket.*"])
        make_webhook(events=["*"])
        derive()
        make_ticket(owner)

        derived = Delivery.objects.filter(event="ticket.created")

        assert len(derive()) >= 2
        assert len(set(derived.values_list("message_id", flat=True))) == derived.count() == 2
        assert len(set(derived.values_list("body", flat=True))) == 1


class TestProgress:
    def test_is_stored_with_the_deliveries(self, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        make_webhook(events=["ticket.*"])
        make_ticket(owner)
        changes.sequence()
        before = Progress.objects.get().position
        with monkeypatch.context() as patch:
            patch.setattr(Progress.objects, "update", fail)
            with pytest.raises(RuntimeError):
                deriving.derive()

        assert (Delivery.objects.count(), Progress.objects.get().position) == (0, before)
        assert names() == ["ticket.created"]

    def test_takes_batches(self, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(deriving, "BATCH", 3)
        make_webhook(events=["ticket.*"])
        for _ in range(10):
            make_ticket(owner)

        derived = derive()

        assert [delivery.position for delivery in derived] == sorted(delivery.position or 0 for delivery in derived)
        assert len(derived) == 10


def fail(**_: Any) -> None:
    raise RuntimeError


@pytest.mark.database
@pytest.mark.slow
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestWritersAndWorkers:
    def test_at_once_lose_and_repeat_nothing(self, owner: User) -> None:
        """Writers change the same tickets while three workers read the log. Each version has one delivery, in order."""
        make_webhook(events=["ticket.updated"])
        made = [make_ticket(owner) for _ in range(3)]
        ends = time.monotonic() + 3

        def write(ticket: Ticket) -> None:
            for number in range(20):
                tickets.update(ticket_id=ticket.pk, by=owner, at=timezone.now(), title=f"Title {number}")

        def work() -> None:
            while time.monotonic() < ends:
                changes.sequence()
                deriving.derive()

        at_once(*(lambda ticket=ticket: write(ticket) for ticket in made * 2), *(work for _ in range(3)))

        derived = derive()
        logged = psql("SELECT count(*) FROM changes_change WHERE action = 'updated' AND type = 'ticket'")
        assert len(derived) == logged[0][0]
        for ticket in made:
            of_ticket = [delivery.position or 0 for delivery in derived if delivery.about == f"ticket/{ticket.pk}"]
            assert of_ticket == sorted(of_ticket)
            assert len(of_ticket) == Ticket.objects.get(pk=ticket.pk).version - 1


class TestPurge:
    """Changes that no worker has read yet, for whatever reason, are there when one does."""

    MONTH = timedelta(days=30)

    def purge(self, *, days: int) -> int:
        """Delete old changes, so many days from now."""
        return changes.purge(older_than=self.MONTH, at=timezone.now() + timedelta(days=days))

    def test_keeps_what_was_not_read(self, admin: User) -> None:
        make_webhook(by=admin, events=["project.*"])
        make_project("Website")
        changes.sequence()

        self.purge(days=31)
        assert names() == ["project.created"]

        assert self.purge(days=31) > 0
        assert not Change.objects.exists()

    def test_keeps_it_for_months_at_most(self, admin: User) -> None:
        make_webhook(by=admin, events=["project.*"])
        make_project("Website")
        changes.sequence()

        self.purge(days=31 + changes.GRACE.days)

        assert not Change.objects.exists()

    def test_keeps_nothing_for_webhooks_that_have_ended(self, admin: User) -> None:
        webhook = make_webhook(by=admin)
        make_project("Website")
        changes.sequence()
        Webhook.objects.filter(pk=webhook.pk).update(status=WebhookStatus.ENDED)

        self.purge(days=31)

        assert not Change.objects.exists()
