"""Document 003: booking and cancelling."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from contracts.tests.ticks_document import (
    BOOKING,
    INVALID_NUMBER,
    NOT_ENOUGH,
    WAITLISTED,
    available_and_waiting,
    booking_body,
    read_failure,
    read_success,
)
from events import services
from events.models import Booking, Event, EventStatus, Origin
from events.tests.factories import GUEST, book, make_event

pytestmark = pytest.mark.django_db

SignedIn = Callable[[User], APIClient]


class TestBook:
    PATH = "/api/v1/booking"

    def test_books_for_the_signed_in_user(self, owner: User, signed_in: SignedIn, event: Event) -> None:
        _, _, booked = read_success(signed_in(owner).post(self.PATH, booking_body(event, 3)))

        booking = Booking.objects.get()
        assert (booked["userId"], booked["firstName"], booked["ticketsReserved"]) == (owner.pk, "Divine", 3)
        assert (booking.user, booking.guest_email, booking.quantity) == (owner, "", 3)

    def test_fills_in_the_name_of_a_signed_in_user(self, owner: User, signed_in: SignedIn, event: Event) -> None:
        _, _, booked = read_success(signed_in(owner).post(self.PATH, {"eventId": event.pk, "ticketsReserved": 1}))

        assert (booked["firstName"], booked["lastName"], booked["email"]) == ("Olga", "Owner", owner.email)

    def test_stores_the_name_of_a_guest(self, anonymous: APIClient, event: Event) -> None:
        anonymous.post(self.PATH, booking_body(event, firstName=" Divine "))

        booking = Booking.objects.get()
        assert (booking.user, booking.guest_first_name, booking.guest_last_name, booking.guest_email) == (
            None,
            "Divine",
            "Alphonsus",
            "divinealph@example.com",
        )
        assert booking.origin == Origin.TICKS

    @pytest.mark.parametrize("send_as", [str, float, int, "0{}".format])
    def test_returns_numbers_as_they_were_sent(self, anonymous: APIClient, event: Event, send_as: Any) -> None:
        _, _, booked = read_success(anonymous.post(self.PATH, booking_body(event) | {"eventId": send_as(event.pk)}))

        assert repr(booked["eventId"]) == repr(send_as(event.pk))

    def test_waitlists_a_booking_if_the_event_is_sold_out(self, anonymous: APIClient, event: Event) -> None:
        book(event, quantity=10)

        status, message, booked = read_success(anonymous.post(self.PATH, booking_body(event, "3")))

        assert (status, message, booked["bookingStatus"]) == (200, WAITLISTED, "waitlisted")
        assert booked["ticketsReserved"] == "3"
        assert available_and_waiting(event) == (0, 1)

    def test_waitlists_a_booking_behind_others_waiting(self, anonymous: APIClient, event: Event) -> None:
        book(event, quantity=8)
        book(event, quantity=5)

        status, _, booked = read_success(anonymous.post(self.PATH, booking_body(event, 1)))

        assert (status, booked["bookingStatus"]) == (200, "waitlisted")
        assert available_and_waiting(event) == (2, 2)

    def test_refuses_more_tickets_than_are_left(self, anonymous: APIClient, event: Event) -> None:
        book(event, quantity=8)

        responses = [read_failure(anonymous.post(self.PATH, booking_body(event, quantity))) for quantity in (3, 10)]

        assert responses == [(400, NOT_ENOUGH)] * 2
        assert Booking.objects.count() == 1

    @pytest.mark.parametrize("is_sold_out", [False, True])
    @pytest.mark.parametrize("quantity", [11, 1_000_001, 2**31, 2**63, "9" * 30, 1e300])
    def test_refuses_more_tickets_than_the_event_has(
        self, anonymous: APIClient, event: Event, is_sold_out: bool, quantity: Any
    ) -> None:
        if is_sold_out:
            book(event, quantity=10)

        assert read_failure(anonymous.post(self.PATH, booking_body(event, quantity))) == (400, NOT_ENOUGH)

    def test_puts_up_to_all_tickets_on_the_waitlist_while_every_ticket_is_withheld(
        self, anonymous: APIClient, admin: User
    ) -> None:
        event = make_event(admin, capacity=5, withheld=5)

        too_many = anonymous.post(self.PATH, booking_body(event, 6))
        response = anonymous.post(self.PATH, booking_body(event, "5"))

        assert read_failure(too_many) == (400, NOT_ENOUGH)
        status, message, data = read_success(response)
        assert (status, message) == (200, "Tickets are sold out; you are on the waitlist.")
        assert (data["bookingStatus"], data["ticketsReserved"]) == ("waitlisted", "5")

    def test_puts_up_to_all_tickets_on_the_waitlist_once_the_only_available_one_is_booked(
        self, anonymous: APIClient, admin: User
    ) -> None:
        event = make_event(admin, capacity=5, withheld=4)

        too_early = anonymous.post(self.PATH, booking_body(event, 5))
        book(event)
        responses = [anonymous.post(self.PATH, booking_body(event, quantity)) for quantity in (5, 6)]

        assert read_failure(too_early) == (400, NOT_ENOUGH)
        assert read_success(responses[0])[:2] == (200, "Tickets are sold out; you are on the waitlist.")
        assert read_failure(responses[1]) == (400, NOT_ENOUGH)

    def test_limits_a_guest(self, anonymous: APIClient, settings: Any, event: Event) -> None:
        settings.MAX_GUEST_BOOKINGS = 2

        responses = [anonymous.post(self.PATH, booking_body(event)) for _ in range(3)]

        assert [response.status_code for response in responses[:2]] == [201, 201]
        assert read_failure(responses[2]) == (
            409,
            "This e-mail address has reached the limit of 2 bookings for this event.",
        )

    def test_limits_the_rate_of_guests(
        self, anonymous: APIClient, owner: User, signed_in: SignedIn, rate_limits: Any, event: Event
    ) -> None:
        rate_limits.RATE_LIMIT_GUEST = "1/minute"

        responses = [anonymous.post(self.PATH, booking_body(event)) for _ in range(2)]

        assert responses[0].status_code == 201
        assert read_failure(responses[1]) == (429, "Too many requests.")
        assert int(responses[1]["Retry-After"]) >= 1
        assert signed_in(owner).post(self.PATH, booking_body(event)).status_code == 201

    def test_limits_users_but_not_guests_to_one_booking(
        self, owner: User, signed_in: SignedIn, anonymous: APIClient, event: Event
    ) -> None:
        book(event, owner)

        response = signed_in(owner).post(self.PATH, booking_body(event))
        statuses = [anonymous.post(self.PATH, booking_body(event)).status_code for _ in range(2)]

        assert read_failure(response) == (409, "You already have a booking for this event.")
        assert statuses == [201, 201]

    def test_refuses_a_second_place_on_the_waitlist(self, owner: User, signed_in: SignedIn, event: Event) -> None:
        book(event, quantity=10)
        book(event, owner)

        response = signed_in(owner).post(self.PATH, booking_body(event))

        assert read_failure(response) == (409, "You already have a booking for this event.")

    def test_explains_why_an_event_takes_no_bookings(self, anonymous: APIClient, admin: User) -> None:
        at = timezone.now()
        cancelled, closed = make_event(admin), make_event(admin, bookings_close_at=at)
        strict, draft = make_event(admin, max_per_booking=2), make_event(admin, status=EventStatus.DRAFT)
        services.cancel_event(event_id=cancelled.pk, by=admin, at=at)

        responses = [
            read_failure(anonymous.post(self.PATH, booking_body(event, 3)))
            for event in (cancelled, closed, strict, draft)
        ]

        assert responses == [
            (409, "This event has been cancelled."),
            (409, "Bookings for this event have closed."),
            (400, "A booking can have at most 2 tickets."),
            (404, "Event not found."),
        ]

    @pytest.mark.parametrize("number", [0, 10**9, 2**63 - 1, 2**63, str(10**29), "9" * 2000])
    def test_reports_an_unknown_event(self, anonymous: APIClient, number: Any) -> None:
        assert read_failure(anonymous.post(self.PATH, BOOKING | {"eventId": number})) == (404, "Event not found.")

    @pytest.mark.parametrize(
        ("name", "values"),
        [
            ("eventId", ["", "one", None, True, [], {}, 1.5, "1_0", "１", "1.0"]),
            ("ticketsReserved", ["", "ten", None, True, [], {}, 1.5, 0, -1, "-1", "1_0", "1.0"]),
            ("firstName", ["", " ", 5, True, [], {}, "n" * 151, "a\x00b", "a\nb"]),
            ("lastName", ["", " ", 5, True, [], {}, "n" * 151, "a\x00b", "a\nb"]),
            ("email", ["", "somebody", 5, True, [], {}, "a" * 250 + "@example.com", "a\x00b@example.com"]),
        ],
    )
    def test_refuses_bad_input(
        self,
        anonymous: APIClient,
        owner: User,
        signed_in: SignedIn,
        event: Event,
        name: str,
        values: list[Any],
    ) -> None:
        clients = [anonymous, signed_in(owner)]

        responses = [
            read_failure(api.post(self.PATH, booking_body(event) | {name: value}))
            for api in clients
            for value in values
        ]

        assert all(status == 400 and message.startswith(f"{name}: ") for status, message in responses), responses
        assert not Booking.objects.exists()

    def test_reads_null_as_left_out(self, anonymous: APIClient, owner: User, signed_in: SignedIn, event: Event) -> None:
        body = booking_body(event) | dict.fromkeys(["firstName", "lastName", "email"])

        status, _, booked = read_success(signed_in(owner).post(self.PATH, body))
        refused = read_failure(anonymous.post(self.PATH, body))

        assert (status, booked["email"]) == (201, owner.email)
        assert refused[0] == 400
        assert all(f"{name}: " in refused[1] for name in ("firstName", "lastName", "email"))

    def test_requires_the_name_and_email_of_a_guest(self, anonymous: APIClient, event: Event) -> None:
        required = "This field is required."

        response = read_failure(anonymous.post(self.PATH, {"eventId": event.pk, "ticketsReserved": 1}))

        assert response == (400, f"firstName: {required} lastName: {required} email: {required}")

    def test_runs_one_query(
        self, anonymous: APIClient, event: Event, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(1):
            anonymous.post(self.PATH, booking_body(event))


class TestCancel:
    @pytest.mark.parametrize("has_token", [True, False])
    def test_is_refused_once_an_event_whose_bookings_close_has_started(
        self, anonymous: APIClient, owner: User, admin: User, signed_in: SignedIn, event: Event, has_token: bool
    ) -> None:
        booking = book(event, owner) if has_token else book(event, guest=GUEST, origin=Origin.TICKS)
        at = timezone.now()
        services.update(event_id=event.pk, by=admin, at=at, starts_at=at, bookings_close_at=at)
        api = signed_in(owner) if has_token else anonymous

        refused = api.delete(self.path(booking), {"ticketsToCancel": 1})

        assert read_failure(refused) == (409, "The event has already started.")
        assert signed_in(admin).delete(self.path(booking), {"ticketsToCancel": 1}).status_code == 200

    @staticmethod
    def path(booking: Booking) -> str:
        return f"/api/v1/booking/{booking.pk}"

    @pytest.fixture
    def guest_booking(self, event: Event) -> Booking:
        """A guest's booking of six tickets, made through this contract."""
        return book(event, guest=GUEST, quantity=6, origin=Origin.TICKS)

    def test_cancels_the_given_number_of_tickets(
        self, anonymous: APIClient, event: Event, guest_booking: Booking
    ) -> None:
        responses = [
            read_success(anonymous.delete(self.path(guest_booking), {"ticketsToCancel": number})) for number in (2, "3")
        ]

        assert responses == [(200, "Booking cancelled successfully.", None)] * 2
        guest_booking.refresh_from_db()
        assert (guest_booking.left, guest_booking.status, available_and_waiting(event)) == (1, "confirmed", (9, 0))

    def test_gives_freed_tickets_to_the_waitlist_in_order(
        self, anonymous: APIClient, event: Event, guest_booking: Booking
    ) -> None:
        book(event, quantity=4)
        first, second, third = (book(event, quantity=quantity) for quantity in (2, 3, 1))

        anonymous.delete(self.path(guest_booking), {"ticketsToCancel": 4})

        for booking in (first, second, third):
            booking.refresh_from_db()
        assert [first.status, second.status, third.status] == ["confirmed", "waiting", "waiting"]
        assert available_and_waiting(event) == (2, 2)

    def test_shrinks_a_waiting_booking_without_moving_it(self, anonymous: APIClient, event: Event) -> None:
        book(event, quantity=9)
        large = book(event, guest=GUEST, quantity=3, origin=Origin.TICKS)
        behind = book(event, quantity=1)

        anonymous.delete(self.path(large), {"ticketsToCancel": 1})
        large.refresh_from_db()
        behind.refresh_from_db()
        assert (large.status, large.left, behind.status) == ("waiting", 2, "waiting")

        anonymous.delete(self.path(large), {"ticketsToCancel": 1})
        large.refresh_from_db()
        assert (large.status, large.left, available_and_waiting(event)) == ("confirmed", 1, (0, 1))

    @pytest.mark.parametrize("number", [None, "", "two", 0, -1, 1.5, True, [], {}, "-1", "1.0"])
    def test_requires_a_valid_number(self, anonymous: APIClient, guest_booking: Booking, number: Any) -> None:
        assert read_failure(anonymous.delete(self.path(guest_booking), {"ticketsToCancel": number})) == (
            400,
            INVALID_NUMBER,
        )

    def test_requires_the_number(self, anonymous: APIClient, guest_booking: Booking) -> None:
        responses = [
            anonymous.delete(self.path(guest_booking)),
            anonymous.delete(self.path(guest_booking), {}),
            anonymous.delete(self.path(guest_booking), {"bookingId": "x"}),
        ]

        assert [read_failure(response) for response in responses] == [(400, INVALID_NUMBER)] * 3

    @pytest.mark.parametrize("number", [7, 2**31, 2**63, "9" * 30, 1e300])
    def test_refuses_more_tickets_than_are_left(
        self, anonymous: APIClient, guest_booking: Booking, number: Any
    ) -> None:
        response = anonymous.delete(self.path(guest_booking), {"ticketsToCancel": number})

        assert read_failure(response) == (400, "Cannot cancel more tickets than reserved.")

    def test_refuses_to_cancel_twice(self, anonymous: APIClient, guest_booking: Booking) -> None:
        responses = [anonymous.delete(self.path(guest_booking), {"ticketsToCancel": number}) for number in (6, 1)]

        assert read_failure(responses[1]) == (400, "This booking has already been cancelled.")

    def test_identifies_the_booking_by_the_url(self, anonymous: APIClient, guest_booking: Booking) -> None:
        body = {"ticketsToCancel": 1}

        same = [
            anonymous.delete(self.path(guest_booking), body | {"bookingId": booking_id})
            for booking_id in (guest_booking.pk, str(guest_booking.pk))
        ]
        other = anonymous.delete(self.path(guest_booking), body | {"bookingId": guest_booking.pk + 1})
        malformed = anonymous.delete(self.path(guest_booking), body | {"bookingId": "x"})

        assert [response.status_code for response in same] == [200, 200]
        assert read_failure(other) == (400, "bookingId does not match the booking in the URL.")
        assert read_failure(malformed)[0] == 400

    @pytest.mark.parametrize("number", [0, 10**9, 2**63 - 1, 2**63, 10**40])
    def test_reports_an_unknown_booking(self, anonymous: APIClient, number: int) -> None:
        response = anonymous.delete(f"/api/v1/booking/{number}", {"ticketsToCancel": 1})

        assert read_failure(response) == (404, "Booking not found.")

    def test_lets_only_the_holder_and_admins_cancel(
        self,
        owner: User,
        outsider: User,
        admin: User,
        anonymous: APIClient,
        signed_in: SignedIn,
        event: Event,
    ) -> None:
        booking = book(event, owner, quantity=3, origin=Origin.TICKS)
        clients = [anonymous, signed_in(outsider), signed_in(owner), signed_in(admin)]

        responses = [api.delete(self.path(booking), {"ticketsToCancel": 1}) for api in clients]

        assert [read_failure(response) for response in responses[:2]] == [
            (401, "Authentication required."),
            (403, "Unauthorized."),
        ]
        assert [response.status_code for response in responses[2:]] == [200, 200]

    def test_lets_only_admins_cancel_for_guests_of_the_product(
        self, outsider: User, admin: User, anonymous: APIClient, signed_in: SignedIn, event: Event
    ) -> None:
        booking = book(event, guest=GUEST, quantity=3)
        clients = [anonymous, signed_in(outsider), signed_in(admin)]

        responses = [api.delete(self.path(booking), {"ticketsToCancel": 1}) for api in clients]

        assert [response.status_code for response in responses] == [401, 403, 200]

    def test_lets_anyone_cancel_for_guests_of_this_contract(
        self, outsider: User, signed_in: SignedIn, guest_booking: Booking
    ) -> None:
        response = signed_in(outsider).delete(self.path(guest_booking), {"ticketsToCancel": 1})

        assert response.status_code == 200
