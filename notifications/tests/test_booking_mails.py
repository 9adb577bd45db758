"""Mail about bookings, one message to the holder for each change."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.factories import make_user
from events import services
from events.models import Booking, Event
from events.services import Guest
from events.tests.factories import GUEST, book, make_event
from events.tokens import manage_token
from kit.tests.races import at_once
from notifications.models import Delivery, Kind, State
from notifications.services import announce_bookings, mute
from notifications.tests.factories import clear_jobs, due_ids, html, run_worker
from projects.tests.psql import psql

pytestmark = pytest.mark.django_db

CONFIRMED = """\
Hello Olga Owner,

Your booking #{number} for 3 tickets is confirmed.

When: Saturday 1 August 2099, 18:00 UTC
Where: Botanical Garden
Price: 25.00 EUR per ticket, 75.00 EUR in total

--\x20
You are receiving this e-mail because you booked tickets for this event.
"""


@pytest.fixture
def event(admin: User) -> Event:
    return make_event(admin, capacity=3, venue="Botanical Garden", starts_at=datetime(2099, 8, 1, 18, tzinfo=UTC))


@pytest.fixture
def full_booking(event: Event) -> Booking:
    """A booking of all seats. The mail about it has been removed."""
    booking = book(event, quantity=3)
    clear_jobs()
    announce_bookings()
    Delivery.objects.all().delete()
    return booking


def sent() -> list[Any]:
    """Run the worker, and return the messages that it sends."""
    mail.outbox.clear()
    run_worker(at=timezone.now())
    return list(mail.outbox)


def only(messages: list[Any]) -> Any:
    (message,) = messages
    return message


class TestConfirmed:
    def test_lists_what_was_booked(self, event: Event, owner: User) -> None:
        booking = book(event, owner, quantity=3)

        message = only(sent())

        assert message.subject == f"Booking #{booking.pk} confirmed: Jazz in the park"
        assert message.to == [f'"Olga Owner" <{owner.email}>']
        assert message.body == CONFIRMED.format(number=booking.pk)
        assert all(text in html(message) for text in ("Jazz in the park", "3 tickets", "75.00 EUR in total"))

    def test_handles_single_and_free_tickets(self, admin: User, owner: User) -> None:
        book(make_event(admin, price=0), owner)

        message = only(sent())

        assert " for 1 ticket is confirmed.\n" in message.body
        assert "\nPrice: free\n" in message.body
        assert "Where" not in message.body

    def test_escapes_markup_in_html_only(self, admin: User, owner: User) -> None:
        book(make_event(admin, name="<b>Rock</b> & roll"), owner)

        message = only(sent())

        assert message.subject.endswith(": <b>Rock</b> & roll")
        assert "<b>" not in html(message)
        assert "&lt;b&gt;Rock&lt;/b&gt; &amp; roll" in html(message)


class TestAnnounceBookings:
    def test_leaves_nobody_out_beyond_one_transaction(self, event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("notifications.services.BOOKING_BATCH", 2)
        bookings = [book(event) for _ in range(3)]

        announce_bookings()

        assert {delivery.booking for delivery in Delivery.objects.all()} == set(bookings)

    def test_notifies_nobody_twice(self, event: Event) -> None:
        book(event)

        announce_bookings()
        announce_bookings()

        assert Delivery.objects.count() == 1

    def test_keeps_the_order_of_what_happened(self, event: Event) -> None:
        booking = book(event)
        services.cancel(booking_id=booking.pk, by=booking.user)

        subjects = [message.subject for message in sent()]

        assert [subject.split()[2].strip(":") for subject in subjects] == ["confirmed", "cancelled"]

    def test_forgets_users_who_were_deactivated(self, event: Event, owner: User) -> None:
        book(event, owner)
        User.objects.filter(pk=owner.pk).update(is_active=False)

        announce_bookings()

        assert not Delivery.objects.exists()

    def test_loses_nothing_that_is_rolled_back(self, event: Event) -> None:
        booking = book(event)
        with transaction.atomic():
            announce_bookings()
            transaction.set_rollback(True)

        announce_bookings()

        assert Delivery.objects.get().booking == booking


class TestWaiting:
    def test_states_the_position(self, event: Event, full_booking: Booking, owner: User, outsider: User) -> None:
        book(event, owner)
        booking = book(event, outsider, quantity=2)

        _, message = sent()

        assert message.subject == f"Booking #{booking.pk} on the waiting list: Jazz in the park"
        assert "for 2 tickets is on the waiting list, at position 2.\n" in message.body
        assert "<strong>position 2</strong>" in html(message)


class TestPromoted:
    def test_confirms_the_booking(self, event: Event, full_booking: Booking, owner: User) -> None:
        booking = book(event, owner, quantity=2)
        sent()
        services.cancel(booking_id=full_booking.pk, by=full_booking.user, seats=2)

        message = next(message for message in sent() if owner.email in message.to[0])

        assert message.subject == f"Booking #{booking.pk} confirmed from the waiting list: Jazz in the park"
        assert f"a place has opened up. Your booking #{booking.pk} for 2 tickets is confirmed." in message.body
        assert "Price: 25.00 EUR per ticket, 50.00 EUR in total" in message.body


class TestCancelled:
    def test_in_part_states_what_remains(self, full_booking: Booking) -> None:
        services.cancel(booking_id=full_booking.pk, by=full_booking.user, seats=2)

        message = only(sent())

        assert message.subject == f"Booking #{full_booking.pk} partly cancelled: Jazz in the park"
        assert f"2 tickets of your booking #{full_booking.pk} have been cancelled. 1 ticket remains.\n" in message.body
        assert "25.00 EUR in total" in message.body
        assert "Partly cancelled" in html(message)

    def test_in_full_shows_no_price(self, full_booking: Booking) -> None:
        services.cancel(booking_id=full_booking.pk, by=full_booking.user)

        message = only(sent())

        assert message.subject == f"Booking #{full_booking.pk} cancelled: Jazz in the park"
        assert f"Your booking #{full_booking.pk} for 3 tickets has been cancelled.\n" in message.body
        assert "Price" not in message.body


class TestEventCancelled:
    def test_notifies_everyone_with_a_booking(self, event: Event, full_booking: Booking, admin: User) -> None:
        waiting = book(event, guest=GUEST, quantity=2)
        sent()
        services.cancel_event(event_id=event.pk, by=admin, at=timezone.now())

        to_guest, to_holder = sorted(sent(), key=lambda message: "Greta" not in message.to[0])

        assert to_guest.subject == to_holder.subject == "Event cancelled: Jazz in the park"
        assert f"The event has been cancelled, and so has your booking #{waiting.pk} for 2 tickets." in to_guest.body
        assert (
            f"The event has been cancelled, and so has your booking #{full_booking.pk} for 3 tickets." in to_holder.body
        )
        assert "token" not in to_guest.body


class TestGuest:
    def test_gets_number_and_token(self, event: Event, settings: Any) -> None:
        settings.SITE_URL = "https://tickets.example.com"
        booking = book(event, guest=GUEST)

        message = only(sent())

        assert message.to == ['"Greta Guest" <greta@example.com>']
        words = message.body.split()
        number, _, token = words[words.index("booking:") + 1 :][:3]
        assert (number, token) == (str(booking.pk), manage_token(booking.pk))
        assert token in html(message)
        assert "https://tickets.example.com/docs#getBooking" in message.body
        response = APIClient().get(f"/bookings/{number}", headers={"X-Manage-Token": token})
        assert response.status_code == 200

    def test_can_have_names_of_full_length(self, event: Event) -> None:
        first_name, last_name = "Greta" * 30, "Guest" * 30

        book(event, guest=Guest(first_name, last_name, "greta@example.com"))

        announce_bookings()
        assert Delivery.objects.get().name == f"{first_name} {last_name}"
        assert f"Hello {first_name} {last_name}," in only(sent()).body

    def test_token_is_not_stored(self, event: Event) -> None:
        booking = book(event, guest=GUEST)
        sent()

        ((row,),) = psql("SELECT to_jsonb(delivery)::text FROM notifications_delivery AS delivery")

        assert manage_token(booking.pk) not in row
        assert (Delivery.objects.get().state, Delivery.objects.get().address) == (State.SENT, GUEST.email)

    def test_token_is_not_sent_to_users(self, event: Event, owner: User) -> None:
        book(event, owner)

        assert "token" not in only(sent()).body


class TestHeaders:
    def test_thread_mail_about_a_booking(self, full_booking: Booking, settings: Any) -> None:
        settings.MAIL_FROM = "Ticketing <tickets@example.com>"
        for _ in range(2):
            services.cancel(booking_id=full_booking.pk, by=full_booking.user, seats=1)

        first, second = (message.message() for message in sent())

        thread = f"<booking-{full_booking.pk}@example.com>"
        assert [message[name] for message in (first, second) for name in ("References", "In-Reply-To")] == [thread] * 4
        assert first["Message-ID"] != second["Message-ID"]


class TestChange:
    def test_sends_one_message(self, event: Event, owner: User, outsider: User, admin: User) -> None:
        first = book(event, owner, quantity=3)
        second = book(event, outsider, quantity=2)
        services.cancel(booking_id=first.pk, by=owner, seats=1)
        services.cancel(booking_id=first.pk, by=owner)
        services.cancel_event(event_id=event.pk, by=admin, at=timezone.now())

        announce_bookings()
        kinds = [
            list(booking.deliveries.order_by("next_attempt_at", "id").values_list("kind", flat=True))
            for booking in (first, second)
        ]

        assert kinds == [
            [Kind.BOOKING_CONFIRMED, Kind.BOOKING_CANCELLED, Kind.BOOKING_CANCELLED],
            [Kind.BOOKING_WAITING, Kind.BOOKING_PROMOTED, Kind.EVENT_CANCELLED],
        ]
        assert [len(sent()), len(sent())] == [6, 0]

    def test_sends_nothing_when_rolled_back(self, event: Event, owner: User) -> None:
        with transaction.atomic():
            book(event, owner)
            transaction.set_rollback(True)

        assert (Delivery.objects.count(), due_ids(), sent()) == (0, [], [])

    def test_sends_nothing_to_deactivated_users(
        self, event: Event, full_booking: Booking, owner: User, admin: User
    ) -> None:
        waiting = book(event, owner)
        User.objects.filter(pk__in=[owner.pk, full_booking.user_id]).update(is_active=False)
        services.cancel(booking_id=full_booking.pk, by=admin)

        assert sent() == []
        assert list(waiting.deliveries.values_list("kind", "state")) == [(Kind.BOOKING_WAITING, State.FAILED)]

    def test_sends_nothing_while_muted(self, event: Event) -> None:
        mute()
        book(event, make_user())

        assert not Delivery.objects.exists()

    def test_in_sql_sends_a_message_too(self, full_booking: Booking) -> None:
        psql(
            "UPDATE events_booking SET status = 'cancelled', cancelled = quantity WHERE id = %(number)s",
            number=full_booking.pk,
        )

        assert only(sent()).subject.startswith(f"Booking #{full_booking.pk} cancelled")


@pytest.mark.slow
@pytest.mark.database
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestConcurrentWorkers:
    def test_announce_each_booking_once(self, admin: User) -> None:
        event = make_event(admin, capacity=40)
        bookings = [book(event) for _ in range(40)]

        at_once(announce_bookings, announce_bookings, announce_bookings)

        assert list(Delivery.objects.order_by("booking").values_list("booking", flat=True)) == [
            booking.pk for booking in bookings
        ]
