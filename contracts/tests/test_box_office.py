"""Document 002, word for word: its calls in its order, with its own bodies; then what CONTRACTS adds.

Only what the document has as a stand-in is replaced: ids and tokens.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import User
from accounts.tests.factories import PASSWORD, make_user
from contracts.tests.odd import ODD
from events import services
from events.models import MAX_PER_BOOKING, Booking, Event, EventStatus, Origin
from events.tests.factories import GUEST, book, make_event
from kit.idempotency.keys import KeyReused
from kit.idempotency.views import REPLAYED
from kit.web import throttling

pytestmark = pytest.mark.django_db

SignedIn = Callable[[User], APIClient]

# The document's own: its user, and the bodies of its requests.
EMAIL, PASSWORD_OF_DOCUMENT = "kaneeldias@gmail.com", "abcd@123"
PARTY: dict[str, Any] = {
    "name": "New Years Eve Party",
    "description": "A night of fun and games",
    "date": "2021-12-31",
    "location": "Colombo",
    "ticketLimit": 1,
    "price": 1000,
}
DENIED = {"error": "Access denied"}


def bare(user: User) -> APIClient:
    """The API as that person, by a bare token, as the document sends it."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=tokens.issue(user).access)
    return client


@pytest.fixture
def api(owner: User) -> APIClient:
    return bare(owner)


@pytest.fixture
def party(admin: User) -> Event:
    """An event of one seat that began long ago and never closes."""
    return make_event(admin, capacity=1, starts_at=datetime(2021, 12, 31, tzinfo=UTC))


def outcome(answer: Any) -> tuple[int, Any]:
    assert answer["Content-Type"] == "application/json"
    return answer.status_code, answer.json()


def error(answer: Any) -> tuple[int, str]:
    status, body = outcome(answer)
    assert list(body) == ["error"]
    return status, body["error"]


class TestDocument:
    def test_is_served_from_its_first_call_to_its_last(self, anonymous: APIClient) -> None:
        user, other = make_user("Kaneel Dias", email=EMAIL), make_user("Next In Line")
        user.set_password(PASSWORD_OF_DOCUMENT)
        user.save()

        # 7.1
        status, signed_in = outcome(anonymous.post("/login", {"email": EMAIL, "password": PASSWORD_OF_DOCUMENT}))
        assert (status, list(signed_in)) == (200, ["token"])
        api = APIClient()
        api.credentials(HTTP_AUTHORIZATION=signed_in["token"])

        # 7.2
        status, made = outcome(api.post("/initialize", PARTY))
        event_id = made["event"].pop("id")
        assert (status, made) == (
            201,
            {"message": "Event created successfully", "event": PARTY | {"date": "2021-12-31T00:00:00.000Z"}},
        )

        # 7.3
        answer = api.post("/book", {"eventId": event_id, "userId": user.pk})
        booking = {"id": Booking.objects.get().pk, "eventId": event_id, "userId": user.pk, "status": "CONFIRMED"}
        assert outcome(answer) == (201, {"message": "Ticket booked successfully", "booking": booking})

        answer = bare(other).post("/book", {"eventId": event_id, "userId": other.pk})
        waiting = Booking.objects.get(user=other)
        assert outcome(answer) == (
            201,
            {
                "message": "Event is sold out. User added to wait list",
                "booking": {"id": waiting.pk, "eventId": event_id, "userId": other.pk, "status": "PENDING"},
            },
        )

        # 7.5, before
        assert outcome(anonymous.get(f"/status/{event_id}")) == (
            200,
            {
                "event": PARTY | {"id": event_id, "date": "2021-12-31T00:00:00.000Z"},
                "ticketsAvailable": 0,
                "waitingListCount": 1,
            },
        )

        # 7.4
        answer = api.post("/cancel", {"eventId": event_id})
        cancelled = {"message": "Booking cancelled successfully", "booking": booking | {"status": "CANCELLED"}}
        assert outcome(answer) == (200, cancelled)
        waiting.refresh_from_db()
        assert (waiting.status, waiting.seats) == ("confirmed", 1)

        # 7.5, after
        _, shown = outcome(anonymous.get(f"/status/{event_id}"))
        assert (shown["ticketsAvailable"], shown["waitingListCount"]) == (0, 0)

        # Section 7.4's example: by the booking's id.
        answer = bare(other).post("/cancel", {"id": waiting.pk})
        assert (answer.status_code, answer.json()["booking"]["status"]) == (200, "CANCELLED")


