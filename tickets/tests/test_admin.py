"""Tickets in the admin: the list, the form and the history. The rules are the same as in the API."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import override_settings
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.tests.factories import make_user
from kit.errors import Busy
from kit.tests.browser import Browser, errors, fields
from projects.models import Project
from projects.tests.factories import make_project
from sla.models import Priority
from tickets import services
from tickets.forms import STALE_FORM
from tickets.models import MAX_ASSIGNEES, Status, Ticket
from tickets.tests.factories import assign, make_ticket

TICKETS = "/admin/tickets/ticket/"


def page_of(ticket: Ticket, page: str = "change") -> str:
    return f"{TICKETS}{ticket.pk}/{page}/"


def added_rows(*users: User, after: int = 0) -> dict[str, Any]:
    """Return the form values of assignee rows that are added after `after` existing ones."""
    rows = {f"assignments-{after + row}-user": user.pk for row, user in enumerate(users)}
    return {"assignments-TOTAL_FORMS": after + len(users), **rows}


class TestList:
    def test_list_of_any_length_runs_eight_queries(
        self, agent: User, owner: User, assignee: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        browser = Browser(agent)
        for _ in range(12):
            assign(make_ticket(owner, project=make_project()), assignee, make_user("Dave Desk"))

        # Session, user, group and own permissions; the tickets of the page and their assignees; queues and saved views.
        with django_assert_num_queries(8):
            page = browser.get(TICKETS)

        assert page.content.decode().count("Axel Assignee, Dave Desk") == 12

    @pytest.mark.parametrize("priority", Priority)
    def test_list_shows_priorities_by_name(self, agent: User, owner: User, priority: Priority) -> None:
        make_ticket(owner, priority=priority)

        page = Browser(agent).get(TICKETS).content.decode()

        assert re.search(rf">\s*{priority.label}\s*</span>", page)

    @pytest.mark.parametrize("term", ["{ticket.pk}", "#{ticket.pk}", "roof", "leak ROO", "attic roof", "röof"])
    def test_search_finds_a_ticket_by_number_or_word_prefixes(self, agent: User, owner: User, term: str) -> None:
        ticket = make_ticket(owner, title="The roof leaks", description="Above the attic")
        make_ticket(owner, title="The cellar is dry")

        page = Browser(agent).get(TICKETS, {"q": term.format(ticket=ticket)})

        assert list(page.context["cl"].result_list) == [ticket]

    @pytest.mark.parametrize("term", ["9" * 19, "9" * 30, "9" * 5000, "%", "\\", "²"])
    def test_search_for_nonsense_finds_nothing(self, agent: User, owner: User, term: str) -> None:
        make_ticket(owner)

        page = Browser(agent).get(TICKETS, {"q": term})

        assert list(page.context["cl"].result_list) == []

    @pytest.mark.parametrize(
        "query",
        ["status__exact=closed", "queue=all&priority__exact=high", "queue=closed&project__id__exact={project.pk}"],
    )
    def test_filters_select_matching_tickets(self, agent: User, owner: User, query: str) -> None:
        make_ticket(owner)
        project = make_project()
        ticket = make_ticket(owner, status=Status.CLOSED, priority="high", project=project)

        page = Browser(agent).get(f"{TICKETS}?{query.format(project=project)}")

        assert list(page.context["cl"].result_list) == [ticket]

    @pytest.mark.parametrize(
        "query",
        ["q=%27", "q=%00", "project__id__exact=x", "status__exact=x", "p=999999", "p=-1", "o=99", "x=1"],
    )
    def test_tolerates_a_malformed_query_string(self, agent: User, owner: User, query: str) -> None:
        page = Browser(agent).get(f"{TICKETS}?{query}", follow=True)

        assert page.status_code == 200


class TestDelete:
    def test_is_neither_offered_nor_allowed_even_to_superusers(self, superuser: User, ticket: Ticket) -> None:
        browser = Browser(superuser)

        response = browser.post(page_of(ticket, "delete"), {"post": "yes"})
        browser.post(TICKETS, {"action": "delete_selected", "_selected_action": [ticket.pk], "post": "yes"})

        assert response.status_code == 403
        assert Ticket.objects.filter(pk=ticket.pk).exists()
        for page in (TICKETS, page_of(ticket)):
            shown = browser.get(page).content.decode()
            assert "delete_selected" not in shown
            assert page_of(ticket, "delete") not in shown


class TestAdd:
    def test_creates_a_ticket_with_assignees(self, admin: User, owner: User, assignee: User) -> None:
        project = make_project()

        response = Browser(admin).submit(
            f"{TICKETS}add/",
            title="  The roof leaks ",
            description="First\nSecond",
            project=project.pk,
            created_by=owner.pk,
            priority="high",
            price="12.50",
            **added_rows(assignee),
        )

        ticket = Ticket.objects.get()
        assert response.status_code == 302
        assert (ticket.title, ticket.description, ticket.created_by) == ("The roof leaks", "First\nSecond", owner)
        assert ticket.sla_due_at == ticket.created_at + timedelta(hours=4)
        assert list(ticket.assignees.all()) == [assignee]
        assert ticket.assignments.get().assigned_by == admin

    def test_agent_creates_for_a_customer(self, agent: User, owner: User) -> None:
        page = Browser(agent).get(f"{TICKETS}add/")
        Browser(agent).submit(
            f"{TICKETS}add/", title="The roof leaks", project=Project.objects.general().pk, created_by=owner.pk
        )

        assert fields(page)["created_by"] == str(agent.pk)
        assert Ticket.objects.get().created_by == owner

    def test_agent_cannot_create_for_staff(self, agent: User, admin: User) -> None:
        page = Browser(agent).submit(
            f"{TICKETS}add/", title="The roof leaks", project=Project.objects.general().pk, created_by=admin.pk
        )

        assert errors(page) == {"created_by": ["Choose a customer."]}
        assert not Ticket.objects.exists()

    @pytest.mark.parametrize(
        ("values", "field", "sentence"),
        [
            ({"title": " "}, "title", "This field is required."),
            ({"title": "Two\nlines"}, "title", "Control characters and line breaks are not allowed."),
            ({"title": "x" * 256}, "title", "Ensure this value has at most 255 characters (it has 256)."),
            ({"price": "-1"}, "price", "Ensure this value is greater than or equal to 0."),
            ({"price": "NaN"}, "price", "Enter a number."),
            ({"project": "0"}, "project", "Select a valid choice. That choice is not one of the available choices."),
            (
                {"due_at_0": "2020-01-01", "due_at_1": "12:00:00"},
                "due_at",
                "The due date must be in the future.",
            ),
        ],
    )
    def test_shows_errors_next_to_the_field(
        self, admin: User, values: dict[str, str], field: str, sentence: str
    ) -> None:
        sound = {"title": "The roof leaks", "project": Project.objects.general().pk}

        response = Browser(admin).submit(f"{TICKETS}add/", **{**sound, **values})

        assert errors(response) == {field: [sentence]}
        assert sentence in response.content.decode()
        assert not Ticket.objects.exists()

    def test_refused_assignee_rolls_back_the_ticket(self, admin: User, agent: User) -> None:
        response = Browser(admin).submit(
            f"{TICKETS}add/", title="The roof leaks", project=Project.objects.general().pk, **added_rows(agent, admin)
        )

        assert errors(response) == {"assignments-1-__all__": ["Cannot assign a ticket to an admin"]}
        assert not Ticket.objects.exists()
        assert not LogEntry.objects.exists()


class TestChange:
    def test_saves_only_the_edited_fields(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner, title="The roof leaks", description="First\nSecond", venue="Attic")

        response = Browser(agent).submit(page_of(ticket), status="in-progress", priority="high")

        changed = Ticket.objects.get()
        assert response.status_code == 302
        assert (changed.status, changed.priority, changed.version) == ("in-progress", "high", 2)
        assert changed.sla_due_at == ticket.created_at + timedelta(hours=4)
        assert (changed.title, changed.description, changed.venue) == ("The roof leaks", "First\nSecond", "Attic")

    def test_saving_without_edits_keeps_the_version(self, admin: User, owner: User) -> None:
        ticket = make_ticket(
            owner,
            description="First\nSecond\n\nFourth",
            price="12.50",
            due_at=datetime(2020, 1, 1, 12, 0, 30, 500_000, tzinfo=UTC),
        )

        response = Browser(admin).submit(page_of(ticket))

        assert response.status_code == 302
        assert (Ticket.objects.get().version, Ticket.objects.get().updated_at) == (1, None)

    @override_settings(TIME_ZONE="Europe/Berlin")
    def test_keeps_a_due_date_that_the_clocks_show_twice(self, admin: User, owner: User) -> None:
        due = datetime(2031, 10, 26, 1, 30, tzinfo=UTC)
        ticket = make_ticket(owner, due_at=due)

        response = Browser(admin).submit(page_of(ticket), title="The roof still leaks")

        assert response.status_code == 302
        assert (Ticket.objects.get().title, Ticket.objects.get().due_at) == ("The roof still leaks", due)

    @override_settings(TIME_ZONE="Europe/Berlin")
    def test_refuses_a_due_date_that_the_clocks_skip(self, admin: User, owner: User) -> None:
        ticket = make_ticket(owner)

        response = Browser(admin).submit(page_of(ticket), due_at_0="2031-03-30", due_at_1="02:30")

        (sentence,) = errors(response)["due_at"]
        assert sentence.startswith("02:30 does not exist on 30 March 2031 in Europe/Berlin")

    def test_refuses_a_stale_form(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner, title="The roof leaks")
        browser = Browser(agent)
        shown = fields(browser.get(page_of(ticket)))
        services.update(ticket_id=ticket.pk, by=owner, at=timezone.now(), status=Status.CLOSED)

        response = browser.post(page_of(ticket), {**shown, "title": "The roof is fine"})

        assert errors(response) == {"__all__": [STALE_FORM]}
        assert (Ticket.objects.get().status, Ticket.objects.get().title) == ("closed", "The roof leaks")

    def test_agent_cannot_change_the_creator(self, agent: User, owner: User, outsider: User) -> None:
        ticket = make_ticket(owner)

        Browser(agent).submit(page_of(ticket), created_by=outsider.pk)

        assert Ticket.objects.get().created_by == owner

    def test_admin_can_change_the_creator(self, admin: User, owner: User, outsider: User) -> None:
        ticket, project = make_ticket(owner), make_project()

        Browser(admin).submit(page_of(ticket), created_by=outsider.pk, project=project.pk)

        assert (Ticket.objects.get().created_by, Ticket.objects.get().project) == (outsider, project)

    @pytest.mark.slow
    def test_shows_an_error_while_the_ticket_is_locked(self, transactional_db: None, agent: User, owner: User) -> None:
        ticket = make_ticket(owner, project=make_project())
        browser = Browser(agent)
        shown = fields(browser.get(page_of(ticket)))
        holder = connection.copy()
        try:
            with holder.cursor() as cursor, connection.cursor() as ours:
                cursor.execute("BEGIN; SELECT FROM tickets_ticket FOR UPDATE")
                ours.execute("SET lock_timeout = '100ms'")
                response = browser.post(page_of(ticket), {**shown, "title": "The roof is fine"})
        finally:
            holder.close()
            connection.close()

        assert errors(response) == {"__all__": [Busy.message]}
        assert Ticket.objects.get().title == ticket.title

    def test_unknown_ticket_redirects_to_the_start_page(self, agent: User) -> None:
        page = Browser(agent).get(f"{TICKETS}999/change/", follow=True)

        assert page.redirect_chain[-1][0] == "/admin/"
        assert "doesn’t exist" in page.content.decode()

    def test_page_with_any_number_of_assignees_runs_18_queries(
        self, admin: User, owner: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        ticket = make_ticket(owner)
        assign(ticket, *(make_user("Max Mover") for _ in range(MAX_ASSIGNEES)))
        browser = Browser(admin)

        # Session, user, group and own permissions; the ticket, its assignments, project and creator. The conversation:
        # changes, comments, the projects and users named in the changes, assignees, and sent mail. The creator again,
        # whether the user watches it, their macros, and the position in the list.
        with django_assert_num_queries(18):
            page = browser.get(page_of(ticket))

        assert page.content.decode().count("Max Mover") >= MAX_ASSIGNEES


class TestHold:
    def test_hold_with_a_reason_then_resume(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner)
        browser = Browser(agent)

        held = browser.post(page_of(ticket, "hold"), {"reason": "The roofer comes on Monday"}, follow=True)
        ticket.refresh_from_db()
        held_at, reason = ticket.held_at, ticket.hold_reason
        browser.post(page_of(ticket, "resume"))
        ticket.refresh_from_db()

        assert held_at is not None
        assert reason == "The roofer comes on Monday"
        assert "The roofer comes on Monday" in held.content.decode()
        assert (ticket.held_at, ticket.version) == (None, 3)

    def test_hold_and_resume_show_why_they_are_refused(self, agent: User, owner: User) -> None:
        held, free = make_ticket(owner, held_at=timezone.now()), make_ticket(owner)
        browser = Browser(agent)

        holding = browser.post(page_of(held, "hold"), {"reason": ""})
        resuming = browser.post(page_of(free, "resume"), follow=True)

        assert services.AlreadyOnHold.message in holding.content.decode()
        assert services.NotOnHold.message in resuming.content.decode()

    def test_other_changes_keep_the_hold(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner, held_at=timezone.now())

        Browser(agent).submit(page_of(ticket), title="Another")

        ticket.refresh_from_db()
        assert (ticket.title, ticket.held_at is not None) == ("Another", True)

    def test_closing_ends_the_hold(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner, held_at=timezone.now())

        Browser(agent).submit(page_of(ticket), status="closed")

        ticket.refresh_from_db()
        assert (ticket.status, ticket.held_at) == ("closed", None)


class TestAssignees:
    def test_are_added_and_removed(self, agent: User, owner: User, assignee: User, outsider: User) -> None:
        ticket = make_ticket(owner)
        assign(ticket, assignee)

        Browser(agent).submit(page_of(ticket), **added_rows(outsider, after=1), **{"assignments-0-DELETE": "on"})

        assert list(ticket.assignees.all()) == [outsider]
        assert ticket.assignments.get().assigned_by == agent

    def test_removal_makes_room_for_another(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner)
        assign(ticket, *(make_user() for _ in range(MAX_ASSIGNEES)))
        sixth = make_user("Sixtus Sixth")

        Browser(agent).submit(
            page_of(ticket), **added_rows(sixth, after=MAX_ASSIGNEES), **{"assignments-0-DELETE": "on"}
        )

        assert sixth in ticket.assignees.all()

    @pytest.mark.parametrize(
        ("people", "row", "sentence"),
        [
            (["admin"], 0, services.AdminNotAssignable.message),
            (["outsider", "admin"], 1, services.AdminNotAssignable.message),
            (["outsider", "outsider"], 1, services.AlreadyAssigned.message),
            (["deactivated_user"], 0, services.UserNotFound.message),
        ],
    )
    def test_refusal_is_shown_in_the_row(
        self,
        request: pytest.FixtureRequest,
        agent: User,
        owner: User,
        people: list[str],
        row: int,
        sentence: str,
    ) -> None:
        ticket = make_ticket(owner, title="The roof leaks")
        users = [request.getfixturevalue(name) for name in people]

        response = Browser(agent).submit(page_of(ticket), title="The roof is fine", **added_rows(*users))

        assert errors(response) == {f"assignments-{row}-__all__": [sentence]}
        assert sentence in response.content.decode()
        assert (Ticket.objects.get().title, Ticket.objects.get().version) == ("The roof leaks", 1)
        assert not ticket.assignments.exists()

    def test_cannot_be_added_when_closing(self, agent: User, owner: User, assignee: User) -> None:
        ticket = make_ticket(owner)

        response = Browser(agent).submit(page_of(ticket), status="closed", **added_rows(assignee))

        assert errors(response) == {"assignments-0-__all__": [services.TicketClosed.message]}
        assert Ticket.objects.get().status == Status.OPEN

    def test_can_be_removed_when_closing(self, agent: User, owner: User, assignee: User) -> None:
        ticket = make_ticket(owner)
        assign(ticket, assignee)

        Browser(agent).submit(page_of(ticket), status="closed", **{"assignments-0-DELETE": "on"})

        assert Ticket.objects.get().status == Status.CLOSED
        assert not ticket.assignments.exists()

    def test_sixth_is_refused(self, agent: User, owner: User, assignee: User) -> None:
        ticket = make_ticket(owner)
        assign(ticket, *(make_user() for _ in range(MAX_ASSIGNEES)))

        response = Browser(agent).submit(page_of(ticket), **added_rows(assignee, after=MAX_ASSIGNEES))

        assert errors(response) == {f"assignments-{MAX_ASSIGNEES}-__all__": [services.AssignmentLimitReached.message]}
        assert ticket.assignments.count() == MAX_ASSIGNEES

    def test_existing_row_cannot_be_edited(self, agent: User, owner: User, assignee: User, outsider: User) -> None:
        ticket = make_ticket(owner)
        assign(ticket, assignee)

        Browser(agent).submit(page_of(ticket), **{"assignments-0-user": outsider.pk})

        assert list(ticket.assignees.all()) == [assignee]


class TestHistory:
    def test_shows_names_and_labels(
        self, admin: User, owner: User, assignee: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        ticket = make_ticket(owner)
        moved = make_project("Website")
        Browser(admin).submit(
            page_of(ticket), title="The roof leaks", status="in-progress", project=moved.pk, **added_rows(assignee)
        )
        browser = Browser(admin)

        # Session, user, ticket, permissions (two), Django's own log entries; the history, its projects and its users.
        with django_assert_num_queries(9):
            page = browser.get(page_of(ticket, "history"))

        rows = [
            (item["by"], item["door"], change["label"], change["before"], change["after"])
            for item in page.context["items"]
            for change in item["changes"]
        ]
        assert rows[:4] == [
            ("Ada Admin", "admin", "Assignee", "", "Axel Assignee"),
            ("Ada Admin", "admin", "Title", "Fix the database", "The roof leaks"),
            ("Ada Admin", "admin", "Project", "General", "Website"),
            ("Ada Admin", "admin", "Status", "Open", "In Progress"),
        ]
        assert "The roof leaks" in page.content.decode()

    def test_is_paginated(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner)
        for number in range(100):
            Ticket.objects.update(title=f"Title {number}")
        browser = Browser(agent)

        newest = browser.get(page_of(ticket, "history"))
        oldest = browser.get(page_of(ticket, "history"), {"cursor": newest.context["older"]})

        assert [len(page.context["items"]) for page in (newest, oldest)] == [100, 1]
        assert f"?cursor={newest.context['older']}" in newest.content.decode()
        assert oldest.context["older"] is None

    def test_invalid_cursor_shows_the_first_page(self, agent: User, owner: User) -> None:
        page = Browser(agent).get(page_of(make_ticket(owner), "history"), {"cursor": "nonsense"})

        assert len(page.context["items"]) == 1


class TestAutocomplete:
    def choices(self, browser: Browser, model: str, field: str, term: str) -> set[str]:
        query = {"app_label": "tickets", "model_name": model, "field_name": field, "term": term}
        results = browser.get("/admin/autocomplete/", query).json()["results"]
        return {choice["text"].split(" <")[0] for choice in results}

    @pytest.mark.parametrize(("term", "found"), [("o", {"Olga Owner"}), ("ADÁ.", {"Ada Admin"}), ("example", set())])
    def test_creators_are_active_users(self, owner: User, admin: User, term: str, found: set[str]) -> None:
        make_user("Otto Gone", is_active=False)

        assert self.choices(Browser(admin), "ticket", "created_by", term) == found
