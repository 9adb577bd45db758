"""Document 003, word for word: its calls in its order, with its own bodies; then what CONTRACTS adds.

Only what the document has as a stand-in is replaced: ids, tokens and times.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User, UserType
from accounts.tests.factories import PASSWORD
from contracts.tests.odd import ODD
from events import services
from events.models import Booking, Event, EventStatus, Origin
from events.tests.factories import GUEST, book, make_event
from kit.idempotency.views import REPLAYED
from kit.web import throttling

pytestmark = pytest.mark.django_db

SignedIn = Callable[[User], APIClient]

# The document's own bodies.
PERSON = {"username": "divinealph", "email": "divinealph@example.com", "password": "securePassword123"}
CONCERT = {"name": "Concert", "date": "2024-12-01", "totalTickets": 100, "availableTickets": 100}
BOOKING = {
    "eventId": "3",
    "firstName": "Divine",
    "lastName": "Alphonsus",
    "email": "divinealph@example.com",
    "ticketsReserved": "10",
}
CREATED, WAITLISTED = "Booking created successfully.", "Tickets are sold out; you are on the waitlist."
NOT_ENOUGH = "Not enough tickets available to fulfill your request."
NO_NUMBER = "Please specify a valid number of tickets to cancel."
MILLISECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def success(answer: Any) -> tuple[int, str, Any]:
    """Status, sentence and data of an answer in the contract's envelope."""
    body = answer.json()
    assert answer["Content-Type"] == "application/json"
    assert body["error"] is False, body
    assert set(body) <= {"message", "data", "error"}
    return answer.status_code, body["message"], body.get("data")


def failure(answer: Any) -> tuple[int, str]:
    body = answer.json()
    assert answer["Content-Type"] == "application/json"
    assert set(body) == {"message", "error"}
    assert body["error"] is True
    assert body["message"].endswith(".")
    assert not body["message"].endswith("..")
    return answer.status_code, body["message"]


def wish(event: Event | int, quantity: Any = 1, **more: Any) -> dict[str, Any]:
    """The body of a booking."""
    event_id = event if isinstance(event, int) else event.pk
    return BOOKING | {"eventId": event_id, "ticketsReserved": quantity} | more


def numbers(event: Event) -> tuple[int, int]:
    """Available tickets and waiting bookings."""
    event.inventory.refresh_from_db()
    return event.inventory.available, event.inventory.waiting


@pytest.fixture
def event(admin: User) -> Event:
    return make_event(admin, capacity=10)


class TestDocument:
    def test_is_served_from_its_first_call_to_its_last(
        self, anonymous: APIClient, admin: User, signed_in: SignedIn
    ) -> None:
        # Authentication
        answer = success(anonymous.post("/api/v1/auth/register", PERSON))
        user = User.objects.get(email=PERSON["email"])
        me = {"id": user.pk, "username": "divinealph", "email": "divinealph@example.com"}
        assert answer == (201, "User registered successfully.", me)

        credentials = {"email": PERSON["email"], "password": PERSON["password"]}
        status, message, session = success(anonymous.post("/api/v1/auth/login", credentials))
        assert (status, message, list(session)) == (200, "Login successful.", ["token"])

        api = APIClient()
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {session['token']}")
        assert success(api.get("/api/v1/auth/me")) == (200, "User retrieved successfully.", me)

        # Events
        status, message, made = success(signed_in(admin).post("/api/v1/event", CONCERT))
        assert (status, message) == (201, "Event created successfully.")
        assert MILLISECONDS.fullmatch(made["createdAt"])
        assert made == {
            "id": Event.objects.get().pk,
            "name": "Concert",
            "date": "2024-12-01T00:00:00.000Z",
            "totalTickets": 100,
            "availableTickets": 100,
            "createdBy": admin.pk,
            "createdAt": made["createdAt"],
            "updatedAt": made["createdAt"],
        }
        assert success(api.get("/api/v1/event")) == (200, "Events retrieved successfully.", [made])

        # Bookings
        body = BOOKING | {"eventId": str(made["id"])}
        status, message, booked = success(anonymous.post("/api/v1/booking", body))
        assert (status, message) == (201, CREATED)
        assert MILLISECONDS.fullmatch(booked["createdAt"])
        assert booked == {
            "id": Booking.objects.get().pk,
            "eventId": str(made["id"]),
            "userId": None,
            "firstName": "Divine",
            "lastName": "Alphonsus",
            "email": "divinealph@example.com",
            "ticketsReserved": "10",
            "bookingStatus": "completed",
            "updatedAt": booked["createdAt"],
            "createdAt": booked["createdAt"],
        }

        path = f"/api/v1/booking/{booked['id']}"
        cancelled = anonymous.delete(path, {"bookingId": booked["id"], "ticketsToCancel": 10})
        assert cancelled.json() == {"message": "Booking cancelled successfully.", "error": False}

        assert anonymous.get(f"/api/v1/booking/status/{made['id']}").json() == {
            "message": "Event status retrieved successfully.",
            "error": False,
            "data": {"availableTickets": 100, "waitlistedCount": 0},
        }

        # And the event's deletion, which the document has before the bookings.
        deleted = signed_in(admin).delete(f"/api/v1/event/{made['id']}")
        assert deleted.json() == {"message": "Event deleted successfully.", "error": False}


