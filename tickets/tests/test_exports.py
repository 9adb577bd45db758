"""Tickets as CSV, over the API and from the command line."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.api import wrong_fields
from kit.web import csv_export
from projects.models import Visibility
from projects.tests.factories import make_project
from tickets.models import Status, Ticket
from tickets.tests.factories import assign, make_ticket

pytestmark = pytest.mark.django_db

SignedIn = Callable[[User], APIClient]

JULY = datetime(2024, 7, 1, 18, tzinfo=UTC)


def rows(content: bytes | str) -> list[dict[str, str]]:
    text = content.decode() if isinstance(content, bytes) else content
    return list(csv.DictReader(io.StringIO(text, newline="")))


def exported(api: APIClient, **query: Any) -> list[dict[str, str]]:
    response = api.get("/tickets/export", query)
    assert response.status_code == 200
    return rows(response.getvalue())


def command(*arguments: str) -> list[dict[str, str]]:
    output = io.StringIO(newline="")
    call_command("export_tickets", *arguments, stdout=output)
    return rows(output.getvalue())


class TestExport:
    def test_has_the_columns_and_values_of_the_list(
        self, owner: User, assignee: User, outsider: User, api: APIClient
    ) -> None:
        ticket = make_ticket(
            owner, price=223, venue="=1+1", description="Two\nlines", created_at=JULY, labels=["urgent", "vip"]
        )
        assign(ticket, assignee, outsider)
        (item,) = api.get("/tickets").json()["items"]
        del item["activityDate"]

        response = api.get("/tickets/export")

        assert response["Content-Disposition"] == 'attachment; filename="tickets.csv"'
        (row,) = rows(response.getvalue())
        assert list(row) == list(item)
        assert row == {name: "" if value is None else str(value) for name, value in item.items()} | {
            "venue": "'=1+1",
            "labels": "urgent, vip",
            "assignedUsers": f"Axel Assignee <{assignee.email}>; Otto Outsider <{outsider.email}>",
        }

    def test_has_the_filters_and_ordering_of_the_list(self, owner: User, api: APIClient) -> None:
        for title in ("Fix the roof", "Fix a disk", "Fix it"):
            make_ticket(owner, title=title, priority="high", created_at=JULY)
        make_ticket(owner, title="Fix nothing", priority="low")
        query = {"search": "fix", "priority": "high", "sla": "breached", "endDate": "2024-07-01", "ordering": "title"}

        titles = [row["title"] for row in exported(api, **query)]

        assert titles == ["Fix a disk", "Fix it", "Fix the roof"]
        assert titles == [item["title"] for item in api.get("/tickets", query).json()["items"]]

    @pytest.mark.parametrize(("name", "value"), [("status", "x"), ("ordering", "x"), ("sla", "ok"), ("project", "x")])
    def test_refuses_invalid_filters_like_the_list(self, name: str, value: str, api: APIClient) -> None:
        response = api.get("/tickets/export", {name: value})

        assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
        assert response.json()["errors"][0]["field"] == name

    def test_has_no_pages(self, api: APIClient) -> None:
        assert wrong_fields(api.get("/tickets/export", {"limit": "1", "cursor": "x"})) == ["limit", "cursor"]

    def test_requires_a_token(self, anonymous: APIClient) -> None:
        assert anonymous.get("/tickets/export").status_code == 401

    def test_omits_hidden_tickets(
        self, owner: User, assignee: User, outsider: User, agent: User, signed_in: SignedIn
    ) -> None:
        hidden = make_ticket(owner, project=make_project(visibility=Visibility.INVOLVED))
        assign(hidden, assignee)

        seen = [len(exported(signed_in(user))) for user in (owner, assignee, agent, outsider)]

        assert seen == [1, 1, 1, 0]

    @pytest.mark.parametrize("ordering", ["-createdDate", "title", "dueDate", "-priority"])
    def test_batches_add_up_to_the_whole_list(
        self,
        ordering: str,
        owner: User,
        agent: User,
        api: APIClient,
        signed_in: SignedIn,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        for number in range(7):
            make_ticket(owner, due_at=JULY + timedelta(days=number) if number % 2 else None, created_at=JULY)
        listed = [str(item["id"]) for item in api.get("/tickets", {"ordering": ordering}).json()["items"]]
        monkeypatch.setattr(csv_export, "BATCH", 3)

        ids = [[row["id"] for row in exported(signed_in(user), ordering=ordering)] for user in (owner, agent)]

        assert ids == [listed, listed]

    # The caller, five for the lease, then one for each of three batches. With a filter, the last one takes another to
    # find out that it is the last.
    @pytest.mark.parametrize(("query", "number"), [({}, 9), ({"search": "database"}, 10)])
    def test_runs_one_or_two_queries_per_batch(
        self,
        query: dict[str, str],
        number: int,
        owner: User,
        assignee: User,
        agent: User,
        signed_in: SignedIn,
        monkeypatch: pytest.MonkeyPatch,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        monkeypatch.setattr(csv_export, "BATCH", 3)
        api = signed_in(agent)
        for _ in range(8):
            assign(make_ticket(owner), assignee)

        with django_assert_num_queries(number):
            content = api.get("/tickets/export", query).getvalue()

        assert len(rows(content)) == 8


class TestCommand:
    def test_exports_all_tickets_by_default(self, owner: User) -> None:
        make_ticket(owner, project=make_project(visibility=Visibility.INVOLVED))

        (row,) = command()

        assert row["title"] == "Fix the database"

    def test_can_export_for_a_user(self, owner: User, outsider: User) -> None:
        make_ticket(owner, project=make_project(visibility=Visibility.INVOLVED))

        assert [len(command("--as", user.email.upper())) for user in (owner, outsider)] == [1, 0]

    def test_has_the_filters_of_the_list(self, owner: User) -> None:
        make_ticket(owner, status=Status.CLOSED)
        open_one = make_ticket(owner)

        assert [row["id"] for row in command("status=open", "ordering=title")] == [str(open_one.pk)]

    def test_can_write_to_a_file(self, owner: User, tmp_path: Path, api: APIClient) -> None:
        make_ticket(owner, title="Zoë")
        file = tmp_path / "tickets.csv"

        call_command("export_tickets", "--output", str(file))

        assert file.read_bytes() == api.get("/tickets/export").getvalue()

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["status=x"], "status:"),
            (["colour=red"], "Unknown filter: colour"),
            (["limit=1"], "Unknown filter: limit"),
            (["status=open", "status=closed"], "Give each filter only once: status"),
            (["startDate=2024-07-02", "endDate=2024-07-01"], "start"),
            (["--as", "nobody@example.com"], "nobody@example.com"),
        ],
    )
    def test_names_invalid_arguments(self, arguments: list[str], message: str) -> None:
        with pytest.raises(CommandError, match=message):
            command(*arguments)

    def test_without_tickets_exports_no_rows(self) -> None:
        assert command() == []
        assert not Ticket.objects.exists()
