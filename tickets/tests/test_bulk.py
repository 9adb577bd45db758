"""Many tickets at once from the admin's list: each by the rules, and an account of what was done and what was not."""

import csv
import io
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User, UserType
from accounts.tests.factories import make_user
from kit.tests.browser import Browser, fields
from notifications.models import Delivery
from notifications.tests.factories import end_of_transaction
from projects.models import Project
from sla.models import Priority
from tickets import bulk, queries, services
from tickets.models import MAX_ASSIGNEES, Status, Ticket
from tickets.tests.factories import assign, make_ticket

pytestmark = pytest.mark.django_db

TICKETS = "/admin/tickets/ticket/"


def chosen(browser: Browser, action: str, *tickets: Ticket, query: str = "", **values: Any) -> Any:
    """What follows when these are ticked in the list and the action is run."""
    sent = {"action": action, "index": 0, "select_across": 0, **values}
    return browser.post(f"{TICKETS}{query}", {**sent, "_selected_action": [ticket.pk for ticket in tickets]})


def done(browser: Browser, name: str, *tickets: Ticket, **values: Any) -> str:
    """The words of the page that follows when it is done to these."""
    ids = ",".join(str(ticket.pk) for ticket in tickets)
    return text_of(browser.post(f"{TICKETS}many/{name}/", {"tickets": ids, **values}, follow=True))


def text_of(page: Any) -> str:
    return " ".join(page.content.decode().split())


def more_than_at_once(owner: User) -> None:
    now, project = timezone.now(), Project.objects.general()
    Ticket.objects.bulk_create(
        Ticket(title=f"=Ticket {number}", project=project, created_by=owner, created_at=now, sla_due_at=now)
        for number in range(bulk.MOST + 1)
    )


class TestMany:
    @pytest.mark.parametrize(
        ("action", "name", "field", "value"),
        [("set_status", "status", "status", Status.CLOSED), ("set_priority", "priority", "priority", Priority.HIGH)],
    )
    def test_are_changed_as_by_hand(
        self, agent: User, owner: User, assignee: User, action: str, name: str, field: str, value: str
    ) -> None:
        first, second = make_ticket(owner), make_ticket(owner)
        assign(first, assignee)
        end_of_transaction()
        Delivery.objects.all().delete()
        browser = Browser(agent)

        asked = chosen(browser, action, first, second)
        answer = browser.post(f"{TICKETS}many/{name}/", {**fields(asked), field: value}, follow=True)

        assert "2 tickets" in text_of(asked)
        assert "2 tickets changed." in text_of(answer)
        assert set(Ticket.objects.values_list(field, flat=True)) == {value}
        end_of_transaction()
        assert Delivery.objects.get().user == assignee
        newest = queries.history(ticket_id=first.pk, limit=1)[0]
        assert (newest.by and newest.by.name, newest.door) == ("Agnes Agent", "admin")

    def test_are_assigned_where_the_rules_allow_it(self, agent: User, owner: User, assignee: User) -> None:
        free, taken, full = (make_ticket(owner) for _ in range(3))
        closed = [make_ticket(owner, status=Status.CLOSED) for _ in range(bulk.SHOWN + 2)]
        assign(taken, assignee)
        assign(full, *(make_user() for _ in range(MAX_ASSIGNEES)))

        page = done(Browser(agent), "assign", free, taken, full, *closed, user=assignee.pk)

        numbers = ", ".join(f"#{ticket.pk}" for ticket in closed[: bulk.SHOWN])
        assert "1 ticket changed." in page
        assert f"1 ticket refused: {services.AlreadyAssigned.message} (#{taken.pk})." in page
        assert f"1 ticket refused: {services.AssignmentLimitReached.message} (#{full.pk})." in page
        assert f"7 tickets refused: {services.TicketClosed.message} ({numbers} and 2 more)." in page
        assert list(free.assignees.all()) == [assignee]

    def test_are_assigned_to_nobody_who_may_not_be(self, agent: User, admin: User, owner: User) -> None:
        ticket = make_ticket(owner)
        gone = make_user("Gone", type=UserType.AGENT, is_active=False)

        pages = [done(Browser(agent), "assign", ticket, user=user) for user in (admin.pk, gone.pk, 2**62, "x", "")]

        assert all("changed." not in page for page in pages)
        assert not ticket.assignments.exists()

    def test_that_were_so_already_are_said_to_be(self, agent: User, owner: User) -> None:
        closed = make_ticket(owner, status=Status.CLOSED)

        page = done(Browser(agent), "status", closed, make_ticket(owner), status="closed")

        assert "1 ticket changed." in page
        assert "1 ticket had it already." in page
        assert Ticket.objects.get(pk=closed.pk).version == 1

    def test_that_there_are_not_are_refused(self, agent: User, owner: User) -> None:
        page = done(Browser(agent), "status", Ticket(pk=2**59), make_ticket(owner), status="closed")

        assert f"1 ticket refused: {services.TicketNotFound.message} (#{2**59})." in page
        assert "1 ticket changed." in page

    @pytest.mark.parametrize("ids", ["", "x", "1,,2", "9" * 19, ",".join(map(str, range(1, bulk.MOST + 2)))])
    def test_are_named_soundly_or_not_at_all(self, agent: User, owner: User, ids: str) -> None:
        make_ticket(owner)

        answer = Browser(agent).post(f"{TICKETS}many/status/", {"tickets": ids, "status": "closed"})

        assert answer.status_code == 200
        assert Ticket.objects.get().status == Status.OPEN

    def test_come_back_to_the_list_as_it_was_filtered(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner)
        browser = Browser(agent)

        asked = chosen(browser, "set_status", ticket, query="?status__exact=open")
        answer = browser.post(asked.context["action"], {**fields(asked), "status": "closed"})

        assert asked.context["back"] == answer["Location"] == f"{TICKETS}?status__exact=open"

    def test_are_an_agents_and_nobody_elses_work(self, owner: User) -> None:
        ticket = make_ticket(owner)

        answer = Browser(owner).post(f"{TICKETS}many/status/", {"tickets": ticket.pk, "status": "closed"})

        assert answer["Location"].startswith("/admin/login/")
        assert Ticket.objects.get().status == Status.OPEN

    def test_pages_that_there_are_not_are_none(self, agent: User) -> None:
        browser = Browser(agent)

        assert browser.post(f"{TICKETS}many/delete/", {"tickets": "1"}).status_code == 404
        assert browser.get(f"{TICKETS}many/status/").status_code == 302

    def test_are_not_begun_without_a_choice(self, agent: User, owner: User) -> None:
        make_ticket(owner)

        browser = Browser(agent)
        chosen(browser, "set_status")

        assert "Items must be selected" in text_of(browser.get(TICKETS))


