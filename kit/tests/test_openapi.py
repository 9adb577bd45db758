"""The API does what it says of itself: requests made up from its own description, and its own examples sent."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, cast

import jsonschema_rs
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection, transaction
from django.urls import URLPattern
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework import serializers
from rest_framework.test import APIClient
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection, positive_data_acceptance

from accounts import services as account_services
from accounts import tokens
from accounts.models import User, UserType
from accounts.tests.factories import make_user
from analytics.serializers import TOO_MANY_DAYS
from events import services as event_services
from events.tests.factories import book, make_event
from kit import errors
from kit.dates import START_AFTER_END
from kit.openapi.fields import TextExtension
from kit.openapi.schema import EXAMPLE_IDS, AutoSchema
from kit.openapi.views import document
from kit.web.fields import SingleLineField, TextField
from kit.web.paging import NO_CURSOR
from kit.web.problems import describe
from ticketing.urls import CONTRACTS, urlpatterns
from ticketing.wsgi import application
from tickets import services
from tickets.tests.factories import make_ticket

api = schemathesis.openapi.from_wsgi("/schema", application)
api.config.generation.update(modes=list(schemathesis.GenerationMode))

OPERATIONS: dict[str, dict[str, Any]] = {
    operation["operationId"]: operation | {"method": method, "path": path}
    for path, operations in document()["paths"].items()
    for method, operation in operations.items()
}
PUBLIC = {name for name, operation in OPERATIONS.items() if {} in operation["security"]}

# Why well-formed input may be refused all the same: it is about who asks, what is there, or what time it is.
UNDESCRIBABLE = {
    f"dueDate: {services.DUE_DATE_PAST}",
    f"project: {services.NO_SUCH_PROJECT}",
    f"createdBy: {services.NO_SUCH_USER}",
    services.AdminNotAssignable.message,
    f"startDate: {START_AFTER_END}",
    f"startDate: {TOO_MANY_DAYS}",
    f"cursor: {NO_CURSOR}",
    account_services.InvalidCode.message,
    # Only admins may make agents, or leave the type or the password out.
    f"password: {serializers.Field.default_error_messages['required']}",
    f"type: {serializers.ChoiceField.default_error_messages['invalid_choice'].format(input='agent')}",
    f"type: {serializers.Field.default_error_messages['required']}",
    # What may be booked depends on the event, and who must be named on who asks.
    f"guest: {serializers.Field.default_error_messages['required']}",
    f"quantity: {event_services.MoreThanForSale(for_sale=10).message}.",
    f"quantity: {event_services.TooManyAtOnce(max_per_booking=10).message}.",
    f"withheld: {event_services.TOO_MUCH_WITHHELD}",
}


# Document 000's, in the order in which they are checked.
REFUSALS_OF_ASSIGNING = [
    services.TicketNotFound,
    services.NotAllowed,
    services.TicketClosed,
    services.UserNotFound,
    services.AdminNotAssignable,
    services.AlreadyAssigned,
    services.AssignmentLimitReached,
]


@pytest.fixture
def people(db: None) -> Iterator[dict[str, User | None]]:
    """Those whom the examples are about, with their ids; a ticket of the owner's, an event and their booking of it."""
    with connection.cursor() as cursor:
        for table in ("accounts_user", "tickets_ticket", "events_event", "events_booking"):
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 1000)")
    owner = make_user("User Name", id=2)
    assignee = make_user("User Name 1", id=EXAMPLE_IDS["user_id"])
    admin = make_user("Ada Admin", id=5, type=UserType.ADMIN)
    make_ticket(owner, id=EXAMPLE_IDS["ticket_id"])
    services.assign(ticket_id=EXAMPLE_IDS["ticket_id"], user_id=assignee.pk, by=owner)
    with connection.cursor() as cursor:
        for table, name in (("events_event", "event_id"), ("events_booking", "booking_id")):
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {EXAMPLE_IDS[name]}, false)")
    book(make_event(admin), owner, quantity=2)
    # They would close the connection that holds the test's transaction.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield {"owner": owner, "admin": admin, "nobody": None}
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


