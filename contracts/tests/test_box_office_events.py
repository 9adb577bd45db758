"""Document 002: sign-in, creating an event and reading its status."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.factories import PASSWORD, make_user
from contracts.tests.box_office_document import DENIED, PARTY, bare, read, read_error
from events.models import MAX_PER_BOOKING, Event, EventStatus, Origin
from events.tests.factories import book, make_event

pytestmark = pytest.mark.django_db


class TestLogin:
    def test_accepts_the_email_as_username(self, owner: User, anonymous: APIClient) -> None:
        response = anonymous.post("/login", {"username": f" {owner.email.upper()} ", "password": PASSWORD})

        assert response.status_code == 200
        api = APIClient()
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {response.json()['token']}")
        assert api.get("/auth/me").json()["id"] == owner.pk

    def test_prefers_email_to_username(self, owner: User, anonymous: APIClient) -> None:
        body = {"username": "somebody", "email": owner.email, "password": PASSWORD}

        assert anonymous.post("/login", body).status_code == 200

    def test_refuses_a_wrong_password(self, owner: User, anonymous: APIClient) -> None:
        assert read(anonymous.post("/login", {"email": owner.email, "password": "wrong"})) == (401, DENIED)

    def test_reports_an_unknown_email(self, anonymous: APIClient) -> None:
        response = anonymous.post("/login", {"email": "Nobody@example.com", "password": PASSWORD})

        assert read_error(response) == (404, "User with email Nobody@example.com not found")

    def test_treats_the_email_of_a_deactivated_user_as_known(self, anonymous: APIClient) -> None:
        user = make_user(is_active=False)

        assert read(anonymous.post("/login", {"email": user.email, "password": PASSWORD})) == (401, DENIED)

    @pytest.mark.parametrize("is_known", [True, False])
    def test_locks_out_after_repeated_failures(self, owner: User, anonymous: APIClient, is_known: bool) -> None:
        body = {"email": owner.email if is_known else "nobody@example.com", "password": "wrong"}

        statuses = [anonymous.post("/login", body).status_code for _ in range(6)]

        assert statuses == [401 if is_known else 404] * 4 + [429] * 2
        assert "Retry-After" in anonymous.post("/login", body | {"password": PASSWORD})

    def test_shares_the_rate_limit_of_every_sign_in(self, anonymous: APIClient, rate_limits: Any) -> None:
        rate_limits.RATE_LIMIT_SIGN_IN = "1/minute"

        responses = [anonymous.post("/login", {}) for _ in range(2)]
        elsewhere = anonymous.post("/auth/login", {})

        assert [read_error(response) for response in responses] == [
            (400, '"email" is required'),
            (429, "Too many requests from this IP address"),
        ]
        assert elsewhere.status_code == 429

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({}, '"email" is required'),
            ({"password": "a"}, '"email" is required'),
            ({"email": "", "password": "a"}, '"email" is not allowed to be empty'),
            ({"email": 5, "password": "a"}, '"email" must be a string'),
            ({"email": "somebody", "password": "a"}, '"email" must be a valid email'),
            ({"username": "somebody", "password": "a"}, '"email" must be a valid email'),
            ({"email": "a@example.com"}, '"password" is required'),
            ({"email": "a@example.com", "password": ""}, '"password" is not allowed to be empty'),
            ({"email": "a@example.com", "password": None}, '"password" must be a string'),
            ({"email": "a@example.com", "password": "a", "remember": True}, '"remember" is not allowed'),
        ],
    )
    def test_refuses_bad_input(self, anonymous: APIClient, body: dict[str, Any], message: str) -> None:
        assert read_error(anonymous.post("/login", body)) == (400, message)


class TestInitialize:
    def test_creates_an_event_whose_bookings_never_close(self, owner: User, bare_api: APIClient) -> None:
        response = bare_api.post("/initialize", PARTY)

        event = Event.objects.get(pk=response.json()["event"]["id"])
        assert (event.bookings_close_at, event.max_per_booking, event.origin) == (
            None,
            MAX_PER_BOOKING,
            Origin.BOX_OFFICE,
        )
        assert (event.created_by, event.venue, event.inventory.for_sale) == (owner, "Colombo", 1)

    def test_reads_numeric_strings(self, bare_api: APIClient) -> None:
        response = bare_api.post("/initialize", PARTY | {"ticketLimit": "5", "price": "10.50"})

        event = response.json()["event"]
        assert (event["ticketLimit"], event["price"]) == (5, 10.5)

    @pytest.mark.parametrize(
        ("sent", "shown"),
        [
            ("0001-01-01", "0001-01-01T00:00:00.000Z"),
            ("2024-02-29", "2024-02-29T00:00:00.000Z"),
            ("2024-05-20T00:00:00.000Z", "2024-05-20T00:00:00.000Z"),
            ("2024-05-20T20:15:30.123456Z", "2024-05-20T20:15:30.123Z"),
            ("2024-05-20T01:30:00+02:00", "2024-05-19T23:30:00.000Z"),
            ("2021-12-31T20:00:00", "2021-12-31T20:00:00.000Z"),
            ("2021-12-31 20:00", "2021-12-31T20:00:00.000Z"),
        ],
    )
    def test_keeps_the_time_of_a_date(self, bare_api: APIClient, sent: str, shown: str) -> None:
        assert bare_api.post("/initialize", PARTY | {"date": sent}).json()["event"]["date"] == shown
        assert bare_api.get(f"/status/{Event.objects.get().pk}").json()["event"]["date"] == shown

    @pytest.mark.parametrize("name", PARTY)
    def test_requires_every_field(self, bare_api: APIClient, name: str) -> None:
        body = {key: value for key, value in PARTY.items() if key != name}

        assert read_error(bare_api.post("/initialize", body)) == (400, f'"{name}" is required')

    def test_reports_only_the_first_error(self, bare_api: APIClient) -> None:
        names = list(PARTY)
        body: dict[str, Any] = {"unknown": 1, **{name: [] for name in reversed(names)}}
        reported = []

        for name in names:
            reported.append(read_error(bare_api.post("/initialize", body))[1].split('"')[1])
            body[name] = PARTY[name]

        assert reported == names
        assert read_error(bare_api.post("/initialize", body)) == (400, '"unknown" is not allowed')

    @pytest.mark.parametrize(
        ("name", "values", "message"),
        [
            *(
                (name, values, message)
                for name in ("name", "description", "location")
                for values, message in (
                    (["", "   "], "is not allowed to be empty"),
                    ([5, True, None, [], {}, 1.5], "must be a string"),
                    (["a\x00b"], "must not contain control characters"),
                )
            ),
            ("name", ["a\nb"], "must not contain control characters"),
            ("name", ["n" * 256], "length must be less than or equal to 255 characters long"),
            ("location", ["n" * 256], "length must be less than or equal to 255 characters long"),
            ("description", ["n" * 20_001], "length must be less than or equal to 20000 characters long"),
            (
                "date",
                [
                    "",
                    "tomorrow",
                    "2021-02-30",
                    "2021-12-31T25:00:00",
                    5,
                    None,
                    True,
                    [],
                    {},
                    "0001-01-01T00:00:00+14:00",
                ],
                "must be a valid date",
            ),
            ("ticketLimit", ["", "many", None, True, [], {}, "1_0", "１", "nan"], "must be a number"),
            ("ticketLimit", [1.5, "1.5"], "must be an integer"),
            ("ticketLimit", [0, -1, "0", -(10**30)], "must be greater than or equal to 1"),
            ("ticketLimit", [1_000_001, 2**63, 10**40, 1e300, "9" * 5000], "must be less than or equal to 1000000"),
            ("price", ["", "much", None, False, [], {}, "1e3", "inf"], "must be a number"),
            ("price", [0, -1, -0.001, "0"], "must be a positive number"),
            ("price", [0.001, "10.005"], "must have no more than 2 decimal places"),
            ("price", [100_000_000, 1e300, "9" * 5000], "must be less than or equal to 99999999.99"),
        ],
    )
    def test_refuses_bad_input(self, bare_api: APIClient, name: str, values: list[Any], message: str) -> None:
        responses = [read_error(bare_api.post("/initialize", PARTY | {name: value})) for value in values]

        assert responses == [(400, f'"{name}" {message}')] * len(values)
        assert not Event.objects.exists()

    def test_accepts_a_multi_line_description(self, bare_api: APIClient) -> None:
        response = bare_api.post("/initialize", PARTY | {"description": "One\r\nTwo\tThree"})

        assert response.json()["event"]["description"] == "One\r\nTwo\tThree"


class TestStatus:
    def test_shows_an_event_created_through_the_product(self, anonymous: APIClient, admin: User) -> None:
        starts_at = datetime(2024, 5, 20, 18, 30, 0, 250_000, tzinfo=UTC)
        event = make_event(admin, capacity=500, withheld=100, price=0, starts_at=starts_at)
        book(event, quantity=10)

        assert read(anonymous.get(f"/status/{event.pk}")) == (
            200,
            {
                "event": {
                    "id": event.pk,
                    "name": "Jazz in the park",
                    "description": "",
                    "date": "2024-05-20T18:30:00.250Z",
                    "location": "",
                    "ticketLimit": 500,
                    "price": 0,
                },
                "ticketsAvailable": 390,
                "waitingListCount": 0,
            },
        )

    def test_shows_drafts_only_to_admins(self, anonymous: APIClient, bare_api: APIClient, admin: User) -> None:
        draft = make_event(admin, status=EventStatus.DRAFT)

        responses = [client.get(f"/status/{draft.pk}").status_code for client in (anonymous, bare_api, bare(admin))]

        assert responses == [404, 404, 200]

    @pytest.mark.parametrize("header", ["nonsense", "Bearer nonsense", "Bearer", "Basic YTpi", "a b c", "\xff", "\x00"])
    def test_ignores_an_invalid_token(self, anonymous: APIClient, party: Event, header: str) -> None:
        assert anonymous.get(f"/status/{party.pk}", headers={"Authorization": header}).status_code == 200

    def test_ignores_the_token_of_a_deactivated_user(self, owner: User, bare_api: APIClient, party: Event) -> None:
        User.objects.filter(pk=owner.pk).update(is_active=False)

        assert bare_api.get(f"/status/{party.pk}").status_code == 200

    @pytest.mark.parametrize("number", [0, -1, 10**9, 2**63 - 1, 2**63, 10**29])
    def test_reports_an_unknown_event(self, anonymous: APIClient, number: int) -> None:
        assert read_error(anonymous.get(f"/status/{number}")) == (404, f"Event with ID {number} not found")

    @pytest.mark.parametrize("sent", ["invalid", "abc", "1e3", "%00", "%ff", "٣", "null", "1;2"])
    def test_requires_a_number(self, anonymous: APIClient, sent: str) -> None:
        assert read_error(anonymous.get(f"/status/{sent}")) == (400, '"eventId" must be a number')

    def test_requires_a_number_of_sensible_length(self, anonymous: APIClient) -> None:
        assert read_error(anonymous.get(f"/status/{'9' * 5000}")) == (400, '"eventId" must be a safe number')

    def test_requires_an_integer(self, anonymous: APIClient) -> None:
        assert read_error(anonymous.get("/status/1.5")) == (400, '"eventId" must be an integer')

    def test_runs_one_query(
        self, anonymous: APIClient, party: Event, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(1):
            anonymous.get(f"/status/{party.pk}")
