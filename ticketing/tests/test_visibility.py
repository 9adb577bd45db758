"""What somebody may not see makes no difference to what they are told, on any path (CONTRACTS: projects).

Two worlds are alike but for tickets, comments, events and bookings that the viewer may not see. The same requests are
sent in both: every operation of the OpenAPI document and of the contracts, with the ids and the words of those. Each
answer, a count, an error or a header included, must be the same in both, so nothing in it comes from them. A path of
the document that is added later is walked by itself; a parameter that this does not know fails.
"""

import itertools
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from django.db import transaction
from django.urls import path
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import User, UserType
from accounts.tests.factories import make_user
from analytics.services import fold_daily_counts
from events import services as event_services
from events.models import BookingQuerySet, Event, EventQuerySet
from events.services import Guest
from events.tests.factories import book, make_event
from events.tokens import manage_token
from kit.errors import Forbidden, Missing
from kit.openapi.describe import describes
from kit.openapi.views import document
from kit.web.base import APIView
from projects.models import Project, Visibility
from projects.tests.factories import make_project
from projects.tests.psql import psql
from ticketing.urls import urlpatterns
from tickets import services
from tickets.models import CommentQuerySet, Status, Ticket, TicketQuerySet
from tickets.tests.factories import assign, make_comment, make_ticket

pytestmark = pytest.mark.django_db

VIEWERS = ["creator", "assignee", "outsider", "nobody"]
KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
# Where ids begin: of both worlds, of the second one, of what a request makes, of the tickets that this is about.
SEEN, UNSEEN, MADE, HIDDEN = 1_000_000, 3_000_000, 5_000_000, 7_000_000
# What differs between two walks and tells nothing: the time, tags made of it, random names of requests.
INCIDENTAL = re.compile(r'\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)|-[0-9a-f]{16}\\*"|"requestId":"[^"]*"')
MOST_PAGES = 5
GUEST = Guest("Zyxgreta", "Zyxguest", "zyxgreta@example.com")


@dataclass(frozen=True)
class World:
    """Who and what is in both worlds. Everybody's e-mail address and name bear their mark."""

    people: dict[str, User]
    project: Project
    # Tickets that are there in both: one that everybody may see, and the creator's.
    seen: list[Ticket]
    event: Event

    def hidden_from(self, viewer: str) -> list[tuple[User, str]]:
        """Creator and mark of the tickets that are there in the second world alone."""
        return [(self.people[name], name) for name in ("creator", "assignee", "agent") if name != viewer]


@pytest.fixture
def world() -> World:
    count_from(SEEN)
    people = {name: make_user(f"{name.title()} Zyx{name}", email=f"zyx{name}@example.com") for name in VIEWERS}
    del people["nobody"]
    people["colleague"] = make_user("Colleague Zyxcolleague", email="zyxcolleague@example.com")
    people["agent"] = make_user("Agent Zyxagent", email="zyxagent@example.com", type=UserType.AGENT)
    people["admin"] = make_user("Admin Zyxadmin", email="zyxadmin@example.com", type=UserType.ADMIN)
    project = make_project("Hidden", visibility=Visibility.INVOLVED)
    # What each of them may see, so that lists and figures are not empty: by creation, and by assignment.
    own = make_ticket(people["creator"], title="Seen by creator", project=project)
    assign(make_ticket(people["agent"], title="Seen by assignee", project=project), people["assignee"])
    open_to_all = make_ticket(people["colleague"], title="Seen by all")
    for ticket in (own, open_to_all):
        make_comment(ticket, ticket.created_by)
    # What an event has left is for everybody to see, and so the same in both worlds; who booked it is not.
    event = make_event(people["admin"], name="Seen by all", id=SEEN)
    for booked_by in ("creator", "colleague"):
        book(event, people[booked_by], quantity=2)
    book(event, guest=GUEST, quantity=7)
    return World(people, project, [open_to_all, own], event)


