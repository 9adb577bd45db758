"""Document 003 as a whole: its calls in order, then tokens, errors and retries that concern every call."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from contracts.tests.odd_values import ODD_VALUES
from contracts.tests.ticks_document import (
    BOOKING,
    CONCERT,
    CREATED,
    MILLISECONDS,
    PERSON,
    available_and_waiting,
    booking_body,
    read_failure,
    read_success,
)
from events import services
from events.models import Booking, Event
from events.tests.factories import book
from kit.idempotency.keys import KeyReused
from kit.idempotency.views import REPLAYED

pytestmark = pytest.mark.django_db

SignedIn = Callable[[User], APIClient]


class TestDocument:
    def test_works_from_its_first_call_to_its_last(
        self, anonymous: APIClient, admin: User, signed_in: SignedIn
    ) -> None:
        # Authentication
        registered = read_success(anonymous.post("/api/v1/auth/register", PERSON))
        user = User.objects.get(email=PERSON["email"])
        me = {"id": user.pk, "username": "divinealph", "email": "divinealph@example.com"}
        assert registered == (201, "User registered successfully.", me)

        credentials = {"email": PERSON["email"], "password": PERSON["password"]}
        status, message, session = read_success(anonymous.post("/api/v1/auth/login", credentials))
        assert (status, message, list(session)) == (200, "Login successful.", ["token"])

        api = APIClient()
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {session['token']}")
        assert read_success(api.get("/api/v1/auth/me")) == (200, "User retrieved successfully.", me)

        # Events
        status, message, created = read_success(signed_in(admin).post("/api/v1/event", CONCERT))
        assert (status, message) == (201, "Event created successfully.")
        assert MILLISECONDS.fullmatch(created["createdAt"])
        assert created == {
            "id": Event.objects.get().pk,
            "name": "Concert",
            "date": "2024-12-01T00:00:00.000Z",
            "totalTickets": 100,
            "availableTickets": 100,
            "createdBy": admin.pk,
            "createdAt": created["createdAt"],
            "updatedAt": created["createdAt"],
        }
        assert read_success(api.get("/api/v1/event")) == (200, "Events retrieved successfully.", [created])

        # Bookings
        body = BOOKING | {"eventId": str(created["id"])}
        status, message, booked = read_success(anonymous.post("/api/v1/booking", body))
        assert (status, message) == (201, CREATED)
        assert MILLISECONDS.fullmatch(booked["createdAt"])
        assert booked == {
            "id": Booking.objects.get().pk,
            "eventId": str(created["id"]),
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

        assert anonymous.get(f"/api/v1/booking/status/{created['id']}").json() == {
            "message": "Event status retrieved successfully.",
            "error": False,
            "data": {"availableTickets": 100, "waitlistedCount": 0},
        }

        # Deleting the event comes last here, since the document's bookings need it.
        deleted = signed_in(admin).delete(f"/api/v1/event/{created['id']}")
        assert deleted.json() == {"message": "Event deleted successfully.", "error": False}


class TestToken:
    @pytest.mark.parametrize("method_and_path", ["GET auth/me", "GET event", "POST event", "DELETE event/1"])
    def test_is_required(self, anonymous: APIClient, method_and_path: str) -> None:
        method, path = method_and_path.split()

        assert read_failure(anonymous.generic(method, f"/api/v1/{path}")) == (401, "Authentication required.")

    @pytest.mark.parametrize("header", ["nonsense", "Bearer nonsense", "Basic YTpi", "Bearer", "\xff"])
    def test_that_is_invalid_does_not_make_its_sender_a_guest(
        self, anonymous: APIClient, event: Event, header: str
    ) -> None:
        response = anonymous.post("/api/v1/booking", booking_body(event), headers={"Authorization": header})

        assert read_failure(response) == (401, "Invalid or expired token.")
        assert not Booking.objects.exists()


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
    def test_answers_unknown_paths_in_the_envelope(self, anonymous: APIClient, path: str) -> None:
        responses = [anonymous.generic(method, f"/api/v1{path}") for method in ("GET", "POST", "DELETE")]

        assert [read_failure(response) for response in responses] == [(404, "No such path.")] * 3

    def test_leaves_longer_prefixes_to_document_004(self, anonymous: APIClient) -> None:
        response = anonymous.get("/api/v10")

        assert (response.status_code, response.json()["error"]["code"]) == (404, "NOT_FOUND")

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
    def test_refuses_other_methods_even_without_a_token(self, anonymous: APIClient, path: str, allowed: str) -> None:
        response = anonymous.patch(f"/api/v1/{path}")

        assert read_failure(response) == (405, 'Method "PATCH" not allowed.')
        assert response["Allow"] == f"{allowed}, OPTIONS"

    @pytest.mark.parametrize("path", ["auth/register", "auth/admin/register", "auth/login", "event", "booking"])
    def test_refuses_a_body_that_is_not_a_json_object(self, admin: User, signed_in: SignedIn, path: str) -> None:
        api = signed_in(admin)

        responses = [
            read_failure(api.generic("POST", f"/api/v1/{path}", text, "application/json"))[0]
            for text in ("{", "[]", "5", "null", '"a"', '{"name": "\\ud800"}', '{"price": NaN}', "\xff", "\x00", "")
        ]

        assert responses == [400] * 10

    def test_refuses_other_content_types(self, anonymous: APIClient) -> None:
        response = anonymous.generic("POST", "/api/v1/booking", "eventId=1", "text/plain")

        assert read_failure(response) == (415, 'Unsupported media type "text/plain" in request.')

    @pytest.mark.slow
    @pytest.mark.parametrize("path", ["auth/register", "auth/admin/register", "auth/login", "event", "booking"])
    def test_never_fails_on_odd_values(self, admin: User, signed_in: SignedIn, event: Event, path: str) -> None:
        body = {"event": CONCERT, "booking": booking_body(event)}.get(path, PERSON)
        api = signed_in(admin)

        responses = [
            api.post(f"/api/v1/{path}", body | {name: value}) for name in [*body, "more"] for value in ODD_VALUES
        ]

        assert {response.status_code for response in responses} <= {200, 201, 400, 401, 404, 409, 429}
        assert all(
            read_success(response) if response.status_code < 400 else read_failure(response) for response in responses
        )

    @pytest.mark.parametrize("is_limited", [True, False])
    def test_refuses_an_invalid_token_before_the_method(
        self, anonymous: APIClient, settings: Any, is_limited: bool
    ) -> None:
        settings.RATE_LIMITS = is_limited

        response = anonymous.put("/api/v1/booking", headers={"Authorization": "nonsense"})

        assert read_failure(response) == (401, "Invalid or expired token.")
        assert anonymous.put("/api/v1/booking").status_code == 405

    def test_refuses_an_oversized_body(self, anonymous: APIClient) -> None:
        response = anonymous.post("/api/v1/booking", BOOKING | {"firstName": "n" * 2**20})

        assert read_failure(response) == (413, "The request body is too large.")

    def test_is_rate_limited(self, anonymous: APIClient, rate_limits: Any) -> None:
        rate_limits.RATE_LIMIT = "1/minute"

        responses = [anonymous.get("/api/v1/nothing") for _ in range(2)]

        assert [read_failure(response) for response in responses] == [
            (404, "No such path."),
            (429, "Too many requests."),
        ]
        assert int(responses[1]["Retry-After"]) >= 1

    def test_hides_the_details_of_an_unexpected_error(
        self, anonymous: APIClient, event: Event, crash: Callable[[Any, str], None]
    ) -> None:
        crash(services, "book")

        assert read_failure(anonymous.post("/api/v1/booking", booking_body(event))) == (
            500,
            "An unexpected error occurred.",
        )


class TestRetry:
    @pytest.mark.parametrize(
        ("path", "body"), [("auth/register", PERSON), ("auth/admin/register", PERSON), ("event", CONCERT)]
    )
    def test_returns_the_first_response(
        self, admin: User, signed_in: SignedIn, path: str, body: dict[str, Any]
    ) -> None:
        api = signed_in(admin)

        responses = [api.post(f"/api/v1/{path}", body, headers={"Idempotency-Key": "k"}) for _ in range(2)]

        assert [read_success(response) for response in responses] == [read_success(responses[0])] * 2
        assert responses[0].status_code == 201
        assert REPLAYED in responses[1]

    def test_books_once(self, anonymous: APIClient, event: Event) -> None:
        book(event, quantity=10)

        responses = [
            anonymous.post("/api/v1/booking", booking_body(event), headers={"Idempotency-Key": "k"}) for _ in range(2)
        ]

        assert responses[0].content == responses[1].content
        assert available_and_waiting(event) == (0, 1)

    def test_with_another_body_is_refused(self, owner: User, signed_in: SignedIn, event: Event) -> None:
        api = signed_in(owner)
        api.post("/api/v1/booking", booking_body(event), headers={"Idempotency-Key": "k"})

        response = api.post("/api/v1/booking", booking_body(event, 2), headers={"Idempotency-Key": "k"})

        assert read_failure(response) == (422, f"{KeyReused.message}.")
