"""The history of a ticket: complete, in order, and with the actor, whatever made the change."""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pgtrigger.installation
import psycopg
import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from conftest import TRUNCATE_REFUSALS
from kit.db import configuration
from kit.tests.browser import Browser
from kit.web.fields import utc_text
from projects.tests.psql import psql
from sla.models import Priority
from tickets import queries, services
from tickets.models import DERIVED, Assignment, AssignmentEvent, Status, Ticket, TicketEvent
from tickets.queries import ASSIGNEE, DELETED, Change, Person
from tickets.tests.factories import assign, make_ticket

SignedIn = Callable[[User], APIClient]

COMMITS = [pytest.mark.django_db(transaction=True, serialized_rollback=True), pytest.mark.database]
AUGUST = datetime(2099, 8, 1, 18, tzinfo=UTC)


def history(ticket: Ticket, *, limit: int = 100) -> list[queries.Item]:
    return queries.history(ticket_id=ticket.pk, limit=limit)


def latest(ticket: Ticket) -> queries.Item:
    return history(ticket, limit=1)[0]


def person(user: User) -> Person:
    return Person(user.pk, user.name)


class TestCreation:
    def test_is_the_first_item_with_every_field_that_is_set(self, owner: User) -> None:
        ticket = make_ticket(owner, price=Decimal("223.00"), due_at=AUGUST, venue="Venue Name")

        (item,) = history(ticket)

        assert item.changes == [
            Change("title", None, "Fix the database"),
            Change("project_id", None, ticket.project_id),
            Change("status", None, "open"),
            Change("type", None, "task"),
            Change("venue", None, "Venue Name"),
            Change("price", None, Decimal("223.00")),
            Change("priority", None, "medium"),
            Change("due_at", None, AUGUST),
            Change("sla_due_at", None, ticket.sla_due_at),
            Change("created_by_id", None, owner.pk),
            Change("created_at", None, ticket.created_at),
        ]

    def test_in_bulk_is_one_item_per_ticket(self, owner: User) -> None:
        template = make_ticket(owner)
        columns = ["title", "project_id", "status", "priority", "created_by_id", "created_at", "sla_due_at"]
        values = {name: getattr(template, name) for name in columns}

        tickets = Ticket.objects.bulk_create(Ticket(**values) for _ in range(3))

        assert [len(history(ticket)) for ticket in tickets] == [1, 1, 1]

    def test_is_followed_by_the_assignees_given_on_creation(self, owner: User, assignee: User) -> None:
        ticket = services.create(by=owner, at=timezone.now(), title="New", assigned_user_ids=[assignee.pk])

        joined, created = history(ticket)

        assert joined.changes == [Change(ASSIGNEE, None, person(assignee))]
        assert created.changes[0] == Change("title", None, "New")


class TestChange:
    def test_lists_each_field_with_its_old_and_new_value(self, owner: User, ticket: Ticket) -> None:
        services.update(
            ticket_id=ticket.pk,
            by=owner,
            at=timezone.now(),
            title="Fix it now",
            price=Decimal("12.50"),
            due_at=AUGUST,
            status=Status.IN_PROGRESS,
        )

        item = latest(ticket)

        assert item.changes == [
            Change("title", "Fix the database", "Fix it now"),
            Change("status", "open", "in-progress"),
            Change("price", None, Decimal("12.50")),
            Change("due_at", None, AUGUST),
        ]

    def test_of_the_priority_includes_the_deadline(self, owner: User, ticket: Ticket) -> None:
        services.update(ticket_id=ticket.pk, by=owner, at=timezone.now(), priority=Priority.HIGH)

        item = latest(ticket)

        assert item.changes == [
            Change("priority", "medium", "high"),
            Change("sla_due_at", ticket.created_at + timedelta(hours=24), ticket.created_at + timedelta(hours=4)),
        ]

    def test_to_an_empty_value_is_listed(self, owner: User) -> None:
        ticket = make_ticket(owner, description="Slow", price=Decimal("5.00"))

        Ticket.objects.filter(pk=ticket.pk).update(description="", price=None)

        assert latest(ticket).changes == [
            Change("description", "Slow", ""),
            Change("price", Decimal("5.00"), None),
        ]

    def test_in_bulk_is_one_item_per_ticket(self, owner: User) -> None:
        tickets = [make_ticket(owner) for _ in range(3)]

        Ticket.objects.update(status=Status.CLOSED)

        assert [latest(ticket).changes for ticket in tickets] == [[Change("status", "open", "closed")]] * 3

    def test_without_effect_is_not_recorded(self, owner: User, ticket: Ticket) -> None:
        services.update(ticket_id=ticket.pk, by=owner, at=timezone.now(), title=ticket.title)
        Ticket.objects.update(status=Status.OPEN, version=7)

        items = history(ticket)

        assert len(items) == 1

    def test_that_is_rolled_back_is_not_recorded(self, owner: User, ticket: Ticket) -> None:
        with transaction.atomic():
            services.update(ticket_id=ticket.pk, by=owner, at=timezone.now(), title="Never")
            transaction.set_rollback(True)

        items = history(ticket)

        assert len(items) == 1

    def test_of_any_field_is_recorded(self) -> None:
        recorded = {field.name for field in TicketEvent._meta.fields}

        missing = {field.name for field in Ticket._meta.fields} - recorded

        # Only the id and the columns that the database derives are left out.
        assert missing == {"id", *DERIVED} - {"version"}


