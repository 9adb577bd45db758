"""The dashboard on the first page of the admin."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from analytics import queries
from analytics.admin import DEFAULT_DAYS
from events.tests.factories import book, make_event
from kit.tests.browser import Browser
from projects.models import Project
from tickets.models import Status, Ticket
from tickets.tests.factories import assign, make_ticket

pytestmark = pytest.mark.django_db

FIRST_PAGE = "/admin/"


def close(ticket: Ticket, *, days_ago: int) -> None:
    closed_at = timezone.now() - timedelta(days=days_ago)
    Ticket.objects.filter(pk=ticket.pk).update(status=Status.CLOSED, closed_at=closed_at)


class TestDesk:
    def test_lists_priorities_from_low_to_high(self, owner: User) -> None:
        for priority, number in (("high", 3), ("low", 1), ("medium", 2)):
            for _ in range(number):
                make_ticket(owner, priority=priority)

        desk = queries.desk(days=7, at=timezone.now())

        assert list(desk.priorities.items()) == [("low", 1), ("medium", 2), ("high", 3)]

    def test_reports_state_and_activity(self, owner: User, assignee: User) -> None:
        now = timezone.now()
        make_ticket(owner, created_at=now - timedelta(days=3), priority="high", type="bug")
        assign(make_ticket(owner, created_at=now), assignee)
        close(make_ticket(owner, created_at=now - timedelta(hours=30)), days_ago=1)
        close(make_ticket(owner, created_at=now - timedelta(hours=50)), days_ago=2)

        desk = queries.desk(days=7, at=now)

        assert (desk.open, desk.breached, desk.unassigned) == (2, 1, 1)
        assert (desk.met, desk.missed) == (2, 0)
        assert len(desk.days) == 7
        assert desk.days[-1] == now.date()
        assert sum(desk.created) == 4
        assert (desk.closed[-2], desk.closed[-3]) == (1, 1)
        assert list(desk.priorities.items()) == [("medium", 3), ("high", 1)]
        assert desk.types == {"task": 3, "bug": 1}
        assert desk.projects == {"General": 4}

    def test_ignores_activity_before_the_period(self, owner: User) -> None:
        close(make_ticket(owner, created_at=timezone.now() - timedelta(days=40)), days_ago=35)

        desk = queries.desk(days=30, at=timezone.now())

        assert (sum(desk.created), sum(desk.closed), desk.met + desk.missed, desk.types) == (0, 0, 0, {})

    def test_counts_tickets_closed_late_as_missed(self, owner: User) -> None:
        close(make_ticket(owner, created_at=timezone.now() - timedelta(days=9)), days_ago=1)

        desk = queries.desk(days=7, at=timezone.now())

        assert (desk.met, desk.missed) == (0, 1)

    def test_agrees_with_the_querysets(self, owner: User) -> None:
        now = timezone.now()
        make_ticket(owner, created_at=now - timedelta(days=3))
        held = make_ticket(owner, created_at=now - timedelta(days=3))
        Ticket.objects.filter(pk=held.pk).update(held_at=now, hold_reason="Waiting for parts")
        for days_ago in (1, 8):
            close(make_ticket(owner, created_at=now - timedelta(days=9)), days_ago=days_ago)

        desk = queries.desk(days=30, at=now)

        tickets = Ticket.objects.all()
        assert (desk.breached, desk.met, desk.missed) == (
            *(tickets.breached(now).count(), tickets.met().count(), tickets.missed().count()),
        )
        assert (desk.breached, desk.met + desk.missed) == (1, 2)

    def test_stops_counting_at_the_limit(self, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(queries, "COUNT_LIMIT", 2)
        for _ in range(4):
            make_ticket(owner, created_at=timezone.now() - timedelta(days=3))

        desk = queries.desk(days=7, at=timezone.now())

        assert (desk.open, desk.breached, desk.unassigned) == (4, 2, 2)


class TestFirstPage:
    def test_shows_admins_desk_and_box_office(
        self, admin: User, owner: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        make_ticket(owner)
        book(make_event(admin, capacity=2), quantity=2)
        browser = Browser(admin)

        # Session, user, group and user permissions; desk, box office, upcoming events, mail, outage.
        with django_assert_num_queries(9):
            page = browser.get(FIRST_PAGE)

        assert card(page, "desk_cards", "Open tickets")["value"] == "1"
        assert card(page, "box_office_cards", "Seats sold")["value"] == "2"
        assert card(page, "box_office_cards", "Revenue")["value"] == "50.00 EUR"
        assert [event["percent_sold"] for event in page.context["upcoming_events"]] == [100]
        assert len(json.loads(page.context["tickets_per_day"])["labels"]) == DEFAULT_DAYS

    def test_shows_project_names_unchanged(self, agent: User, owner: User) -> None:
        make_ticket(owner, project=Project.objects.helpdesk())

        charts = dict(Browser(agent).get(FIRST_PAGE).context["ticket_charts"])

        assert json.loads(charts["Tickets by project"])["labels"] == ["HelpDesk"]
        assert json.loads(charts["Tickets by type"])["labels"] == ["Task"]

    def test_shows_agents_only_the_desk(self, agent: User) -> None:
        page = Browser(agent).get(FIRST_PAGE)

        assert "desk_cards" in page.context
        assert "box_office_cards" not in page.context

    @pytest.mark.parametrize(("asked", "days"), [("7", 7), ("365", 365), ("8", 30), ("-7", 30), ("²", 30), ("", 30)])
    def test_covers_the_chosen_period(self, agent: User, asked: str, days: int) -> None:
        page = Browser(agent).get(FIRST_PAGE, {"days": asked})

        assert len(json.loads(page.context["tickets_per_day"])["labels"]) == days

    def test_links_to_the_tickets_counted(self, agent: User, owner: User, assignee: User) -> None:
        now = timezone.now()
        late, worked_on = make_ticket(owner, created_at=now - timedelta(days=3)), make_ticket(owner, created_at=now)
        assign(worked_on, assignee)
        close(make_ticket(owner, created_at=now - timedelta(hours=30)), days_ago=1)
        browser = Browser(agent)
        page = browser.get(FIRST_PAGE)

        def linked_tickets(label: str) -> set[Ticket]:
            return set(browser.get(card(page, "desk_cards", label)["url"]).context["cl"].result_list)

        assert linked_tickets("Open tickets") == {late, worked_on}
        assert linked_tickets("SLA breached") == {late}
        assert linked_tickets("Unassigned") == {late}

    def test_offers_to_add_an_event_when_empty(self, admin: User) -> None:
        page = Browser(admin).get(FIRST_PAGE).content.decode()

        assert "No upcoming events." in page
        assert "No tickets were closed in this period" in page

    def test_redirects_customers(self, owner: User) -> None:
        assert Browser(owner).get(FIRST_PAGE).status_code == 302


def card(page: Any, group: str, label: str) -> dict[str, Any]:
    (found,) = (card for card in page.context[group] if card["label"] == label)
    return dict(found)
