"""A ticket's form in the admin that was opened before somebody else's change never overwrites it silently."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from kit.admin.stale import CONFLICT
from kit.tests.browser import Browser, errors, fields
from projects.tests.factories import make_project
from projects.tests.psql import psql
from tickets import services
from tickets.forms import STALE_FORM
from tickets.models import Status, Ticket
from tickets.tests.factories import assign, make_ticket

pytestmark = pytest.mark.django_db

NEXT_YEAR = datetime(timezone.now().year + 1, 5, 1, 12, tzinfo=UTC)


def page_of(ticket: Ticket) -> str:
    return f"/admin/tickets/ticket/{ticket.pk}/change/"


def change(ticket: Ticket, by: User, **changes: Any) -> None:
    services.update(ticket_id=ticket.pk, by=by, at=timezone.now(), **changes)


def differences(page: Any) -> dict[str, tuple[str, str, str | None]]:
    """Return the old, the current and the typed value of each field that the page lists."""
    return {each.label: (each.before, each.now, each.yours) for each in page.context["stale"].differences}


class TestStaleForm:
    def test_shows_the_differences_and_keeps_the_edits(self, agent: User, admin: User, owner: User) -> None:
        ticket = make_ticket(owner, title="The roof leaks", venue="Attic")
        browser = Browser(agent)
        shown = fields(browser.get(page_of(ticket)))
        Browser(admin).submit(page_of(ticket), title="The roof is gone", venue="Garden")

        response = browser.post(page_of(ticket), {**shown, "title": "The roof is fine", "type": "bug"})

        ticket.refresh_from_db()
        assert errors(response) == {"__all__": [STALE_FORM], "title": [CONFLICT.format("The roof is gone")]}
        assert (ticket.title, ticket.type, ticket.version) == ("The roof is gone", "task", 2)
        assert differences(response) == {
            "Title": ("The roof leaks", "The roof is gone", "The roof is fine"),
            "Venue": ("Attic", "Garden", None),
        }
        assert {(each.by, each.door) for each in response.context["stale"].differences} == {("Ada Admin", "admin")}
        kept = fields(response)
        assert (kept["title"], kept["type"], kept["venue"]) == ("The roof is fine", "bug", "Garden")

    def test_shows_changes_made_in_sql(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner)
        browser = Browser(agent)
        shown = fields(browser.get(page_of(ticket)))
        psql("UPDATE tickets_ticket SET venue = 'Garden' WHERE id = %(ticket)s", ticket=ticket.pk)

        response = browser.post(page_of(ticket), shown)

        (difference,) = response.context["stale"].differences
        assert (difference.now, difference.by, difference.door) == ("Garden", None, "database")
        assert "changed via database, " in response.content.decode()

    def test_can_be_saved_on_the_second_attempt(self, agent: User, admin: User, owner: User) -> None:
        ticket = make_ticket(owner, title="The roof leaks", description="First\nSecond")
        project = make_project("Roofs")
        browser = Browser(agent)
        shown = fields(browser.get(page_of(ticket)))
        theirs = {"project_id": project.pk, "description": "Third\n\nFourth", "price": "12.50", "due_at": NEXT_YEAR}
        change(ticket, admin, title="The roof is gone", **theirs, status=Status.IN_PROGRESS, priority="high")

        refused = browser.post(page_of(ticket), {**shown, "title": "The roof is fine"})
        response = browser.post(page_of(ticket), {**fields(refused), "_save": "Save"})

        ticket.refresh_from_db()
        assert response.status_code == 302
        assert ticket.title == "The roof is fine"
        assert (ticket.project, ticket.description, float(ticket.price or 0)) == (project, "Third\n\nFourth", 12.5)
        assert (ticket.due_at, ticket.status, ticket.priority) == (NEXT_YEAR, "in-progress", "high")
        assert ticket.version == 3

    def test_unedited_date_and_price_do_not_count_as_edits(self, agent: User, admin: User, owner: User) -> None:
        precise = NEXT_YEAR + timedelta(milliseconds=500)
        ticket = make_ticket(owner, due_at=precise, price="9.90")
        browser = Browser(agent)
        shown = fields(browser.get(page_of(ticket)))
        change(ticket, admin, due_at=None, price=None)

        response = browser.post(page_of(ticket), shown)

        assert [yours for _, _, yours in differences(response).values()] == [None, None]
        assert (fields(response)["due_at_0"], fields(response)["due_at_1"], fields(response)["price"]) == ("", "", "")

    def test_prices_have_their_currency(self, agent: User, admin: User, owner: User) -> None:
        ticket = make_ticket(owner, price="9.90")
        browser = Browser(agent)
        shown = fields(browser.get(page_of(ticket)))
        change(ticket, admin, price=Decimal("12"))

        response = browser.post(page_of(ticket), {**shown, "price": "1500"})

        assert differences(response) == {"Price": ("9.90 EUR", "12.00 EUR", "1,500.00 EUR")}

    def test_is_refused_again_after_another_change(self, agent: User, admin: User, owner: User) -> None:
        ticket = make_ticket(owner)
        browser = Browser(agent)
        shown = fields(browser.get(page_of(ticket)))
        change(ticket, admin, venue="Attic")
        refused = browser.post(page_of(ticket), {**shown, "title": "Mine"})
        change(ticket, admin, venue="Garden")

        response = browser.post(page_of(ticket), fields(refused))

        assert differences(response) == {"Venue": ("Attic", "Garden", None)}
        assert fields(response)["title"] == "Mine"

    def test_shows_names_instead_of_ids(self, admin: User, owner: User, outsider: User) -> None:
        ticket, mine, theirs = make_ticket(owner), make_project("Mine"), make_project("Theirs")
        browser = Browser(admin)
        shown = fields(browser.get(page_of(ticket)))
        change(ticket, admin, project_id=theirs.pk, created_by_id=outsider.pk, status=Status.CLOSED)

        response = browser.post(page_of(ticket), {**shown, "project": mine.pk, "status": "in-progress"})

        assert differences(response) == {
            "Project": ("General", "Theirs", "Mine"),
            "Status": ("Open", "Closed", "In Progress"),
            "Created by": ("Olga Owner", "Otto Outsider", None),
        }

    def test_keeps_added_and_removed_assignees(
        self, agent: User, admin: User, owner: User, assignee: User, outsider: User
    ) -> None:
        ticket = make_ticket(owner)
        assign(ticket, assignee, owner)
        browser = Browser(agent)
        shown = fields(browser.get(page_of(ticket)))
        services.unassign(ticket_id=ticket.pk, user_id=owner.pk, by=admin)
        rows = {"assignments-0-DELETE": "on", "assignments-2-user": outsider.pk, "assignments-TOTAL_FORMS": 3}

        refused = browser.post(page_of(ticket), {**shown, **rows})
        response = browser.post(page_of(ticket), {**fields(refused), "_save": "Save"})

        assert differences(refused) == {"Assignee": ("Olga Owner", "", None)}
        assert response.status_code == 302
        assert list(ticket.assignees.all()) == [outsider]

    def test_drops_an_added_user_who_is_already_assigned(
        self, agent: User, admin: User, owner: User, assignee: User
    ) -> None:
        ticket = make_ticket(owner)
        browser = Browser(agent)
        shown = fields(browser.get(page_of(ticket)))
        services.assign(ticket_id=ticket.pk, user_id=assignee.pk, by=admin)

        refused = browser.post(
            page_of(ticket), {**shown, "assignments-0-user": assignee.pk, "assignments-TOTAL_FORMS": 1}
        )
        response = browser.post(page_of(ticket), {**fields(refused), "_save": "Save"})

        assert differences(refused) == {"Assignee": ("", "Axel Assignee", None)}
        assert response.status_code == 302
        assert list(ticket.assignees.all()) == [assignee]

    @pytest.mark.parametrize("version", ["x", "0", "-1", "99", "9" * 30, "²", ""])
    def test_malformed_version_is_refused(self, agent: User, owner: User, version: str) -> None:
        ticket = make_ticket(owner)
        browser = Browser(agent)
        shown = fields(browser.get(page_of(ticket)))
        malformed = {"assignments-TOTAL_FORMS": "x", "due_at_0": "soon", "project": "x"}

        response = browser.post(page_of(ticket), {**shown, **malformed, "seen_version": version, "title": "Mine"})

        assert STALE_FORM in errors(response)["__all__"]
        assert Ticket.objects.get().version == 1
