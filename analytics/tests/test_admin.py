"""The dashboard on the first page of the admin."""

from datetime import timedelta
from typing import Any, cast

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from analytics import queries
from analytics.admin.desk import TABLE_ROWS
from analytics.admin.figures import Card, Chart
from analytics.admin.period import DEFAULT_DAYS, MAX_DAYS
from analytics.days import Days
from analytics.models import FirstResponse
from analytics.queries import overview
from events.tests.factories import book, make_event
from kit.tests.browser import Browser
from projects.models import Project
from projects.tests.factories import make_project
from tickets.models import Status, Ticket
from tickets.tests.factories import assign, make_comment, make_ticket

pytestmark = pytest.mark.django_db

FIRST_PAGE = "/admin/"


def last_days(number: int) -> Days:
    return Days.up_to(timezone.now().date(), number=number)


def close(ticket: Ticket, *, days_ago: int) -> None:
    closed_at = timezone.now() - timedelta(days=days_ago)
    Ticket.objects.filter(pk=ticket.pk).update(status=Status.CLOSED, closed_at=closed_at)


class TestDesk:
    def test_escapes_names_and_addresses_in_charts(self, agent: User, owner: User) -> None:
        make_ticket(owner, project=make_project("<b>Bits</b> & Pieces"), type="<i>lost</i>")

        page = Browser(agent).get(FIRST_PAGE).content.decode()

        assert '<th scope="row">&lt;b&gt;Bits&lt;/b&gt; &amp; Pieces</th><td data-number="1"><a href="/admin/' in page
        assert "&amp;type__exact=%3Ci%3Elost%3C%2Fi%3E" in page or "type__exact=%3Ci%3Elost%3C%2Fi%3E&amp;" in page
        assert "<b>Bits" not in page
        assert "<i>" not in page

    def test_lists_priorities_from_low_to_high(self, owner: User) -> None:
        for priority, number in (("high", 3), ("low", 1), ("medium", 2)):
            for _ in range(number):
                make_ticket(owner, priority=priority)

        desk = queries.desk(days=last_days(7), at=timezone.now())

        assert list(desk.priorities.items()) == [("low", 1), ("medium", 2), ("high", 3)]

    def test_reports_state_and_activity(self, owner: User, assignee: User) -> None:
        now = timezone.now()
        make_ticket(owner, created_at=now - timedelta(days=3), priority="high", type="bug")
        assign(make_ticket(owner, created_at=now), assignee)
        close(make_ticket(owner, created_at=now - timedelta(hours=30)), days_ago=1)
        close(make_ticket(owner, created_at=now - timedelta(hours=50)), days_ago=2)

        desk = queries.desk(days=last_days(7), at=now)

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

        desk = queries.desk(days=last_days(30), at=timezone.now())

        assert (sum(desk.created), sum(desk.closed), desk.met + desk.missed, desk.types) == (0, 0, 0, {})

    def test_counts_tickets_closed_late_as_missed(self, owner: User) -> None:
        close(make_ticket(owner, created_at=timezone.now() - timedelta(days=9)), days_ago=1)

        desk = queries.desk(days=last_days(7), at=timezone.now())

        assert (desk.met, desk.missed) == (0, 1)

    def test_agrees_with_the_querysets(self, owner: User) -> None:
        now = timezone.now()
        make_ticket(owner, created_at=now - timedelta(days=3))
        held = make_ticket(owner, created_at=now - timedelta(days=3))
        Ticket.objects.filter(pk=held.pk).update(held_at=now, hold_reason="Waiting for parts")
        for days_ago in (1, 8):
            close(make_ticket(owner, created_at=now - timedelta(days=9)), days_ago=days_ago)

        desk = queries.desk(days=last_days(30), at=now)

        tickets = Ticket.objects.all()
        assert (desk.breached, desk.met, desk.missed) == (
            *(tickets.breached(now).count(), tickets.met().count(), tickets.missed().count()),
        )
        assert (desk.breached, desk.met + desk.missed) == (1, 2)

    def test_stops_counting_at_the_limit(self, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(overview, "COUNT_LIMIT", 2)
        for _ in range(4):
            make_ticket(owner, created_at=timezone.now() - timedelta(days=3))

        desk = queries.desk(days=last_days(7), at=timezone.now())

        assert (desk.open, desk.breached, desk.unassigned) == (4, 2, 2)


class TestFirstPage:
    def test_shows_admins_desk_and_box_office(
        self, admin: User, owner: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        make_ticket(owner)
        book(make_event(admin, capacity=2), quantity=2)
        browser = Browser(admin)

        # Session, user, group and user permissions; desk, times, events, box office, subscription, mail, outage.
        with django_assert_num_queries(11):
            page = browser.get(FIRST_PAGE)

        assert card(page, "desk_now", "Open tickets").value == "1"
        assert card(page, "box_office_cards", "Seats sold").value == "2"
        assert card(page, "box_office_cards", "Revenue").value == "50.00 EUR"
        assert [(event["fill"], event["sold"]) for event in page.context["upcoming_events"]] == [("100%", "2 of 2")]
        assert len(page.context["tickets_per_day"].rows) == DEFAULT_DAYS

    def test_links_sales_to_their_bookings(self, admin: User) -> None:
        event = make_event(admin, capacity=3)
        booking = book(event, quantity=2)
        book(event, quantity=2)
        browser = Browser(admin)
        page = browser.get(FIRST_PAGE)
        today = page.context["seats_per_day"].rows[-1].cells[0]
        cards = [card(page, "box_office_cards", label) for label in ("Seats sold", "Revenue")]

        for figure in (*cards, today, page.context["revenue_per_day"].rows[-1].cells[0]):
            assert list(browser.get(figure.url).context["cl"].result_list) == [booking]

    def test_runs_as_many_queries_with_many_rows(
        self, admin: User, agent: User, owner: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(12):
            ticket = make_ticket(owner, project=make_project(f"Project {number}"))
            make_comment(ticket, agent)
            make_event(admin)
        browser = Browser(admin)

        with django_assert_num_queries(11):
            browser.get(FIRST_PAGE)

    def test_shows_project_names_unchanged(self, agent: User, owner: User) -> None:
        make_ticket(owner, project=Project.objects.helpdesk())

        charts = {chart.title: labels(chart) for chart in Browser(agent).get(FIRST_PAGE).context["ticket_charts"]}

        assert charts["Created by project"] == ["HelpDesk"]
        assert charts["Created by type"] == ["Task"]

    def test_lists_priorities_from_low_to_high(self, agent: User, owner: User) -> None:
        for priority in ("high", "low", "medium", "high"):
            make_ticket(owner, priority=priority)

        (chart, *_) = Browser(agent).get(FIRST_PAGE).context["ticket_charts"]

        assert labels(chart) == ["Low", "Medium", "High"]
        assert [row.cells[0].number for row in chart.rows] == [1, 1, 2]

    def test_shows_agents_no_sales(self, agent: User) -> None:
        page = Browser(agent).get(FIRST_PAGE)

        assert "desk_cards" in page.context
        assert "box_office_cards" not in page.context
        assert "Revenue" not in page.content.decode()

    def test_tables_have_pages(self, agent: User, owner: User) -> None:
        for number in range(TABLE_ROWS + 1):
            make_comment(make_ticket(owner, project=make_project(f"Project {number:02}")), agent)
        browser = Browser(agent)

        first = table(browser.get(FIRST_PAGE), "teams")
        second = table(browser.get(f"{FIRST_PAGE}{first['next']}"), "teams")

        assert len(first["rows"]) == TABLE_ROWS
        assert [row["name"] for row in second["rows"]] == [f"Project {TABLE_ROWS:02}"]
        assert (first["previous"], second["next"]) == ("", "")
        assert "teams=1" in second["previous"]

    def test_names_teams_and_people(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner, created_at=timezone.now() - timedelta(hours=3))
        assign(ticket, agent)
        make_comment(ticket, agent)
        closed_at = ticket.created_at + timedelta(hours=2, minutes=30)
        Ticket.objects.filter(pk=ticket.pk).update(status=Status.CLOSED, closed_at=closed_at)

        page = Browser(agent).get(FIRST_PAGE)

        (team,), (person,) = table(page, "teams")["rows"], table(page, "people")["rows"]
        assert (team["name"], person["name"]) == ("General", agent.name)
        for row in (team, person):
            assert (row["closed"], row["met"], row["resolution_median"]) == ("1", "100%", "2 h 30 min")
            assert (row["answered"], row["response_median"]) == ("1", "3 h")


class TestPeriod:
    @pytest.mark.parametrize(("asked", "days"), [("1", 1), ("7", 7), ("90", 90), ("365", 365), ("8", 30), ("²", 30)])
    def test_is_a_preset(self, agent: User, asked: str, days: int) -> None:
        page = Browser(agent).get(FIRST_PAGE, {"days": asked})

        assert len(page.context["tickets_per_day"].rows) == days

    def test_is_a_range_of_dates(self, agent: User, owner: User) -> None:
        today = timezone.now().date()
        make_ticket(owner, created_at=timezone.now() - timedelta(days=10))
        make_ticket(owner)

        days = {"start": today - timedelta(days=12), "end": today - timedelta(days=9)}
        page = Browser(agent).get(FIRST_PAGE, {name: str(day) for name, day in days.items()})

        assert [row.cells[0].number for row in page.context["tickets_per_day"].rows] == [0, 0, 1, 0]
        assert card(page, "desk_cards", "Created").value == "1"

    @pytest.mark.parametrize(
        ("start", "end", "field", "error"),
        [
            ("2026-02-30", "2026-03-01", "start", "Enter a valid date."),
            ("2026-03-02", "2026-03-01", "start", "The start must not be after the end."),
            ("2025-01-01", "2026-03-01", "start", f"Choose at most {MAX_DAYS} days."),
            ("2026-03-01", "9999-12-31", "end", "Choose today or an earlier day."),
            ("", "2026-03-01", "start", "This field is required."),
            ("0001-01-01", "", "end", "This field is required."),
            ("\0", "🙂", "end", "Enter a valid date."),
        ],
    )
    def test_explains_impossible_dates(self, agent: User, start: str, end: str, field: str, error: str) -> None:
        page = Browser(agent).get(FIRST_PAGE, {"start": start, "end": end})

        assert page.context["period"].form.errors[field] == [error]
        assert error in page.content.decode()
        assert len(page.context["tickets_per_day"].rows) == DEFAULT_DAYS

    def test_may_be_long_ago(self, admin: User) -> None:
        page = Browser(admin).get(FIRST_PAGE, {"start": "0001-01-01", "end": "0001-01-02"})

        assert len(page.context["tickets_per_day"].rows) == 2

    @pytest.mark.parametrize("page", ["0", "-1", "x", "²", "99999999999999999999", "1000"])
    def test_any_page_of_a_table_can_be_asked_for(self, agent: User, page: str) -> None:
        assert Browser(agent).get(FIRST_PAGE, {"teams": page, "people": page}).status_code == 200


class TestLinks:
    def test_lead_to_the_tickets_counted(self, agent: User, owner: User, assignee: User) -> None:
        now = timezone.now()
        late, worked_on = make_ticket(owner, created_at=now - timedelta(days=3)), make_ticket(owner, created_at=now)
        assign(worked_on, assignee)
        closed = make_ticket(owner, created_at=now - timedelta(hours=30), priority="high")
        assign(closed, agent)
        close(closed, days_ago=1)
        close(make_ticket(owner, created_at=now - timedelta(days=50)), days_ago=40)
        browser = Browser(agent)
        page = browser.get(FIRST_PAGE)

        def linked(url: str) -> set[Ticket]:
            return set(browser.get(url).context["cl"].result_list)

        assert linked(card(page, "desk_now", "Open tickets").url) == {late, worked_on}
        assert linked(card(page, "desk_now", "SLA breached").url) == {late}
        assert linked(card(page, "desk_now", "Unassigned").url) == {late}
        assert linked(card(page, "desk_cards", "Created").url) == {late, worked_on, closed}
        assert linked(card(page, "desk_cards", "Closed").url) == {closed}
        assert linked(card(page, "desk_cards", "Closed within SLA").url) == {closed}
        (priorities, types, projects) = page.context["ticket_charts"]
        assert linked(priorities.rows[1].cells[0].url) == {closed}
        assert linked(types.rows[0].cells[0].url) == {late, worked_on, closed}
        assert linked(projects.rows[0].cells[0].url) == {late, worked_on, closed}
        yesterday = page.context["tickets_per_day"].rows[-2]
        assert linked(yesterday.cells[1].url) == {closed}
        for name in ("teams", "people"):
            (row,) = table(page, name)["rows"]
            assert linked(row["closed_url"]) == linked(row["met_url"]) == {closed}

    def test_lead_to_the_tickets_first_answered(self, agent: User, admin: User, owner: User) -> None:
        website = make_project("Website")
        first, second = make_ticket(owner, project=website), make_ticket(owner)
        make_comment(first, agent)
        make_comment(first, admin)
        make_comment(second, admin)
        make_comment(make_ticket(owner), owner)
        make_comment(make_ticket(owner), agent, is_internal=True)
        long_ago = make_ticket(owner)
        make_comment(long_ago, agent)
        FirstResponse.objects.filter(pk=long_ago.pk).update(responded_at=timezone.now() - timedelta(days=40))
        # Figures count for the team that had the ticket when it was answered.
        Ticket.objects.filter(pk=first.pk).update(project=Project.objects.general())
        browser = Browser(agent)
        page = browser.get(FIRST_PAGE)

        def linked(url: str) -> set[Ticket]:
            return set(browser.get(url).context["cl"].result_list)

        def by_name(name: str) -> dict[str, set[Ticket]]:
            return {row["name"]: linked(row["answered_url"]) for row in table(page, name)["rows"]}

        assert linked(card(page, "desk_cards", "First response, median").url) == {first, second}
        assert by_name("teams") == {"Website": {first}, "General": {second}}
        assert by_name("people") == {agent.name: {first}, admin.name: {second}}
        (row, _) = table(page, "people")["rows"]
        assert (
            f"First response: {page.context['period'].days.first}" in browser.get(row["answered_url"]).content.decode()
        )

    @pytest.mark.parametrize(
        "value", ["x", "2026-02-30..2026-03-01", "2026-03-02..2026-03-01", "2026-03-01..2026-03-01 person", "\0"]
    )
    def test_tolerate_made_up_spans(self, agent: User, owner: User, value: str) -> None:
        ticket = make_ticket(owner)

        page = Browser(agent).get("/admin/tickets/ticket/", {"queue": "all", "answered": value}, follow=True)

        assert list(page.context["cl"].result_list) == [ticket]

    def test_lead_to_the_bookings_counted(self, admin: User, owner: User) -> None:
        event = make_event(admin, capacity=2)
        sold, waiting = book(event, quantity=2), book(event, quantity=1)
        browser = Browser(admin)
        page = browser.get(FIRST_PAGE)
        (shown,) = page.context["upcoming_events"]

        assert list(browser.get(page.context["all_upcoming"]).context["cl"].result_list) == [event]
        assert list(browser.get(shown["sold_url"]).context["cl"].result_list) == [sold]
        assert list(browser.get(shown["waiting_url"]).context["cl"].result_list) == [waiting]
        assert shown["waiting"] == 1

    def test_offer_to_add_an_event_when_empty(self, admin: User) -> None:
        page = Browser(admin).get(FIRST_PAGE).content.decode()

        assert "No upcoming events." in page
        assert "No tickets were closed in this period" in page

    def test_redirect_customers_to_sign_in(self, owner: User) -> None:
        assert Browser(owner).get(FIRST_PAGE).status_code == 302


def card(page: Any, group: str, label: str) -> Card:
    (found,) = (card for card in page.context[group] if card.label == label)
    return cast(Card, found)


def table(page: Any, name: str) -> dict[str, Any]:
    (found,) = (table for table in page.context["times"] if table["name"] == name)
    return cast("dict[str, Any]", found)


def labels(chart: Chart) -> list[str]:
    return [row.label for row in chart.rows]