class TestAssignees:
    def test_are_recorded_when_added_and_removed(self, owner: User, assignee: User, ticket: Ticket) -> None:
        assign(ticket, assignee)
        services.unassign(ticket_id=ticket.pk, user_id=assignee.pk, by=owner)

        left, joined, _ = history(ticket)

        assert joined.changes == [Change(ASSIGNEE, None, person(assignee))]
        assert left.changes == [Change(ASSIGNEE, person(assignee), None)]

    def test_have_their_current_name(self, assignee: User, ticket: Ticket) -> None:
        assign(ticket, assignee)
        User.objects.filter(pk=assignee.pk).update(name="Axel Married")

        item = latest(ticket)

        assert item.changes == [Change(ASSIGNEE, None, Person(assignee.pk, "Axel Married"))]

    def test_replaced_in_sql_are_a_removal_and_an_addition(self, assignee: User, agent: User, ticket: Ticket) -> None:
        assign(ticket, assignee)

        Assignment.objects.update(user=agent)

        joined, left = history(ticket, limit=2)
        assert left.changes == [Change(ASSIGNEE, person(assignee), None)]
        assert joined.changes == [Change(ASSIGNEE, None, person(agent))]

    def test_are_not_recorded_when_only_slot_or_assigned_by_changes(
        self, assignee: User, agent: User, ticket: Ticket
    ) -> None:
        assign(ticket, assignee)

        Assignment.objects.update(slot=4, assigned_by=agent)

        assert len(history(ticket)) == 2

    def test_stay_in_the_history_after_their_account_is_deleted(
        self, owner: User, assignee: User, ticket: Ticket
    ) -> None:
        assign(ticket, assignee)
        user_id = assignee.pk

        assignee.delete()

        left, joined, _ = history(ticket)
        assert joined.changes == [Change(ASSIGNEE, None, Person(user_id, DELETED))]
        assert left.changes == [Change(ASSIGNEE, Person(user_id, DELETED), None)]


