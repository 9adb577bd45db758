"""Who is mailed what about a booking: its holder, once for each thing that becomes of it."""

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
from notifications.models import Delivery, Kind, State
from notifications.services import mute
from notifications.tests.factories import a_minute_passes, forget_jobs, jobs
from notifications.tests.test_mails import html
from projects.tests.psql import psql

pytestmark = pytest.mark.django_db

CONFIRMED = """\
Hello Olga Owner,

your booking #{number} is confirmed: 3 tickets.

When: 1 August 2099, 18:00 UTC
Where: Botanical Garden
Price: 25.00 per ticket, 75.00 in total

--\x20
You get this mail because you booked tickets for this event.
"""


@pytest.fixture
def event(admin: User) -> Event:
    return make_event(admin, capacity=3, venue="Botanical Garden", starts_at=datetime(2099, 8, 1, 18, tzinfo=UTC))


@pytest.fixture
def holder(event: Event) -> Booking:
    """Of the whole house, of which is told already."""
    booking = book(event, quantity=3)
    forget_jobs()
    Delivery.objects.all().delete()
    return booking


def sent() -> list[Any]:
    """What the workers send when they have looked for what is due, to whom it may be."""
    mail.outbox.clear()
    a_minute_passes(at=timezone.now())
    return list(mail.outbox)


def only(messages: list[Any]) -> Any:
    (message,) = messages
    return message


class TestConfirmed:
    def test_says_what_was_booked(self, event: Event, owner: User) -> None:
        booking = book(event, owner, quantity=3)

        message = only(sent())

        assert message.subject == f"Booking #{booking.pk} confirmed: Jazz in the park"
        assert message.to == [f'"Olga Owner" <{owner.email}>']
        assert message.body == CONFIRMED.format(number=booking.pk)
        assert all(text in html(message) for text in ("Jazz in the park", "3 tickets", "75.00 in total"))

    def test_knows_one_ticket_and_what_costs_nothing(self, admin: User, owner: User) -> None:
        book(make_event(admin, price=0), owner)

        message = only(sent())

        assert ": 1 ticket.\n" in message.body
        assert "\nPrice: free\n" in message.body
        assert "Where" not in message.body

    def test_shows_markup_as_text_in_html_and_as_it_is_in_text(self, admin: User, owner: User) -> None:
        book(make_event(admin, name="<b>Rock</b> & roll"), owner)

        message = only(sent())

        assert message.subject.endswith(": <b>Rock</b> & roll")
        assert "<b>" not in html(message)
        assert "&lt;b&gt;Rock&lt;/b&gt; &amp; roll" in html(message)


class TestWaiting:
    def test_names_the_place(self, event: Event, holder: Booking, owner: User, outsider: User) -> None:
        book(event, owner)
        booking = book(event, outsider, quantity=2)

        _, message = sent()

        assert message.subject == f"Booking #{booking.pk} is waiting: Jazz in the park"
        assert "of 2 tickets waits. You are number 2 on the\nwaiting list." in message.body
        assert "<strong>number 2</strong>" in html(message)


class TestPromoted:
    def test_says_so(self, event: Event, holder: Booking, owner: User) -> None:
        booking = book(event, owner, quantity=2)
        sent()
        services.cancel(booking_id=holder.pk, by=holder.user, seats=2)

        message = next(message for message in sent() if owner.email in message.to[0])

        assert message.subject == f"Booking #{booking.pk} confirmed, from the waiting list: Jazz in the park"
        assert f"your booking #{booking.pk} of 2 tickets is confirmed." in message.body
        assert "Price: 25.00 per ticket, 50.00 in total" in message.body


class TestCancelled:
    def test_in_part_says_what_is_left(self, holder: Booking) -> None:
        services.cancel(booking_id=holder.pk, by=holder.user, seats=2)

        message = only(sent())

        assert message.subject == f"Booking #{holder.pk} cancelled in part: Jazz in the park"
        assert "cancelled in part: 2 tickets gone, 1 ticket left." in message.body
        assert "25.00 in total" in message.body
        assert "Cancelled in part" in html(message)

    def test_as_a_whole_says_so(self, holder: Booking) -> None:
        services.cancel(booking_id=holder.pk, by=holder.user)

        message = only(sent())

        assert message.subject == f"Booking #{holder.pk} cancelled: Jazz in the park"
        assert f"your booking #{holder.pk} is cancelled: 3 tickets. Nothing is left." in message.body
        assert "Price" not in message.body


