"""What a user may not see never changes a response, on any path.

Two worlds are the same except for tickets, comments, events and bookings that the viewer may not see. Every operation
of the OpenAPI document and of the contracts is requested in both, with the ids and words of the hidden objects. All
responses, including counts, errors and headers, must be equal. New paths are covered automatically; a new parameter
fails until `values` knows it.
"""

import itertools
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.db import transaction
from django.urls import path
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from rest_framework.request import Request
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import User, UserType
from accounts.tests.factories import make_user
from analytics.services import fold_daily_counts
from events import queries
from events import services as event_services
from events.models import BookingQuerySet, Event, EventQuerySet
from events.services import Guest
from events.tests.factories import book, make_event
from events.tokens import manage_token
from kit.db import sql
from kit.errors import Forbidden, Missing
from kit.openapi.describe import describes
from kit.openapi.views import document
from kit.web.base import APIView
from kit.web.responses import Response
from projects.models import Project, Visibility
from projects.tests.factories import make_project
from projects.tests.psql import psql
from ticketing.urls import urlpatterns
from tickets import services
from tickets.models import SavedFilter, Status, Ticket, TicketQuerySet
from tickets.tests.factories import assign, make_comment, make_ticket

pytestmark = pytest.mark.django_db

VIEWERS = ["creator", "assignee", "outsider", "anonymous"]
KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
# First ids: of both worlds, of the second one, of what requests create, of the hidden tickets.
SEEN, UNSEEN, CREATED, HIDDEN = 1_000_000, 3_000_000, 5_000_000, 7_000_000
# What differs between any two walks: times, tags, request ids, random keys, and how many changes there have been.
INCIDENTAL = re.compile(
    r'\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)|-[0-9a-f]{16}\\*"|"requestId":"[^"]*"|tkt_\w+'
    r'|(?<="items":\[\],)"nextCursor":"[^"]*"'
)
MAX_PAGES = 5
GUEST = Guest("Zyxgreta", "Zyxguest", "zyxgreta@example.com")


@dataclass(frozen=True)
class World:
    """What both worlds contain. Each person's name and e-mail address contain a unique word."""

    people: dict[str, User]
    project: Project
    # One ticket that everyone may see, and one of the creator.
    seen: list[Ticket]
    event: Event

    def hidden_from(self, viewer: str) -> list[tuple[User, str]]:
        """Return the creators of the hidden tickets, with the words that mark them."""
        return [(self.people[name], name) for name in ("creator", "assignee", "agent") if name != viewer]


@pytest.fixture
def world() -> World:
    count_from(SEEN)
    people = {name: make_user(f"{name.title()} Zyx{name}", email=f"zyx{name}@example.com") for name in VIEWERS}
    del people["anonymous"]
    people["colleague"] = make_user("Colleague Zyxcolleague", email="zyxcolleague@example.com")
    people["agent"] = make_user("Agent Zyxagent", email="zyxagent@example.com", type=UserType.AGENT)
    people["admin"] = make_user("Admin Zyxadmin", email="zyxadmin@example.com", type=UserType.ADMIN)
    project = make_project("Hidden", visibility=Visibility.INVOLVED)
    # Visible to some viewers as creator or assignee, so that lists and statistics are not empty.
    own = make_ticket(people["creator"], title="Seen by creator", project=project, labels=["own"])
    assign(make_ticket(people["agent"], title="Seen by assignee", project=project), people["assignee"])
    open_to_all = make_ticket(people["colleague"], title="Seen by all")
    for ticket in (own, open_to_all):
        make_comment(ticket, ticket.created_by)
    # Everyone may see how many seats are left, so that is equal in both worlds; who booked them is private.
    event = make_event(people["admin"], name="Seen by all", id=SEEN)
    for booked_by in ("creator", "colleague"):
        book(event, people[booked_by], quantity=2)
    book(event, guest=GUEST, quantity=7)
    event_services.check_in_seats(
        event_id=event.pk, booking_id=SEEN + 1, seats=1, by=people["agent"], at=timezone.now()
    )
    return World(people, project, [open_to_all, own], event)