class TestDoors:
    pytestmark = COMMITS

    def test_api_names_the_user_and_the_request(self, signed_in: SignedIn, owner: User, assignee: User) -> None:
        making = signed_in(owner).post("/ticket", {"title": "New"})
        ticket_id = making.json()["id"]
        assigning = signed_in(owner).post(f"/tickets/{ticket_id}/assign", {"userId": assignee.pk})
        removing = signed_in(assignee).delete(f"/tickets/{ticket_id}/assign/{assignee.pk}")

        items = queries.history(ticket_id=ticket_id, limit=3)

        assert [(item.by, item.door) for item in items] == [
            (person(assignee), "api"),
            (person(owner), "api"),
            (person(owner), "api"),
        ]
        events = [*TicketEvent.objects.all(), *AssignmentEvent.objects.order_by("pgh_id")]
        assert [event.pgh_context["request_id"] for event in events] == [
            response["X-Request-ID"] for response in (making, assigning, removing)
        ]

    def test_api_names_the_changes(self, signed_in: SignedIn, agent: User, ticket: Ticket) -> None:
        signed_in(agent).patch(f"/tickets/{ticket.pk}", {"title": "The roof leaks", "status": "closed"})

        item = latest(ticket)

        assert (item.by, item.door) == (person(agent), "api")
        assert item.changes == [
            Change("title", "Fix the database", "The roof leaks"),
            Change("status", "open", "closed"),
        ]

    def test_api_uses_the_token_instead_of_the_cookie(
        self, admin: User, signed_in: SignedIn, owner: User, assignee: User, ticket: Ticket
    ) -> None:
        api = signed_in(owner)
        api.cookies = Browser(admin).cookies

        api.post(f"/tickets/{ticket.pk}/assign", {"userId": assignee.pk})

        assert latest(ticket).by == person(owner)

    def test_admin_names_the_user(self, admin: User, ticket: Ticket) -> None:
        Browser(admin).submit(f"/admin/tickets/ticket/{ticket.pk}/change/", title="The roof leaks")

        item = latest(ticket)

        assert (item.by, item.door) == (person(admin), "admin")
        assert item.changes == [Change("title", "Fix the database", "The roof leaks")]

    @pytest.mark.slow
    def test_command_has_no_user_in_any_of_its_threads(self, ticket: Ticket) -> None:
        manage(
            "shell",
            "--no-imports",
            "--command",
            f"""
from threading import Thread
from tickets.models import Ticket
ticket = Ticket.objects.filter(pk={ticket.pk})
ticket.update(title="By a command")
thread = Thread(target=ticket.update, kwargs={{"title": "By its thread"}})
thread.start()
thread.join()
""",
        )

        by_thread, by_command, _ = history(ticket)

        assert [(item.by, item.door) for item in (by_thread, by_command)] == [(None, "command")] * 2
        assert by_command.changes == [Change("title", "Fix the database", "By a command")]
        assert by_thread.changes == [Change("title", "By a command", "By its thread")]

    def test_database_is_the_default(self, ticket: Ticket, other_connection: psycopg.Connection) -> None:
        Ticket.objects.update(title="By a QuerySet")
        other_connection.execute("UPDATE tickets_ticket SET title = 'By psql'")

        by_psql, by_queryset, _ = history(ticket)

        assert [(item.by, item.door) for item in (by_psql, by_queryset)] == [(None, "database")] * 2
        assert by_psql.changes == [Change("title", "By a QuerySet", "By psql")]

    def test_is_reset_after_a_request(self, signed_in: SignedIn, owner: User, assignee: User, ticket: Ticket) -> None:
        signed_in(owner).post(f"/tickets/{ticket.pk}/assign", {"userId": assignee.pk})
        Ticket.objects.update(title="By a QuerySet")

        item = latest(ticket)

        assert (item.by, item.door) == (None, "database")

    def test_is_not_set_by_reading_requests(self, signed_in: SignedIn, owner: User, ticket: Ticket) -> None:
        api = signed_in(owner)

        with CaptureQueriesContext(connection) as captured:
            api.get(f"/tickets/{ticket.pk}")
            api.get("/dashboard/analytics")

        assert captured.captured_queries
        assert not [query["sql"] for query in captured if "set_config" in query["sql"]]


def manage(*arguments: str) -> None:
    subprocess.run(
        [sys.executable, settings.BASE_DIR / "manage.py", *arguments],
        env={**os.environ, "DATABASE_URL": configuration.connection_url(connection.settings_dict)},
        check=True,
        capture_output=True,
        timeout=300,
    )


@pytest.mark.database
class TestTables:
    @pytest.mark.parametrize("table", [TicketEvent._meta.db_table, AssignmentEvent._meta.db_table])
    @pytest.mark.parametrize("statement", ["UPDATE {} SET pgh_label = 'insert'", "DELETE FROM {}"])
    def test_are_append_only(self, assignee: User, ticket: Ticket, table: str, statement: str) -> None:
        assign(ticket, assignee)

        with pytest.raises(psycopg.errors.RaiseException):
            psql(statement.format(table))

        assert len(history(ticket)) == 2

    @pytest.mark.parametrize("trigger", TRUNCATE_REFUSALS)
    def test_refuse_truncate(self, ticket: Ticket, trigger: str) -> None:
        table = apps.get_model(trigger.split(":")[0])._meta.db_table
        # PostgreSQL itself refuses TRUNCATE while deferred checks are pending.
        psql("SET CONSTRAINTS ALL IMMEDIATE")
        pgtrigger.installation.enable(trigger)

        with pytest.raises(psycopg.errors.RaiseException):
            psql(f"TRUNCATE {table} CASCADE")

        assert len(history(ticket)) == 1