def hide(world: World, viewer: str) -> None:
    """Fill the second world with what the viewer may not see: tickets old, new, changed, overdue, closed; comments."""
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
                price=7777,
                project=world.project,
                created_at=timezone.now() - timedelta(days=30 * offset, hours=1),
            )
            assign(ticket, world.people["colleague"])
            make_comment(ticket, by, message=f"Zyxcomment {mark}")
            services.update(ticket_id=ticket.pk, by=by, at=timezone.now(), title=f"Zyxanother {mark}", status=status)
    for ticket in world.seen if viewer != "agent" else []:
        make_comment(ticket, world.people["agent"], message="Zyxinternal", is_internal=True)
    fold_daily_counts()
    hide_events(world, viewer)
    # And with the very request, under the very key, that the viewer will send.
    for call in requests(described(), world):
        if call.path in ("/ticket", "/tickets", "/api/tickets") and "Idempotency-Key" in call.headers:
            for by, _ in world.hidden_from(viewer):
                assert call.send(client(by)).status_code == 201


def hide_events(world: World, viewer: str) -> None:
    """A draft, an event that was withdrawn with its bookings, and bookings of the one that all see, given up again."""
    admin, at = world.people["admin"], timezone.now()
    make_event(admin, id=HIDDEN, name="Zyxevent draft", description="zyxdescription", venue="Zyxvenue", status="draft")
    withdrawn = make_event(admin, id=HIDDEN + 1, name="Zyxevent withdrawn", venue="Zyxvenue", capacity=7777)
    count_from(HIDDEN)
    for event in (withdrawn, world.event):
        # The creator has a live one.
        bookings = [book(event, user) for user, mark in world.hidden_from(viewer) if mark != "creator"]
        for booking in [*bookings, book(event, guest=GUEST)]:
            event_services.cancel(booking_id=booking.pk, by=admin)
    event_services.withdraw(event_id=withdrawn.pk, by=admin, at=at)
    count_from(UNSEEN + 1000)


def count_from(number: int) -> None:
    """Let new rows have ids from there on; ids are not given back, so two walks would differ by them."""
    psql(f"SELECT setval(format('%I.%I', schemaname, sequencename), {number}) FROM pg_sequences")


def client(user: User | None) -> APIClient:
    api = APIClient(raise_request_exception=False)
    if user:
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.issue(user).access}")
    return api


# --- The requests -------------------------------------------------------------------------------------------------


def operation(body: Any = None, **names_of_place: list[str]) -> dict[str, Any]:
    """As much of an operation's description as is read here."""
    parameters = [{"in": place, "name": name} for place, names in names_of_place.items() for name in names]
    content = {"application/json": {"examples": {"": {"value": body}}}}
    return {"parameters": parameters} | ({"requestBody": {"content": content}} if body else {})


# Contracts are described by their documents alone. Document 004's:
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
    """The calls of the product's own API and of the contracts."""
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
    """What is sent for each parameter. One that is not here has to be thought about: how could it tell?"""
    ids = {name: str(user.pk) for name, user in world.people.items()}
    tickets = [HIDDEN, HIDDEN + 10, HIDDEN + 12, *(ticket.pk for ticket in world.seen)]
    words = ["zyxtitle", "zyxanother", "zyxdescription", "hidden", "zyxcolleague", "zyxagent@example.com"]
    return {
        "ticketId": [str(ticket_id) for ticket_id in tickets],
        "eventId": [str(HIDDEN), str(HIDDEN + 1), str(world.event.pk)],
        # A hidden one, the creator's, and a guest's.
        "bookingId": [str(HIDDEN + 1), str(SEEN + 1), str(SEEN + 3)],
        "event": [str(HIDDEN), str(HIDDEN + 1), str(world.event.pk)],
        "available": ["true", "false"],
        # The colleague's.
        "X-Manage-Token": [manage_token(SEEN + 2)],
        "userId": list(ids.values()),
        "projectId": [str(world.project.pk)],
        "search": [*words, "zyxevent"],
        "q": words,
        "status": [*Status.values, "in_progress", "breached", "draft", "cancelled", "confirmed", "waiting"],
        "priority": ["medium", "high"],
        "type": ["zyxtype", "task", "customer", "admin"],
        "venue": ["Zyxvenue"],
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
        # Followed from page to page in `answers`.
        "cursor": [],
        "Idempotency-Key": [KEY],
        "If-Match": ['"1"', "*"],
        "If-None-Match": ["*"],
    }


