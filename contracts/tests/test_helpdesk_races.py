"""Document 004: simultaneous requests, from threads and from other processes."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import User
from contracts.tests.helpdesk_document import (
    CONFLICT,
    DUPLICATE,
    KEY,
    TICKET,
    assert_error,
    path_of,
)
from kit.db import configuration
from kit.idempotency import views
from kit.tests.races import at_once, during
from projects.tests.psql import psql
from tickets.models import Ticket, TicketQuerySet
from tickets.tests.test_races import lock_row

pytestmark = [
    pytest.mark.slow,
    pytest.mark.database,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]

SignedIn = Callable[[User], APIClient]

# Another process sends the same request as the same user, over its own connection, and then exits.
OTHER_PROCESS = """
import sys, django
django.setup()
from rest_framework.test import APIClient
api = APIClient(SERVER_NAME="localhost")
api.credentials(HTTP_AUTHORIZATION="Bearer " + sys.argv[1])
sys.stdin.readline()
for _ in range(5):
    response = api.post("/api/tickets", {"title": "Server down"}, headers={"Idempotency-Key": sys.argv[2]})
    print(response.status_code, response.content.decode(), flush=True)
"""


def start_process(user: User) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", OTHER_PROCESS, tokens.issue(user).access, KEY],
        env=os.environ
        | {
            "DATABASE_URL": configuration.connection_url(connection.settings_dict),
            "DJANGO_SETTINGS_MODULE": "ticketing.settings",
        },
        cwd=settings.BASE_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


class TestTwentyRequestsUnderOneKey:
    def send(self, owner: User, signed_in: SignedIn) -> Counter[int]:
        """Send the same request twenty times at once. Return how often each status occurred."""
        clients = [signed_in(owner) for _ in range(20)]

        def post(client: APIClient) -> Any:
            return client.post("/api/tickets", TICKET, headers={"Idempotency-Key": KEY})

        responses = at_once(*(lambda client=client: post(client) for client in clients))
        assert all(response.json() == DUPLICATE for response in responses if response.status_code == 409)
        return Counter(response.status_code for response in responses)

    def test_create_one_ticket(self, owner: User, signed_in: SignedIn) -> None:
        assert self.send(owner, signed_in) == {201: 1, 409: 19}
        assert Ticket.objects.count() == 1

    def test_create_twenty_tickets_if_the_key_is_ignored(
        self, owner: User, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(views, "claim", lambda *_, **__: None)
        monkeypatch.setattr(views, "keep", lambda *_, **__: None)

        assert self.send(owner, signed_in) == {201: 20}
        assert Ticket.objects.count() == 20

    def test_from_two_processes_create_one_ticket_and_the_key_outlives_them(
        self, owner: User, signed_in: SignedIn
    ) -> None:
        processes = [start_process(owner) for _ in range(2)]

        for process in processes:
            assert process.stdin
            process.stdin.write("now\n")
            process.stdin.flush()
        lines = [line for process in processes for line in process.communicate(timeout=300)[0].splitlines()]

        assert [process.returncode for process in processes] == [0, 0]
        assert Counter(line.split()[0] for line in lines) == {"201": 1, "409": 9}
        # Both processes have ended; the key is a row in the database.
        assert psql("SELECT status FROM idempotency_idempotencykey") == [(201,)]
        response = signed_in(owner).post("/api/tickets", TICKET, headers={"Idempotency-Key": KEY})
        assert (response.status_code, response.json()) == (409, DUPLICATE)
        assert Ticket.objects.count() == 1


class TestTwentyChangesOfOneVersion:
    @pytest.fixture
    def without_lock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make the services skip the row lock."""
        monkeypatch.setattr(TicketQuerySet, "locked", lambda tickets: tickets)

    def send(self, ticket: Ticket, signed_in: SignedIn) -> Counter[int]:
        """Change version 1 twenty times at once, by header and by body. Return how often each status occurred."""
        clients = [signed_in(ticket.created_by) for _ in range(20)]

        def patch(client: APIClient, number: int) -> Any:
            change: dict[str, Any] = {"priority": "low" if number < 10 else "high"}
            if number % 2:
                return client.patch(path_of(ticket), change | {"version": 1})
            return client.patch(path_of(ticket), change, headers={"If-Match": '"1"'})

        calls = (lambda client=client, number=number: patch(client, number) for number, client in enumerate(clients))
        responses = during(lock_row(ticket), *calls)
        assert all(response.json() == CONFLICT for response in responses if response.status_code == 409)
        return Counter(response.status_code for response in responses)

    def test_let_one_through(self, ticket: Ticket, signed_in: SignedIn) -> None:
        assert self.send(ticket, signed_in) == {200: 1, 409: 19}

        ticket.refresh_from_db()
        assert ticket.version == 2

    @pytest.mark.usefixtures("without_lock")
    def test_let_all_through_without_the_lock(self, ticket: Ticket, signed_in: SignedIn) -> None:
        assert self.send(ticket, signed_in) == {200: 20}

    def test_get_503_if_the_lock_is_not_free_in_time(self, ticket: Ticket, agent: User, signed_in: SignedIn) -> None:
        client = signed_in(agent)

        with transaction.atomic():
            lock_row(ticket)()
            (response,) = at_once(lambda: client.patch(path_of(ticket), {"status": "closed"}))

        assert_error(response, 503, "BUSY")
        assert response["Retry-After"] == "1"