class TestLogin:
    def test_takes_username_for_the_address(self, owner: User, anonymous: APIClient) -> None:
        answer = anonymous.post("/login", {"username": f" {owner.email.upper()} ", "password": PASSWORD})

        assert answer.status_code == 200
        api = APIClient()
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['token']}")
        assert api.get("/auth/me").json()["id"] == owner.pk

    def test_reads_the_address_where_both_are_given(self, owner: User, anonymous: APIClient) -> None:
        body = {"username": "somebody", "email": owner.email, "password": PASSWORD}

        assert anonymous.post("/login", body).status_code == 200

    def test_refuses_a_wrong_password(self, owner: User, anonymous: APIClient) -> None:
        assert outcome(anonymous.post("/login", {"email": owner.email, "password": "wrong"})) == (401, DENIED)

    def test_says_of_an_address_that_nobody_has_it(self, anonymous: APIClient) -> None:
        answer = anonymous.post("/login", {"email": "Nobody@example.com", "password": PASSWORD})

        assert error(answer) == (404, "User with email Nobody@example.com not found")

    def test_takes_a_deactivated_users_address_for_known(self, anonymous: APIClient) -> None:
        user = make_user(is_active=False)

        assert outcome(anonymous.post("/login", {"email": user.email, "password": PASSWORD})) == (401, DENIED)

    @pytest.mark.parametrize("is_known", [True, False])
    def test_is_locked_after_too_many_failures(self, owner: User, anonymous: APIClient, is_known: bool) -> None:
        body = {"email": owner.email if is_known else "nobody@example.com", "password": "wrong"}

        statuses = [anonymous.post("/login", body).status_code for _ in range(6)]

        assert statuses == [401 if is_known else 404] * 4 + [429] * 2
        assert "Retry-After" in anonymous.post("/login", body | {"password": PASSWORD})

    def test_is_limited_as_every_sign_in(self, anonymous: APIClient, settings: Any) -> None:
        settings.RATE_LIMITS, settings.RATE_LIMIT_SIGN_IN = True, "1/minute"
        throttling.counter.cache_clear()

        answers = [anonymous.post("/login", {}) for _ in range(2)]
        elsewhere = anonymous.post("/auth/login", {})

        throttling.counter.cache_clear()
        assert [error(answer) for answer in answers] == [
            (400, '"email" is required'),
            (429, "Too many requests from this IP address"),
        ]
        assert elsewhere.status_code == 429

    @pytest.mark.parametrize(
        ("body", "sentence"),
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
    def test_refuses_bad_input(self, anonymous: APIClient, body: dict[str, Any], sentence: str) -> None:
        assert error(anonymous.post("/login", body)) == (400, sentence)


@pytest.mark.parametrize("path", ["/initialize", "/book", "/cancel"])
class TestToken:
    def test_is_looked_at_before_the_body(self, anonymous: APIClient, path: str) -> None:
        headers = ["", "nonsense", "Bearer nonsense", "Bearer", "Basic YTpi", "a b c", "\xff", "\x00"]
        answers = [
            anonymous.generic("POST", path, "{not json", "application/json", headers=named)
            for named in ({}, *({"Authorization": header} for header in headers))
        ]

        assert [outcome(answer) for answer in answers] == [(401, DENIED)] * 9

    def test_is_bare_or_not(self, anonymous: APIClient, owner: User, path: str) -> None:
        token = tokens.issue(owner).access
        headers = [token, f"Bearer {token}", f"bearer  {token} "]

        answers = [anonymous.post(path, {}, headers={"Authorization": header}) for header in headers]

        assert [answer.status_code for answer in answers] == [400] * 3

    def test_dies_with_its_user(self, owner: User, api: APIClient, path: str) -> None:
        User.objects.filter(pk=owner.pk).update(is_active=False)

        assert outcome(api.post(path, {})) == (401, DENIED)


class TestInitialize:
    def test_makes_an_event_that_never_closes(self, owner: User, api: APIClient) -> None:
        answer = api.post("/initialize", PARTY)

        event = Event.objects.get(pk=answer.json()["event"]["id"])
        assert (event.bookings_close_at, event.max_per_booking, event.origin) == (
            None,
            MAX_PER_BOOKING,
            Origin.BOX_OFFICE,
        )
        assert (event.created_by, event.venue, event.inventory.for_sale) == (owner, "Colombo", 1)

    def test_reads_numbers_in_strings(self, api: APIClient) -> None:
        answer = api.post("/initialize", PARTY | {"ticketLimit": "5", "price": "10.50"})

        event = answer.json()["event"]
        assert (event["ticketLimit"], event["price"]) == (5, 10.5)

    @pytest.mark.parametrize(
        ("written", "shown"),
        [
            ("0001-01-01", "0001-01-01T00:00:00.000Z"),
            ("2024-02-29", "2024-02-29T00:00:00.000Z"),
            ("2024-05-20T00:00:00.000Z", "2024-05-20T00:00:00.000Z"),
            ("2024-05-20T01:30:00+02:00", "2024-05-19T00:00:00.000Z"),
        ],
    )
    def test_keeps_the_day(self, api: APIClient, written: str, shown: str) -> None:
        assert api.post("/initialize", PARTY | {"date": written}).json()["event"]["date"] == shown

    @pytest.mark.parametrize("name", PARTY)
    def test_needs_every_field(self, api: APIClient, name: str) -> None:
        body = {key: value for key, value in PARTY.items() if key != name}

        assert error(api.post("/initialize", body)) == (400, f'"{name}" is required')

    def test_names_the_first_fault_alone(self, api: APIClient) -> None:
        names = list(PARTY)
        body: dict[str, Any] = {"unknown": 1, **{name: [] for name in reversed(names)}}
        said = []

        for name in names:
            said.append(error(api.post("/initialize", body))[1].split('"')[1])
            body[name] = PARTY[name]

        assert said == names
        assert error(api.post("/initialize", body)) == (400, '"unknown" is not allowed')

    @pytest.mark.parametrize(
        ("name", "values", "fault"),
        [
            *(
                (name, values, fault)
                for name in ("name", "description", "location")
                for values, fault in (
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
                    "2021-12-31T20:00:00",
                    5,
                    None,
                    True,
                    [],
                    {},
                    "0001-01-01T00:00:00+14:00",
                ],
                "must be a valid date",
            ),
            ("ticketLimit", ["", "many", None, True, [], {}, "1_0", "１", "nan", "9" * 31], "must be a number"),
            ("ticketLimit", [1.5, "1.5"], "must be an integer"),
            ("ticketLimit", [0, -1, "0", -(10**30)], "must be greater than or equal to 1"),
            ("ticketLimit", [1_000_001, 2**63, 10**40, 1e300], "must be less than or equal to 1000000"),
            ("price", ["", "much", None, False, [], {}, "1e3", "inf"], "must be a number"),
            ("price", [0, -1, -0.001, "0"], "must be a positive number"),
            ("price", [0.001, "10.005"], "must have no more than 2 decimal places"),
            ("price", [100_000_000, 1e300, "9" * 30], "must be less than or equal to 99999999.99"),
        ],
    )
    def test_refuses_bad_input(self, api: APIClient, name: str, values: list[Any], fault: str) -> None:
        answers = [error(api.post("/initialize", PARTY | {name: value})) for value in values]

        assert answers == [(400, f'"{name}" {fault}')] * len(values)
        assert not Event.objects.exists()

    def test_takes_a_description_of_several_lines(self, api: APIClient) -> None:
        answer = api.post("/initialize", PARTY | {"description": "One\r\nTwo\tThree"})

        assert answer.json()["event"]["description"] == "One\r\nTwo\tThree"


class TestBook:
    def test_reads_ids_in_strings(self, owner: User, api: APIClient, party: Event) -> None:
        answer = api.post("/book", {"eventId": str(party.pk), "userId": str(owner.pk)})

        assert (answer.status_code, answer.json()["booking"]["eventId"]) == (201, party.pk)
        assert Booking.objects.get().origin == Origin.BOX_OFFICE

    def test_is_for_oneself(self, outsider: User, admin: User, party: Event, api: APIClient) -> None:
        body = {"eventId": party.pk, "userId": outsider.pk}

        assert [outcome(client.post("/book", body)) for client in (api, bare(admin))] == [(401, DENIED)] * 2

    def test_refuses_a_second_booking(self, owner: User, api: APIClient, party: Event) -> None:
        body = {"eventId": party.pk, "userId": owner.pk}
        api.post("/book", body)

        assert error(api.post("/book", body)) == (400, "User already has a booking")

    def test_refuses_who_waits_already(self, owner: User, api: APIClient, party: Event) -> None:
        body = {"eventId": party.pk, "userId": owner.pk}
        book(party)
        api.post("/book", body)

        assert error(api.post("/book", body)) == (400, "User is already on wait list")

    def test_refuses_what_another_contract_booked(self, owner: User, api: APIClient, admin: User) -> None:
        event = make_event(admin)
        book(event, owner, quantity=3)

        answer = api.post("/book", {"eventId": event.pk, "userId": owner.pk})

        assert error(answer) == (400, "User already has a booking")

    @pytest.mark.parametrize("event_id", [0, -1, 10**9, 2**31, 2**63 - 1, 2**63, 2**64 - 1])
    def test_needs_an_event(self, owner: User, api: APIClient, event_id: int) -> None:
        answer = api.post("/book", {"eventId": event_id, "userId": owner.pk})

        assert error(answer) == (404, f"Event with ID {event_id} not found")

    def test_sees_no_draft_and_nothing_deleted(self, owner: User, api: APIClient, admin: User) -> None:
        draft, deleted = make_event(admin, status=EventStatus.DRAFT), make_event(admin)
        services.withdraw(event_id=deleted.pk, by=admin, at=timezone.now())

        answers = [error(api.post("/book", {"eventId": e.pk, "userId": owner.pk})) for e in (draft, deleted)]

        assert answers == [(404, f"Event with ID {event.pk} not found") for event in (draft, deleted)]

    def test_says_what_an_event_takes_no_bookings_for(self, admin: User) -> None:
        at, api = timezone.now(), bare(admin)
        cancelled, closed = make_event(admin), make_event(admin, bookings_close_at=at - timedelta(seconds=1))
        draft, withheld = make_event(admin, status=EventStatus.DRAFT), make_event(admin, capacity=2, withheld=2)
        services.cancel_event(event_id=cancelled.pk, by=admin, at=at)

        answers = [
            error(api.post("/book", {"eventId": event.pk, "userId": admin.pk}))
            for event in (cancelled, closed, draft, withheld)
        ]

        assert answers == [
            (400, f"Event with ID {cancelled.pk} has been cancelled"),
            (400, f"Event with ID {closed.pk} has closed for bookings"),
            (400, f"Event with ID {draft.pk} is not open for bookings yet"),
            (400, f"Event with ID {withheld.pk} has no tickets for sale"),
        ]

    @pytest.mark.parametrize(
        ("body", "sentence"),
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
    def test_refuses_bad_input(self, api: APIClient, body: dict[str, Any], sentence: str) -> None:
        assert error(api.post("/book", body)) == (400, sentence)

    def test_costs_so_many_queries(
        self, owner: User, api: APIClient, party: Event, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        # The token's owner, and the booking.
        with django_assert_num_queries(2):
            api.post("/book", {"eventId": party.pk, "userId": owner.pk})


class TestCancel:
    def test_cancels_all_of_a_booking_of_several(self, owner: User, api: APIClient, admin: User) -> None:
        event = make_event(admin)
        booking = book(event, owner, quantity=4)

        answer = api.post("/cancel", {"id": str(booking.pk)})

        assert (answer.status_code, answer.json()["booking"]["status"]) == (200, "CANCELLED")
        event.inventory.refresh_from_db()
        assert event.inventory.available == 10

    def test_goes_by_the_booking_where_both_are_given(self, owner: User, api: APIClient, admin: User) -> None:
        first, second = (book(make_event(admin), owner) for _ in range(2))

        answer = api.post("/cancel", {"eventId": second.event_id, "id": first.pk})

        assert answer.json()["booking"]["id"] == first.pk

    def test_lets_somebody_leave_the_queue(self, owner: User, api: APIClient, party: Event) -> None:
        book(party)
        waiting = book(party, owner)

        answer = api.post("/cancel", {"eventId": party.pk})

        assert answer.json()["booking"] == {
            "id": waiting.pk,
            "eventId": party.pk,
            "userId": owner.pk,
            "status": "CANCELLED",
        }

    def test_refuses_a_second_time(self, owner: User, api: APIClient, party: Event) -> None:
        booking = book(party, owner)
        api.post("/cancel", {"id": booking.pk})

        assert error(api.post("/cancel", {"id": booking.pk})) == (
            400,
            f"Booking with ID {booking.pk} has already been cancelled",
        )
        assert error(api.post("/cancel", {"eventId": party.pk})) == (
            404,
            f"Booking for event with ID {party.pk} not found",
        )

    def test_is_for_the_owner_alone(self, owner: User, api: APIClient, admin: User, party: Event) -> None:
        of_guest, of_user = book(party, guest=GUEST), book(party, admin)

        answers = [
            api.post("/cancel", {"id": of_user.pk}),
            api.post("/cancel", {"id": of_guest.pk}),
            bare(admin).post("/cancel", {"id": of_guest.pk}),
            bare(admin).post("/cancel", {"id": book(party, owner).pk}),
        ]

        assert [outcome(answer) for answer in answers] == [(401, DENIED)] * 4
        assert Booking.objects.live().count() == 3

    @pytest.mark.parametrize("number", [0, -1, 10**9, 2**31, 2**63 - 1, 2**63, 2**64 - 1])
    def test_needs_a_booking(self, api: APIClient, number: int) -> None:
        answers = [error(api.post("/cancel", {key: number})) for key in ("id", "eventId")]

        assert answers == [
            (404, f"Booking with ID {number} not found"),
            (404, f"Booking for event with ID {number} not found"),
        ]

    @pytest.mark.parametrize(
        ("body", "sentence"),
        [
            ({}, '"id" is required'),
            ({"id": "one"}, '"id" must be a number'),
            ({"id": None, "eventId": 1}, '"id" must be a number'),
            ({"id": 1, "eventId": 0.5}, '"eventId" must be an integer'),
            ({"id": 1, "userId": 1}, '"userId" is not allowed'),
        ],
    )
    def test_refuses_bad_input(self, api: APIClient, body: dict[str, Any], sentence: str) -> None:
        assert error(api.post("/cancel", body)) == (400, sentence)


class TestStatus:
    def test_shows_events_of_other_contracts(self, anonymous: APIClient, admin: User) -> None:
        starts_at = datetime(2024, 5, 20, 18, 30, 0, 250_000, tzinfo=UTC)
        event = make_event(admin, capacity=500, withheld=100, price=0, starts_at=starts_at)
        book(event, quantity=10)

        assert outcome(anonymous.get(f"/status/{event.pk}")) == (
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

    def test_shows_drafts_to_admins_alone(self, anonymous: APIClient, api: APIClient, admin: User) -> None:
        draft = make_event(admin, status=EventStatus.DRAFT)

        answers = [client.get(f"/status/{draft.pk}").status_code for client in (anonymous, api, bare(admin))]

        assert answers == [404, 404, 200]

    def test_refuses_a_bad_token(self, anonymous: APIClient, party: Event) -> None:
        answer = anonymous.get(f"/status/{party.pk}", headers={"Authorization": "nonsense"})

        assert outcome(answer) == (401, DENIED)

    @pytest.mark.parametrize("number", [0, -1, 10**9, 2**63 - 1, 2**63, 10**29])
    def test_needs_an_event(self, anonymous: APIClient, number: int) -> None:
        assert error(anonymous.get(f"/status/{number}")) == (404, f"Event with ID {number} not found")

    @pytest.mark.parametrize("written", ["abc", "1e3", "%00", "%ff", "٣", "9" * 5000, "null", "1;2"])
    def test_needs_a_number(self, anonymous: APIClient, written: str) -> None:
        assert error(anonymous.get(f"/status/{written}")) == (400, '"id" must be a number')

    def test_needs_a_whole_one(self, anonymous: APIClient) -> None:
        assert error(anonymous.get("/status/1.5")) == (400, '"id" must be an integer')

    def test_costs_so_many_queries(
        self, anonymous: APIClient, party: Event, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(1):
            anonymous.get(f"/status/{party.pk}")


class TestEveryCall:
    @pytest.mark.parametrize("path", ["/login", "/initialize", "/book", "/cancel"])
    def test_refuses_other_methods_to_everybody(self, anonymous: APIClient, path: str) -> None:
        methods = ["GET", "PUT", "PATCH", "DELETE", "TRACE", "NONSENSE"]

        answers = {method: anonymous.generic(method, path) for method in methods}

        said = {method: (*error(answer), answer["Allow"]) for method, answer in answers.items()}
        assert said == {method: (405, f'Method "{method}" not allowed.', "POST, OPTIONS") for method in methods}

    @pytest.mark.parametrize("is_limited", [True, False])
    def test_refuses_a_bad_token_before_the_method(self, anonymous: APIClient, settings: Any, is_limited: bool) -> None:
        settings.RATE_LIMITS = is_limited

        assert outcome(anonymous.put("/book", headers={"Authorization": "nonsense"})) == (401, DENIED)
        assert anonymous.put("/book").status_code == 405

    @pytest.mark.parametrize("path", ["/login", "/initialize", "/book", "/cancel"])
    def test_answers_whatever_is_sent(self, owner: User, api: APIClient, party: Event, path: str) -> None:
        whole = {
            "/login": {"email": owner.email, "password": PASSWORD},
            "/initialize": PARTY,
            "/book": {"eventId": party.pk, "userId": owner.pk},
            "/cancel": {"id": 1, "eventId": party.pk},
        }[path]

        answers = [api.post(path, whole | {name: value}) for name in [*whole, "more"] for value in ODD]

        assert {answer.status_code for answer in answers} <= {200, 201, 400, 401, 404, 429}
        assert all(list(answer.json()) == ["error"] for answer in answers if answer.status_code >= 400)

    def test_refuses_other_methods_of_status(self, anonymous: APIClient) -> None:
        answer = anonymous.post("/status/1")

        assert error(answer) == (405, 'Method "POST" not allowed.')
        assert answer["Allow"] == "GET, HEAD, OPTIONS"

    @pytest.mark.parametrize("path", ["/initialize", "/book", "/cancel"])
    def test_refuses_what_is_no_object(self, api: APIClient, path: str) -> None:
        answers = {
            text: api.generic("POST", path, text, "application/json")
            for text in ("{", "[]", "5", "null", '"a"', '{"name": "\\ud800"}', '{"price": NaN}', "\xff", "\x00")
        }

        assert {text: error(answer)[0] for text, answer in answers.items()} == dict.fromkeys(answers, 400)

    def test_refuses_another_content_type(self, api: APIClient) -> None:
        answers = [api.generic("POST", "/book", "eventId=1", kind) for kind in ("text/plain", "text/html")]

        assert [error(answer)[0] for answer in answers] == [415, 415]

    def test_refuses_an_empty_body(self, api: APIClient) -> None:
        assert error(api.generic("POST", "/book", "", "application/json"))[0] == 400

    def test_refuses_a_body_that_is_too_large(self, api: APIClient) -> None:
        answer = api.post("/initialize", PARTY | {"description": "d" * 2**20})

        assert error(answer)[0] == 413

    def test_is_limited(self, api: APIClient, settings: Any) -> None:
        settings.RATE_LIMITS, settings.RATE_LIMIT = True, "1/minute"
        throttling.counter.cache_clear()

        answers = [api.post("/cancel", {}) for _ in range(2)]

        throttling.counter.cache_clear()
        assert error(answers[1]) == (429, "Too many requests from this IP address")
        assert int(answers[1]["Retry-After"]) >= 1

    def test_hides_what_nobody_foresaw(self, api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
        def crash(**_: Any) -> None:
            raise RuntimeError("the combination is 1-2-3-4-5")

        monkeypatch.setattr(services, "create", crash)

        assert error(api.post("/initialize", PARTY)) == (500, "An unknown error occurred")

    def test_leaves_what_is_not_its_own_to_the_product(self, anonymous: APIClient) -> None:
        answers = [anonymous.get(path) for path in ("/book/", "/status/", "/status/1/", "/books")]

        assert [answer["Content-Type"] for answer in answers] == ["application/problem+json"] * 4


class TestRetries:
    def test_make_one_event(self, api: APIClient) -> None:
        answers = [api.post("/initialize", PARTY, headers={"Idempotency-Key": "k"}) for _ in range(2)]

        assert answers[0].json() == answers[1].json()
        assert REPLAYED in answers[1]
        assert Event.objects.count() == 1

    def test_get_the_booking_again(self, owner: User, api: APIClient, party: Event) -> None:
        body = {"eventId": party.pk, "userId": owner.pk}

        answers = [api.post("/book", body, headers={"Idempotency-Key": "k"}) for _ in range(2)]

        assert [outcome(answer) for answer in answers] == [outcome(answers[0])] * 2
        assert answers[0].status_code == 201

    def test_of_something_else_are_refused(self, api: APIClient) -> None:
        api.post("/initialize", PARTY, headers={"Idempotency-Key": "k"})

        answer = api.post("/initialize", PARTY | {"price": 1}, headers={"Idempotency-Key": "k"})

        assert error(answer) == (422, KeyReused.message)

    def test_need_a_key(self, api: APIClient) -> None:
        answer = api.post("/initialize", PARTY, headers={"Idempotency-Key": "two words"})

        assert error(answer)[0] == 400
