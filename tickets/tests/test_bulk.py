"""Bulk changes and exports from the admin's list of tickets."""

import csv
import io
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User, UserType
from accounts.tests.factories import make_user
from kit.long_tasks import leases
from kit.long_tasks.models import LongTask
from kit.tests.browser import Browser, fields
from notifications.models import Delivery
from notifications.tests.factories import end_of_transaction
from projects.models import Project
from sla.models import Priority
from tickets import bulk, queries, services
from tickets.models import MAX_ASSIGNEES, MAX_LABEL, MAX_LABELS, Status, Ticket
from tickets.tests.factories import assign, make_ticket

pytestmark = pytest.mark.django_db

TICKETS = "/admin/tickets/ticket/"


def run_action(browser: Browser, action: str, *tickets: Ticket, query: str = "", **values: Any) -> Any:
    """Select the tickets in the list, run the action and return the next page."""
    sent = {"action": action, "index": 0, "select_across": 0, **values}
    return browser.post(f"{TICKETS}{query}", {**sent, "_selected_action": [ticket.pk for ticket in tickets]})


def submit_change(browser: Browser, name: str, *tickets: Ticket, **values: Any) -> str:
    """Submit the bulk change and return the text of the next page."""
    ids = ",".join(str(ticket.pk) for ticket in tickets)
    return text_of(browser.post(f"{TICKETS}bulk/{name}/", {"tickets": ids, **values}, follow=True))


def text_of(page: Any) -> str:
    return " ".join(page.content.decode().split())


def make_more_than_the_limit(owner: User) -> None:
    now, project = timezone.now(), Project.objects.general()
    Ticket.objects.bulk_create(
        Ticket(title=f"=Ticket {number}", project=project, created_by=owner, created_at=now, sla_due_at=now)
        for number in range(bulk.MAX_TICKETS + 1)
    )