class TestRegister:
    PATH = "/api/v1/auth/register"

    def test_makes_a_customer(self, anonymous: APIClient) -> None:
        anonymous.post(self.PATH, PERSON | {"firstName": "Divine", "lastName": "Alphonsus"})

        user = User.objects.get(email=PERSON["email"])
        assert (user.name, user.type, user.check_password(PERSON["password"])) == ("divinealph", "customer", True)

    def test_takes_a_name_that_somebody_has(self, anonymous: APIClient) -> None:
        answers = [
            anonymous.post(self.PATH, PERSON | {"email": f"{number}@example.com"}).status_code for number in range(2)
        ]

        assert answers == [201, 201]

    def test_refuses_an_address_that_somebody_has(self, owner: User, anonymous: APIClient) -> None:
        answer = anonymous.post(self.PATH, PERSON | {"email": owner.email.upper()})

        assert failure(answer) == (409, "Email already in use.")

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"username": "ab"}, "username: Ensure this field has at least 3 characters."),
            ({"email": "somebody"}, "email: Enter a valid email address."),
            (
                {"password": "seven77"},
                "password: This password is too short. It must contain at least 8 characters.",
            ),
        ],
    )
    def test_refuses_bad_input(self, anonymous: APIClient, changes: dict[str, Any], message: str) -> None:
        assert failure(anonymous.post(self.PATH, PERSON | changes)) == (400, message)

    def test_names_what_is_missing(self, anonymous: APIClient) -> None:
        sentence = "This field is required."

        answer = failure(anonymous.post(self.PATH, {}))

        assert answer == (400, f"username: {sentence} email: {sentence} password: {sentence}")


class TestRegisterAdmin:
    PATH = "/api/v1/auth/admin/register"

    def test_is_closed_by_default(self, anonymous: APIClient) -> None:
        assert failure(anonymous.post(self.PATH, PERSON)) == (403, "Only an admin can create staff accounts.")

    def test_is_open_under_a_setting(self, anonymous: APIClient, settings: Any) -> None:
        settings.STAFF_SIGNUP = True

        status, _, user = success(anonymous.post(self.PATH, PERSON))

        assert (status, user["username"], User.objects.get(pk=user["id"]).type) == (201, "divinealph", UserType.ADMIN)

    def test_is_open_to_admins(self, admin: User, signed_in: SignedIn) -> None:
        assert success(signed_in(admin).post(self.PATH, PERSON))[0] == 201


class TestLogin:
    PATH = "/api/v1/auth/login"

    def test_refuses_a_wrong_password_and_an_unknown_address_alike(self, owner: User, anonymous: APIClient) -> None:
        answers = [
            failure(anonymous.post(self.PATH, {"email": email, "password": "wrong"}))
            for email in (owner.email, "nobody@example.com")
        ]

        assert answers == [(401, "Invalid email or password.")] * 2

    def test_is_locked_after_too_many_failures(self, owner: User, anonymous: APIClient) -> None:
        for _ in range(5):
            anonymous.post(self.PATH, {"email": owner.email, "password": "wrong"})

        answer = anonymous.post(self.PATH, {"email": owner.email, "password": PASSWORD})

        assert failure(answer) == (429, "Too many failed sign-ins, please try again later.")
        assert "Retry-After" in answer

    def test_is_limited_as_every_sign_in(self, anonymous: APIClient, settings: Any) -> None:
        settings.RATE_LIMITS, settings.RATE_LIMIT_SIGN_IN = True, "1/minute"
        throttling.counter.cache_clear()

        paths = [self.PATH, TestRegister.PATH, TestRegisterAdmin.PATH]
        answers = [failure(anonymous.post(path, {})) for path in paths]

        throttling.counter.cache_clear()
        assert answers[1:] == [(429, "Too many requests.")] * 2


