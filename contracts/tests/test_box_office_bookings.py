"""Document 002: booking and cancelling."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from contracts.tests.box_office_document import DENIED, bare, read, read_error
from events import services
from events.models import Booking, Event, EventStatus, Origin
from events.tests.factories import GUEST, book, make_event

pytestmark = pytest.mark.django_db


class TestBook:
    def test_reads_numeric_strings(self, owner: User, bare_api: APIClient, party: Event) -> None:
        response = bare_api.post("/book", {"eventId": str(party.pk), "userId": str(owner.pk)})

        assert (response.status_code, response.json()["booking"]["eventId"]) == (201, party.pk)
        assert Booking.objects.get().origin == Origin.BOX_OFFICE

    def test_refuses_to_book_for_another_user(
        self, outsider: User, admin: User, party: Event, bare_api: APIClient
    ) -> None:
        body = {"eventId": party.pk, "userId": outsider.pk}

        assert [read(client.post("/book", body)) for client in (bare_api, bare(admin))] == [(401, DENIED)] * 2

    def test_refuses_a_second_booking(self, owner: User, bare_api: APIClient, party: Event) -> None:
        body = {"eventId": party.pk, "userId": owner.pk}
        bare_api.post("/book", body)

        assert read_error(bare_api.post("/book", body)) == (400, "User already has a booking")

    def test_refuses_a_user_who_is_already_waiting(self, owner: User, bare_api: APIClient, party: Event) -> None:
        body = {"eventId": party.pk, "userId": owner.pk}
        book(party)
        bare_api.post("/book", body)

        assert read_error(bare_api.post("/book", body)) == (400, "User is already on wait list")

    def test_counts_a_booking_made_through_the_product(self, owner: User, bare_api: APIClient, admin: User) -> None:
        event = make_event(admin)
        book(event, owner, quantity=3)

        response = bare_api.post("/book", {"eventId": event.pk, "userId": owner.pk})

        assert read_error(response) == (400, "User already has a booking")

    @pytest.mark.parametrize("event_id", [0, -1, -(10**30), 10**9, 2**31, 2**63 - 1, 2**63, 2**64 - 1])
    def test_reports_an_unknown_event(self, owner: User, bare_api: APIClient, event_id: int) -> None:
        response = bare_api.post("/book", {"eventId": event_id, "userId": owner.pk})

        assert read_error(response) == (404, f"Event with ID {event_id} not found")

    def test_hides_drafts_and_deleted_events(self, owner: User, bare_api: APIClient, admin: User) -> None:
        draft, deleted = make_event(admin, status=EventStatus.DRAFT), make_event(admin)
        services.withdraw(event_id=deleted.pk, by=admin, at=timezone.now())

        responses = [
            read_error(bare_api.post("/book", {"eventId": event.pk, "userId": owner.pk})) for event in (draft, deleted)
        ]

        assert responses == [(404, f"Event with ID {event.pk} not found") for event in (draft, deleted)]

    def test_explains_why_an_event_takes_no_bookings(self, admin: User) -> None:
        at, api = timezone.now(), bare(admin)
        cancelled, closed = make_event(admin), make_event(admin, bookings_close_at=at - timedelta(seconds=1))
        draft = make_event(admin, status=EventStatus.DRAFT)
        services.cancel_event(event_id=cancelled.pk, by=admin, at=at)

        responses = [
            read_error(api.post("/book", {"eventId": event.pk, "userId": admin.pk}))
            for event in (cancelled, closed, draft)
        ]

        assert responses == [
            (400, f"Event with ID {cancelled.pk} has been cancelled"),
            (400, f"Event with ID {closed.pk} has closed for bookings"),
            (400, f"Event with ID {draft.pk} is not open for bookings yet"),
        ]

    def test_adds_to_the_wait_list_while_every_ticket_is_withheld(
        self, admin: User, owner: User, bare_api: APIClient
    ) -> None:
        event = make_event(admin, capacity=2, withheld=2)

        response = bare_api.post("/book", {"eventId": event.pk, "userId": owner.pk})

        assert (response.status_code, response.json()["booking"]["status"]) == (201, "PENDING")
        assert response.json()["message"] == "Event is sold out. User added to wait list"

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({}, '"eventId" is required'),
            ({"eventId": 1}, '"userId" is required'),
            ({"eventId": "one", "userId": 1}, '"eventId" must be a number'),
            ({"eventId": None, "userId": 1}, '"eventId" must be a number'),
            ({"eventId": 1.5, "userId": 1}, '"eventId" must be an integer'),
            ({"eventId": 1, "userId": True}, '"userId" must be a number'),
            ({"eventId": 1, "userId": 1, "quantity": 2}, '"quantity" is not allowed'),
        ],
    )
    def test_refuses_bad_input(self, bare_api: APIClient, body: dict[str, Any], message: str) -> None:
        assert read_error(bare_api.post("/book", body)) == (400, message)

    def test_runs_two_queries(
        self, owner: User, bare_api: APIClient, party: Event, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        # The token's owner and the booking.
        with django_assert_num_queries(2):
            bare_api.post("/book", {"eventId": party.pk, "userId": owner.pk})


class TestCancel:
    def test_cancels_every_ticket_of_a_booking(self, owner: User, bare_api: APIClient, admin: User) -> None:
        event = make_event(admin)
        booking = book(event, owner, quantity=4)

        response = bare_api.post("/cancel", {"id": str(booking.pk)})

        assert (response.status_code, response.json()["booking"]["status"]) == (200, "CANCELLED")
        event.inventory.refresh_from_db()
        assert event.inventory.available == 10

    def test_prefers_the_booking_to_the_event(self, owner: User, bare_api: APIClient, admin: User) -> None:
        first, second = (book(make_event(admin), owner) for _ in range(2))

        response = bare_api.post("/cancel", {"eventId": second.event_id, "id": first.pk})

        assert response.json()["booking"]["id"] == first.pk

    def test_takes_a_waiting_booking_off_the_list(self, owner: User, bare_api: APIClient, party: Event) -> None:
        book(party)
        waiting = book(party, owner)

        response = bare_api.post("/cancel", {"eventId": party.pk})

        assert response.json()["booking"] == {
            "id": waiting.pk,
            "eventId": party.pk,
            "userId": owner.pk,
            "status": "CANCELLED",
        }

    def test_refuses_to_cancel_who_is_in(self, owner: User, admin: User, bare_api: APIClient, party: Event) -> None:
        booking = book(party, owner)
        services.check_in_seats(event_id=party.pk, booking_id=booking.pk, seats=1, by=admin, at=timezone.now())

        assert read_error(bare_api.post("/cancel", {"id": booking.pk})) == (
            400,
            f"Booking with ID {booking.pk} has been checked in",
        )

    def test_refuses_to_cancel_twice(self, owner: User, bare_api: APIClient, party: Event) -> None:
        booking = book(party, owner)
        bare_api.post("/cancel", {"id": booking.pk})

        assert read_error(bare_api.post("/cancel", {"id": booking.pk})) == (
            400,
            f"Booking with ID {booking.pk} has already been cancelled",
        )
        assert read_error(bare_api.post("/cancel", {"eventId": party.pk})) == (
            404,
            f"Booking for event with ID {party.pk} not found",
        )

    def test_refuses_everyone_but_the_holder(self, owner: User, bare_api: APIClient, admin: User, party: Event) -> None:
        of_guest, of_user = book(party, guest=GUEST), book(party, admin)

        responses = [
            bare_api.post("/cancel", {"id": of_user.pk}),
            bare_api.post("/cancel", {"id": of_guest.pk}),
            bare(admin).post("/cancel", {"id": of_guest.pk}),
            bare(admin).post("/cancel", {"id": book(party, owner).pk}),
        ]

        assert [read(response) for response in responses] == [(401, DENIED)] * 4
        assert Booking.objects.live().count() == 3

    @pytest.mark.parametrize("number", [0, -1, -(10**30), 10**9, 2**31, 2**63 - 1, 2**63, 2**64 - 1])
    def test_reports_an_unknown_booking(self, bare_api: APIClient, number: int) -> None:
        responses = [read_error(bare_api.post("/cancel", {key: number})) for key in ("id", "eventId")]

        assert responses == [
            (404, f"Booking with ID {number} not found"),
            (404, f"Booking for event with ID {number} not found"),
        ]

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({}, '"id" is required'),
            ({"id": "one"}, '"id" must be a number'),
            ({"id": None, "eventId": 1}, '"id" must be a number'),
            ({"id": 1, "eventId": 0.5}, '"eventId" must be an integer'),
            ({"id": 1, "userId": 1}, '"userId" is not allowed'),
        ],
    )
    def test_refuses_bad_input(self, bare_api: APIClient, body: dict[str, Any], message: str) -> None:
        assert read_error(bare_api.post("/cancel", body)) == (400, message)


class TestCancelAfterTheStart:
    def test_is_refused_where_bookings_close(self, admin: User, owner: User, bare_api: APIClient) -> None:
        event = make_event(admin)
        booking = book(event, owner)
        started_at = timezone.now() - timedelta(hours=1)
        services.update(
            event_id=event.pk, by=admin, at=timezone.now(), starts_at=started_at, bookings_close_at=started_at
        )

        by_booking, by_event = (bare_api.post("/cancel", body) for body in ({"id": booking.pk}, {"eventId": event.pk}))

        message = f"Event with ID {event.pk} has already started"
        assert [read_error(by_booking), read_error(by_event)] == [(400, message)] * 2

    def test_gives_the_ticket_to_the_head_of_the_wait_list_where_they_never_close(
        self, owner: User, outsider: User, bare_api: APIClient
    ) -> None:
        new = {"name": "Concert", "description": "Live", "date": "2021-05-20", "location": "New York", "price": 50}
        event_id = bare_api.post("/initialize", new | {"ticketLimit": 1}).json()["event"]["id"]
        booking = bare_api.post("/book", {"eventId": event_id, "userId": owner.pk}).json()["booking"]
        bare(outsider).post("/book", {"eventId": event_id, "userId": outsider.pk})

        assert bare_api.post("/cancel", {"id": booking["id"]}).status_code == 200

        assert outsider.bookings.get().status == "confirmed"