class TestMadeUpRequests:
    @pytest.mark.parametrize("caller", ["owner", "admin", "nobody"])
    @api.parametrize()
    @settings(max_examples=10, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
    def test_are_answered_as_described(
        self, case: schemathesis.Case, caller: str, people: dict[str, User | None]
    ) -> None:
        user = people[caller]
        headers = {"Authorization": f"Bearer {tokens.issue(user).access}"} if user else {}

        with transaction.atomic():
            response = case.call(headers=headers)
            case.validate_response(response, headers=headers, excluded_checks=list(inapplicable(case, response)))
            transaction.set_rollback(True)


def inapplicable(case: schemathesis.Case, response: Any) -> Iterator[Callable[..., Any]]:
    """The checks that would blame the server for what the schema cannot say."""
    problem: dict[str, Any] = response.json() if response.status_code == 400 else {"message": ""}
    faults = [f"{fault['field']}: {fault['message']}" for fault in problem.get("errors", [])]
    # Whether an `If-Match` is met depends on the ticket.
    is_outdated = response.status_code == 412
    if is_outdated or UNDESCRIBABLE.issuperset(faults or [problem["message"]]):
        yield positive_data_acceptance
    # Another proof than the token, which stays when that is left out.
    if "X-Manage-Token" in case.headers:
        yield ignored_auth
    values = [*case.query.values(), *(case.body.values() if isinstance(case.body, dict) else [])]
    texts = [value for value in values if isinstance(value, str)]
    # Text is trimmed before it is measured; to the schema, spaces count.
    is_trimmed = any(text != text.strip() for text in texts)
    # What `allowEmptyValue` says, which schemathesis does not know.
    is_empty_parameter = "" in case.query.values()
    # A token that was left out or spoilt on purpose has been replaced by the caller's own.
    is_token_replaced = case.meta is not None and case.meta.is_negative_at(ParameterLocation.HEADER)
    # Of a parameter that is given several times the last counts.
    is_repeated_parameter = any(isinstance(value, list) for value in case.query.values())
    if is_trimmed or is_empty_parameter or is_token_replaced or is_repeated_parameter:
        yield negative_data_rejection


class TestExamples:
    def test_tell_a_story_that_comes_true(self, people: dict[str, User | None]) -> None:
        perform("getHealth")
        new_user = perform("createUser")
        signed_in = perform("signIn")
        me = {"token": perform("renewTokens", refresh=signed_in["refresh"])["token"]}
        perform("getMe", **me)
        ticket = perform("createTicket", **me, createdBy=new_user["id"])
        perform("createProjectTicket", **me)
        perform("assignUser", **me, ticketId=ticket["id"])
        perform("getTicket", **me, ticketId=ticket["id"])
        perform("listTickets", **me)
        perform("changeTicket", **me, ticketId=ticket["id"], version=2)
        perform("replaceTicket", **me, ticketId=ticket["id"])
        perform("addComment", **me, ticketId=ticket["id"])
        perform("listComments", **me, ticketId=ticket["id"])
        for analytics in ("getTicketAnalytics", "getDashboardAnalytics"):
            perform(analytics, **me, query={"type": "concert"})
        perform("unassignUser", **me, ticketId=ticket["id"])
        admin: dict[str, Any] = {"token": tokens.issue(cast(User, people["admin"])).access}
        event = perform("createEvent", **admin)
        perform("getEvent", eventId=event["id"])
        perform("changeEvent", **admin, eventId=event["id"])
        perform("replaceEvent", **admin, eventId=event["id"])
        booking = perform("createBooking", **me, eventId=event["id"])
        perform("getAvailability", eventId=event["id"])
        perform("getBooking", **me, bookingId=booking["id"])
        perform("cancelBooking", **me, bookingId=booking["id"])
        perform("listBookings", **me)
        perform("listBookingsOfEvent", **admin, eventId=event["id"])
        perform("cancelEvent", **admin, eventId=event["id"])
        perform("listEvents")
        perform("deleteEvent", **admin, eventId=perform("createEvent", **admin)["id"])
        perform("changePassword", **me)
        again = perform("signIn", password=example_of("changePassword")["password"])
        perform("signOut", refresh=again["refresh"])

    @pytest.mark.parametrize("name", OPERATIONS)
    def test_stand_by_every_answer(self, name: str) -> None:
        responses = OPERATIONS[name]["responses"]

        without = [
            status
            for status, response in responses.items()
            if not all(media["examples"] for media in response.get("content", {}).values())
        ]

        assert without == []

    @pytest.mark.parametrize("refusal", REFUSALS_OF_ASSIGNING)
    def test_show_each_refusal_of_assigning(self, refusal: type[errors.Refused]) -> None:
        problem = describe(refusal())

        shown = refusals_of("assignUser")[str(problem.status)][problem.code]["value"]

        assert shown["message"] == refusal.message
        assert shown["code"] == refusal.code


class TestEveryOperation:
    @pytest.mark.parametrize("name", OPERATIONS)
    def test_has_a_summary_and_a_tag_that_is_explained(self, name: str) -> None:
        tags = {tag["name"] for tag in document()["tags"]}

        assert OPERATIONS[name]["summary"]
        assert set(OPERATIONS[name]["tags"]) <= tags

    # Health is not counted, and asks nothing that could be busy.
    @pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - {"getHealth"}))
    def test_says_that_there_are_limits(self, name: str) -> None:
        refusals = refusals_of(name)

        assert refusals["429"]["too_many"]["value"]["message"] == errors.TooMany.message
        assert refusals["503"]["busy"]["value"]["message"] == errors.Busy.message

    @pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - PUBLIC))
    def test_says_that_a_token_is_needed(self, name: str) -> None:
        refusals = refusals_of(name)["401"]

        assert refusals["unauthenticated"]["value"]["message"] == errors.Unauthenticated.message
        assert refusals["invalid_token"]["value"]["message"] == tokens.InvalidToken.message

    def test_is_public_only_where_nobody_has_to_be_signed_in(self) -> None:
        resets = {"requestPasswordReset", "confirmPasswordReset"}
        box_office = {"listEvents", "getEvent", "getAvailability", "createBooking"}

        assert {"getHealth", "createUser", "signIn", "renewTokens", "signOut"} | resets | box_office == PUBLIC

    @pytest.mark.parametrize("name", [name for name in OPERATIONS if "requestBody" in OPERATIONS[name]])
    def test_reads_json_alone(self, name: str) -> None:
        assert list(OPERATIONS[name]["requestBody"]["content"]) == ["application/json"]


