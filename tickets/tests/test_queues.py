"""The queues of the admin's ticket list: what is in them, in which order, and how many."""

import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User, UserType
from accounts.tests.factories import make_user
from kit.tests.browser import Browser
from projects.tests.factories import make_project
from projects.tests.psql import psql
from tickets import queries, services
from tickets.admin.labels import duration
from tickets.models import Queue, Status, Ticket, next_due
from tickets.queries import QueueCount
from tickets.queries import queues as counting
from tickets.tests.factories import assign, make_ticket

pytestmark = pytest.mark.django_db

SignedIn = Callable[[User], APIClient]

TICKETS = "/admin/tickets/ticket/"


def listed(user: User, query: str = "") -> list[Ticket]:
    return list(Browser(user).get(f"{TICKETS}?{query}").context["cl"].result_list)


def aged(owner: User, hours: float, **fields: Any) -> Ticket:
    """Create a ticket, of which 24 hours are allowed, some hours ago."""
    ticket = make_ticket(owner, created_at=timezone.now() - timedelta(hours=hours), **fields)
    ticket.refresh_from_db()
    return ticket


@pytest.fixture
def desk(owner: User, agent: User) -> dict[str, Ticket]:
    """Return one ticket in each state, made in another order than that of the list."""
    desk = {
        "fine": aged(owner, 1),
        "held": aged(owner, 40),
        "breached": aged(owner, 30),
        "closed": aged(owner, 50, status=Status.CLOSED, closed_at=timezone.now()),
        "at risk": aged(owner, 23),
        "mine": aged(owner, 2),
    }
    services.hold(ticket_id=desk["held"].pk, by=agent, at=timezone.now())
    assign(desk["mine"], agent)
    return desk