class TestEventCancelled:
    def test_tells_everybody_who_has_a_booking(self, event: Event, holder: Booking, admin: User) -> None:
        waiting = book(event, guest=GUEST, quantity=2)
        sent()
        services.cancel_event(event_id=event.pk, by=admin, at=timezone.now())

        guests, holders = sorted(sent(), key=lambda message: "Greta" not in message.to[0])

        assert guests.subject == holders.subject == "Cancelled: Jazz in the park"
        assert f"Your booking #{waiting.pk} of 2 tickets is cancelled with it." in guests.body
        assert f"Your booking #{holder.pk} of 3 tickets is cancelled with it." in holders.body
        assert "token" not in guests.body


class TestGuest:
    def test_is_mailed_what_the_booking_is_managed_with(self, event: Event, settings: Any) -> None:
        settings.SITE_URL = "https://tickets.example.com"
        booking = book(event, guest=GUEST)

        message = only(sent())

        assert message.to == ['"Greta Guest" <greta@example.com>']
        words = message.body.split()
        number, _, token = words[words.index("booking:") + 1 :][:3]
        assert (number, token) == (str(booking.pk), manage_token(booking.pk))
        assert token in html(message)
        assert "https://tickets.example.com/docs#/events/" in message.body
        answer = APIClient().get(f"/bookings/{number}", headers={"X-Manage-Token": token})
        assert answer.status_code == 200

    def test_may_have_two_names_as_long_as_names_may_be(self, event: Event) -> None:
        first_name, last_name = "Greta" * 30, "Guest" * 30

        book(event, guest=Guest(first_name, last_name, "greta@example.com"))

        assert Delivery.objects.get().name == f"{first_name} {last_name}"
        assert f"Hello {first_name} {last_name}," in only(sent()).body

    def test_leaves_no_token_in_the_database(self, event: Event) -> None:
        booking = book(event, guest=GUEST)
        sent()

        ((row,),) = psql("SELECT to_jsonb(delivery)::text FROM notifications_delivery AS delivery")

        assert manage_token(booking.pk) not in row
        assert (Delivery.objects.get().state, Delivery.objects.get().address) == (State.SENT, GUEST.email)

    def test_alone_needs_a_token(self, event: Event, owner: User) -> None:
        book(event, owner)

        assert "token" not in only(sent()).body


class TestHeaders:
    def test_thread_the_mails_of_a_booking(self, holder: Booking, settings: Any) -> None:
        settings.MAIL_FROM = "Ticketing <tickets@example.com>"
        for _ in range(2):
            services.cancel(booking_id=holder.pk, by=holder.user, seats=1)

        first, second = (message.message() for message in sent())

        thread = f"<booking-{holder.pk}@example.com>"
        assert [each[name] for each in (first, second) for name in ("References", "In-Reply-To")] == [thread] * 4
        assert first["Message-ID"] != second["Message-ID"]


class TestEachTransition:
    def test_mails_once(self, event: Event, owner: User, outsider: User, admin: User) -> None:
        first = book(event, owner, quantity=3)
        second = book(event, outsider, quantity=2)
        services.cancel(booking_id=first.pk, by=owner, seats=1)
        services.cancel(booking_id=first.pk, by=owner)
        services.cancel_event(event_id=event.pk, by=admin, at=timezone.now())

        told = [list(booking.deliveries.order_by("id").values_list("kind", flat=True)) for booking in (first, second)]

        assert told == [
            [Kind.BOOKING_CONFIRMED, Kind.BOOKING_CANCELLED, Kind.BOOKING_CANCELLED],
            [Kind.BOOKING_WAITING, Kind.BOOKING_PROMOTED, Kind.EVENT_CANCELLED],
        ]
        assert [len(sent()), len(sent())] == [6, 0]

    def test_mails_nobody_when_it_is_rolled_back(self, event: Event, owner: User) -> None:
        with transaction.atomic():
            book(event, owner)
            transaction.set_rollback(True)

        assert (Delivery.objects.count(), jobs(), sent()) == (0, [], [])

    def test_mails_nobody_who_is_deactivated(self, event: Event, holder: Booking, owner: User, admin: User) -> None:
        waiting = book(event, owner)
        User.objects.filter(pk__in=[owner.pk, holder.user_id]).update(is_active=False)
        services.cancel(booking_id=holder.pk, by=admin)

        assert sent() == []
        assert list(waiting.deliveries.values_list("kind", "state")) == [(Kind.BOOKING_WAITING, State.FAILED)]

    def test_mails_nobody_while_muted(self, event: Event) -> None:
        mute()
        book(event, make_user())

        assert not Delivery.objects.exists()

    def test_is_mailed_when_psql_makes_it(self, holder: Booking) -> None:
        psql(
            "UPDATE events_booking SET status = 'cancelled', cancelled = quantity WHERE id = %(number)s",
            number=holder.pk,
        )

        assert only(sent()).subject.startswith(f"Booking #{holder.pk} cancelled")