class TestToken:
    @pytest.mark.parametrize("method_and_path", ["GET auth/me", "GET event", "POST event", "DELETE event/1"])
    def test_is_needed(self, anonymous: APIClient, method_and_path: str) -> None:
        method, path = method_and_path.split()

        assert failure(anonymous.generic(method, f"/api/v1/{path}")) == (401, "Authentication required.")

    @pytest.mark.parametrize("header", ["nonsense", "Bearer nonsense", "Basic YTpi", "Bearer", "\xff"])
    def test_that_is_bad_makes_nobody_a_guest(self, anonymous: APIClient, event: Event, header: str) -> None:
        answer = anonymous.post("/api/v1/booking", wish(event), headers={"Authorization": header})

        assert failure(answer) == (401, "Invalid or expired token.")
        assert not Booking.objects.exists()


class TestCreateEvent:
    PATH = "/api/v1/event"

    def test_is_for_admins(self, owner: User, agent: User, signed_in: SignedIn) -> None:
        answers = [failure(signed_in(user).post(self.PATH, CONCERT)) for user in (owner, agent)]

        assert answers == [(403, "Unauthorized.")] * 2

    def test_makes_one_that_never_closes_and_is_sold_by_any_quantity(self, admin: User, signed_in: SignedIn) -> None:
        signed_in(admin).post(self.PATH, CONCERT)

        event = Event.objects.get()
        assert (event.bookings_close_at, event.max_per_booking, event.price) == (None, None, 0)
        assert event.origin == Origin.TICKS

    @pytest.mark.parametrize(("available", "withheld"), [(100, 0), (60, 40), (0, 100), ("7", 93)])
    def test_withholds_what_is_not_available(
        self, admin: User, signed_in: SignedIn, available: Any, withheld: int
    ) -> None:
        _, _, made = success(signed_in(admin).post(self.PATH, CONCERT | {"availableTickets": available}))

        assert (made["totalTickets"], made["availableTickets"]) == (100, int(available))
        assert Event.objects.get().inventory.withheld == withheld

    def test_withholds_nothing_unasked(self, admin: User, signed_in: SignedIn) -> None:
        body = {key: value for key, value in CONCERT.items() if key != "availableTickets"}

        assert success(signed_in(admin).post(self.PATH, body))[2]["availableTickets"] == 100

    def test_keeps_the_time_of_day(self, admin: User, signed_in: SignedIn) -> None:
        body = CONCERT | {"date": "2024-12-01T20:15:30.5+02:00"}

        assert success(signed_in(admin).post(self.PATH, body))[2]["date"] == "2024-12-01T18:15:30.500Z"

    @pytest.mark.parametrize(
        ("name", "values"),
        [
            ("name", ["", " ", None, 5, True, [], {}, "n" * 256, "a\x00b", "a\nb"]),
            (
                "date",
                ["", "soon", "2024-02-30", "2024-12-01T20:00:00", None, 5, True, [], {}, "0001-01-01T00:00:00+14:00"],
            ),
            ("totalTickets", ["", "many", None, True, [], {}, 0, -1, 1.5, 1_000_001, 2**63, 10**40, "9" * 2000]),
            ("availableTickets", ["", "many", None, True, [], {}, -1, 1.5, 101, 2**63, 10**40]),
        ],
    )
    def test_refuses_bad_input(self, admin: User, signed_in: SignedIn, name: str, values: list[Any]) -> None:
        api = signed_in(admin)

        answers = [failure(api.post(self.PATH, CONCERT | {name: value})) for value in values]

        assert all(status == 400 and message.startswith(f"{name}: ") for status, message in answers), answers
        assert not Event.objects.exists()

    def test_names_what_is_missing(self, admin: User, signed_in: SignedIn) -> None:
        sentence = "This field is required."

        answer = failure(signed_in(admin).post(self.PATH, {}))

        assert answer == (400, f"name: {sentence} date: {sentence} totalTickets: {sentence}")


