"""Document 002 as a whole: its calls in order, then tokens, errors and retries that concern every call."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import User
from accounts.tests.factories import PASSWORD, make_user
from contracts.tests.box_office_document import DENIED, EMAIL, PARTY, PASSWORD_OF_DOCUMENT, bare, read, read_error
from contracts.tests.odd_values import ODD_VALUES
from events import services
from events.models import Booking, Event
from kit.idempotency.keys import KeyReused
from kit.idempotency.views import REPLAYED

pytestmark = pytest.mark.django_db


class TestDocument:
    def test_works_from_its_first_call_to_its_last(self, anonymous: APIClient) -> None:
        user, other = make_user("Kaneel Dias", email=EMAIL), make_user("Next In Line")
        user.set_password(PASSWORD_OF_DOCUMENT)
        user.save()

        # 7.1
        status, signed_in = read(anonymous.post("/login", {"email": EMAIL, "password": PASSWORD_OF_DOCUMENT}))
        assert (status, list(signed_in)) == (200, ["token"])
        api = APIClient()
        api.credentials(HTTP_AUTHORIZATION=signed_in["token"])

        # 7.2
        status, created = read(api.post("/initialize", PARTY))
        event_id = created["event"].pop("id")
        assert (status, created) == (
            201,
            {"message": "Event created successfully", "event": PARTY | {"date": "2021-12-31T00:00:00.000Z"}},
        )

        # 7.3
        response = api.post("/book", {"eventId": event_id, "userId": user.pk})
        booking = {"id": Booking.objects.get().pk, "eventId": event_id, "userId": user.pk, "status": "CONFIRMED"}
        assert read(response) == (201, {"message": "Ticket booked successfully", "booking": booking})

        response = bare(other).post("/book", {"eventId": event_id, "userId": other.pk})
        waiting = Booking.objects.get(user=other)
        assert read(response) == (
            201,
            {
                "message": "Event is sold out. User added to wait list",
                "booking": {"id": waiting.pk, "eventId": event_id, "userId": other.pk, "status": "PENDING"},
            },
        )

        # 7.5, while one user waits
        assert read(anonymous.get(f"/status/{event_id}")) == (
            200,
            {
                "event": PARTY | {"id": event_id, "date": "2021-12-31T00:00:00.000Z"},
                "ticketsAvailable": 0,
                "waitingListCount": 1,
            },
        )

        # 7.4
        response = api.post("/cancel", {"eventId": event_id})
        cancelled = {"message": "Booking cancelled successfully", "booking": booking | {"status": "CANCELLED"}}
        assert read(response) == (200, cancelled)
        waiting.refresh_from_db()
        assert (waiting.status, waiting.seats) == ("confirmed", 1)

        # 7.5, once that user has the seat
        _, shown = read(anonymous.get(f"/status/{event_id}"))
        assert (shown["ticketsAvailable"], shown["waitingListCount"]) == (0, 0)

        # 7.4 again, by the booking's id as in the example
        response = bare(other).post("/cancel", {"id": waiting.pk})
        assert (response.status_code, response.json()["booking"]["status"]) == (200, "CANCELLED")


@pytest.mark.parametrize("path", ["/initialize", "/book", "/cancel"])
class TestToken:
    def test_is_checked_before_the_body(self, anonymous: APIClient, path: str) -> None:
        headers = ["", "nonsense", "Bearer nonsense", "Bearer", "Basic YTpi", "a b c", "\xff", "\x00"]
        responses = [
            anonymous.generic("POST", path, "{not json", "application/json", headers=sent)
            for sent in ({}, *({"Authorization": header} for header in headers))
        ]

        assert [read(response) for response in responses] == [(401, DENIED)] * 9

    def test_works_with_and_without_bearer(self, anonymous: APIClient, owner: User, path: str) -> None:
        token = tokens.issue(owner).access
        headers = [token, f"Bearer {token}", f"bearer  {token} "]

        responses = [anonymous.post(path, {}, headers={"Authorization": header}) for header in headers]

        assert [response.status_code for response in responses] == [400] * 3

    def test_stops_working_once_its_user_is_deactivated(self, owner: User, bare_api: APIClient, path: str) -> None:
        User.objects.filter(pk=owner.pk).update(is_active=False)

        assert read(bare_api.post(path, {})) == (401, DENIED)


class TestEveryCall:
    @pytest.mark.parametrize("path", ["/login", "/initialize", "/book", "/cancel"])
    def test_refuses_other_methods_even_without_a_token(self, anonymous: APIClient, path: str) -> None:
        methods = ["GET", "PUT", "PATCH", "DELETE", "TRACE", "NONSENSE"]

        responses = {method: anonymous.generic(method, path) for method in methods}

        refusals = {method: (*read_error(response), response["Allow"]) for method, response in responses.items()}
        assert refusals == {method: (405, f'Method "{method}" not allowed.', "POST, OPTIONS") for method in methods}

    @pytest.mark.parametrize("is_limited", [True, False])
    def test_refuses_an_invalid_token_before_the_method(
        self, anonymous: APIClient, settings: Any, is_limited: bool
    ) -> None:
        settings.RATE_LIMITS = is_limited

        assert read(anonymous.put("/book", headers={"Authorization": "nonsense"})) == (401, DENIED)
        assert anonymous.put("/book").status_code == 405

    @pytest.mark.slow
    @pytest.mark.parametrize("path", ["/login", "/initialize", "/book", "/cancel"])
    def test_never_fails_on_odd_values(self, owner: User, bare_api: APIClient, party: Event, path: str) -> None:
        body = {
            "/login": {"email": owner.email, "password": PASSWORD},
            "/initialize": PARTY,
            "/book": {"eventId": party.pk, "userId": owner.pk},
            "/cancel": {"id": 1, "eventId": party.pk},
        }[path]

        responses = [bare_api.post(path, body | {name: value}) for name in [*body, "more"] for value in ODD_VALUES]

        assert {response.status_code for response in responses} <= {200, 201, 400, 401, 404, 429}
        assert all(list(response.json()) == ["error"] for response in responses if response.status_code >= 400)

    def test_refuses_other_methods_on_status(self, anonymous: APIClient) -> None:
        response = anonymous.post("/status/1")

        assert read_error(response) == (405, 'Method "POST" not allowed.')
        assert response["Allow"] == "GET, HEAD, OPTIONS"

    @pytest.mark.parametrize("path", ["/initialize", "/book", "/cancel"])
    def test_refuses_a_body_that_is_not_a_json_object(self, bare_api: APIClient, path: str) -> None:
        responses = {
            text: bare_api.generic("POST", path, text, "application/json")
            for text in ("{", "[]", "5", "null", '"a"', '{"name": "\\ud800"}', '{"price": NaN}', "\xff", "\x00")
        }

        assert {text: read_error(response)[0] for text, response in responses.items()} == dict.fromkeys(responses, 400)

    def test_refuses_other_content_types(self, bare_api: APIClient) -> None:
        responses = [bare_api.generic("POST", "/book", "eventId=1", kind) for kind in ("text/plain", "text/html")]

        assert [read_error(response)[0] for response in responses] == [415, 415]

    def test_refuses_an_empty_body(self, bare_api: APIClient) -> None:
        assert read_error(bare_api.generic("POST", "/book", "", "application/json"))[0] == 400

    def test_refuses_an_oversized_body(self, bare_api: APIClient) -> None:
        response = bare_api.post("/initialize", PARTY | {"description": "d" * 2**20})

        assert read_error(response)[0] == 413

    def test_is_rate_limited(self, bare_api: APIClient, rate_limits: Any) -> None:
        rate_limits.RATE_LIMIT = "1/minute"

        responses = [bare_api.post("/cancel", {}) for _ in range(2)]

        assert read_error(responses[1]) == (429, "Too many requests from this IP address")
        assert int(responses[1]["Retry-After"]) >= 1

    def test_hides_the_details_of_an_unexpected_error(
        self, bare_api: APIClient, crash: Callable[[Any, str], None]
    ) -> None:
        crash(services, "create")

        assert read_error(bare_api.post("/initialize", PARTY)) == (500, "An unknown error occurred")

    def test_leaves_other_paths_to_the_product(self, anonymous: APIClient) -> None:
        responses = [anonymous.get(path) for path in ("/book/", "/status/", "/status/1/", "/books")]

        assert [response["Content-Type"] for response in responses] == ["application/problem+json"] * 4


class TestRetry:
    def test_creates_one_event(self, bare_api: APIClient) -> None:
        responses = [bare_api.post("/initialize", PARTY, headers={"Idempotency-Key": "k"}) for _ in range(2)]

        assert responses[0].json() == responses[1].json()
        assert REPLAYED in responses[1]
        assert Event.objects.count() == 1

    def test_returns_the_same_booking(self, owner: User, bare_api: APIClient, party: Event) -> None:
        body = {"eventId": party.pk, "userId": owner.pk}

        responses = [bare_api.post("/book", body, headers={"Idempotency-Key": "k"}) for _ in range(2)]

        assert [read(response) for response in responses] == [read(responses[0])] * 2
        assert responses[0].status_code == 201

    def test_with_another_body_is_refused(self, bare_api: APIClient) -> None:
        bare_api.post("/initialize", PARTY, headers={"Idempotency-Key": "k"})

        response = bare_api.post("/initialize", PARTY | {"price": 1}, headers={"Idempotency-Key": "k"})

        assert read_error(response) == (422, KeyReused.message)

    def test_with_an_invalid_key_is_refused(self, bare_api: APIClient) -> None:
        response = bare_api.post("/initialize", PARTY, headers={"Idempotency-Key": "two words"})

        assert read_error(response)[0] == 400