def hide(world: World, viewer: str) -> None:
    """Add to the second world what the viewer may not see: tickets in every status and age, and comments."""
    count_from(UNSEEN)
    for number, (by, mark) in enumerate(world.hidden_from(viewer)):
        for offset, status in enumerate(Status.values):
            ticket = make_ticket(
                by,
                id=HIDDEN + number * 10 + offset,
                title=f"Zyxtitle {mark}",
                description=f"zyxdescription {mark}",
                type="zyxtype",
                venue="Zyxvenue",
                labels=["zyxlabel"],
                price=7777,
                project=world.project,
                created_at=timezone.now() - timedelta(days=30 * offset, hours=1),
            )
            assign(ticket, world.people["colleague"])
            make_comment(ticket, by, message=f"Zyxcomment {mark}")
            services.update(ticket_id=ticket.pk, by=by, at=timezone.now(), title=f"Zyxanother {mark}", status=status)
    for ticket in world.seen if viewer != "agent" else []:
        make_comment(ticket, world.people["agent"], message="Zyxinternal", is_internal=True)
    SavedFilter.objects.create(
        id=HIDDEN, owner=world.people["colleague"], name="Zyxfilter", query="search=zyxquery", is_shared=False
    )
    fold_daily_counts()
    hide_events(world, viewer)
    # Others also send the viewer's requests, with the same idempotency keys.
    for call in requests(described(), world):
        if call.path in ("/ticket", "/tickets", "/api/tickets") and "Idempotency-Key" in call.headers:
            for by, _ in world.hidden_from(viewer):
                assert call.send(client(by)).status_code == 201


def hide_events(world: World, viewer: str) -> None:
    """Add a draft, a cancelled event with bookings, and cancelled bookings of the visible event."""
    admin, at = world.people["admin"], timezone.now()
    make_event(admin, id=HIDDEN, name="Zyxevent draft", description="zyxdescription", venue="Zyxvenue", status="draft")
    withdrawn = make_event(admin, id=HIDDEN + 1, name="Zyxevent withdrawn", venue="Zyxvenue", capacity=7777)
    count_from(HIDDEN)
    for event in (withdrawn, world.event):
        # The creator has an active booking.
        bookings = [book(event, user) for user, mark in world.hidden_from(viewer) if mark != "creator"]
        for booking in [*bookings, book(event, guest=GUEST)]:
            event_services.cancel(booking_id=booking.pk, by=admin)
    event_services.withdraw(event_id=withdrawn.pk, by=admin, at=at)
    count_from(UNSEEN + 1000)


def count_from(number: int) -> None:
    """Set all sequences, because ids used by a rolled-back request would make two walks differ."""
    psql(f"SELECT setval(format('%I.%I', schemaname, sequencename), {number}) FROM pg_sequences")


def client(user: User | None) -> APIClient:
    api = APIClient(raise_request_exception=False)
    if user:
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.issue(user).access}")
    return api


# --- The requests -------------------------------------------------------------------------------------------------


def operation(body: Any = None, **names_of_place: list[str]) -> dict[str, Any]:
    """Return a minimal OpenAPI operation."""
    parameters = [{"in": place, "name": name} for place, names in names_of_place.items() for name in names]
    content = {"application/json": {"examples": {"": {"value": body}}}}
    return {"parameters": parameters} | ({"requestBody": {"content": content}} if body else {})


# Contracts are not in our schema. These are the calls of document 004:
HELPDESK = {
    "/api/tickets": {
        "get": operation(query=["limit", "offset", "status", "q"]),
        "post": operation(header=["Idempotency-Key"], body={"title": "Server down"}),
    },
    "/api/tickets/{ticketId}": {
        "get": operation(path=["ticketId"]),
        "patch": operation(path=["ticketId"], header=["If-Match"], body={"status": "closed"}),
    },
    "/api/tickets/{ticketId}/comments": {"post": operation(path=["ticketId"], body={"message": "Any news?"})},
}


def described() -> dict[str, Any]:
    """Return our schema with the calls of the contracts."""
    return document() | {"paths": document()["paths"] | HELPDESK}


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: dict[str, Any] | None

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.query or ''}".rstrip()

    def send(self, api: APIClient) -> Any:
        body = "" if self.body is None else json.dumps(self.body)
        return api.generic(
            self.method, self.path, body, "application/json", headers=self.headers, query_params=self.query
        )


