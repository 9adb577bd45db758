"""Tickets in the admin: the same rules as everywhere, said in the form."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User, UserType
from accounts.tests.factories import make_user
from kit.errors import Busy
from kit.tests.browser import Browser, errors, fields
from projects.models import Project
from projects.tests.factories import make_project
from tickets import services
from tickets.forms import ChangedMeanwhile
from tickets.models import MAX_ASSIGNEES, Status, Ticket
from tickets.tests.factories import assign, make_ticket

TICKETS = "/admin/tickets/ticket/"


def page_of(ticket: Ticket, page: str = "change") -> str:
    return f"{TICKETS}{ticket.pk}/{page}/"


def joining(*users: User, after: int = 0) -> dict[str, Any]:
    """What the rows that a person adds to `after` shown ones send."""
    rows = {f"assignments-{after + row}-user": user.pk for row, user in enumerate(users)}
    return {"assignments-TOTAL_FORMS": after + len(users), **rows}


class TestList:
    def test_asks_the_same_number_of_questions_for_any_number_of_tickets(
        self, agent: User, owner: User, assignee: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        browser = Browser(agent)
        for _ in range(12):
            assign(make_ticket(owner, project=make_project()), assignee, make_user("Dave Desk"))

        # Session, user, their groups' and own permissions; then the page and who is assigned.
        with django_assert_num_queries(6):
            page = browser.get(TICKETS)

        assert page.content.decode().count("Axel Assignee, Dave Desk") == 12

    def test_is_newest_first(self, agent: User, owner: User) -> None:
        now = timezone.now()
        older, newest = (make_ticket(owner, created_at=now - timedelta(days=days)) for days in (2, 1))

        page = Browser(agent).get(TICKETS)

        assert list(page.context["cl"].result_list) == [newest, older]

    @pytest.mark.parametrize("term", ["{ticket.pk}", "#{ticket.pk}", "roof", "leak ROO", "attic roof"])
    def test_finds_a_ticket_by_its_number_and_by_beginnings_of_words(self, agent: User, owner: User, term: str) -> None:
        ticket = make_ticket(owner, title="The roof leaks", description="Above the attic")
        make_ticket(owner, title="The cellar is dry")

        page = Browser(agent).get(TICKETS, {"q": term.format(ticket=ticket)})

        assert list(page.context["cl"].result_list) == [ticket]

    @pytest.mark.parametrize("term", ["9" * 19, "9" * 30, "9" * 5000, "%", "\\", "²"])
    def test_finds_nothing_by_nonsense(self, agent: User, owner: User, term: str) -> None:
        make_ticket(owner)

        page = Browser(agent).get(TICKETS, {"q": term})

        assert list(page.context["cl"].result_list) == []

    @pytest.mark.parametrize(
        "query", ["status__exact=closed", "priority__exact=high", "project__id__exact={project.pk}"]
    )
    def test_is_filtered(self, agent: User, owner: User, query: str) -> None:
        make_ticket(owner)
        project = make_project()
        ticket = make_ticket(owner, status=Status.CLOSED, priority="high", project=project)

        page = Browser(agent).get(f"{TICKETS}?{query.format(project=project)}")

        assert list(page.context["cl"].result_list) == [ticket]

    @pytest.mark.parametrize(
        "query", ["q=%27", "q=%00", "project__id__exact=x", "status__exact=x", "p=999999", "p=-1", "o=99", "x=1"]
    )
    def test_takes_a_mangled_address_with_calm(self, agent: User, owner: User, query: str) -> None:
        page = Browser(agent).get(f"{TICKETS}?{query}", follow=True)

        assert page.status_code == 200


class TestDelete:
    def test_is_offered_to_nobody_and_refused_to_all(self, owner: User) -> None:
        superuser = make_user("Susan Super", type=UserType.ADMIN, is_superuser=True)
        ticket = make_ticket(owner)
        browser = Browser(superuser)

        answer = browser.post(page_of(ticket, "delete"), {"post": "yes"})
        browser.post(TICKETS, {"action": "delete_selected", "_selected_action": [ticket.pk], "post": "yes"})

        assert answer.status_code == 403
        assert Ticket.objects.filter(pk=ticket.pk).exists()
        for page in (TICKETS, page_of(ticket)):
            shown = browser.get(page).content.decode()
            assert "delete_selected" not in shown
            assert page_of(ticket, "delete") not in shown


class TestAdd:
    def test_makes_a_ticket_with_its_assignees(self, admin: User, owner: User, assignee: User) -> None:
        project = make_project()

        answer = Browser(admin).submit(
            f"{TICKETS}add/",
            title="  The roof leaks ",
            description="First\nSecond",
            project=project.pk,
            created_by=owner.pk,
            priority="high",
            price="12.50",
            **joining(assignee),
        )

        ticket = Ticket.objects.get()
        assert answer.status_code == 302
        assert (ticket.title, ticket.description, ticket.created_by) == ("The roof leaks", "First\nSecond", owner)
        assert ticket.sla_due_at == ticket.created_at + timedelta(hours=4)
        assert list(ticket.assignees.all()) == [assignee]
        assert ticket.assignments.get().assigned_by == admin

    def test_is_an_agents_own(self, agent: User, owner: User) -> None:
        Browser(agent).submit(
            f"{TICKETS}add/", title="The roof leaks", project=Project.objects.general().pk, created_by=owner.pk
        )

        assert Ticket.objects.get().created_by == agent

    @pytest.mark.parametrize(
        ("values", "field", "sentence"),
        [
            ({"title": " "}, "title", "This field is required."),
            ({"title": "Two\nlines"}, "title", "Control characters are not allowed."),
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
    def test_says_beside_the_field_what_is_wrong(
        self, admin: User, values: dict[str, str], field: str, sentence: str
    ) -> None:
        sound = {"title": "The roof leaks", "project": Project.objects.general().pk}

        answer = Browser(admin).submit(f"{TICKETS}add/", **{**sound, **values})

        assert errors(answer) == {field: [sentence]}
        assert sentence in answer.content.decode()
        assert not Ticket.objects.exists()

    def test_leaves_no_ticket_behind_when_an_assignee_is_refused(self, admin: User, agent: User) -> None:
        answer = Browser(admin).submit(
            f"{TICKETS}add/", title="The roof leaks", project=Project.objects.general().pk, **joining(agent, admin)
        )

        assert errors(answer) == {"assignments-1-__all__": ["Cannot assign a ticket to an admin"]}
        assert not Ticket.objects.exists()
        assert not LogEntry.objects.exists()


class TestChange:
    def test_changes_what_was_changed(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner, title="The roof leaks", description="First\nSecond", venue="Attic")

        answer = Browser(agent).submit(page_of(ticket), status="in-progress", priority="high")

        changed = Ticket.objects.get()
        assert answer.status_code == 302
        assert (changed.status, changed.priority, changed.version) == ("in-progress", "high", 2)
        assert changed.sla_due_at == ticket.created_at + timedelta(hours=4)
        assert (changed.title, changed.description, changed.venue) == ("The roof leaks", "First\nSecond", "Attic")

    def test_moves_nothing_when_nothing_was_changed(self, admin: User, owner: User) -> None:
        ticket = make_ticket(
            owner,
            description="First\nSecond\n\nFourth",
            price="12.50",
            due_at=datetime(2020, 1, 1, 12, 0, 30, 500_000, tzinfo=UTC),
        )

        answer = Browser(admin).submit(page_of(ticket))

        assert answer.status_code == 302
        assert (Ticket.objects.get().version, Ticket.objects.get().updated_at) == (1, None)

    def test_undoes_nobodys_change(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner, title="The roof leaks")
        browser = Browser(agent)
        shown = fields(browser.get(page_of(ticket)))
        services.update(ticket_id=ticket.pk, by=owner, at=timezone.now(), status=Status.CLOSED)

        answer = browser.post(page_of(ticket), {**shown, "title": "The roof is fine"})

        assert errors(answer) == {"__all__": [ChangedMeanwhile.message]}
        assert (Ticket.objects.get().status, Ticket.objects.get().title) == ("closed", "The roof leaks")

    def test_keeps_the_creator_from_agents(self, agent: User, owner: User, outsider: User) -> None:
        ticket = make_ticket(owner)

        Browser(agent).submit(page_of(ticket), created_by=outsider.pk)

        assert Ticket.objects.get().created_by == owner

    def test_hands_a_ticket_to_another_creator_for_an_admin(self, admin: User, owner: User, outsider: User) -> None:
        ticket, project = make_ticket(owner), make_project()

        Browser(admin).submit(page_of(ticket), created_by=outsider.pk, project=project.pk)

        assert (Ticket.objects.get().created_by, Ticket.objects.get().project) == (outsider, project)

    def test_says_so_when_somebody_else_holds_the_ticket(
        self, transactional_db: None, agent: User, owner: User
    ) -> None:
        ticket = make_ticket(owner, project=make_project())
        browser = Browser(agent)
        shown = fields(browser.get(page_of(ticket)))
        holder = connection.copy()
        try:
            with holder.cursor() as cursor, connection.cursor() as ours:
                cursor.execute("BEGIN; SELECT FROM tickets_ticket FOR UPDATE")
                ours.execute("SET lock_timeout = '100ms'")
                answer = browser.post(page_of(ticket), {**shown, "title": "The roof is fine"})
        finally:
            holder.close()
            connection.close()

        assert errors(answer) == {"__all__": [Busy.message]}
        assert Ticket.objects.get().title == ticket.title

    def test_of_a_ticket_that_does_not_exist_leads_back(self, agent: User) -> None:
        page = Browser(agent).get(f"{TICKETS}999/change/", follow=True)

        assert page.redirect_chain[-1][0] == "/admin/"
        assert "doesn’t exist" in page.content.decode()

    def test_page_asks_the_same_number_of_questions_for_any_number_of_assignees(
        self, admin: User, owner: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        ticket = make_ticket(owner)
        assign(ticket, *(make_user("Max Mover") for _ in range(MAX_ASSIGNEES)))
        browser = Browser(admin)

        # Session, user, their groups' and own permissions; the ticket and its assignments; its project and creator. The
        # conversation: what was done and said, the projects and creators therein; who is assigned; what was mailed.
        with django_assert_num_queries(14):
            page = browser.get(page_of(ticket))

        assert page.content.decode().count("Max Mover") >= MAX_ASSIGNEES


class TestHold:
    def test_begins_with_a_reason_and_ends(self, agent: User, owner: User) -> None:
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

    def test_says_why_not(self, agent: User, owner: User) -> None:
        held, free = make_ticket(owner, held_at=timezone.now()), make_ticket(owner)
        browser = Browser(agent)

        holding = browser.post(page_of(held, "hold"), {"reason": ""})
        resuming = browser.post(page_of(free, "resume"), follow=True)

        assert services.AlreadyOnHold.message in holding.content.decode()
        assert services.NotOnHold.message in resuming.content.decode()

    def test_stays_when_something_else_is_changed(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner, held_at=timezone.now())

        Browser(agent).submit(page_of(ticket), title="Another")

        ticket.refresh_from_db()
        assert (ticket.title, ticket.held_at is not None) == ("Another", True)

    def test_ends_when_the_ticket_is_closed(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner, held_at=timezone.now())

        Browser(agent).submit(page_of(ticket), status="closed")

        ticket.refresh_from_db()
        assert (ticket.status, ticket.held_at) == ("closed", None)


class TestAssignees:
    def test_come_and_go(self, agent: User, owner: User, assignee: User, outsider: User) -> None:
        ticket = make_ticket(owner)
        assign(ticket, assignee)

        Browser(agent).submit(page_of(ticket), **joining(outsider, after=1), **{"assignments-0-DELETE": "on"})

        assert list(ticket.assignees.all()) == [outsider]
        assert ticket.assignments.get().assigned_by == agent

    def test_make_room_before_others_come(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner)
        assign(ticket, *(make_user() for _ in range(MAX_ASSIGNEES)))
        sixth = make_user("Sixtus Sixth")

        Browser(agent).submit(page_of(ticket), **joining(sixth, after=MAX_ASSIGNEES), **{"assignments-0-DELETE": "on"})

        assert sixth in ticket.assignees.all()

    @pytest.mark.parametrize(
        ("people", "row", "sentence"),
        [
            (["admin"], 0, services.AdminNotAssignable.message),
            (["outsider", "admin"], 1, services.AdminNotAssignable.message),
            (["outsider", "outsider"], 1, services.AlreadyAssigned.message),
            (["deactivated"], 0, services.UserNotFound.message),
        ],
    )
    def test_are_refused_in_their_row(
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

        answer = Browser(agent).submit(page_of(ticket), title="The roof is fine", **joining(*users))

        assert errors(answer) == {f"assignments-{row}-__all__": [sentence]}
        assert sentence in answer.content.decode()
        assert (Ticket.objects.get().title, Ticket.objects.get().version) == ("The roof leaks", 1)
        assert not ticket.assignments.exists()

    @pytest.fixture
    def deactivated(self, db: None) -> User:
        return make_user("Dora Deactivated", is_active=False)

    def test_are_refused_on_a_closed_ticket(self, agent: User, owner: User, assignee: User) -> None:
        ticket = make_ticket(owner)

        answer = Browser(agent).submit(page_of(ticket), status="closed", **joining(assignee))

        assert errors(answer) == {"assignments-0-__all__": [services.TicketClosed.message]}
        assert Ticket.objects.get().status == Status.OPEN

    def test_leave_a_closed_ticket(self, agent: User, owner: User, assignee: User) -> None:
        ticket = make_ticket(owner)
        assign(ticket, assignee)

        Browser(agent).submit(page_of(ticket), status="closed", **{"assignments-0-DELETE": "on"})

        assert Ticket.objects.get().status == Status.CLOSED
        assert not ticket.assignments.exists()

    def test_are_five_at_most(self, agent: User, owner: User, assignee: User) -> None:
        ticket = make_ticket(owner)
        assign(ticket, *(make_user() for _ in range(MAX_ASSIGNEES)))

        answer = Browser(agent).submit(page_of(ticket), **joining(assignee, after=MAX_ASSIGNEES))

        assert errors(answer) == {f"assignments-{MAX_ASSIGNEES}-__all__": [services.AssignmentLimitReached.message]}
        assert ticket.assignments.count() == MAX_ASSIGNEES

    def test_are_not_turned_into_others(self, agent: User, owner: User, assignee: User, outsider: User) -> None:
        ticket = make_ticket(owner)
        assign(ticket, assignee)

        Browser(agent).submit(page_of(ticket), **{"assignments-0-user": outsider.pk})

        assert list(ticket.assignees.all()) == [assignee]


class TestHistory:
    def test_says_in_peoples_words_what_happened(
        self, admin: User, owner: User, assignee: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        ticket = make_ticket(owner)
        moved = make_project("Website")
        Browser(admin).submit(
            page_of(ticket), title="The roof leaks", status="in-progress", project=moved.pk, **joining(assignee)
        )
        browser = Browser(admin)

        # Session, user, ticket, permissions (twice), what Django itself knows; the history; its projects and creators.
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

    def test_goes_on_page_by_page(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner)
        for number in range(100):
            Ticket.objects.update(title=f"Title {number}")
        browser = Browser(agent)

        newest = browser.get(page_of(ticket, "history"))
        oldest = browser.get(page_of(ticket, "history"), {"cursor": newest.context["older"]})

        assert [len(page.context["items"]) for page in (newest, oldest)] == [100, 1]
        assert f"?cursor={newest.context['older']}" in newest.content.decode()
        assert oldest.context["older"] is None

    def test_begins_anew_with_a_cursor_that_is_none(self, agent: User, owner: User) -> None:
        page = Browser(agent).get(page_of(make_ticket(owner), "history"), {"cursor": "nonsense"})

        assert len(page.context["items"]) == 1


class TestChoices:
    def offered(self, browser: Browser, model: str, field: str) -> set[str]:
        query = {"app_label": "tickets", "model_name": model, "field_name": field, "term": "o"}
        results = browser.get("/admin/autocomplete/", query).json()["results"]
        return {choice["text"].split(" <")[0] for choice in results}

    def test_of_assignees_are_active_people_who_are_no_admins(self, agent: User, owner: User, admin: User) -> None:
        make_user("Otto Gone", is_active=False)

        offered = self.offered(Browser(agent), "assignment", "user")

        assert offered == {"Agnes Agent", "Olga Owner"}

    def test_of_creators_are_active_people(self, owner: User, admin: User) -> None:
        make_user("Otto Gone", is_active=False)

        offered = self.offered(Browser(admin), "ticket", "created_by")

        assert offered == {"Ada Admin", "Olga Owner"}