class TestBulkChange:
    @pytest.mark.parametrize(
        ("action", "name", "field", "value"),
        [("set_status", "status", "status", Status.CLOSED), ("set_priority", "priority", "priority", Priority.HIGH)],
    )
    def test_changes_each_ticket_like_its_own_page(
        self, agent: User, owner: User, assignee: User, action: str, name: str, field: str, value: str
    ) -> None:
        first, second = make_ticket(owner), make_ticket(owner)
        assign(first, assignee)
        end_of_transaction()
        Delivery.objects.all().delete()
        browser = Browser(agent)

        confirmation = run_action(browser, action, first, second)
        response = browser.post(f"{TICKETS}bulk/{name}/", {**fields(confirmation), field: value}, follow=True)

        assert "2 tickets" in text_of(confirmation)
        assert "2 tickets changed." in text_of(response)
        assert set(Ticket.objects.values_list(field, flat=True)) == {value}
        end_of_transaction()
        assert Delivery.objects.get().user == assignee
        newest = queries.history(ticket_id=first.pk, limit=1)[0]
        assert (newest.by and newest.by.name, newest.door) == ("Agnes Agent", "admin")

    def test_assigns_where_the_rules_allow_it(self, agent: User, owner: User, assignee: User) -> None:
        free, taken, full = (make_ticket(owner) for _ in range(3))
        closed = [make_ticket(owner, status=Status.CLOSED) for _ in range(bulk.LISTED_TICKETS + 2)]
        assign(taken, assignee)
        assign(full, *(make_user() for _ in range(MAX_ASSIGNEES)))

        page = submit_change(Browser(agent), "assign", free, taken, full, *closed, user=assignee.pk)

        numbers = ", ".join(f"#{ticket.pk}" for ticket in closed[: bulk.LISTED_TICKETS])
        assert f"1 ticket assigned to Axel Assignee (#{free.pk})." in page
        assert f"1 ticket not changed: {services.AlreadyAssigned.message} (#{taken.pk})." in page
        assert f"1 ticket not changed: {services.AssignmentLimitReached.message} (#{full.pk})." in page
        assert f"7 tickets not changed: {services.TicketClosed.message} ({numbers} and 2 more)." in page
        assert list(free.assignees.all()) == [assignee]

    def test_refuses_admins_and_unknown_users_as_assignees(self, agent: User, admin: User, owner: User) -> None:
        ticket = make_ticket(owner)
        gone = make_user("Gone", type=UserType.AGENT, is_active=False)

        pages = [
            submit_change(Browser(agent), "assign", ticket, user=user) for user in (admin.pk, gone.pk, 2**62, "x", "")
        ]

        assert all("changed." not in page for page in pages)
        assert not ticket.assignments.exists()

    def test_reports_tickets_that_had_the_value(self, agent: User, owner: User) -> None:
        closed = make_ticket(owner, status=Status.CLOSED)

        page = submit_change(Browser(agent), "status", closed, make_ticket(owner), status="closed")

        assert "1 ticket changed." in page
        assert "1 ticket already had this value." in page
        assert Ticket.objects.get(pk=closed.pk).version == 1

    def test_renews_its_lease_meanwhile(self, agent: User, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        """Otherwise a change of many slow tickets could run twice at a time."""
        monkeypatch.setattr(leases, "RENEW_SECONDS", -1)
        tickets = [make_ticket(owner) for _ in range(3)]

        with CaptureQueriesContext(connection) as captured:
            submit_change(Browser(agent), "status", *tickets, status="closed")

        table = LongTask._meta.db_table
        assert sum(f'UPDATE "{table}"' in query["sql"] for query in captured) == len(tickets)

    def test_reports_unknown_tickets(self, agent: User, owner: User) -> None:
        page = submit_change(Browser(agent), "status", Ticket(pk=2**59), make_ticket(owner), status="closed")

        assert f"1 ticket not changed: {services.TicketNotFound.message} (#{2**59})." in page
        assert "1 ticket changed." in page

    @pytest.mark.parametrize("ids", ["", "x", "1,,2", "9" * 19, ",".join(map(str, range(1, bulk.MAX_TICKETS + 2)))])
    def test_refuses_malformed_or_too_many_ids(self, agent: User, owner: User, ids: str) -> None:
        make_ticket(owner)

        response = Browser(agent).post(f"{TICKETS}bulk/status/", {"tickets": ids, "status": "closed"})

        assert response.status_code == 200
        assert Ticket.objects.get().status == Status.OPEN

    def test_returns_to_the_filtered_list(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner)
        browser = Browser(agent)

        confirmation = run_action(browser, "set_status", ticket, query="?status__exact=open")
        response = browser.post(confirmation.context["action"], {**fields(confirmation), "status": "closed"})

        assert confirmation.context["back"] == response["Location"] == f"{TICKETS}?status__exact=open"

    def test_is_closed_to_customers(self, owner: User) -> None:
        ticket = make_ticket(owner)

        response = Browser(owner).post(f"{TICKETS}bulk/status/", {"tickets": ticket.pk, "status": "closed"})

        assert response["Location"].startswith("/admin/login/")
        assert Ticket.objects.get().status == Status.OPEN

    def test_unknown_change_is_404_and_get_redirects(self, agent: User) -> None:
        browser = Browser(agent)

        assert browser.post(f"{TICKETS}bulk/delete/", {"tickets": "1"}).status_code == 404
        assert browser.get(f"{TICKETS}bulk/status/").status_code == 302

    def test_requires_a_selection(self, agent: User, owner: User) -> None:
        make_ticket(owner)

        browser = Browser(agent)
        run_action(browser, "set_status")

        assert "Items must be selected" in text_of(browser.get(TICKETS))


class TestLabels:
    def send(self, by: User, *tickets: Ticket, **values: str) -> Any:
        sent = {"tickets": ",".join(str(ticket.pk) for ticket in tickets), **values}
        return Browser(by).post("/admin/tickets/ticket/bulk/labels/", sent, follow=True)

    def test_are_added_and_removed_at_once(self, agent: User, owner: User) -> None:
        first = make_ticket(owner, labels=["roof", "wet"])
        second = make_ticket(owner)
        third = make_ticket(owner, labels=["urgent", "vip"])

        page = self.send(agent, first, second, third, add="VIP, urgent", remove="wet")

        labels = [Ticket.objects.get(pk=ticket.pk).labels for ticket in (first, second, third)]
        assert labels == [["roof", "urgent", "vip"], ["urgent", "vip"], ["urgent", "vip"]]
        assert [str(message) for message in page.context["messages"]] == [
            f"2 tickets labelled urgent, vip and no longer labelled wet (#{first.pk}, #{second.pk}).",
            "1 ticket already had this value.",
        ]
        assert "/undo/" not in page.content.decode()

    def test_are_refused_where_there_are_too_many(self, agent: User, owner: User) -> None:
        full = make_ticket(owner, labels=sorted(f"label {number}" for number in range(MAX_LABELS)))
        ticket = make_ticket(owner)

        page = self.send(agent, full, ticket, add="vip")

        assert [str(message) for message in page.context["messages"]] == [
            f"1 ticket labelled vip (#{ticket.pk}).",
            f"1 ticket not changed: A ticket can have at most {MAX_LABELS} labels (#{full.pk}).",
        ]

    @pytest.mark.parametrize(
        ("values", "sentence"),
        [
            ({"add": "", "remove": " , "}, "Enter labels to add or to remove."),
            ({"add": "vip, roof", "remove": "Roof"}, "Cannot be both added and removed: roof."),
            ({"add": "back\u202ewards"}, "Control characters and line breaks are not allowed."),
            ({"add": "x" * (MAX_LABEL + 1)}, f"A label can have at most {MAX_LABEL} characters"),
        ],
    )
    def test_have_to_be_given(self, agent: User, owner: User, values: dict[str, str], sentence: str) -> None:
        ticket = make_ticket(owner)

        page = self.send(agent, ticket, **values)

        assert sentence in page.content.decode()
        assert Ticket.objects.get().version == 1

    def test_are_an_action_of_the_list(self, agent: User, owner: User) -> None:
        page = run_action(Browser(agent), "change_labels", make_ticket(owner))

        assert "Change the labels of 1 ticket" in page.content.decode()


class TestSelectAll:
    def test_is_limited_to_1000_tickets(self, agent: User, owner: User) -> None:
        make_more_than_the_limit(owner)
        make_ticket(owner, status=Status.CLOSED)

        selected = Ticket.objects.earliest("pk")
        confirmation = run_action(Browser(agent), "set_status", selected, query="?status__exact=open", select_across=1)

        assert "More tickets match. Only the first 1,000" in text_of(confirmation)
        assert len(fields(confirmation)["tickets"].split(",")) == bulk.MAX_TICKETS

    def test_is_offered_without_a_count(self, agent: User, owner: User) -> None:
        make_ticket(owner)

        page = text_of(Browser(agent).get(TICKETS))

        assert "Select all matching tickets" in page
        assert "9999999999" not in page


class TestExport:
    def rows(self, response: Any) -> list[dict[str, str]]:
        text = response.getvalue().decode()
        assert text[0] == "\ufeff"
        return list(csv.DictReader(io.StringIO(text[1:], newline="")))

    def test_contains_the_selected_tickets(self, agent: User, owner: User, assignee: User) -> None:
        first, _, third = (make_ticket(owner) for _ in range(3))
        assign(first, assignee)

        response = run_action(Browser(agent), "export", first, third)

        rows = self.rows(response)
        assert response["Content-Disposition"] == 'attachment; filename="tickets.csv"'
        assert [row["id"] for row in rows] == [str(third.pk), str(first.pk)]
        assert rows[1]["assignedUsers"] == f"Axel Assignee <{assignee.email}>"

    def test_names_the_currency_of_prices(self, agent: User, owner: User, settings: Any) -> None:
        settings.CURRENCY = "CHF"
        tickets = make_ticket(owner, price="12.50"), make_ticket(owner)

        rows = self.rows(run_action(Browser(agent), "export", *tickets))

        assert [(row["price"], row["currency"]) for row in rows] == [("", ""), ("12.5", "CHF")]
        assert list(rows[0])[6:8] == ["price", "currency"]

    @pytest.mark.slow
    def test_contains_all_matching_tickets(self, agent: User, owner: User) -> None:
        make_more_than_the_limit(owner)
        make_ticket(owner, status=Status.CLOSED)

        selected = Ticket.objects.earliest("pk")
        response = run_action(Browser(agent), "export", selected, query="?status__exact=open", select_across=1)

        rows = self.rows(response)

        assert len({row["id"] for row in rows}) == len(rows) == bulk.MAX_TICKETS + 1
        assert {row["title"][:2] for row in rows} == {"'="}