def values(world: World) -> dict[str, list[str]]:
    """Return the values to send for each parameter. When adding one, think about what it could reveal."""
    ids = {name: str(user.pk) for name, user in world.people.items()}
    tickets = [HIDDEN, HIDDEN + 10, HIDDEN + 12, *(ticket.pk for ticket in world.seen)]
    words = ["zyxtitle", "zyxanother", "zyxdescription", "hidden", "zyxcolleague", "zyxagent@example.com"]
    return {
        "ticketId": [str(ticket_id) for ticket_id in tickets],
        "eventId": [str(HIDDEN), str(HIDDEN + 1), str(world.event.pk)],
        # Hidden, the creator's, and a guest's.
        "bookingId": [str(HIDDEN + 1), str(SEEN + 1), str(SEEN + 3)],
        "event": [str(HIDDEN), str(HIDDEN + 1), str(world.event.pk)],
        "available": ["true", "false"],
        # The creator's, at the visible event.
        "checkInId": [str(SEEN + 1)],
        "outcome": ["admitted", "undone"],
        # The colleague's.
        "X-Manage-Token": [manage_token(SEEN + 2)],
        "filterId": [str(HIDDEN)],
        "userId": list(ids.values()),
        "projectId": [str(world.project.pk)],
        "search": [*words, "zyxevent"],
        "q": words,
        "status": [*Status.values, "in_progress", "breached", "draft", "cancelled", "confirmed", "waiting"],
        "priority": ["medium", "high"],
        "type": ["zyxtype", "task", "customer", "admin"],
        "venue": ["Zyxvenue"],
        "label": ["zyxlabel", "own"],
        "project": [str(world.project.pk)],
        "assignee": list(ids.values()),
        "createdBy": list(ids.values()),
        "sla": ["breached", "at-risk", "met", "missed"],
        "startDate": [f"{timezone.now() - timedelta(days=days):%Y-%m-%d}" for days in (0, 45)],
        "endDate": [f"{timezone.now() - timedelta(days=days):%Y-%m-%d}" for days in (0, 45)],
        "ordering": [
            sign + field
            for field in ("createdDate", "updatedDate", "dueDate", "priority", "title", "createdAt", "startsAt")
            for sign in ("", "-")
        ],
        "limit": ["1", "100"],
        "offset": ["1"],
        "queue": ["all-open", "unassigned", "at-risk", "mine"],
        "include": ["comments,project"],
        "fields": ["id,title"],
        "updatedSince": [f"{timezone.now() - timedelta(days=days):%Y-%m-%d}" for days in (0, 45)],
        "types": ["ticket", "booking,event"],
        "wait": ["0"],
        # Of others than the people of this world: admins' own, and nobody's.
        "keyId": [str(HIDDEN)],
        "webhookId": [str(HIDDEN)],
        "deliveryId": [str(HIDDEN)],
        # Followed from page to page in `answers`.
        "cursor": [],
        "after": [],
        "Idempotency-Key": [KEY],
        "If-Match": ['"1"', "*"],
        "If-None-Match": ["*"],
    }


def body_of(operation: dict[str, Any], world: World) -> dict[str, Any] | None:
    """Return the operation's own example, with the hidden project and without people.

    A caller who names a user in a body may assign them, so their existence is no secret. Unknown keys are ignored.
    """
    for media in operation.get("requestBody", {}).get("content", {}).values():
        (example,) = media["examples"].values()
        body = {key: value for key, value in example["value"].items() if key not in ("createdBy", "assignedUsers")}
        return body | {"project": world.project.pk}
    return None


def requests(schema: dict[str, Any], world: World) -> Iterator[Call]:
    """Yield requests to every operation: all combinations of path parameters, and every other value one at a time."""
    known = values(world)
    for template, operations in schema["paths"].items():
        for method, operation in operations.items():
            places: dict[str, list[str]] = {"path": [], "query": [], "header": []}
            for parameter in operation.get("parameters", []):
                assert parameter["name"] in known, f"{method} {template}: what about {parameter['name']}?"
                places[parameter["in"]].append(parameter["name"])
            queries = [{}, *({name: value} for name in places["query"] for value in known[name])]
            headers = [{}, *({name: value} for name in places["header"] for value in known[name])]
            for in_path in itertools.product(*(known[name] for name in places["path"])):
                filled = template.format(**dict(zip(places["path"], in_path, strict=True)))
                for query, header in itertools.product(queries, headers):
                    yield Call(method.upper(), filled, query, header, body_of(operation, world))


