"""Document 003: sign-up, sign-in and events."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User, UserType
from accounts.services import LockedOut
from accounts.tests.factories import PASSWORD
from contracts.tests.ticks_document import (
    CONCERT,
    PERSON,
    booking_body,
    read_failure,
    read_success,
)
from events.models import Booking, Event, EventStatus, Origin
from events.tests.factories import book, make_event

pytestmark = pytest.mark.django_db

SignedIn = Callable[[User], APIClient]


class TestRegister:
    PATH = "/api/v1/auth/register"

    def test_creates_a_customer(self, anonymous: APIClient) -> None:
        anonymous.post(self.PATH, PERSON | {"firstName": "Divine", "lastName": "Alphonsus"})

        user = User.objects.get(email=PERSON["email"])
        assert (user.name, user.type, user.check_password(PERSON["password"])) == ("divinealph", "customer", True)

    def test_accepts_a_name_in_use(self, anonymous: APIClient) -> None:
        statuses = [
            anonymous.post(self.PATH, PERSON | {"email": f"{number}@example.com"}).status_code for number in range(2)
        ]

        assert statuses == [201, 201]

    def test_refuses_an_email_in_use(self, owner: User, anonymous: APIClient) -> None:
        response = anonymous.post(self.PATH, PERSON | {"email": owner.email.upper()})

        assert read_failure(response) == (409, "Email already in use.")

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
        assert read_failure(anonymous.post(self.PATH, PERSON | changes)) == (400, message)

    def test_names_missing_fields(self, anonymous: APIClient) -> None:
        required = "This field is required."

        response = read_failure(anonymous.post(self.PATH, {}))

        assert response == (400, f"username: {required} email: {required} password: {required}")


class TestRegisterAdmin:
    PATH = "/api/v1/auth/admin/register"

    def test_is_closed_by_default(self, anonymous: APIClient) -> None:
        assert read_failure(anonymous.post(self.PATH, PERSON)) == (403, "Only an admin can create staff accounts.")

    def test_is_open_if_staff_signup_is_on(self, anonymous: APIClient, settings: Any) -> None:
        settings.STAFF_SIGNUP = True

        status, _, user = read_success(anonymous.post(self.PATH, PERSON))

        assert (status, user["username"], User.objects.get(pk=user["id"]).type) == (201, "divinealph", UserType.ADMIN)

    def test_is_open_to_admins(self, admin: User, signed_in: SignedIn) -> None:
        assert read_success(signed_in(admin).post(self.PATH, PERSON))[0] == 201


class TestLogin:
    PATH = "/api/v1/auth/login"

    def test_refuses_a_wrong_password_and_an_unknown_email_alike(self, owner: User, anonymous: APIClient) -> None:
        responses = [
            read_failure(anonymous.post(self.PATH, {"email": email, "password": "wrong"}))
            for email in (owner.email, "nobody@example.com")
        ]

        assert responses == [(401, "Invalid email or password.")] * 2

    def test_locks_out_after_repeated_failures(self, owner: User, anonymous: APIClient) -> None:
        for _ in range(5):
            anonymous.post(self.PATH, {"email": owner.email, "password": "wrong"})

        response = anonymous.post(self.PATH, {"email": owner.email, "password": PASSWORD})

        assert read_failure(response) == (429, f"{LockedOut.message}.")
        assert "Retry-After" in response

    def test_shares_the_rate_limit_of_every_sign_in(self, anonymous: APIClient, rate_limits: Any) -> None:
        rate_limits.RATE_LIMIT_SIGN_IN = "1/minute"

        anonymous.post("/auth/login", {})

        assert read_failure(anonymous.post(self.PATH, {})) == (429, "Too many requests.")


class TestCreateEvent:
    PATH = "/api/v1/event"

    def test_is_for_admins(self, owner: User, agent: User, signed_in: SignedIn) -> None:
        responses = [read_failure(signed_in(user).post(self.PATH, CONCERT)) for user in (owner, agent)]

        assert responses == [(403, "Unauthorized.")] * 2

    def test_sets_no_closing_time_and_no_limit_per_booking(self, admin: User, signed_in: SignedIn) -> None:
        signed_in(admin).post(self.PATH, CONCERT)

        event = Event.objects.get()
        assert (event.bookings_close_at, event.max_per_booking, event.price) == (None, None, 0)
        assert event.origin == Origin.TICKS

    @pytest.mark.parametrize(("available", "withheld"), [(100, 0), (60, 40), (0, 100), ("7", 93)])
    def test_withholds_unavailable_tickets(
        self, admin: User, signed_in: SignedIn, available: Any, withheld: int
    ) -> None:
        _, _, created = read_success(signed_in(admin).post(self.PATH, CONCERT | {"availableTickets": available}))

        assert (created["totalTickets"], created["availableTickets"]) == (100, int(available))
        assert Event.objects.get().inventory.withheld == withheld

    def test_withholds_nothing_by_default(self, admin: User, signed_in: SignedIn) -> None:
        body = {key: value for key, value in CONCERT.items() if key != "availableTickets"}

        for sent in (body, body | {"availableTickets": None}):
            assert read_success(signed_in(admin).post(self.PATH, sent))[2]["availableTickets"] == 100

    def test_keeps_the_time_of_day(self, admin: User, signed_in: SignedIn) -> None:
        body = CONCERT | {"date": "2024-12-01T20:15:30.5+02:00"}

        assert read_success(signed_in(admin).post(self.PATH, body))[2]["date"] == "2024-12-01T18:15:30.500Z"

    @pytest.mark.parametrize(
        ("name", "values"),
        [
            ("name", ["", " ", None, 5, True, [], {}, "n" * 256, "a\x00b", "a\nb"]),
            (
                "date",
                ["", "soon", "2024-02-30", "2024-12-01T20:00:00", None, 5, True, [], {}, "0001-01-01T00:00:00+14:00"],
            ),
            ("totalTickets", ["", "many", None, True, [], {}, 0, -1, 1.5, 1_000_001, 2**63, 10**40, "9" * 2000]),
            ("availableTickets", ["", "many", True, [], {}, -1, 1.5, 101, 2**63, 10**40]),
        ],
    )
    def test_refuses_bad_input(self, admin: User, signed_in: SignedIn, name: str, values: list[Any]) -> None:
        api = signed_in(admin)

        responses = [read_failure(api.post(self.PATH, CONCERT | {name: value})) for value in values]

        assert all(status == 400 and message.startswith(f"{name}: ") for status, message in responses), responses
        assert not Event.objects.exists()

    def test_names_missing_fields(self, admin: User, signed_in: SignedIn) -> None:
        required = "This field is required."

        response = read_failure(signed_in(admin).post(self.PATH, {}))

        assert response == (400, f"name: {required} date: {required} totalTickets: {required}")


class TestListEvents:
    PATH = "/api/v1/event"

    def test_lists_the_newest_first(self, owner: User, admin: User, signed_in: SignedIn) -> None:
        at = timezone.now()
        events = [make_event(admin, created_at=at - timedelta(hours=hours)) for hours in (2, 3, 1)]
        make_event(admin, status=EventStatus.DRAFT)

        _, _, listed = read_success(signed_in(owner).get(self.PATH))

        assert [event["id"] for event in listed] == [events[2].pk, events[0].pk, events[1].pk]

    def test_returns_one_page_at_a_time(self, owner: User, admin: User, signed_in: SignedIn) -> None:
        newest_first = [make_event(admin).pk for _ in range(3)][::-1]
        api = signed_in(owner)

        pages = [read_success(api.get(f"{self.PATH}?limit=2&page={page}"))[2] for page in (1, 2, 3)]

        assert [[event["id"] for event in page] for page in pages] == [newest_first[:2], newest_first[2:], []]

    @pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=a", "page=0", "page=1001", "page=%00"])
    def test_refuses_an_invalid_page(self, owner: User, signed_in: SignedIn, query: str) -> None:
        assert read_failure(signed_in(owner).get(f"{self.PATH}?{query}"))[0] == 400

    @pytest.mark.parametrize("number", [0, 1, 5])
    def test_runs_two_queries(
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

        # The token's owner and the events.
        with django_assert_num_queries(2):
            assert len(read_success(api.get(self.PATH))[2]) == number


class TestDeleteEvent:
    def test_cancels_the_bookings_and_hides_the_event(
        self, admin: User, signed_in: SignedIn, anonymous: APIClient, event: Event
    ) -> None:
        bookings = [book(event, quantity=quantity) for quantity in (8, 5)]
        api = signed_in(admin)
        path = f"/api/v1/event/{event.pk}"

        assert read_success(api.delete(path)) == (200, "Event deleted successfully.", None)

        responses = [
            api.delete(path),
            api.get(f"/api/v1/booking/status/{event.pk}"),
            api.post("/api/v1/booking", booking_body(event)),
            anonymous.post("/api/v1/booking", booking_body(event)),
        ]
        assert [read_failure(response) for response in responses] == [(404, "Event not found.")] * 4
        assert anonymous.get(f"/status/{event.pk}").status_code == 404
        assert read_success(api.get("/api/v1/event"))[2] == []
        assert [Booking.objects.get(pk=booking.pk).status for booking in bookings] == ["cancelled"] * 2
        assert Event.objects.filter(pk=event.pk).exists()

    def test_is_for_admins(self, owner: User, signed_in: SignedIn, event: Event) -> None:
        assert read_failure(signed_in(owner).delete(f"/api/v1/event/{event.pk}")) == (403, "Unauthorized.")

    @pytest.mark.parametrize("number", [0, 10**9, 2**63 - 1, 2**63, 10**40])
    def test_reports_an_unknown_event(self, admin: User, signed_in: SignedIn, number: int) -> None:
        assert read_failure(signed_in(admin).delete(f"/api/v1/event/{number}")) == (404, "Event not found.")


class TestStatus:
    def test_counts_waiting_bookings_not_tickets(self, anonymous: APIClient, event: Event) -> None:
        book(event, quantity=8)
        for quantity in (5, 4):
            book(event, quantity=quantity)

        _, _, seats = read_success(anonymous.get(f"/api/v1/booking/status/{event.pk}"))

        assert seats == {"availableTickets": 2, "waitlistedCount": 2}

    @pytest.mark.parametrize("number", [0, 10**9, 2**63 - 1, 2**63, 10**40])
    def test_reports_an_unknown_event(self, anonymous: APIClient, number: int) -> None:
        assert read_failure(anonymous.get(f"/api/v1/booking/status/{number}")) == (404, "Event not found.")
