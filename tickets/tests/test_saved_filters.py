"""Saved filters: who can read, change and share them, and what their query strings can contain."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.contrib.messages import get_messages
from django.db import IntegrityError, transaction
from django.http import QueryDict
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from kit.tests.browser import Browser, fields
from tickets.admin import queues as admin_queues
from tickets.admin.saved_views import to_admin, to_api
from tickets.models import Queue, SavedFilter, Status
from tickets.queries import queues as counting
from tickets.saved_filters import services
from tickets.tests.factories import assign, make_ticket

pytestmark = pytest.mark.django_db

Api = Callable[[User], APIClient]
TICKETS = "/admin/tickets/ticket/"


def save(by: User, name: str = "Urgent", *, query: str = "priority=high", is_shared: bool = False) -> SavedFilter:
    return services.create(name=name, query=query, is_shared=is_shared, by=by)


def names(api: APIClient, query: str = "") -> list[str]:
    return [each["name"] for each in api.get(f"/filters{query}").json()["items"]]


class TestList:
    def test_has_own_and_shared_filters_by_name(
        self,
        signed_in: Api,
        owner: User,
        outsider: User,
        agent: User,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        own = save(owner, "zebra")
        save(outsider, "hidden")
        save(agent, "agent's own")
        save(agent, "Äpfel", is_shared=True)
        save(owner, "Bananas")
        api = signed_in(owner)

        assert names(api) == ["Äpfel", "Bananas", "zebra"]
        assert names(signed_in(agent)) == ["agent's own", "Äpfel"]
        assert api.get("/filters").json()["items"][-1] == {
            "id": own.pk,
            "name": "zebra",
            "query": "priority=high",
            "shared": False,
        }
        # The caller, and the filters.
        with django_assert_num_queries(2):
            api.get("/filters")

    def test_is_paged(self, signed_in: Api, owner: User, agent: User) -> None:
        for name in "bdf":
            save(owner, name)
        for name in "aceB":
            save(agent, name, is_shared=True)
        api = signed_in(owner)
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = api.get(f"/filters?limit=2&cursor={cursor}").json()
            found += [each["name"] for each in page["items"]]
            cursor = page["nextCursor"]

        assert found == ["a", "b", "B", "c", "d", "e", "f"]

    def test_needs_a_token(self) -> None:
        assert APIClient().get("/filters").status_code == 401


class TestCreate:
    def test_saves_a_filter(self, signed_in: Api, owner: User) -> None:
        body = {"name": " Urgent ", "query": "?status=open&type=&search=roof+leak&queue=mine"}

        answer = signed_in(owner).post("/filters", body, format="json")

        saved = SavedFilter.objects.get()
        assert answer.status_code == 201
        assert answer.json() == {
            "id": saved.pk,
            "name": "Urgent",
            "query": "status=open&search=roof+leak&queue=mine",
            "shared": False,
        }
        assert saved.owner == owner

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ("limit=5", "limit: This call has no such parameter."),
            ("status=shut", 'status: "shut" is not a valid choice.'),
            ("status=open&status=closed", "status: Give this parameter only once."),
            ("queue=theirs", 'queue: "theirs" is not a valid choice.'),
            ("startDate=2024-02-02&endDate=2024-01-01", "startDate: The start must not be after the end."),
            ("search=%00", "search: Null characters are not allowed."),
            ("?", "Give at least one parameter."),
            ("status=", "Give at least one parameter."),
            ("", "This field may not be blank."),
            ("&" * 1999, "Too many parameters."),
            ("search=" + "ä" * 255, None),
            ("venue=" + "ä" * 900, "Ensure this field has no more than 2000 characters."),
            (7, "Not a valid string."),
        ],
    )
    def test_refuses_parameters_that_the_list_does_not_take(
        self, signed_in: Api, owner: User, query: Any, message: str | None
    ) -> None:
        answer = signed_in(owner).post("/filters", {"name": "Urgent", "query": query}, format="json")

        faults = [(fault["field"], fault["message"]) for fault in answer.json().get("errors", [])]
        assert faults == ([("query", message)] if message else [])

    def test_takes_every_queue_and_parameter_of_the_list(self, signed_in: Api, owner: User) -> None:
        api = signed_in(owner)
        parameters = "search=a&priority=low&type=bug&venue=Hall&project=1&assignee=2&createdBy=3&sla=missed"
        more = "&startDate=2024-01-01&endDate=2024-01-01T10:00:00Z&ordering=-dueDate"

        answers = [
            api.post("/filters", {"name": queue, "query": f"{parameters}{more}&queue={queue}"}, format="json")
            for queue in Queue.values
        ]

        assert {answer.status_code for answer in answers} == {201}

    def test_refuses_a_name_twice_per_owner(self, signed_in: Api, owner: User, outsider: User) -> None:
        save(owner, "Urgent")

        answer = signed_in(owner).post("/filters", {"name": "URGENT", "query": "status=open"}, format="json")

        assert (answer.status_code, answer.json()["code"]) == (409, "filter_name_taken")
        assert answer.json()["errors"] == [{"field": "name", "message": services.FilterNameTaken.message}]
        assert save(outsider, "urgent").pk

    def test_lets_only_staff_share(self, signed_in: Api, owner: User, agent: User) -> None:
        body = {"name": "Urgent", "query": "status=open", "shared": True}

        answers = [signed_in(user).post("/filters", body, format="json") for user in (owner, agent)]

        assert [answer.status_code for answer in answers] == [403, 201]
        assert answers[0].json()["code"] == "sharing_for_staff"
        assert SavedFilter.objects.get().owner == agent


class TestReplace:
    def test_replaces_a_filter_and_keeps_what_is_omitted(self, signed_in: Api, agent: User) -> None:
        saved = save(agent, is_shared=True)

        answer = signed_in(agent).put(f"/filters/{saved.pk}", {"name": "Slow", "query": "priority=low"}, format="json")

        assert answer.status_code == 200
        assert answer.json() == {"id": saved.pk, "name": "Slow", "query": "priority=low", "shared": True}

    def test_can_change_the_case_of_a_name(self, signed_in: Api, owner: User) -> None:
        saved = save(owner, "urgent")

        answer = signed_in(owner).put(f"/filters/{saved.pk}", {"name": "URGENT", "query": "sla=met"}, format="json")

        assert answer.json()["name"] == "URGENT"


class TestOthers:
    @pytest.mark.parametrize("method", ["put", "delete"])
    @pytest.mark.parametrize(("is_shared", "status"), [(True, 403), (False, 404)])
    def test_cannot_change_a_filter(
        self, signed_in: Api, agent: User, admin: User, method: str, is_shared: bool, status: int
    ) -> None:
        saved = save(agent, is_shared=is_shared)
        call = getattr(signed_in(admin), method)

        answer = call(f"/filters/{saved.pk}", {"name": "Mine", "query": "status=open"}, format="json")

        assert answer.status_code == status
        assert SavedFilter.objects.get().name == "Urgent"

    @pytest.mark.parametrize("filter_id", [0, 2**63, 10**30])
    def test_are_told_of_unknown_filters(self, signed_in: Api, admin: User, filter_id: int) -> None:
        answer = signed_in(admin).delete(f"/filters/{filter_id}")

        assert (answer.status_code, answer.json()["code"]) == (404, "filter_not_found")


class TestDelete:
    def test_deletes_an_own_filter(self, signed_in: Api, owner: User) -> None:
        saved = save(owner)

        assert signed_in(owner).delete(f"/filters/{saved.pk}").status_code == 204
        assert not SavedFilter.objects.exists()

    def test_filters_go_with_their_owner(self, owner: User) -> None:
        save(owner)

        owner.delete()

        assert not SavedFilter.objects.exists()


class TestConstraints:
    @pytest.mark.parametrize(
        ("name", "constraint"), [("  ", "saved_filter_has_name"), ("a\u0308", "saved_filter_name_composed")]
    )
    def test_refuse_odd_names(self, owner: User, name: str, constraint: str) -> None:
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            SavedFilter.objects.create(owner=owner, name=name, query="status=open")


class TestViews:
    """Saved filters in the admin, which has other names for some parameters."""

    def test_are_saved_from_the_filters_of_the_list(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner, title="The roof leaks", priority="high")
        make_ticket(owner, title="The roof leaks")
        browser = Browser(agent)
        query = f"queue=unassigned&q=roof+leak&priority__exact=high&created_by__id__exact={owner.pk}&o=1"

        shown = fields(browser.get(f"{TICKETS}?{query}"))
        answer = browser.post(f"{TICKETS}views/", shown | {"name": "Roofs", "shared": "on"}, follow=True)

        saved = SavedFilter.objects.get()
        assert saved.query == f"queue=unassigned&search=roof+leak&priority=high&createdBy={owner.pk}"
        assert (saved.owner, saved.name, saved.is_shared) == (agent, "Roofs", True)
        assert "Saved as “Roofs”." in answer.content.decode()
        (tab,) = answer.context["cl"].saved_tabs
        assert (tab.title, tab.is_current, tab.is_own) == ("Roofs", True, True)
        assert not any(tab.is_current for tab in answer.context["cl"].tabs)
        assert list(browser.get(TICKETS + tab.url).context["cl"].result_list) == [ticket]

    def test_are_tabs_for_others_if_they_are_shared(self, agent: User, admin: User) -> None:
        save(admin, "Shared", query="search=roof&startDate=2024-01-01&endDate=2024-01-31&type=bug", is_shared=True)
        save(admin, "Hidden")
        save(agent, "Own")

        page = Browser(agent).get(TICKETS)
        opened = Browser(agent).get(TICKETS + page.context["cl"].saved_tabs[1].url)

        assert [tab.title for tab in page.context["cl"].saved_tabs] == ["Own", "Shared"]
        assert [chip.text for chip in opened.context["cl"].chips] == [
            "Search: roof",
            "Type: bug",
            "Created from: 2024-01-01",
            "Created before: 2024-02-01",
        ]
        assert opened.context["cl"].saved_tab.title == "Shared"
        assert "Delete this view" not in opened.content.decode()

    def test_can_be_saved_again_as_they_are_shown(self, agent: User) -> None:
        query = (
            "search=roof&status=closed&sla=missed&venue=Hall&project=1&assignee=2&startDate=2024-01-01T00%3A00%3A00Z"
        )
        saved = save(agent, "First", query=f"{query}&endDate=2024-01-31&queue=all&label=vip&label=roof")

        shown = to_admin(saved.query)

        assert to_admin(to_api(QueryDict(shown))) == shown
        assert QueryDict(to_api(QueryDict(shown))).getlist("label") == ["vip", "roof"]

    def test_are_deleted_by_their_owner(self, agent: User, admin: User) -> None:
        own, shared = save(agent, "Own"), save(admin, "Shared", is_shared=True)
        browser = Browser(agent)

        answers = [browser.post(f"{TICKETS}views/{each.pk}/delete/", follow=True) for each in (own, shared)]

        texts = [answer.content.decode() for answer in answers]
        assert "View deleted." in texts[0]
        assert f"View not deleted. {services.NotYourFilter.message}." in texts[1]
        assert list(SavedFilter.objects.all()) == [shared]

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"name": "Urgent", "query": "q=roof"}, f"not saved. {services.FilterNameTaken.message}."),
            ({"name": " ", "query": "q=roof"}, "not saved. Name: This field may not be blank."),
            ({"query": "q=roof"}, "not saved. Name: This field may not be blank."),
            ({"name": "x", "query": ""}, "not saved. Query: This field may not be blank."),
            ({"name": "x"}, "not saved. Query: This field may not be blank."),
            ({"name": "x", "query": "status__exact=x"}, "not saved. Query: status: “x” is not a valid choice."),
            ({"name": "x", "query": "id__range=1"}, "not saved. The filter “id__range” cannot be saved."),
            ({"name": "x", "query": "created_at__gte=x"}, "The value of “created_at__gte” cannot be saved."),
            ({"name": "x", "query": "created_at__lt=0001-01-01"}, "The value of “created_at__lt” cannot be saved."),
            ({"name": "x", "query": "created_at__lt=9999-12-31T23:59:59-23:00"}, "not saved. Query: endDate: "),
        ],
    )
    def test_say_why_they_are_not_saved(self, agent: User, values: dict[str, str], message: str) -> None:
        save(agent, "urgent")

        page = Browser(agent).post(f"{TICKETS}views/", values)

        (shown,) = [str(each).replace('"', "“", 1).replace('"', "”", 1) for each in get_messages(page.wsgi_request)]
        assert message in shown
        assert SavedFilter.objects.count() == 1

    def test_survive_that_the_list_no_longer_takes_a_parameter(self, agent: User) -> None:
        SavedFilter.objects.create(owner=agent, name="Old", query="status=lost")

        page = Browser(agent).get(TICKETS)

        assert (page.status_code, page.context["cl"].saved_tabs) == (200, [])

    def test_are_escaped(self, agent: User) -> None:
        save(agent, "<b>&", query="search=%3Cb%3E")

        page = Browser(agent).get(TICKETS).content.decode()

        assert "<span>&lt;b&gt;&amp;</span>" in page
        assert 'href="?q=%3Cb%3E"' in page

    def test_are_renamed_and_shared(self, agent: User) -> None:
        saved = save(agent, "Roofs", query="search=roof&ordering=-priority")
        browser = Browser(agent)

        values = {"view": saved.pk, "name": "Leaks", "shared": "on", "query": "q=roof"}
        page = browser.post(f"{TICKETS}views/change/", values, follow=True)
        again = browser.post(f"{TICKETS}views/change/", {"view": saved.pk, "name": "leaks"}, follow=True)

        saved.refresh_from_db()
        assert "Saved as “Leaks”." in page.content.decode()
        assert page.context["cl"].saved_tab.title == "Leaks"
        assert page.context["cl"].saved_tab.is_shared
        assert (saved.name, saved.is_shared, saved.query) == ("leaks", False, "search=roof&ordering=-priority")
        assert again.status_code == 200

    def test_get_the_filters_of_the_list(self, agent: User) -> None:
        saved = save(agent, "Roofs", query="search=roof", is_shared=True)
        browser = Browser(agent)

        shown = browser.get(f"{TICKETS}?q=roof&priority__exact=high&p=2&o=1")
        values = {"view": saved.pk, "query": "q=roof&priority__exact=high&o=1"}
        page = browser.post(f"{TICKETS}views/change/", values, follow=True)

        saved.refresh_from_db()
        assert "Replace its filters" in shown.content.decode()
        assert (saved.name, saved.query, saved.is_shared) == ("Roofs", "search=roof&priority=high", True)
        assert "“Roofs” now has the filters of this list." in page.content.decode()
        assert page.context["cl"].saved_tab.title == "Roofs"

    @pytest.mark.parametrize(
        ("view", "values", "message"),
        [
            ("own", {"name": "Taken"}, services.FilterNameTaken.message),
            ("own", {"name": " "}, "Name: This field may not be blank."),
            ("own", {"query": ""}, "Query: This field may not be blank."),
            ("own", {"query": "id__range=1"}, "cannot be saved."),
            ("shared", {"name": "Mine"}, services.NotYourFilter.message),
            ("hidden", {"name": "Mine"}, services.FilterNotFound.message),
            ("x", {"name": "Mine"}, services.FilterNotFound.message),
        ],
    )
    def test_say_why_they_are_not_changed(
        self, agent: User, admin: User, view: str, values: dict[str, str], message: str
    ) -> None:
        views = {"own": save(agent, "Own").pk, "shared": save(admin, "Shared", is_shared=True).pk}
        views |= {"hidden": save(admin, "Hidden").pk}
        save(agent, "Taken")
        before = list(SavedFilter.objects.order_by("pk").values())

        page = Browser(agent).post(f"{TICKETS}views/change/", {"view": views.get(view, view), **values})

        (shown,) = map(str, get_messages(page.wsgi_request))
        assert shown.startswith("View not changed. ")
        assert message in shown
        assert list(SavedFilter.objects.order_by("pk").values()) == before


class TestCounts:
    """The numbers on the tabs of saved views."""

    def counts(self, user: User) -> dict[str, str]:
        return {
            SavedFilter.objects.get(pk=pk).name: count
            for pk, count in Browser(user).get(f"{TICKETS}views/counts/").json()["counts"].items()
        }

    def test_are_those_of_the_list(self, agent: User, owner: User, outsider: User) -> None:
        high = make_ticket(owner, priority="high", title="The roof leaks")
        make_ticket(outsider)
        make_ticket(owner)
        make_ticket(owner, status=Status.CLOSED, priority="high", labels=["roof"])
        assign(high, agent, outsider)
        views = {
            "high": "priority=high",
            "closed": "status=closed&priority=high",
            "all high": "queue=all&priority=high",
            "mine": "queue=mine",
            "mine and theirs": f"queue=mine&assignee={outsider.pk}",
            "theirs": f"assignee={outsider.pk}",
            "unassigned": "queue=unassigned",
            "roofs": "search=roof",
            "label": "label=roof&queue=all",
            "met": "sla=met",
            "none": "queue=breached&sla=met",
            "created": f"createdBy={owner.pk}&startDate=2020-01-01",
        }
        for name, query in views.items():
            save(agent, name, query=query)
        browser = Browser(agent)
        tabs = browser.get(TICKETS).context["cl"].saved_tabs

        counts = self.counts(agent)

        listed = {tab.title: len(browser.get(TICKETS + tab.url).context["cl"].result_list) for tab in tabs}
        assert counts == {name: str(number) for name, number in listed.items()}
        assert counts["all high"] == "2"

    def test_stop_at_a_hundred(self, agent: User, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(counting, "MAX_SAVED_COUNT", 2)
        for _ in range(3):
            make_ticket(owner)
        save(agent, "Open", query="status=open")

        assert self.counts(agent) == {"Open": "2+"}

    def test_leave_out_what_takes_too_long(self, agent: User, other_connection: psycopg.Connection) -> None:
        save(agent, "Open", query="status=open")

        with other_connection.transaction():
            other_connection.execute("LOCK TABLE tickets_ticket")
            counts = self.counts(agent)

        assert counts == {}
        assert self.counts(agent) == {"Open": "0"}

    def test_end_when_they_have_taken_too_long_together(self, agent: User, monkeypatch: pytest.MonkeyPatch) -> None:
        save(agent, "Open", query="status=open")
        monkeypatch.setattr(admin_queues, "MAX_SECONDS_OF_COUNTS", -1)

        assert self.counts(agent) == {}

    def test_leave_out_numbers_and_old_parameters(self, agent: User) -> None:
        save(agent, "Number", query="search=12")
        SavedFilter.objects.create(owner=agent, name="Old", query="status=lost")

        assert self.counts(agent) == {}

    def test_come_after_the_list(
        self, agent: User, owner: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        save(agent, "High", query="priority=high")
        page = Browser(agent).get(TICKETS)
        browser = Browser(agent)
        browser.get(f"{TICKETS}views/counts/")

        assert 'data-counts="/admin/tickets/ticket/views/counts/"' in page.content.decode()
        # The session, the user, two for permissions, the views, and a limited count for each in a transaction.
        with django_assert_num_queries(9):
            browser.get(f"{TICKETS}views/counts/")
