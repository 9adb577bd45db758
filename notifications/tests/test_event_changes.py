"""Mail about another start, end, venue or time zone of an event, to everyone who holds or waits for seats."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pgtrigger
import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import make_user
from events import services
from events.models import Booking, Event
from events.tests.factories import GUEST, book, make_event
from events.tokens import manage_token
from kit.tests.browser import Browser
from kit.tests.races import during
from notifications.models import Delivery, Kind
from notifications.services import announce_bookings, mute
from notifications.tests.factories import html, run_worker
from projects.tests.psql import psql

pytestmark = pytest.mark.django_db

STARTS_AT = datetime(2031, 12, 31, 19, tzinfo=UTC)
BODY = """\
Hello Olga Owner,

The time and venue of Jazz in the park have changed:
- When: Wednesday 31 December 2031, 20:00 CET → Thursday 1 January 2032, 20:00 to 23:00 CET
- Where: Botanical Garden → Jazz Cellar

Your booking #{number} for 2 tickets is still confirmed.

--\x20
You are receiving this e-mail because you booked tickets for this event.
"""


@pytest.fixture
def event(admin: User) -> Event:
    return make_event(
        admin, capacity=3, venue="Botanical Garden", starts_at=STARTS_AT, time_zone="Europe/Berlin", max_per_booking=3
    )


@pytest.fixture
def booking(event: Event, owner: User) -> Booking:
    """Two of three seats. The mail about it has been removed."""
    booking = book(event, owner, quantity=2)
    forget()
    return booking


def forget() -> None:
    announce_bookings()
    Delivery.objects.all().delete()


def change(event: Event, **changes: Any) -> None:
    services.update(event_id=event.pk, by=event.created_by, at=timezone.now(), **changes)


def sent() -> list[Any]:
    mail.outbox.clear()
    run_worker(at=timezone.now())
    return list(mail.outbox)


class TestEventChanged:
    def test_states_old_and_new(self, event: Event, booking: Booking, owner: User) -> None:
        next_day = STARTS_AT + timedelta(days=1)

        change(event, starts_at=next_day, ends_at=next_day + timedelta(hours=3), venue="Jazz Cellar")

        (message,) = sent()
        assert message.to == [f'"Olga Owner" <{owner.email}>']
        assert message.subject == f"Booking #{booking.pk}: new time and venue for Jazz in the park"
        assert message.body == BODY.format(number=booking.pk)
        assert message.extra_headers["References"].startswith(f"<booking-{booking.pk}@")
        assert "Thursday 1 January 2032, 20:00 to 23:00 CET" in html(message)

    def test_shows_only_what_changed(self, event: Event, booking: Booking) -> None:
        change(event, venue="Jazz Cellar", name="Jazz indoors", capacity=20)

        (message,) = sent()
        assert message.subject == f"Booking #{booking.pk}: new venue for Jazz indoors"
        assert "\nThe venue of Jazz indoors has changed:\n- Where: Botanical Garden → Jazz Cellar\n\n" in message.body
        assert "\nWhen: Wednesday 31 December 2031, 20:00 CET\n" in message.body

    def test_shows_each_time_in_its_zone(self, event: Event, booking: Booking) -> None:
        change(event, time_zone="Europe/London")

        (message,) = sent()
        assert f"Booking #{booking.pk}: new time for" in message.subject
        assert "- When: Wednesday 31 December 2031, 20:00 CET → Wednesday 31 December 2031, 19:00 GMT\n" in message.body
        assert "- Time zone: Europe/Berlin → Europe/London\n" in message.body

    def test_mentions_a_time_zone_with_the_same_clocks(self, event: Event, booking: Booking) -> None:
        change(event, time_zone="Europe/Paris")

        (message,) = sent()
        assert f"Booking #{booking.pk}: new time zone for" in message.subject
        assert "The time zone of Jazz in the park has changed:\n- Time zone: Europe/Berlin" in message.body

    def test_shows_the_offset_of_an_ambiguous_time(self, event: Event, booking: Booking) -> None:
        change(event, starts_at=datetime(2031, 10, 26, 1, 30, tzinfo=UTC))

        assert "→ Sunday 26 October 2031, 02:30 CET (UTC+01:00)\n" in sent()[0].body

    def test_says_when_the_venue_or_end_is_gone(self, event: Event, booking: Booking) -> None:
        change(event, venue="")

        assert "- Where: Botanical Garden → (nothing)\n" in sent()[0].body

    def test_reaches_guests_with_their_tokens_and_people_who_wait(self, event: Event, booking: Booking) -> None:
        guests = book(event, guest=GUEST)
        waiting = book(event, make_user("Walter Waits"), quantity=3)
        forget()

        change(event, venue="Jazz Cellar")

        _, to_guest, to_waiting = sent()
        assert to_guest.to == [f'"Greta Guest" <{GUEST.email}>']
        assert f"    token:   {manage_token(guests.pk)}\n" in to_guest.body
        assert "Anyone with this token can cancel the booking." in to_guest.body
        assert manage_token(guests.pk) in html(to_guest)
        assert f"Your booking #{waiting.pk} for 3 tickets is still on the waiting list.\n" in to_waiting.body
        assert "token" not in to_waiting.body

    def test_sends_a_guest_one_message_about_several_bookings(self, event: Event) -> None:
        first = book(event, guest=GUEST)
        second = book(event, guest=services.Guest("G.", "Guest", GUEST.email.upper()))
        cancelled = book(event, guest=GUEST)
        services.cancel(booking_id=cancelled.pk, by=None, is_proven=True)
        forget()

        change(event, venue="Jazz Cellar")

        (message,) = sent()
        assert message.subject.startswith(f"Bookings #{first.pk}, #{second.pk}: new venue")
        for each in (first, second):
            assert f"Your booking #{each.pk} for 1 ticket is still confirmed.\n" in message.body
            assert manage_token(each.pk) in message.body
            assert manage_token(each.pk) in html(message)
        assert f"#{cancelled.pk}" not in message.body
        assert "Anyone with these tokens can cancel the bookings." in message.body

    def test_keeps_a_guests_tokens_from_a_user_with_the_same_address(self, event: Event) -> None:
        user = make_user("Not Greta", email=GUEST.email)
        book(event, user)
        guests = book(event, guest=GUEST)
        forget()

        change(event, venue="Jazz Cellar")

        to_user, to_guest = sent()
        assert manage_token(guests.pk) not in to_user.body
        assert manage_token(guests.pk) in to_guest.body

    def test_announces_each_of_several_changes(self, event: Event, booking: Booking) -> None:
        change(event, venue="Jazz Cellar")
        change(event, venue="Opera House")

        first, second = sent()
        assert "- Where: Botanical Garden → Jazz Cellar\n" in first.body
        assert "- Where: Jazz Cellar → Opera House\n" in second.body

    def test_follows_changes_in_psql(self, event: Event, booking: Booking) -> None:
        psql(f"UPDATE events_event SET starts_at = starts_at - interval '1 day' WHERE id = {event.pk}")

        (message,) = sent()
        assert "→ Tuesday 30 December 2031, 20:00 CET\n" in message.body

    def test_follows_changes_in_the_admin(self, event: Event, booking: Booking, admin: User) -> None:
        Browser(admin).submit(f"/admin/events/event/{event.pk}/change/", starts_at_1="21:00:00")

        (message,) = sent()
        assert "→ Wednesday 31 December 2031, 21:00 CET\n" in message.body

    @pytest.mark.parametrize(
        "changes",
        [
            {"venue": "Botanical Garden", "starts_at": STARTS_AT, "ends_at": None, "time_zone": "Europe/Berlin"},
            {"name": "Jazz indoors", "price": 30, "capacity": 20, "bookings_close_at": STARTS_AT},
            # Mail shows minutes.
            {"starts_at": STARTS_AT + timedelta(seconds=30)},
        ],
    )
    def test_says_nothing_if_time_and_place_stay(self, event: Event, booking: Booking, changes: dict[str, Any]) -> None:
        change(event, **changes)

        assert sent() == []

    def test_says_nothing_about_events_that_are_cancelled(self, event: Event, booking: Booking) -> None:
        psql(f"UPDATE events_event SET status = 'cancelled', venue = 'Nowhere' WHERE id = {event.pk}")
        psql(f"UPDATE events_event SET venue = 'Elsewhere' WHERE id = {event.pk}")

        assert [delivery.kind for delivery in Delivery.objects.all()] == [Kind.EVENT_CANCELLED]

    def test_says_nothing_about_drafts(self, admin: User) -> None:
        change(make_event(admin, status="draft"), venue="Jazz Cellar")

        assert not Delivery.objects.exists()

    def test_says_nothing_to_people_without_live_bookings(self, event: Event, booking: Booking, owner: User) -> None:
        services.cancel(booking_id=booking.pk, by=owner)
        forget()

        change(event, venue="Jazz Cellar")

        assert not Delivery.objects.exists()

    def test_can_be_muted(self, event: Event, booking: Booking) -> None:
        mute()

        change(event, venue="Jazz Cellar")

        assert not Delivery.objects.exists()

    def test_is_listed_in_the_admin(self, event: Event, booking: Booking, admin: User) -> None:
        change(event, venue="Jazz Cellar")

        page = Browser(admin).get("/admin/notifications/delivery/?kind=event-changed").content.decode()
        of_booking = Browser(admin).get(f"/admin/events/booking/{booking.pk}/change/").content.decode()

        assert "Event changed" in page
        assert f"#{booking.pk}" in page
        assert "Event changed" in of_booking


class TestBookingMail:
    def test_shows_the_events_zone_end_and_currency(self, admin: User, owner: User) -> None:
        event = make_event(
            admin,
            starts_at=STARTS_AT,
            ends_at=STARTS_AT + timedelta(hours=3),
            time_zone="Europe/Zurich",
            currency="CHF",
        )
        book(event, owner, quantity=2)

        (message,) = sent()
        assert "\nWhen: Wednesday 31 December 2031, 20:00 to 23:00 CET\n" in message.body
        assert "\nPrice: 25.00 CHF per ticket, 50.00 CHF in total\n" in message.body

    def test_survives_a_time_zone_that_was_removed(self, event: Event, booking: Booking) -> None:
        change(event, venue="Jazz Cellar")
        for delivery in Delivery.objects.all():
            for place in ("before", "after"):
                delivery.payload[place]["time_zone"] = "US/Pacific-New"
            delivery.save()

        assert "\nWhen: Wednesday 31 December 2031, 19:00 UTC\n" in sent()[0].body


@pytest.fixture
def without_lock(db: None) -> Iterator[None]:
    """Remove the lock from the trigger."""
    ((model, trigger),) = pgtrigger.registered("notifications.AnnouncedEvent:announce_event")
    ((definition,),) = psql("SELECT pg_get_functiondef(%(name)s::regproc)", name=trigger.get_pgid(model))
    lock = "FOR NO KEY UPDATE"
    assert lock in definition
    psql(definition.replace(lock, ""))
    yield
    psql(definition)


@pytest.mark.slow
@pytest.mark.database
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestBookingDuringAChange:
    """The booking's own mail may have shown the old venue, so its holder must be told of the new one."""

    def told(self, event: Event) -> bool:
        during(
            lambda: book(event, guest=GUEST),
            lambda: psql(f"UPDATE events_event SET venue = 'Jazz Cellar' WHERE id = {event.pk}"),
        )
        return Delivery.objects.filter(kind=Kind.EVENT_CHANGED).exists()

    def test_is_told(self, event: Event) -> None:
        assert self.told(event)

    def test_is_not_told_without_the_lock(self, event: Event, without_lock: None) -> None:
        assert not self.told(event)