class TestTextBounds:
    @pytest.mark.parametrize(
        "field",
        [
            SingleLineField(),
            SingleLineField(min_length=3),
            SingleLineField(allow_blank=True),
            TextField(),
            TextField(allow_blank=True),
            TextField(trim_whitespace=False),
        ],
    )
    @settings(max_examples=200, derandomize=True, deadline=None)
    @given(text=st.text(st.sampled_from("ab \t\n\x00\x1c\x1f\x7f\x85\xa0\u200b\u2028\u3000\ufeff"), max_size=6))
    def test_are_those_that_the_server_keeps(self, field: TextField, text: str) -> None:
        described = jsonschema_rs.validator_for(TextExtension(field).map_serializer_field(AutoSchema(), "request"))

        assert described.is_valid(text) == is_accepted(field, text)


def is_accepted(field: serializers.Field[Any, Any, Any, Any], text: str) -> bool:
    try:
        field.run_validation(text)
    except serializers.ValidationError:
        return False
    return True


class TestSchema:
    def test_is_openapi_3_1_in_json(self, anonymous: APIClient) -> None:
        response = anonymous.get("/schema")

        assert response.headers["Content-Type"] == "application/json"
        assert json.loads(response.content)["openapi"] == "3.1.0"

    def test_describes_every_path(self) -> None:
        """All but the description itself, its page and Django's admin."""
        described = {re.sub(r"{\w+}", "{}", path.lstrip("/")) for path in document()["paths"]}

        assert described == served_paths() - {"schema", "docs", "admin", "admin/second-factor/", ""}


class TestDocs:
    def test_loads_nothing_from_elsewhere(self, anonymous: APIClient) -> None:
        page = anonymous.get("/docs").content.decode()

        sources = re.findall(r'(?:src|href)="([^"]*)"', page)

        assert len(sources) >= 3
        assert all(source.startswith("/static/") for source in sources)
        assert '"validatorUrl": null' in page


def served_paths() -> set[str]:
    """The paths of the URL table, their parameters as {}. Contracts are described by their documents."""

    def walk(patterns: list[Any], prefix: str) -> Iterator[str]:
        for pattern in patterns:
            if isinstance(pattern, URLPattern):
                yield prefix + re.sub(r"<[^>]*>", "{}", str(pattern.pattern))
            elif pattern.app_name != "admin" and pattern.urlconf_name not in CONTRACTS.values():
                yield from walk(pattern.url_patterns, prefix + str(pattern.pattern))

    return set(walk(urlpatterns, ""))


def example_of(name: str, part: str = "requestBody") -> Any:
    """The only example of a request or, given a status, of an answer."""
    operation = OPERATIONS[name]
    described = operation.get("requestBody", {}) if part == "requestBody" else operation["responses"][part]
    (media,) = described.get("content", {"": {"examples": {"": {"value": None}}}}).values()
    (example,) = media["examples"].values()
    return example["value"]


def refusals_of(name: str) -> dict[str, dict[str, Any]]:
    """Its examples of refusals, by status and code."""
    return {
        status: response["content"]["application/problem+json"]["examples"]
        for status, response in OPERATIONS[name]["responses"].items()
        if int(status) >= 400
    }


def perform(name: str, token: str = "", query: dict[str, str] | None = None, **replaced: Any) -> Any:
    """Send an example, some values `replaced` by the story's own, and see that the answer is as in its example."""
    operation = OPERATIONS[name]
    client = APIClient()
    if token:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    parameters = operation.get("parameters", [])
    in_path = {each["name"]: replaced.pop(each["name"], each["example"]) for each in parameters if each["in"] == "path"}
    body = example_of(name)
    status = min(operation["responses"])

    response = client.generic(
        operation["method"].upper(),
        operation["path"].format(**in_path),
        json.dumps(body | replaced) if body else "",
        content_type="application/json",
        query_params=query,
    )

    assert response.status_code == int(status), response.content
    answer = json.loads(response.content or "null")
    assert shape_of(answer) == shape_of(example_of(name, status))
    return answer


def shape_of(value: Any) -> Any:
    """Its keys, in their order, and the types of what they hold; of lists, what their members look like."""
    if isinstance(value, dict):
        return [(key, shape_of(inner)) for key, inner in value.items()]
    if isinstance(value, list):
        return [shape_of(inner) for inner in value[:1]]
    return "number" if isinstance(value, int | float) else type(value).__name__