class TestOrder:
    pytestmark = COMMITS

    def test_by_id_is_the_order_of_versions(self, owner: User, ticket: Ticket) -> None:
        def change(number: int) -> None:
            services.update(ticket_id=ticket.pk, by=owner, at=timezone.now(), title=f"Title {number}")
            connection.close()

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(change, range(40)))

        versions = TicketEvent.objects.order_by("pgh_id").values_list("version", flat=True)
        assert list(versions) == list(range(1, 42))
        assert [item.changes[0].before for item in history(ticket)[:-1]] == [
            item.changes[0].after for item in history(ticket)[1:]
        ]

    def test_is_kept_when_assignees_are_removed_during_another_change(
        self, assignee: User, ticket: Ticket, other_connection: psycopg.Connection
    ) -> None:
        assign(ticket, assignee)

        remove_during_a_change(ticket, other_connection)

        assert [item.changes[0].field for item in history(ticket, limit=3)] == [ASSIGNEE, "title", "title"]

    def test_would_be_lost_if_removals_were_recorded_before_the_lock(
        self, assignee: User, ticket: Ticket, other_connection: psycopg.Connection
    ) -> None:
        assign(ticket, assignee)
        ((name,),) = psql("SELECT tgname FROM pg_trigger WHERE tgname LIKE 'pgtrigger_step_2_record_removal%'")
        psql(f"ALTER TRIGGER {name} ON tickets_assignment RENAME TO a_record_removal")

        try:
            remove_during_a_change(ticket, other_connection)
        finally:
            psql(f"ALTER TRIGGER a_record_removal ON tickets_assignment RENAME TO {name}")

        assert [item.changes[0].field for item in history(ticket, limit=3)] == ["title", ASSIGNEE, "title"]