class TestListEvents:
    PATH = "/api/v1/event"

    def test_begins_with_the_newest(self, owner: User, admin: User, signed_in: SignedIn) -> None:
        at = timezone.now()
        events = [make_event(admin, created_at=at - timedelta(hours=hours)) for hours in (2, 3, 1)]
        make_event(admin, status=EventStatus.DRAFT)

        _, _, listed = success(signed_in(owner).get(self.PATH))

        assert [event["id"] for event in listed] == [events[2].pk, events[0].pk, events[1].pk]

    def test_goes_page_by_page(self, owner: User, admin: User, signed_in: SignedIn) -> None:
        newest_first = [make_event(admin).pk for _ in range(3)][::-1]
        api = signed_in(owner)

        pages = [success(api.get(f"{self.PATH}?limit=2&page={page}"))[2] for page in (1, 2, 3)]

        assert [[event["id"] for event in page] for page in pages] == [newest_first[:2], newest_first[2:], []]

    @pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=a", "page=0", "page=1001", "page=%00"])
    def test_refuses_what_is_no_page(self, owner: User, signed_in: SignedIn, query: str) -> None:
        assert failure(signed_in(owner).get(f"{self.PATH}?{query}"))[0] == 400

    @pytest.mark.parametrize("number", [0, 1, 5])
    def test_costs_so_many_queries(
        self,
        owner: User,
        admin: User,
        signed_in: SignedIn,
        number: int,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        api = signed_in(owner)
        for _ in range(number):
            make_event(admin)

        # The token's owner, and the events.
        with django_assert_num_queries(2):
            assert len(success(api.get(self.PATH))[2]) == number


class TestDeleteEvent:
    def test_cancels_its_bookings_and_is_out_of_sight(
        self, admin: User, signed_in: SignedIn, anonymous: APIClient, event: Event
    ) -> None:
        bookings = [book(event, quantity=quantity) for quantity in (8, 5)]
        api = signed_in(admin)
        path = f"/api/v1/event/{event.pk}"

        assert success(api.delete(path)) == (200, "Event deleted successfully.", None)

        answers = [
            api.delete(path),
            api.get(f"/api/v1/booking/status/{event.pk}"),
            api.post("/api/v1/booking", wish(event)),
            anonymous.post("/api/v1/booking", wish(event)),
        ]
        assert [failure(answer) for answer in answers] == [(404, "Event not found.")] * 4
        assert anonymous.get(f"/status/{event.pk}").status_code == 404
        assert success(api.get("/api/v1/event"))[2] == []
        assert [Booking.objects.get(pk=booking.pk).status for booking in bookings] == ["cancelled"] * 2
        assert Event.objects.filter(pk=event.pk).exists()

    def test_is_for_admins(self, owner: User, signed_in: SignedIn, event: Event) -> None:
        assert failure(signed_in(owner).delete(f"/api/v1/event/{event.pk}")) == (403, "Unauthorized.")

    @pytest.mark.parametrize("number", [0, 10**9, 2**63 - 1, 2**63, 10**40])
    def test_needs_an_event(self, admin: User, signed_in: SignedIn, number: int) -> None:
        assert failure(signed_in(admin).delete(f"/api/v1/event/{number}")) == (404, "Event not found.")


class TestBook:
    PATH = "/api/v1/booking"

    def test_books_for_who_is_signed_in(self, owner: User, signed_in: SignedIn, event: Event) -> None:
        _, _, booked = success(signed_in(owner).post(self.PATH, wish(event, 3)))

        booking = Booking.objects.get()
        assert (booked["userId"], booked["firstName"], booked["ticketsReserved"]) == (owner.pk, "Divine", 3)
        assert (booking.user, booking.guest_email, booking.quantity) == (owner, "", 3)

    def test_knows_who_is_signed_in(self, owner: User, signed_in: SignedIn, event: Event) -> None:
        _, _, booked = success(signed_in(owner).post(self.PATH, {"eventId": event.pk, "ticketsReserved": 1}))

        assert (booked["firstName"], booked["lastName"], booked["email"]) == ("Olga", "Owner", owner.email)

    def test_keeps_who_a_guest_is(self, anonymous: APIClient, event: Event) -> None:
        anonymous.post(self.PATH, wish(event, firstName=" Divine "))

        booking = Booking.objects.get()
        assert (booking.user, booking.guest_first_name, booking.guest_last_name, booking.guest_email) == (
            None,
            "Divine",
            "Alphonsus",
            "divinealph@example.com",
        )
        assert booking.origin == Origin.TICKS

    @pytest.mark.parametrize("written", [str, float, int, "0{}".format])
    def test_writes_numbers_as_they_came(self, anonymous: APIClient, event: Event, written: Any) -> None:
        _, _, booked = success(anonymous.post(self.PATH, wish(event) | {"eventId": written(event.pk)}))

        assert repr(booked["eventId"]) == repr(written(event.pk))

    def test_puts_on_the_waitlist_who_comes_when_all_is_sold(self, anonymous: APIClient, event: Event) -> None:
        book(event, quantity=10)

        status, message, booked = success(anonymous.post(self.PATH, wish(event, "3")))

        assert (status, message, booked["bookingStatus"]) == (200, WAITLISTED, "waitlisted")
        assert booked["ticketsReserved"] == "3"
        assert numbers(event) == (0, 1)

    def test_puts_on_the_waitlist_who_comes_after_somebody_waiting(self, anonymous: APIClient, event: Event) -> None:
        book(event, quantity=8)
        book(event, quantity=5)

        status, _, booked = success(anonymous.post(self.PATH, wish(event, 1)))

        assert (status, booked["bookingStatus"]) == (200, "waitlisted")
        assert numbers(event) == (2, 2)

    def test_stores_nothing_where_fewer_are_left(self, anonymous: APIClient, event: Event) -> None:
        book(event, quantity=8)

        answers = [failure(anonymous.post(self.PATH, wish(event, quantity))) for quantity in (3, 10)]

        assert answers == [(400, NOT_ENOUGH)] * 2
        assert Booking.objects.count() == 1

    @pytest.mark.parametrize("is_sold_out", [False, True])
    @pytest.mark.parametrize("quantity", [11, 1_000_001, 2**31, 2**63, "9" * 30, 1e300])
    def test_refuses_more_than_there_ever_were(
        self, anonymous: APIClient, event: Event, is_sold_out: bool, quantity: Any
    ) -> None:
        if is_sold_out:
            book(event, quantity=10)

        assert failure(anonymous.post(self.PATH, wish(event, quantity))) == (400, NOT_ENOUGH)

    def test_refuses_where_all_is_withheld(self, anonymous: APIClient, admin: User) -> None:
        event = make_event(admin, capacity=5, withheld=5)

        assert failure(anonymous.post(self.PATH, wish(event))) == (400, NOT_ENOUGH)

    def test_refuses_a_users_second_booking_and_no_guests(
        self, owner: User, signed_in: SignedIn, anonymous: APIClient, event: Event
    ) -> None:
        book(event, owner)

        answer = signed_in(owner).post(self.PATH, wish(event))
        guests = [anonymous.post(self.PATH, wish(event)).status_code for _ in range(2)]

        assert failure(answer) == (409, "You already have a booking for this event.")
        assert guests == [201, 201]

    def test_refuses_a_second_place_in_the_queue(self, owner: User, signed_in: SignedIn, event: Event) -> None:
        book(event, quantity=10)
        book(event, owner)

        answer = signed_in(owner).post(self.PATH, wish(event))

        assert failure(answer) == (409, "You already have a booking for this event.")

    def test_says_what_an_event_takes_no_bookings_for(self, anonymous: APIClient, admin: User) -> None:
        at = timezone.now()
        cancelled, closed = make_event(admin), make_event(admin, bookings_close_at=at)
        strict, draft = make_event(admin, max_per_booking=2), make_event(admin, status=EventStatus.DRAFT)
        services.cancel_event(event_id=cancelled.pk, by=admin, at=at)

        answers = [failure(anonymous.post(self.PATH, wish(each, 3))) for each in (cancelled, closed, strict, draft)]

        assert answers == [
            (409, "The event has been cancelled."),
            (409, "Bookings for this event have closed."),
            (400, "That is more than one booking of this event may have."),
            (404, "Event not found."),
        ]

    @pytest.mark.parametrize("number", [0, 10**9, 2**63 - 1, 2**63, str(10**29)])
    def test_needs_an_event(self, anonymous: APIClient, number: Any) -> None:
        assert failure(anonymous.post(self.PATH, BOOKING | {"eventId": number})) == (404, "Event not found.")

    @pytest.mark.parametrize(
        ("name", "values"),
        [
            ("eventId", ["", "one", None, True, [], {}, 1.5, "1_0", "１", "9" * 2000]),
            ("ticketsReserved", ["", "ten", None, True, [], {}, 1.5, 0, -1, "-1", "1_0", "9" * 2000]),
            ("firstName", ["", " ", None, 5, True, [], {}, "n" * 151, "a\x00b", "a\nb"]),
            ("lastName", ["", " ", None, 5, True, [], {}, "n" * 151, "a\x00b", "a\nb"]),
            ("email", ["", "somebody", None, 5, True, [], {}, "a" * 250 + "@example.com", "a\x00b@example.com"]),
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

        answers = [failure(api.post(self.PATH, wish(event) | {name: value})) for api in clients for value in values]

        assert all(status == 400 and message.startswith(f"{name}: ") for status, message in answers), answers
        assert not Booking.objects.exists()

    def test_needs_to_know_a_guest(self, anonymous: APIClient, event: Event) -> None:
        sentence = "This field is required."

        answer = failure(anonymous.post(self.PATH, {"eventId": event.pk, "ticketsReserved": 1}))

        assert answer == (400, f"firstName: {sentence} lastName: {sentence} email: {sentence}")

    def test_costs_so_many_queries(
        self, anonymous: APIClient, event: Event, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(1):
            anonymous.post(self.PATH, wish(event))


class TestCancel:
    @staticmethod
    def path(booking: Booking) -> str:
        return f"/api/v1/booking/{booking.pk}"

    @pytest.fixture
    def guests(self, event: Event) -> Booking:
        """A guest's booking of six tickets, made through this contract."""
        return book(event, guest=GUEST, quantity=6, origin=Origin.TICKS)

    def test_cancels_as_many_as_are_said(self, anonymous: APIClient, event: Event, guests: Booking) -> None:
        answers = [success(anonymous.delete(self.path(guests), {"ticketsToCancel": number})) for number in (2, "3")]

        assert answers == [(200, "Booking cancelled successfully.", None)] * 2
        guests.refresh_from_db()
        assert (guests.left, guests.status, numbers(event)) == (1, "confirmed", (9, 0))

    def test_gives_what_is_freed_to_the_waitlist_in_order(
        self, anonymous: APIClient, event: Event, guests: Booking
    ) -> None:
        book(event, quantity=4)
        first, second, third = (book(event, quantity=quantity) for quantity in (2, 3, 1))

        anonymous.delete(self.path(guests), {"ticketsToCancel": 4})

        for booking in (first, second, third):
            booking.refresh_from_db()
        assert [first.status, second.status, third.status] == ["confirmed", "waiting", "waiting"]
        assert numbers(event) == (2, 2)

    def test_shrinks_a_waiting_booking_where_it_stands(self, anonymous: APIClient, event: Event) -> None:
        book(event, quantity=9)
        large = book(event, guest=GUEST, quantity=3, origin=Origin.TICKS)
        behind = book(event, quantity=1)

        anonymous.delete(self.path(large), {"ticketsToCancel": 1})
        large.refresh_from_db()
        behind.refresh_from_db()
        assert (large.status, large.left, behind.status) == ("waiting", 2, "waiting")

        anonymous.delete(self.path(large), {"ticketsToCancel": 1})
        large.refresh_from_db()
        assert (large.status, large.left, numbers(event)) == ("confirmed", 1, (0, 1))

    @pytest.mark.parametrize("number", [None, "", "two", 0, -1, 1.5, True, [], {}, "-1", "9" * 2000])
    def test_needs_a_number(self, anonymous: APIClient, guests: Booking, number: Any) -> None:
        assert failure(anonymous.delete(self.path(guests), {"ticketsToCancel": number})) == (400, NO_NUMBER)

    def test_needs_it_at_all(self, anonymous: APIClient, guests: Booking) -> None:
        answers = [
            anonymous.delete(self.path(guests)),
            anonymous.delete(self.path(guests), {}),
            anonymous.delete(self.path(guests), {"bookingId": "x"}),
        ]

        assert [failure(answer) for answer in answers] == [(400, NO_NUMBER)] * 3

    @pytest.mark.parametrize("number", [7, 2**31, 2**63, "9" * 30, 1e300])
    def test_refuses_more_than_are_left(self, anonymous: APIClient, guests: Booking, number: Any) -> None:
        answer = anonymous.delete(self.path(guests), {"ticketsToCancel": number})

        assert failure(answer) == (400, "Cannot cancel more tickets than reserved.")

    def test_refuses_a_second_time(self, anonymous: APIClient, guests: Booking) -> None:
        answers = [anonymous.delete(self.path(guests), {"ticketsToCancel": number}) for number in (6, 1)]

        assert failure(answers[1]) == (400, "The booking has been cancelled already.")

    def test_goes_by_the_path(self, anonymous: APIClient, guests: Booking) -> None:
        body = {"ticketsToCancel": 1}

        same = [anonymous.delete(self.path(guests), body | {"bookingId": i}) for i in (guests.pk, str(guests.pk))]
        other = anonymous.delete(self.path(guests), body | {"bookingId": guests.pk + 1})
        no_id = anonymous.delete(self.path(guests), body | {"bookingId": "x"})

        assert [answer.status_code for answer in same] == [200, 200]
        assert failure(other) == (400, "The body names another booking than the path.")
        assert failure(no_id)[0] == 400

    @pytest.mark.parametrize("number", [0, 10**9, 2**63 - 1, 2**63, 10**40])
    def test_needs_a_booking(self, anonymous: APIClient, number: int) -> None:
        answer = anonymous.delete(f"/api/v1/booking/{number}", {"ticketsToCancel": 1})

        assert failure(answer) == (404, "Booking not found.")

    def test_of_a_user_is_for_them_and_admins(
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

        answers = [api.delete(self.path(booking), {"ticketsToCancel": 1}) for api in clients]

        assert [failure(answer) for answer in answers[:2]] == [
            (401, "Authentication required."),
            (403, "Unauthorized."),
        ]
        assert [answer.status_code for answer in answers[2:]] == [200, 200]

    def test_of_a_guest_of_another_contract_is_for_admins(
        self, outsider: User, admin: User, anonymous: APIClient, signed_in: SignedIn, event: Event
    ) -> None:
        booking = book(event, guest=GUEST, quantity=3)
        clients = [anonymous, signed_in(outsider), signed_in(admin)]

        answers = [api.delete(self.path(booking), {"ticketsToCancel": 1}) for api in clients]

        assert [answer.status_code for answer in answers] == [401, 403, 200]

    def test_of_a_guest_here_is_anybodys(self, outsider: User, signed_in: SignedIn, guests: Booking) -> None:
        answer = signed_in(outsider).delete(self.path(guests), {"ticketsToCancel": 1})

        assert answer.status_code == 200


class TestStatus:
    def test_counts_bookings_and_not_seats(self, anonymous: APIClient, event: Event) -> None:
        book(event, quantity=8)
        for quantity in (5, 4):
            book(event, quantity=quantity)

        _, _, seats = success(anonymous.get(f"/api/v1/booking/status/{event.pk}"))

        assert seats == {"availableTickets": 2, "waitlistedCount": 2}

    @pytest.mark.parametrize("number", [0, 10**9, 2**63 - 1, 2**63, 10**40])
    def test_needs_an_event(self, anonymous: APIClient, number: int) -> None:
        assert failure(anonymous.get(f"/api/v1/booking/status/{number}")) == (404, "Event not found.")


class TestEveryCall:
    @pytest.mark.parametrize(
        "path",
        [
            *("", "/", "/nothing", "/event/", "/event/1/", "/event/abc", "/event/-1", "/event/1.5", "/booking/abc"),
            *(
                "/booking/status",
                "/booking/status/abc",
                "/auth",
                "/auth/login/",
                "/%00",
                "/%ff",
                f"/event/{'9' * 5000}",
            ),
        ],
    )
    def test_is_unknown_in_the_envelope(self, anonymous: APIClient, path: str) -> None:
        answers = [anonymous.generic(method, f"/api/v1{path}") for method in ("GET", "POST", "DELETE")]

        assert [failure(answer) for answer in answers] == [(404, "No such path.")] * 3

    def test_is_under_its_own_prefix_alone(self, anonymous: APIClient) -> None:
        answer = anonymous.get("/api/v10")

        # Document 004's, whose prefix is shorter.
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")

    @pytest.mark.parametrize(
        ("path", "allowed"),
        [
            ("auth/register", "POST"),
            ("auth/admin/register", "POST"),
            ("auth/login", "POST"),
            ("auth/me", "GET, HEAD"),
            ("event", "GET, POST, HEAD"),
            ("event/1", "DELETE"),
            ("booking", "POST"),
            ("booking/1", "DELETE"),
            ("booking/status/1", "GET, HEAD"),
        ],
    )
    def test_refuses_other_methods_to_everybody(self, anonymous: APIClient, path: str, allowed: str) -> None:
        answer = anonymous.patch(f"/api/v1/{path}")

        assert failure(answer) == (405, 'Method "PATCH" not allowed.')
        assert answer["Allow"] == f"{allowed}, OPTIONS"

    @pytest.mark.parametrize("path", ["auth/register", "auth/admin/register", "auth/login", "event", "booking"])
    def test_refuses_what_is_no_object(self, admin: User, signed_in: SignedIn, path: str) -> None:
        api = signed_in(admin)

        answers = [
            failure(api.generic("POST", f"/api/v1/{path}", text, "application/json"))[0]
            for text in ("{", "[]", "5", "null", '"a"', '{"name": "\\ud800"}', '{"price": NaN}', "\xff", "\x00", "")
        ]

        assert answers == [400] * 10

    def test_refuses_another_content_type(self, anonymous: APIClient) -> None:
        answer = anonymous.generic("POST", "/api/v1/booking", "eventId=1", "text/plain")

        assert failure(answer) == (415, 'Unsupported media type "text/plain" in request.')

    @pytest.mark.parametrize("path", ["auth/register", "auth/admin/register", "auth/login", "event", "booking"])
    def test_answers_whatever_is_sent(self, admin: User, signed_in: SignedIn, event: Event, path: str) -> None:
        whole = {"event": CONCERT, "booking": wish(event)}.get(path, PERSON)
        api = signed_in(admin)

        answers = [api.post(f"/api/v1/{path}", whole | {name: value}) for name in [*whole, "more"] for value in ODD]

        assert {answer.status_code for answer in answers} <= {200, 201, 400, 401, 404, 409, 429}
        assert all(success(answer) if answer.status_code < 400 else failure(answer) for answer in answers)

    @pytest.mark.parametrize("is_limited", [True, False])
    def test_refuses_a_bad_token_before_the_method(self, anonymous: APIClient, settings: Any, is_limited: bool) -> None:
        settings.RATE_LIMITS = is_limited

        answer = anonymous.put("/api/v1/booking", headers={"Authorization": "nonsense"})

        assert failure(answer) == (401, "Invalid or expired token.")
        assert anonymous.put("/api/v1/booking").status_code == 405

    def test_refuses_a_body_that_is_too_large(self, anonymous: APIClient) -> None:
        answer = anonymous.post("/api/v1/booking", BOOKING | {"firstName": "n" * 2**20})

        assert failure(answer) == (413, "The request body is too large.")

    def test_is_limited(self, anonymous: APIClient, settings: Any) -> None:
        settings.RATE_LIMITS, settings.RATE_LIMIT = True, "1/minute"
        throttling.counter.cache_clear()

        answers = [anonymous.get("/api/v1/nothing") for _ in range(2)]

        throttling.counter.cache_clear()
        assert [failure(answer) for answer in answers] == [(404, "No such path."), (429, "Too many requests.")]
        assert int(answers[1]["Retry-After"]) >= 1

    def test_hides_what_nobody_foresaw(
        self, anonymous: APIClient, event: Event, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def crash(**_: Any) -> None:
            raise RuntimeError("the combination is 1-2-3-4-5")

        monkeypatch.setattr(services, "book", crash)

        assert failure(anonymous.post("/api/v1/booking", wish(event))) == (500, "An unexpected error occurred.")


class TestRetries:
    @pytest.mark.parametrize(
        ("path", "body"), [("auth/register", PERSON), ("auth/admin/register", PERSON), ("event", CONCERT)]
    )
    def test_get_the_first_answer_again(
        self, admin: User, signed_in: SignedIn, path: str, body: dict[str, Any]
    ) -> None:
        api = signed_in(admin)

        answers = [api.post(f"/api/v1/{path}", body, headers={"Idempotency-Key": "k"}) for _ in range(2)]

        assert [success(answer) for answer in answers] == [success(answers[0])] * 2
        assert answers[0].status_code == 201
        assert REPLAYED in answers[1]

    def test_book_once(self, anonymous: APIClient, event: Event) -> None:
        book(event, quantity=10)

        answers = [anonymous.post("/api/v1/booking", wish(event), headers={"Idempotency-Key": "k"}) for _ in range(2)]

        assert answers[0].content == answers[1].content
        assert numbers(event) == (0, 1)

    def test_of_something_else_are_refused(self, owner: User, signed_in: SignedIn, event: Event) -> None:
        api = signed_in(owner)
        api.post("/api/v1/booking", wish(event), headers={"Idempotency-Key": "k"})

        answer = api.post("/api/v1/booking", wish(event, 2), headers={"Idempotency-Key": "k"})

        assert failure(answer) == (422, "This Idempotency-Key was already used with a different body.")