# --- The walk -----------------------------------------------------------------------------------------------------


def walk(schema: dict[str, Any], world: World, viewer: str) -> dict[str, str]:
    """Send every request and return the responses by request. Changes are rolled back."""
    api, responses = client(world.people.get(viewer)), {}
    for number, call in enumerate(requests(schema, world)):
        with transaction.atomic():
            if call.method != "GET":
                count_from(CREATED)
            responses[f"{number} {call}"] = "\n".join(answers(call, api))
            transaction.set_rollback(True)
    return responses


def answers(call: Call, api: APIClient) -> Iterator[str]:
    """Yield the response and, for a list, the following pages."""
    for _ in range(MAX_PAGES):
        answer = call.send(api)
        headers = {
            name: value for name, value in answer.headers.items() if name not in ("X-Request-ID", "Content-Length")
        }
        yield INCIDENTAL.sub("…", f"{answer.status_code} {json.dumps(headers)} {answer.getvalue().decode()}")
        is_json = answer.headers.get("Content-Type") == "application/json"
        cursor = json.loads(answer.content).get("nextCursor") if is_json and answer.content else None
        # The cursor of the log is for its next changes, and never null.
        if not cursor or call.path == "/changes":
            return
        call = Call(call.method, call.path, call.query | {"cursor": cursor}, call.headers, call.body)


def both(schema: dict[str, Any], world: World, viewer: str) -> dict[str, tuple[str, str]]:
    """Return the viewer's responses in both worlds, by request."""
    without = walk(schema, world, viewer)
    hide(world, viewer)
    within = walk(schema, world, viewer)
    return {call: (without[call], within[call]) for call in without.keys() | within.keys()}


def only_of(schema: dict[str, Any], *words: str) -> dict[str, Any]:
    """Return the schema with only the paths that contain one of these words."""
    paths = {path: each for path, each in schema["paths"].items() if any(word in path for word in words)}
    return schema | {"paths": paths}


def differences(schema: dict[str, Any], world: World, viewer: str) -> set[str]:
    """Return the requests whose responses depend on what the viewer may not see."""
    responses = both(schema, world, viewer)
    return {call.split(" ", 1)[1] for call, (without, within) in responses.items() if without != within}


@pytest.mark.slow
class TestHiddenObject:
    @pytest.mark.parametrize("viewer", VIEWERS)
    def test_changes_no_response_and_appears_in_none(self, world: World, viewer: str) -> None:
        # These people exist in both worlds, so comparing would not find them.
        names = [f"zyx{name}" for name in ("creator", "assignee", "outsider", "agent") if name != viewer]
        words = ("title", "another", "description", "type", "comment", "internal", "event", "guest", "greta")
        secrets = [*names, *(f"zyx{word}" for word in words)]

        responses = both(described(), world, viewer)

        assert {call: answers for call, answers in responses.items() if answers[0] != answers[1]} == {}
        assert [
            call for call, (_, answer) in responses.items() if any(each in answer.lower() for each in secrets)
        ] == []

    def test_is_visible_to_agents(self, world: World) -> None:
        """The two worlds differ for users who may see everything."""
        changed = differences(described(), world, "agent")

        assert {"GET /tickets", f"GET /tickets/{HIDDEN}", "GET /dashboard/analytics", "GET /projects"} <= changed
        assert {f"GET /tickets/{HIDDEN}/comments", "GET /api/tickets", f"GET /api/tickets/{HIDDEN}"} <= changed

    def test_is_not_visible_to_agents_at_the_box_office(self, world: World) -> None:
        assert differences(only_of(described(), "event", "booking"), world, "agent") == set()

    def test_is_visible_to_admins_at_the_box_office(self, world: World) -> None:
        changed = differences(only_of(document(), "event", "booking"), world, "admin")

        assert {"GET /events", f"GET /events/{HIDDEN}", "GET /bookings", f"GET /bookings/{HIDDEN + 1}"} <= changed


class Leak(APIView):
    """A view whose author forgot `visible_to`."""

    @describes("Leak", name="leak", answers={200: None})
    def get(self, request: Request, ticket_id: int) -> Response:
        ticket = Ticket.objects.filter(pk=ticket_id).first()
        return self.respond(ticket)

    def respond(self, ticket: Ticket | None) -> Response:
        raise NotImplementedError