def remove_during_a_change(ticket: Ticket, other_connection: psycopg.Connection) -> None:
    """Remove all assignees in SQL, which takes no lock first, while another transaction changes the title twice."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            Ticket.objects.update(title="First")
            removing: Future[Any] = threads.submit(other_connection.execute, "DELETE FROM tickets_assignment")
            while not removing.done() and psql(waiting) == [(0,)]:
                pass
            Ticket.objects.update(title="Second")
        removing.result(timeout=60)


class TestApi:
    def test_uses_the_names_and_values_of_the_ticket(self, signed_in: SignedIn, owner: User, assignee: User) -> None:
        ticket = make_ticket(owner, price=Decimal("223.00"), due_at=AUGUST)
        Ticket.objects.update(status=Status.IN_PROGRESS, price=Decimal("12.50"), due_at=None, description="Slow")
        assign(ticket, assignee)

        response = signed_in(owner).get(f"/tickets/{ticket.pk}/history")

        joined, changed, created = history(ticket)
        assert response.status_code == 200
        assert response.json() == {
            "items": [
                {
                    "id": joined.id,
                    "at": utc_text(joined.at),
                    "by": None,
                    "door": "database",
                    "changes": [
                        {
                            "field": "assignedUsers",
                            "from": None,
                            "to": {"userId": assignee.pk, "name": "Axel Assignee"},
                        }
                    ],
                },
                {
                    "id": changed.id,
                    "at": utc_text(changed.at),
                    "by": None,
                    "door": "database",
                    "changes": [
                        {"field": "description", "from": "", "to": "Slow"},
                        {"field": "status", "from": "open", "to": "in-progress"},
                        {"field": "price", "from": 223, "to": 12.5},
                        {"field": "dueDate", "from": "2099-08-01T18:00:00Z", "to": None},
                    ],
                },
                {
                    "id": created.id,
                    "at": utc_text(created.at),
                    "by": None,
                    "door": "database",
                    "changes": [
                        {"field": "title", "from": None, "to": "Fix the database"},
                        {"field": "project", "from": None, "to": ticket.project_id},
                        {"field": "status", "from": None, "to": "open"},
                        {"field": "type", "from": None, "to": "task"},
                        {"field": "price", "from": None, "to": 223},
                        {"field": "priority", "from": None, "to": "medium"},
                        {"field": "dueDate", "from": None, "to": "2099-08-01T18:00:00Z"},
                        {"field": "slaDue", "from": None, "to": utc_text(ticket.sla_due_at)},
                        {"field": "createdBy", "from": None, "to": owner.pk},
                        {"field": "createdDate", "from": None, "to": utc_text(ticket.created_at)},
                    ],
                },
            ],
            "nextCursor": None,
        }

    def test_names_the_user(self, signed_in: SignedIn, owner: User) -> None:
        api = signed_in(owner)
        ticket = api.post("/ticket", {"title": "New"}).json()

        (item,) = api.get(f"/tickets/{ticket['id']}/history").json()["items"]

        assert (item["by"], item["door"]) == ({"id": owner.pk, "name": "Olga Owner"}, "api")

    def test_shows_a_deleted_user(self, signed_in: SignedIn, assignee: User, ticket: Ticket) -> None:
        assign(ticket, assignee)
        signed_in(assignee).delete(f"/tickets/{ticket.pk}/assign/{assignee.pk}")
        user_id = assignee.pk
        assignee.delete()

        item = signed_in(ticket.created_by).get(f"/tickets/{ticket.pk}/history").json()["items"][0]

        assert item["by"] == {"id": user_id, "name": "Deleted user"}

    def test_does_not_find_a_hidden_ticket(
        self, signed_in: SignedIn, hidden_ticket: Ticket, owner: User, outsider: User
    ) -> None:
        responses = [
            signed_in(user).get(f"/tickets/{ticket_id}/history")
            for user, ticket_id in [(outsider, hidden_ticket.pk), (owner, 999_999), (owner, 2**70)]
        ]

        assert [response.status_code for response in responses] == [404, 404, 404]
        assert {response.json()["code"] for response in responses} == {"ticket_not_found"}
        assert signed_in(owner).get(f"/tickets/{hidden_ticket.pk}/history").status_code == 200

    def test_requires_signing_in(self, anonymous: APIClient, ticket: Ticket) -> None:
        response = anonymous.get(f"/tickets/{ticket.pk}/history")

        assert response.status_code == 401

    def test_is_read_only(self, signed_in: SignedIn, owner: User, ticket: Ticket) -> None:
        response = signed_in(owner).post(f"/tickets/{ticket.pk}/history", {})

        assert (response.status_code, response["Allow"]) == (405, "GET, HEAD, OPTIONS")

    def test_pages_are_stable_while_the_ticket_changes(self, signed_in: SignedIn, owner: User, ticket: Ticket) -> None:
        for number in range(6):
            Ticket.objects.update(title=f"Title {number}")
        existing = [item.id for item in history(ticket)]
        api, url, seen = signed_in(owner), f"/tickets/{ticket.pk}/history?limit=3", []

        page = api.get(url).json()
        while True:
            seen += [item["id"] for item in page["items"]]
            if page["nextCursor"] is None:
                break
            Ticket.objects.update(title=f"Later {len(seen)}")
            page = api.get(f"{url}&cursor={page['nextCursor']}").json()

        assert seen == existing
        assert len(seen) == 7

    @pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=many", "cursor=nonsense", "cursor=W10"])
    def test_refuses_invalid_paging(self, signed_in: SignedIn, owner: User, ticket: Ticket, query: str) -> None:
        response = signed_in(owner).get(f"/tickets/{ticket.pk}/history?{query}")

        assert response.status_code == 400
        assert [fault["field"] for fault in response.json()["errors"]] == [query.split("=")[0]]

    def test_runs_three_queries_for_any_length(
        self, signed_in: SignedIn, owner: User, assignee: User, ticket: Ticket, django_assert_num_queries: Any
    ) -> None:
        for number in range(30):
            Ticket.objects.update(title=f"Title {number}")
        assign(ticket, assignee)
        api = signed_in(owner)

        # The user of the token, whether they can see the ticket, and its history.
        with django_assert_num_queries(3):
            page = api.get(f"/tickets/{ticket.pk}/history?limit=25").json()

        assert len(page["items"]) == 25