class TestAllThatMatch:
    def test_are_changed_up_to_a_bound(self, agent: User, owner: User) -> None:
        more_than_at_once(owner)
        make_ticket(owner, status=Status.CLOSED)

        ticked = Ticket.objects.earliest("pk")
        asked = chosen(Browser(agent), "set_status", ticked, query="?status__exact=open", select_across=1)

        assert "More match. These are the first 1,000" in text_of(asked)
        assert len(fields(asked)["tickets"].split(",")) == bulk.MOST

    def test_are_offered_without_being_counted(self, agent: User, owner: User) -> None:
        make_ticket(owner)

        page = text_of(Browser(agent).get(TICKETS))

        assert "Select all that match" in page
        assert "9999999999" not in page


class TestExport:
    def rows(self, answer: Any) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(answer.getvalue().decode(), newline="")))

    def test_has_those_that_were_chosen(self, agent: User, owner: User, assignee: User) -> None:
        first, _, third = (make_ticket(owner) for _ in range(3))
        assign(first, assignee)

        answer = chosen(Browser(agent), "export", first, third)

        rows = self.rows(answer)
        assert answer["Content-Disposition"] == 'attachment; filename="tickets.csv"'
        assert [row["id"] for row in rows] == [str(third.pk), str(first.pk)]
        assert rows[1]["assignedUsers"] == f"Axel Assignee <{assignee.email}>"

    def test_has_all_that_match_however_many(self, agent: User, owner: User) -> None:
        more_than_at_once(owner)
        make_ticket(owner, status=Status.CLOSED)

        ticked = Ticket.objects.earliest("pk")
        answer = chosen(Browser(agent), "export", ticked, query="?status__exact=open", select_across=1)

        rows = self.rows(answer)

        assert len({row["id"] for row in rows}) == len(rows) == bulk.MOST + 1
        assert {row["title"][:2] for row in rows} == {"'="}
