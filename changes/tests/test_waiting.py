"""Long polling on the real server: waiting requests hold no thread, get changes quickly, and can be abandoned."""

import threading
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import orjson
import pytest

from accounts import tokens
from accounts.models import User, UserType
from accounts.tests.factories import make_user
from kit.web.waiting import MAX_OF_CALLER
from projects.models import Project
from ticketing.tests.server import Answer, Client, head, served
from tickets.tests.factories import make_ticket

pytestmark = [
    pytest.mark.slow,
    pytest.mark.database,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]

WAITING = 200


@pytest.fixture
def port(transactional_db: None) -> Iterator[int]:
    with served() as port:
        yield port


@pytest.fixture
def call(port: int) -> Iterator[Callable[[User], "Caller"]]:
    """Connect callers, and disconnect them in the end."""
    callers: list[Caller] = []

    def connect(user: User) -> Caller:
        callers.append(Caller(port, user))
        return callers[-1]

    yield connect
    for caller in callers:
        caller.client.__exit__()


Call = Callable[[User], "Caller"]


class Caller:
    """A client that begins to read the log now."""

    def __init__(self, port: int, user: User) -> None:
        self.client = Client(port)
        self.token = f"Bearer {tokens.issue(user).access}"
        self.cursor = self.get("/changes")["nextCursor"]

    def get(self, path: str) -> Any:
        self.send(path)
        return self.receive()

    def send(self, path: str) -> None:
        self.client.send(head(f"GET {path}", authorization=self.token))

    def receive(self) -> Any:
        answer: Answer = self.client.answer()
        assert answer.status == 200, answer
        return orjson.loads(answer.body)

    def wait(self, seconds: int = 20, types: str = "") -> None:
        self.send(f"/changes?after={self.cursor}&wait={seconds}&types={types}")


class TestWaiting:
    def test_ends_with_the_next_change(self, call: Call, owner: User) -> None:
        caller = call(owner)
        caller.wait()
        time.sleep(1)

        ticket = make_ticket(owner)
        began = time.monotonic()

        assert [item["id"] for item in caller.receive()["items"]] == [ticket.pk]
        assert time.monotonic() - began < 2

    def test_ends_after_its_time(self, call: Call, owner: User) -> None:
        caller = call(owner)
        began = time.monotonic()
        caller.wait(2)

        assert caller.receive() == {"items": [], "nextCursor": caller.cursor}
        assert 1.9 < time.monotonic() - began < 5

    def test_goes_on_past_changes_of_others(self, call: Call, owner: User, outsider: User) -> None:
        caller = call(outsider)
        caller.wait(3)
        time.sleep(0.5)

        make_ticket(owner, project=Project.objects.helpdesk())
        page = caller.receive()

        assert page["items"] == []
        assert page["nextCursor"] != caller.cursor

    def test_is_only_for_the_types_asked_for(self, call: Call, owner: User) -> None:
        caller = call(owner)
        caller.wait(types="project")
        time.sleep(0.5)

        make_ticket(owner)
        project = Project.objects.create(name="Buildings")

        assert [item["id"] for item in caller.receive()["items"]] == [project.pk]

    def test_is_limited_for_each_caller(self, call: Call, owner: User) -> None:
        callers = [call(owner) for _ in range(MAX_OF_CALLER + 1)]
        for caller in callers:
            caller.wait(20)
            time.sleep(0.05)
        began = time.monotonic()

        assert callers[-1].receive()["items"] == []
        assert time.monotonic() - began < 5

    def test_of_clients_that_leave_takes_no_place(self, call: Call, owner: User) -> None:
        for _ in range(MAX_OF_CALLER):
            gone = call(owner)
            gone.wait(20)
            time.sleep(0.05)
            gone.client.__exit__()
        time.sleep(1)
        caller = call(owner)
        began = time.monotonic()
        caller.wait(2)
        caller.receive()

        assert time.monotonic() - began > 1.9

    def test_of_many_leaves_the_others_fast(self, call: Call, owner: User) -> None:
        callers = []
        for _ in range(WAITING):
            callers.append(call(make_user(type=UserType.AGENT)))
            # At once: the server closes connections that say nothing for ten seconds.
            callers[-1].wait(30)
        other = call(owner)
        time.sleep(1)
        durations = []
        for _ in range(50):
            began = time.monotonic()
            other.get("/tickets")
            durations.append(time.monotonic() - began)
        ticket = make_ticket(owner)
        began = time.monotonic()
        pages = [caller.receive() for caller in callers]
        last_after = time.monotonic() - began

        assert median(durations) < 0.2
        assert {item["id"] for page in pages for item in page["items"]} == {ticket.pk}
        assert last_after < 10


class TestShutdown:
    def test_answers_those_who_wait(self, owner: User, transactional_db: None) -> None:
        with served() as port:
            caller = Caller(port, owner)
            caller.wait(30)
            time.sleep(0.5)
            pages: list[Any] = []
            reader = threading.Thread(target=lambda: pages.append(caller.receive()))
            reader.start()
            began = time.monotonic()
        reader.join()
        caller.client.__exit__()

        assert pages == [{"items": [], "nextCursor": caller.cursor}]
        assert time.monotonic() - began < 5