def body_of(operation: dict[str, Any], world: World) -> dict[str, Any] | None:
    """The operation's own example, about the hidden project; people are named by the paths alone.

    Whoever names somebody in a body may assign them and is shown who that is: that they are there is no secret. Keys
    that a call does not know, it ignores.
    """
    for media in operation.get("requestBody", {}).get("content", {}).values():
        (example,) = media["examples"].values()
        body = {key: value for key, value in example["value"].items() if key not in ("createdBy", "assignedUsers")}
        return body | {"project": world.project.pk}
    return None


def requests(schema: dict[str, Any], world: World) -> Iterator[Call]:
    """Every operation, with every value of each parameter: those of the path in all combinations, others one by one."""
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
    """What the viewer is answered to every request, by the request. Nothing stays changed."""
    api, told = client(world.people.get(viewer)), {}
    for number, call in enumerate(requests(schema, world)):
        with transaction.atomic():
            if call.method != "GET":
                count_from(MADE)
            told[f"{number} {call}"] = "\n".join(answers(call, api))
            transaction.set_rollback(True)
    return told


def answers(call: Call, api: APIClient) -> Iterator[str]:
    """The answer and, of a list, the pages that follow."""
    for _ in range(MOST_PAGES):
        answer = call.send(api)
        headers = {
            name: value for name, value in answer.headers.items() if name not in ("X-Request-ID", "Content-Length")
        }
        yield INCIDENTAL.sub("…", f"{answer.status_code} {json.dumps(headers)} {answer.getvalue().decode()}")
        is_json = answer.headers.get("Content-Type") == "application/json"
        cursor = json.loads(answer.content).get("nextCursor") if is_json and answer.content else None
        if not cursor:
            return
        call = Call(call.method, call.path, call.query | {"cursor": cursor}, call.headers, call.body)


def both(schema: dict[str, Any], world: World, viewer: str) -> dict[str, tuple[str, str]]:
    """What the viewer is answered in both worlds, by the request."""
    without = walk(schema, world, viewer)
    hide(world, viewer)
    within = walk(schema, world, viewer)
    return {call: (without[call], within[call]) for call in without.keys() | within.keys()}


def only_of(schema: dict[str, Any], *words: str) -> dict[str, Any]:
    """The paths that bear one of these words."""
    paths = {path: each for path, each in schema["paths"].items() if any(word in path for word in words)}
    return schema | {"paths": paths}


def differences(schema: dict[str, Any], world: World, viewer: str) -> set[str]:
    """The requests whose answers depend on what the viewer may not see."""
    told = both(schema, world, viewer)
    return {call.split(" ", 1)[1] for call, (without, within) in told.items() if without != within}


class TestWhatOneMayNotSee:
    @pytest.mark.parametrize("viewer", VIEWERS)
    def test_makes_no_difference_and_is_not_named_on_any_path(self, world: World, viewer: str) -> None:
        # These are there in both worlds, and would make no difference.
        names = [f"zyx{name}" for name in ("creator", "assignee", "outsider", "agent") if name != viewer]
        words = ("title", "another", "description", "type", "comment", "internal", "event", "guest", "greta")
        secrets = [*names, *(f"zyx{word}" for word in words)]

        told = both(described(), world, viewer)

        assert {call: answers for call, answers in told.items() if answers[0] != answers[1]} == {}
        assert [call for call, (_, answer) in told.items() if any(each in answer.lower() for each in secrets)] == []

    def test_is_there_for_whom_it_concerns(self, world: World) -> None:
        """Else the two worlds would be one."""
        changed = differences(described(), world, "agent")

        assert {"GET /tickets", f"GET /tickets/{HIDDEN}", "GET /dashboard/analytics", "GET /projects"} <= changed
        assert {f"GET /tickets/{HIDDEN}/comments", "GET /api/tickets", f"GET /api/tickets/{HIDDEN}"} <= changed

    def test_is_there_for_admins_at_the_box_office(self, world: World) -> None:
        changed = differences(only_of(document(), "event", "booking"), world, "admin")

        assert {"GET /events", f"GET /events/{HIDDEN}", "GET /bookings", f"GET /bookings/{HIDDEN + 1}"} <= changed


