"""Numbers mean the same in every body and every query, and an id that cannot exist finds nothing."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.api import SignedIn
from events.tests.factories import make_event
from kit.tests.openapi import COMPONENTS, OPERATIONS
from kit.tests.test_openapi import example_of
from kit.tests.test_openapi_statuses import send
from kit.web.fields import CountField, MoneyField
from tickets.tests.factories import make_ticket

pytestmark = pytest.mark.django_db

NOT_WHOLE = str(CountField.default_error_messages["invalid"])
NOT_A_NUMBER = str(MoneyField.default_error_messages["invalid"])
# As JSON.
NEVER_NUMBERS = ['"1e3"', '" 1"', '"1 "', '"+1"', '"1_0"', '"0x1"', '"٣"', '"NaN"', '"Infinity"', '"."', "true", "[1]"]
NEVER_WHOLE = [*NEVER_NUMBERS, '"1.0"', '"1,5"', "1.5", "5e-324", "1e-324", "{}", '"one"']
BEYOND = ["1e400", "9" * 400, '"' + "9" * 400 + '"', "1e30", '"' + "9" * 5000 + '"']


def numbers(schema: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the numbers of a request body: the name in errors, the type, and how a value stands in the body."""
    for part in schema.get("anyOf", schema.get("oneOf", [])):
        yield from numbers(part)
    if "$ref" in schema:
        schema = COMPONENTS["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    for name, field in schema.get("properties", {}).items():
        kinds = field.get("type", [])
        kind = next((kind for kind in ("integer", "number") if kind in kinds), None)
        if kind:
            yield name, kind, "{}"
        elif field.get("items", {}).get("type") == "integer":
            yield f"{name}.0", "integer", "[{}]"


def in_bodies() -> Iterator[Any]:
    for name, operation in OPERATIONS.items():
        for media in operation.get("requestBody", {}).get("content", {}).values():
            for field, kind, form in sorted(set(numbers(media["schema"]))):
                yield pytest.param(name, field, kind, form, id=f"{name} {field}")


def in_queries(*, are_ids: bool | None = None) -> Iterator[Any]:
    for name, operation in OPERATIONS.items():
        for parameter in operation.get("parameters", []):
            schema = parameter["schema"]
            is_id = "minimum" not in schema
            if parameter["in"] == "query" and schema.get("type") == "integer" and are_ids in (None, is_id):
                yield pytest.param(name, parameter["name"], id=f"{name} {parameter['name']}")


def body_with(name: str, field: str, form: str, value: str) -> str:
    """Return the operation's example as JSON with the field replaced."""
    key = field.split(".")[0]
    rest = {other: inner for other, inner in example_of(name).items() if other != key}
    return json.dumps(rest)[:-1] + (", " if rest else "") + f'"{key}": {form.format(value)}}}'


def faults(answer: Any) -> dict[str, str]:
    """Return the messages of an error by the fields that it names."""
    assert answer.status_code < 500, answer.content
    return {each["field"]: each["message"] for each in (answer.json() if answer.content else {}).get("errors", [])}


class TestBodies:
    @pytest.mark.parametrize(("name", "field", "kind", "form"), list(in_bodies()))
    def test_read_strings_of_digits(
        self, name: str, field: str, kind: str, form: str, admin: User, signed_in: SignedIn
    ) -> None:
        for value in ("2", '"2"', "2.0") if kind == "integer" else ("2", '"2"', '"2.50"', '"2.500"', "-0", '"-0"'):
            answer = send(signed_in(admin), name, body_with(name, field, form, value))

            assert NOT_WHOLE not in answer.content.decode(), value
            assert NOT_A_NUMBER not in answer.content.decode(), value

    @pytest.mark.parametrize(("name", "field", "kind", "form"), list(in_bodies()))
    def test_refuse_everything_else(
        self, name: str, field: str, kind: str, form: str, admin: User, signed_in: SignedIn
    ) -> None:
        message = NOT_WHOLE if kind == "integer" else NOT_A_NUMBER
        for value in NEVER_WHOLE if kind == "integer" else NEVER_NUMBERS:
            answer = send(signed_in(admin), name, body_with(name, field, form, value))

            assert answer.status_code == 400, value
            assert faults(answer)[field] == message, value

    @pytest.mark.parametrize(("name", "field", "kind", "form"), list(in_bodies()))
    def test_never_call_a_large_number_anything_else(
        self, name: str, field: str, kind: str, form: str, admin: User, signed_in: SignedIn
    ) -> None:
        for value in BEYOND:
            answer: Any = send(signed_in(admin), name, body_with(name, field, form, value))

            assert 400 <= answer.status_code < 500, value
            message = faults(answer).get(field, "")
            assert message not in (NOT_WHOLE, NOT_A_NUMBER), value
            assert answer.json()["code"] != "parse_error"

    def test_are_stored_as_numbers(self, admin: User, signed_in: SignedIn) -> None:
        api = signed_in(admin)
        event = {"name": "Gala", "startsAt": "2031-12-31T20:00:00Z", "capacity": "5", "withheld": "1", "price": "9.50"}

        made = api.post("/events", event | {"maxPerBooking": "2"}).json()
        booked = api.post(f"/events/{made['id']}/bookings", {"quantity": "2"}).json()
        ticket = api.post("/tickets", {"title": "Lamp", "project": "1", "status": "open", "price": "0.10"}).json()
        changed = api.patch(f"/tickets/{ticket['id']}", {"version": "1", "price": "-0"}).json()

        assert (made["capacity"], made["withheld"], made["price"], made["maxPerBooking"]) == (5, 1, 9.5, 2)
        assert (booked["quantity"], ticket["project"], ticket["price"]) == (2, 1, 0.1)
        assert (changed["price"], changed["version"]) == (0, 2)
        assert api.post(f"/bookings/{booked['id']}/cancel", {"tickets": "1"}).json()["cancelled"] == 1


class TestMoney:
    @pytest.mark.parametrize(
        ("price", "message"),
        [
            ("1e-324", "Ensure that there are no more than 2 decimal places."),
            ("1e-99999999999", "Ensure that there are no more than 2 decimal places."),
            (f"0.{'0' * 400}1", "Ensure that there are no more than 2 decimal places."),
            (f'"0.{"0" * 400}1"', "Ensure that there are no more than 2 decimal places."),
            ("5e-324", "Ensure that there are no more than 2 decimal places."),
            ("0.001", "Ensure that there are no more than 2 decimal places."),
            ('"0.001"', "Ensure that there are no more than 2 decimal places."),
            ("-1e-324", "Ensure this value is greater than or equal to 0."),
            ("-0.01", "Ensure this value is greater than or equal to 0."),
            ('"-0.01"', "Ensure this value is greater than or equal to 0."),
            ("-1e400", "Ensure this value is greater than or equal to 0."),
            ("1e400", "Ensure this value is less than or equal to 99999999.99."),
            ("1e99999999999", "Ensure this value is less than or equal to 99999999.99."),
            ("100000000", "Ensure this value is less than or equal to 99999999.99."),
            (f'"{"9" * 5000}"', "Ensure this value is less than or equal to 99999999.99."),
            ('"1e3"', NOT_A_NUMBER),
            ('""', NOT_A_NUMBER),
        ],
        ids=lambda value: value[:20],
    )
    def test_that_cannot_be_kept_is_refused_truthfully(
        self, price: str, message: str, owner: User, signed_in: SignedIn
    ) -> None:
        answer = signed_in(owner).generic("POST", "/ticket", f'{{"price": {price}}}', "application/json")

        assert faults(answer) == {"title": "This field is required.", "price": message}

    @pytest.mark.parametrize(
        ("price", "kept"),
        [("0.0", 0), ("-0.0", 0), ("0e5", 0), ("0.00e-999", 0), ("1e3", 1000), ("99999999.99", 99999999.99)],
    )
    def test_that_can_be_kept_is(self, price: str, kept: float, owner: User, signed_in: SignedIn) -> None:
        body = f'{{"title": "Lamp", "price": {price}}}'

        answer = signed_in(owner).generic("POST", "/ticket", body, "application/json")

        assert (answer.status_code, answer.json()["price"]) == (201, kept)
        assert str(answer.json()["price"])[0] != "-"

    def test_out_of_range_in_an_unknown_key_can_be_retried(self, owner: User, signed_in: SignedIn) -> None:
        body = '{"title": "Lamp", "other": 1e400, "another": 1e-400}'
        headers = {"Idempotency-Key": "1"}

        first, again = (
            signed_in(owner).generic("POST", "/ticket", body, "application/json", headers=headers) for _ in range(2)
        )

        assert (first.status_code, again.status_code, again["Idempotent-Replayed"]) == (201, 201, "true")


class TestQueries:
    @pytest.mark.parametrize(("name", "parameter"), list(in_queries()))
    def test_refuse_what_is_not_a_whole_number(
        self, name: str, parameter: str, admin: User, signed_in: SignedIn
    ) -> None:
        for value in ("1.0", "1e3", "%201", "%2B1", "1_0", "one", "true", "%D9%A3", "%00", "-", "--1"):
            answer = send(signed_in(admin), name, "", QUERY_STRING=f"{parameter}={value}")

            assert answer.status_code == 400, value
            assert faults(answer) == {parameter: NOT_WHOLE}, value

    @pytest.mark.parametrize(("name", "parameter"), list(in_queries(are_ids=False)))
    def test_name_the_limits(self, name: str, parameter: str, admin: User, signed_in: SignedIn) -> None:
        # A wait may be of no time.
        for value in ("0", "-5", "999999", "9" * 5000)[name == "listChanges" and parameter == "wait" :]:
            (message,) = faults(send(signed_in(admin), name, "", QUERY_STRING=f"{parameter}={value}")).values()

            assert message.startswith("Ensure this value is "), value

    @pytest.mark.parametrize(("name", "parameter"), list(in_queries(are_ids=True)))
    def test_find_nothing_for_an_id_that_cannot_exist(
        self, name: str, parameter: str, admin: User, signed_in: SignedIn
    ) -> None:
        make_ticket(admin, price=5)
        event = make_event(admin)
        assert signed_in(admin).post(f"/events/{event.pk}/bookings", {}).status_code == 201

        for value in (2**31, 2**63 - 1, 2**63, 2**64, 10**30, "9" * 5000, 0, -1, -(2**63) - 1, "000"):
            answer = send(signed_in(admin), name, "", QUERY_STRING=f"{parameter}={value}")

            assert answer.status_code == 200, (value, answer.content)
            assert is_empty(answer), value


def is_empty(answer: Any) -> bool:
    """Return whether a list, an export or an analysis has found nothing."""
    if answer["Content-Type"].startswith("text/csv"):
        lines: list[str] = b"".join(answer.streaming_content).decode().splitlines()
        return len(lines) == 1
    body = answer.json()
    return not (body["items"] if "items" in body else body["events"] or body["sold"] or body["held"])


class TestContracts:
    def test_read_strings_of_digits(self, admin: User, owner: User, agent: User, signed_in: SignedIn) -> None:
        event, ticket = make_event(admin), make_ticket(agent)
        guest = {"firstName": "Greta", "lastName": "Guest", "email": "greta@example.com"}

        box_office = signed_in(owner).post("/book", {"eventId": str(event.pk), "userId": str(owner.pk)})
        ticks = APIClient().post("/api/v1/booking", guest | {"eventId": str(event.pk), "ticketsReserved": "2"})
        helpdesk = signed_in(agent).patch(f"/api/tickets/{ticket.pk}", {"assignee": str(owner.pk), "version": "1"})

        assert (box_office.status_code, ticks.status_code, helpdesk.status_code) == (201, 201, 200)

    @pytest.mark.parametrize("value", ["1e400", "-1e400", "9" * 400, '"' + "9" * 5000 + '"', "1e-324", '"1e3"', '" 1"'])
    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("/book", '{{"eventId": {0}, "userId": 1}}'),
            ("/book", '{{"eventId": 1, "userId": {0}}}'),
            ("/cancel", '{{"id": {0}}}'),
            ("/cancel", '{{"eventId": {0}}}'),
            (
                "/initialize",
                '{{"name": "A", "description": "B", "date": "2031-01-01", "location": "C", "ticketLimit": {0}, '
                '"price": 5}}',
            ),
            (
                "/initialize",
                '{{"name": "A", "description": "B", "date": "2031-01-01", "location": "C", "ticketLimit": 5, '
                '"price": {0}}}',
            ),
            ("/api/v1/event", '{{"name": "A", "date": "2031-01-01", "totalTickets": {0}}}'),
            ("/api/v1/event", '{{"name": "A", "date": "2031-01-01", "totalTickets": 5, "availableTickets": {0}}}'),
            (
                "/api/v1/booking",
                '{{"firstName": "A", "lastName": "B", "email": "a@example.com", "eventId": {0}, "ticketsReserved": 1}}',
            ),
            (
                "/api/v1/booking",
                '{{"firstName": "A", "lastName": "B", "email": "a@example.com", "eventId": 1, "ticketsReserved": {0}}}',
            ),
        ],
    )
    def test_refuse_what_cannot_be_kept(
        self, path: str, body: str, value: str, admin: User, signed_in: SignedIn
    ) -> None:
        answer = signed_in(admin).generic("POST", path, body.format(value), "application/json")

        assert 400 <= answer.status_code < 500, answer.content

    @pytest.mark.parametrize(
        ("price", "message"),
        [
            ("1e400", '"price" must be less than or equal to 99999999.99'),
            ("-1e400", '"price" must be a positive number'),
            ("1e-324", '"price" must have no more than 2 decimal places'),
            (f'"{"9" * 40}"', '"price" must be less than or equal to 99999999.99'),
            ('"1e3"', '"price" must be a number'),
        ],
    )
    def test_say_in_joi_s_words_what_is_wrong_with_a_price(
        self, price: str, message: str, admin: User, signed_in: SignedIn
    ) -> None:
        body = '{"name": "A", "description": "B", "date": "2031-01-01", "location": "C", "ticketLimit": 5, "price": '

        answer = signed_in(admin).generic("POST", "/initialize", f"{body}{price}}}", "application/json")

        assert answer.json() == {"error": message}

    @pytest.mark.parametrize("value", ["1e400", "9" * 400, '"' + "9" * 5000 + '"'])
    def test_call_an_endless_id_unsafe(self, value: str, admin: User, signed_in: SignedIn) -> None:
        answer = signed_in(admin).generic(
            "POST", "/book", f'{{"eventId": {value}, "userId": {admin.pk}}}', "application/json"
        )

        assert (answer.status_code, answer.json()) == (400, {"error": '"eventId" must be a safe number'})

    @pytest.mark.parametrize(
        "path", ["/api/tickets?limit={}", "/api/tickets?offset={}", "/api/v1/event?limit={}", "/api/v1/event?page={}"]
    )
    def test_read_queries_as_strictly(self, path: str, owner: User, signed_in: SignedIn) -> None:
        api = signed_in(owner)

        refused = {value: api.get(path.format(value)).status_code for value in ("1.0", "%201", "1_0", "%D9%A3", "1e0")}

        assert refused == dict.fromkeys(refused, 400)
        assert api.get(path.format(1)).status_code == 200


class TestAdmin:
    @pytest.mark.parametrize("value", [2**63, "9" * 30, "-1", "abc"])
    @pytest.mark.parametrize(
        "path",
        [
            "/admin/tickets/ticket/?project__id__exact={}",
            "/admin/tickets/ticket/?assignee={}",
            "/admin/events/booking/?event__id__exact={}",
            "/admin/events/event/{}/change/",
            "/admin/tickets/ticket/{}/change/",
        ],
    )
    def test_never_fails_on_an_id(self, path: str, value: Any, superuser: User) -> None:
        client = Client(raise_request_exception=False)
        client.force_login(superuser)

        assert client.get(path.format(value)).status_code < 500