class TestQueues:
    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ("", ["breached", "at risk", "mine", "fine", "held"]),
            ("queue=active", ["breached", "at risk", "mine", "fine", "held"]),
            ("queue=mine", ["mine"]),
            ("queue=unassigned", ["breached", "at risk", "fine", "held"]),
            ("queue=at-risk", ["at risk"]),
            ("queue=breached", ["breached"]),
            ("queue=on-hold", ["held"]),
            ("queue=closed", ["closed"]),
            ("queue=all", ["fine", "mine", "at risk", "breached", "held", "closed"]),
            ("queue=nonsense", ["breached", "at risk", "mine", "fine", "held"]),
            ("status__exact=closed", ["closed"]),
            ("sla=missed", ["closed"]),
            ("queue=active&status__exact=closed", ["closed"]),
            ("queue=mine&status__exact=closed", []),
            ("q=database", ["breached", "at risk", "mine", "fine", "held"]),
            ("queue=all&q=database", ["fine", "mine", "at risk", "breached", "held", "closed"]),
        ],
    )
    def test_list_what_is_due_first(self, agent: User, desk: dict[str, Ticket], query: str, names: list[str]) -> None:
        by_id = {ticket.pk: name for name, ticket in desk.items()}

        assert [by_id[ticket.pk] for ticket in listed(agent, query)] == names

    @pytest.mark.parametrize("queue", Queue.values)
    @pytest.mark.parametrize("role", ["agent", "owner"])
    def test_are_the_same_in_the_api(
        self, agent: User, owner: User, desk: dict[str, Ticket], signed_in: SignedIn, role: str, queue: str
    ) -> None:
        user = agent if role == "agent" else owner

        found = signed_in(user).get("/tickets", {"queue": queue}).json()["items"]

        expected = Ticket.objects.in_queue(Queue(queue), user, timezone.now())
        assert {item["id"] for item in found} == {ticket.pk for ticket in expected}

    def test_take_other_filters_in_the_api(self, agent: User, desk: dict[str, Ticket], signed_in: SignedIn) -> None:
        assign(desk["fine"], agent, make_user("Carla Colleague", type=UserType.AGENT))
        colleague = desk["fine"].assignees.get(name="Carla Colleague")
        by_id = {ticket.pk: name for name, ticket in desk.items()}

        def found(**query: Any) -> list[str]:
            return [by_id[item["id"]] for item in signed_in(agent).get("/tickets", query).json()["items"]]

        assert found(queue="all-open") == found(queue="active") == ["fine", "mine", "at risk", "breached", "held"]
        assert found(queue="mine") == ["fine", "mine"]
        assert found(queue="mine", assignee=agent.pk) == ["fine", "mine"]
        assert found(queue="mine", assignee=colleague.pk) == ["fine"]
        assert found(queue="unassigned", assignee=agent.pk) == []
        assert found(queue="breached", sla="at-risk") == []
        assert found(queue="closed", status="open") == []
        assert found(queue="on-hold", search="database", ordering="title") == ["held"]
        assert found(queue="unassigned", status="open", limit=2) == ["at risk", "breached"]

    def test_of_a_command_without_a_user_has_no_own_tickets(self, desk: dict[str, Ticket]) -> None:
        output = io.StringIO(newline="")

        call_command("export_tickets", "queue=mine", stdout=output)

        assert len(output.getvalue().splitlines()) == 1

    def test_find_a_closed_ticket_by_its_number(self, agent: User, desk: dict[str, Ticket]) -> None:
        assert listed(agent, f"queue=mine&q=%23{desk['closed'].pk}") == [desk["closed"]]

    def test_are_counted_in_one_query(self, agent: User, desk: dict[str, Ticket]) -> None:
        with CaptureQueriesContext(connection) as captured:
            counts = queries.queue_counts(user=agent, at=timezone.now())

        assert len(captured) == 1
        assert {queue: count.number for queue, count in counts.items()} == {
            queue: len(listed(agent, f"queue={queue.value}")) for queue in Queue if queue not in ("closed", "all")
        }
        assert not any(count.is_cut for count in counts.values())

    def test_are_not_counted_beyond_a_limit(
        self, agent: User, desk: dict[str, Ticket], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(counting, "MAX_COUNT", 3)

        counts = queries.queue_counts(user=agent, at=timezone.now())

        assert (counts[Queue.ACTIVE], counts[Queue.MINE]) == (QueueCount(3, is_cut=True), QueueCount(1))
        assert (str(counts[Queue.ACTIVE]), str(counts[Queue.MINE])) == ("3+", "1")

    def test_unassigned_tickets_are_not_looked_for_beyond_a_limit(
        self, agent: User, desk: dict[str, Ticket], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(counting, "WALK", 2)

        assert queries.queue_counts(user=agent, at=timezone.now())[Queue.UNASSIGNED] == QueueCount(2, is_cut=True)

    def test_are_tabs(self, agent: User, desk: dict[str, Ticket]) -> None:
        page = Browser(agent).get(f"{TICKETS}?queue=breached")

        tabs = {tab.title: tab for tab in page.context["cl"].tabs}
        assert list(tabs) == [str(queue.label) for queue in Queue]
        assert [tab.title for tab in tabs.values() if tab.is_current] == ["Breached"]
        assert (tabs["Unassigned"].count, tabs["Breached"].url, tabs["Closed"].count) == ("4", "?queue=breached", "")
        assert '<a href="?queue=breached" aria-current="page">Breached' in page.content.decode()

    @pytest.mark.parametrize("queue", [Queue.ACTIVE, Queue.UNASSIGNED, Queue.BREACHED])
    def test_are_read_in_order_from_an_index(self, agent: User, owner: User, queue: Queue) -> None:
        for _ in range(50):
            make_ticket(owner)
        psql("ANALYZE tickets_ticket")
        tickets = Ticket.objects.in_queue(queue, agent, timezone.now()).order_by(next_due(), "id")
        with transaction.atomic():
            for method in ("enable_seqscan", "enable_sort", "enable_bitmapscan", "enable_hashjoin"):
                psql(f"SET LOCAL {method} = off")

            ids = tickets.values("pk").explain()

        assert "Index Only Scan using ticket_next" in ids
        assert "Sort" not in ids

    def test_are_tested_before_words(self, agent: User) -> None:
        """PostgreSQL thinks that a search costs as much as comparing a status, and keeps the order."""
        page = Browser(agent).get(f"{TICKETS}?queue=mine&q=cafe")

        _, conditions = str(page.context["cl"].queryset.query).split(" WHERE ", 1)
        assert conditions.index('"status" =') < conditions.index("search_query")

    def test_run_the_same_number_of_queries_on_later_pages(self, agent: User, owner: User) -> None:
        tickets = [make_ticket(owner) for _ in range(101)]
        browser = Browser(agent)

        with CaptureQueriesContext(connection) as captured:
            page = browser.get(f"{TICKETS}?p=2")

        assert list(page.context["cl"].result_list) == tickets[100:]
        assert len(captured) == 8


class TestChips:
    def test_remove_one_filter_each(self, agent: User, owner: User) -> None:
        project = make_project("Website")
        query = f"queue=unassigned&q=roof&priority__exact=high&project__id__exact={project.pk}&p=1"

        page = Browser(agent).get(f"{TICKETS}?{query}")

        assert {chip.text: chip.url for chip in page.context["cl"].chips} == {
            "Search: roof": f"?queue=unassigned&priority__exact=high&project__id__exact={project.pk}",
            "Priority: High": f"?queue=unassigned&q=roof&project__id__exact={project.pk}",
            "Project: Website": "?queue=unassigned&q=roof&priority__exact=high",
        }

    def test_name_people(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner)
        assign(ticket, agent)

        page = Browser(agent).get(f"{TICKETS}?assignees__id__exact={agent.pk}&created_by__id__exact={owner.pk}")

        assert [chip.text for chip in page.context["cl"].chips] == ["Assignee: Agnes Agent", "Created by: Olga Owner"]
        assert list(page.context["cl"].result_list) == [ticket]

    def test_of_several_people_show_a_ticket_once(self, agent: User, owner: User, outsider: User) -> None:
        ticket = make_ticket(owner)
        assign(ticket, agent, outsider)

        assert listed(agent, f"assignees__id__in={agent.pk},{outsider.pk}") == [ticket]

    @pytest.mark.parametrize(
        ("query", "text"),
        [
            ("project__id__exact=99999999999999999999", "Project: 99999999999999999999"),
            ("assignees__id__exact=x", "Assignee: x"),
            ("created_at__gte=2026-02-30", "Created from: 2026-02-30"),
            ("created_at__gte=2026-02-20+00%3A00%3A00%2B00%3A00", "Created from: 2026-02-20"),
            ("status__exact=x", "Status: x"),
            ("type=bug", "type: bug"),
            ("type__exact=%3Cb%3E", "Type: &lt;b&gt;"),
        ],
    )
    def test_tolerate_any_value(self, agent: User, query: str, text: str) -> None:
        page = Browser(agent).get(f"{TICKETS}?{query}", follow=True)

        assert page.status_code in (200, 400)
        if page.status_code == 200 and not page.redirect_chain:
            assert f"{text} <a" in page.content.decode()

    def test_lead_from_a_search_to_closed_tickets(self, agent: User) -> None:
        browser = Browser(agent)

        assert (
            'href="?q=roof&amp;queue=all">Search closed tickets too'
            in browser.get(f"{TICKETS}?q=roof").content.decode()
        )
        assert "Search closed" not in browser.get(f"{TICKETS}?queue=all&q=roof").content.decode()


class TestEmptyList:
    @pytest.mark.parametrize(
        ("query", "note", "links"),
        [
            ("queue=mine", "Take one from Unassigned.", ["?queue=unassigned", "?queue=active"]),
            ("", "There are no open tickets.", []),
            ("queue=breached&q=roof", "Remove a filter", ["?q=roof&amp;queue=all", "?queue=breached"]),
            ("queue=closed", "No tickets here", ["?queue=active"]),
        ],
    )
    def test_says_what_to_do(self, agent: User, query: str, note: str, links: list[str]) -> None:
        page = Browser(agent).get(f"{TICKETS}?{query}").content.decode()

        empty = page[page.index('<div class="empty-queue">') : page.index("changelist-filter")]
        assert note in empty
        assert re.findall('<a href="(.+?)"', empty) == links


class TestRows:
    def test_say_when_a_ticket_is_due(self, agent: User, desk: dict[str, Ticket]) -> None:
        page = Browser(agent).get(f"{TICKETS}?queue=all").content.decode()

        labels = re.findall(r'<td data-label="SLA"><span class="label-(\w+)" title="(.+?)">(.+?)</span>', page)
        assert [(colour, words) for colour, _, words in labels] == [
            ("default", "Due in 22 h"),
            ("default", "Due in 21 h"),
            ("warning", "Due in 59 min"),
            ("danger", "Breached 6 h ago"),
            ("info", "On hold"),
            ("danger", "Closed late"),
        ]
        assert labels[3][1] == f"{desk['breached'].sla_due_at:%Y-%m-%d %H:%M} UTC"

    def test_say_that_a_ticket_is_unassigned(self, agent: User, owner: User) -> None:
        make_ticket(owner)

        assert '<span class="unassigned">Unassigned</span></td>' in Browser(agent).get(TICKETS).content.decode()

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [(0, "0 min"), (59 * 60, "59 min"), (3600, "1 h"), (48 * 3600 - 1, "47 h"), (48 * 3600, "2 d")],
    )
    def test_have_durations_of_one_unit(self, seconds: int, text: str) -> None:
        assert duration(timedelta(seconds=seconds)) == text

    def test_link_back_to_the_queue(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner)

        page = Browser(agent).get(f"{TICKETS}?queue=unassigned").content.decode()

        assert f"{TICKETS}{ticket.pk}/change/?_changelist_filters=queue%3Dunassigned" in page


class TestMenu:
    @pytest.mark.parametrize(
        ("path", "active"),
        [
            (TICKETS, ["Tickets"]),
            (f"{TICKETS}?queue=mine", ["My tickets"]),
            (f"{TICKETS}?queue=unassigned", ["Tickets"]),
            (f"{TICKETS}?queue=breached", ["Breached"]),
            ("{change}?_changelist_filters=queue%3Dat-risk", ["At risk"]),
            ("{change}?_changelist_filters=%ff", ["Tickets"]),
            ("/admin/?queue=breached", ["Overview"]),
        ],
    )
    def test_leads_to_own_tickets_and_deadlines_from_every_page(
        self, agent: User, owner: User, path: str, active: list[str]
    ) -> None:
        change = f"{TICKETS}{make_ticket(owner).pk}/change/"

        page = Browser(agent).get(path.format(change=change))

        entries = [item for section in page.context["sidebar_navigation"] for item in section["items"]]
        assert [item["title"] for item in entries if item["active"]] == active
        for queue in ("mine", "at-risk", "breached"):
            assert f'href="{TICKETS}?queue={queue}"' in page.content.decode()

    def test_has_no_own_tickets_for_admins(self, admin: User) -> None:
        assert "My tickets" not in Browser(admin).get("/admin/").content.decode()