class LeakingTitle(Leak):
    def respond(self, ticket: Ticket | None) -> Response:
        return Response({"title": ticket and ticket.title})


class LeakingCount(Leak):
    def respond(self, ticket: Ticket | None) -> Response:
        return Response({"tickets": Ticket.objects.count()})


class LeakingHeader(Leak):
    def respond(self, ticket: Ticket | None) -> Response:
        return Response({}, headers={"X-Total-Count": str(Ticket.objects.count())})


class LeakingError(Leak):
    def respond(self, ticket: Ticket | None) -> Response:
        raise Forbidden if ticket else Missing


@pytest.mark.slow
class TestWalk:
    @pytest.mark.parametrize("leak", [LeakingTitle, LeakingCount, LeakingHeader, LeakingError])
    def test_finds_a_new_path_without_the_check(
        self, world: World, settings: Any, monkeypatch: pytest.MonkeyPatch, leak: type[Leak]
    ) -> None:
        leaky = ModuleType("leaky_urls")
        leaky.urlpatterns = [path("tickets/<int:ticket_id>/leak", leak.as_view()), *urlpatterns]  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "leaky_urls", leaky)
        settings.ROOT_URLCONF = "leaky_urls"
        schema = SchemaGenerator(urlconf="leaky_urls").get_schema(public=True)

        assert f"GET /tickets/{HIDDEN}/leak" in differences(only_of(schema, "leak"), world, "outsider")

    @pytest.fixture
    def without(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
        """Make these conditions true in every statement, given as text or as the file that has them."""
        read = sql._read

        def disable(*conditions: str) -> None:
            def altered(file: Path) -> str:
                text = "TRUE\n" if file.name in conditions else read(file)
                for condition in conditions:
                    text = text.replace(condition, "TRUE")
                return text

            monkeypatch.setattr(sql, "_read", altered)
            sql.text.cache_clear()

        yield disable
        sql.text.cache_clear()

    def test_finds_every_path_if_visible_to_is_disabled(
        self, world: World, without: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(TicketQuerySet, "visible_to", lambda tickets, user: tickets)
        without("visible.sql")

        found = differences(document(), world, "outsider")

        assert {f"GET /tickets/{HIDDEN}", f"GET /tickets/{HIDDEN}/history", f"PATCH /tickets/{HIDDEN}"} <= found

    @pytest.mark.parametrize("viewer", ["creator", "outsider"])
    def test_finds_internal_comments_shown_to_customers(
        self, world: World, without: Callable[..., None], viewer: str
    ) -> None:
        without(
            "comment_is_readable(comment.is_internal, %(viewer_type)s::text)",
            "comment_is_readable(is_internal, %(viewer_type)s::text)",
        )
        of_all, of_creator = world.seen
        paths = ["/tickets/{ticketId}/comments", "/api/tickets/{ticketId}"]
        only = described() | {"paths": {path: described()["paths"][path] for path in paths}}

        found = differences(only, world, viewer)

        assert f"GET /tickets/{of_all.pk}/comments" in found
        assert (f"GET /api/tickets/{of_creator.pk}" in found) == (viewer == "creator")

    def test_finds_every_box_office_path_if_visible_to_is_disabled(
        self, world: World, without: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for rows in (EventQuerySet, BookingQuerySet):
            monkeypatch.setattr(rows, "visible_to", lambda rows, user: rows)
        monkeypatch.setattr(queries, "_user_id", lambda viewer: None)
        without("event_visible.sql")

        found = differences(only_of(document(), "event", "booking"), world, "outsider")

        assert {"GET /events", f"GET /events/{HIDDEN}", f"GET /events/{HIDDEN + 1}/availability"} <= found
        assert {"GET /bookings", f"GET /bookings/{HIDDEN + 1}", f"POST /bookings/{HIDDEN + 1}/cancel"} <= found

    def test_fails_for_an_unknown_parameter(self, world: World) -> None:
        operation = {"parameters": [{"name": "peek", "in": "query"}]}

        with pytest.raises(AssertionError, match="what about peek"):
            list(requests({"paths": {"/tickets": {"get": operation}}}, world))