class Leak(APIView):
    """What somebody adds who forgot visible_to."""

    @describes("Leak", name="leak", answers={200: None})
    def get(self, request: Request, ticket_id: int) -> Response:
        ticket = Ticket.objects.filter(pk=ticket_id).first()
        return self.tell(ticket)

    def tell(self, ticket: Ticket | None) -> Response:
        raise NotImplementedError


class LeakingTitle(Leak):
    def tell(self, ticket: Ticket | None) -> Response:
        return Response({"title": ticket and ticket.title})


class LeakingCount(Leak):
    def tell(self, ticket: Ticket | None) -> Response:
        return Response({"tickets": Ticket.objects.count()})


class LeakingHeader(Leak):
    def tell(self, ticket: Ticket | None) -> Response:
        return Response({}, headers={"X-Total-Count": str(Ticket.objects.count())})


class LeakingError(Leak):
    def tell(self, ticket: Ticket | None) -> Response:
        raise Forbidden if ticket else Missing


class TestWalk:
    @pytest.mark.parametrize("leak", [LeakingTitle, LeakingCount, LeakingHeader, LeakingError])
    def test_finds_a_new_path_that_forgets(
        self, world: World, settings: Any, monkeypatch: pytest.MonkeyPatch, leak: type[Leak]
    ) -> None:
        leaky = ModuleType("leaky_urls")
        leaky.urlpatterns = [path("tickets/<int:ticket_id>/leak", leak.as_view()), *urlpatterns]  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "leaky_urls", leaky)
        settings.ROOT_URLCONF = "leaky_urls"
        schema = SchemaGenerator(urlconf="leaky_urls").get_schema(public=True)

        assert f"GET /tickets/{HIDDEN}/leak" in differences(only_of(schema, "leak"), world, "outsider")

    def test_finds_every_path_when_the_definition_itself_is_gone(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(TicketQuerySet, "visible_to", lambda tickets, user: tickets)

        found = differences(document(), world, "outsider")

        assert {f"GET /tickets/{HIDDEN}", f"GET /tickets/{HIDDEN}/history", f"PATCH /tickets/{HIDDEN}"} <= found

    @pytest.mark.parametrize("viewer", ["creator", "outsider"])
    def test_finds_internal_comments_that_are_shown_to_all(
        self, world: World, monkeypatch: pytest.MonkeyPatch, viewer: str
    ) -> None:
        monkeypatch.setattr(CommentQuerySet, "visible_to", lambda comments, user: comments)
        of_all, of_creator = world.seen
        paths = ["/tickets/{ticketId}/comments", "/api/tickets/{ticketId}"]
        only = described() | {"paths": {path: described()["paths"][path] for path in paths}}

        found = differences(only, world, viewer)

        assert f"GET /tickets/{of_all.pk}/comments" in found
        assert (f"GET /api/tickets/{of_creator.pk}" in found) == (viewer == "creator")

    def test_finds_every_path_of_the_box_office_when_its_definitions_are_gone(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for rows in (EventQuerySet, BookingQuerySet):
            monkeypatch.setattr(rows, "visible_to", lambda rows, user: rows)

        found = differences(only_of(document(), "event", "booking"), world, "outsider")

        assert {"GET /events", f"GET /events/{HIDDEN}", f"GET /events/{HIDDEN + 1}/availability"} <= found
        assert {"GET /bookings", f"GET /bookings/{HIDDEN + 1}", f"POST /bookings/{HIDDEN + 1}/cancel"} <= found

    def test_refuses_a_parameter_that_it_does_not_know(self, world: World) -> None:
        operation = {"parameters": [{"name": "peek", "in": "query"}]}

        with pytest.raises(AssertionError, match="what about peek"):
            list(requests({"paths": {"/tickets": {"get": operation}}}, world))
