"""Labels: how they are stored, found, counted and recorded."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError
from django.db.models.expressions import RawSQL
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.api import wrong_fields
from kit.tests.browser import Browser, fields
from projects.models import Project
from projects.tests.psql import psql
from tickets import queries, services
from tickets.admin import label_pages
from tickets.models import LabelCount, Ticket
from tickets.queries import Change
from tickets.tests.factories import assign, make_ticket

pytestmark = pytest.mark.django_db

SignedIn = Callable[[User], APIClient]


def label(ticket: Ticket, *labels: str) -> None:
    services.update(ticket_id=ticket.pk, by=ticket.created_by, at=timezone.now(), labels=labels)


def counts(viewer: User) -> dict[str, int]:
    return {row["name"]: row["tickets"] for row in queries.labels(viewer=viewer, limit=100)}


class TestOfATicket:
    def test_are_stored_in_lower_case_sorted_and_once(self, api: APIClient) -> None:
        response = api.post("/ticket", {"title": "Lamp", "labels": ["Urgent", " billing ", "URGENT", "e\u0301"]})

        assert response.json()["labels"] == ["billing", "urgent", "\u00e9"]

    def test_are_replaced_by_a_change(self, api: APIClient, ticket: Ticket) -> None:
        label(ticket, "old")

        response = api.patch(f"/tickets/{ticket.pk}", {"labels": ["New"]})

        assert response.json()["labels"] == ["new"]
        assert response.json()["version"] == 3

    def test_stay_if_omitted(self, api: APIClient, ticket: Ticket) -> None:
        label(ticket, "old")

        body = {"title": "Other", "project": ticket.project_id, "status": "open"}

        assert api.put(f"/tickets/{ticket.pk}", body).json()["labels"] == ["old"]

    def test_in_another_case_change_nothing(self, api: APIClient, ticket: Ticket) -> None:
        label(ticket, "urgent")

        assert api.patch(f"/tickets/{ticket.pk}", {"labels": ["URGENT"]}).json()["version"] == 2

    @pytest.mark.parametrize(
        "labels",
        [
            *("urgent", 5, {}, None, [5], [None], [""], ["  "], ["a,b"], ["a\nb"], ["x" * 51], [["a"]]),
            [str(number) for number in range(21)],
        ],
    )
    def test_that_are_invalid_are_refused(self, api: APIClient, ticket: Ticket, labels: object) -> None:
        response = api.patch(f"/tickets/{ticket.pk}", {"labels": labels})

        assert response.status_code == 400
        assert all(name.startswith("labels") for name in wrong_fields(response))

    def test_can_be_20_of_50_characters(self, api: APIClient, ticket: Ticket) -> None:
        labels = sorted(f"{number:050}" for number in range(20))

        assert api.patch(f"/tickets/{ticket.pk}", {"labels": labels}).json()["labels"] == labels

    @pytest.mark.parametrize(
        "labels",
        ["{Urgent}", "{a,a}", '{" a"}', '{"a,b"}', "{{a},{b}}", "{NULL}", '{""}', "{" + "x" * 51 + "}"],
    )
    def test_that_are_invalid_are_refused_by_the_database(self, ticket: Ticket, labels: str) -> None:
        with pytest.raises(IntegrityError, match="ticket_labels"):
            Ticket.objects.filter(pk=ticket.pk).update(labels=RawSQL("%s::text[]", [labels]))

    def test_are_recorded_in_the_history(self, ticket: Ticket, owner: User) -> None:
        label(ticket, "urgent")
        label(ticket, "urgent", "vip")

        item, first, created = queries.history(ticket_id=ticket.pk, limit=3)

        assert item.changes == [Change("labels", ["urgent"], ["urgent", "vip"])]
        assert first.changes == [Change("labels", [], ["urgent"])]
        assert "labels" not in {change.field for change in created.changes}


class TestFilter:
    def test_finds_tickets_with_all_of_the_labels(self, api: APIClient, owner: User) -> None:
        both, one, _ = (make_ticket(owner) for _ in range(3))
        label(both, "urgent", "vip")
        label(one, "urgent")

        def found(query: str) -> list[int]:
            return [item["id"] for item in api.get(f"/tickets?{query}").json()["items"]]

        assert found("label=Urgent") == [one.pk, both.pk]
        assert found("label=urgent&label=VIP") == [both.pk]
        assert found("label=vip&label=other") == []
        assert len(found("label=")) == 3

    def test_is_one_of_the_export(self, api: APIClient, owner: User) -> None:
        make_ticket(owner)
        label(make_ticket(owner), "urgent", "vip")

        lines = b"".join(api.get("/tickets/export?label=vip")).decode().splitlines()

        assert len(lines) == 2
        assert '"urgent, vip"' in lines[1]


class TestList:
    def test_counts_tickets_by_label(self, api: APIClient, owner: User) -> None:
        label(make_ticket(owner), "urgent", "vip")
        label(make_ticket(owner), "urgent")

        assert api.get("/labels").json() == {
            "items": [{"name": "urgent", "tickets": 2}, {"name": "vip", "tickets": 1}],
            "nextCursor": None,
        }

    def test_is_paged(self, api: APIClient, ticket: Ticket) -> None:
        label(ticket, "a", "b", "c")

        first = api.get("/labels?limit=2").json()
        second = api.get(f"/labels?limit=2&cursor={first['nextCursor']}").json()

        assert [[item["name"] for item in page["items"]] for page in (first, second)] == [["a", "b"], ["c"]]
        assert second["nextCursor"] is None

    def test_counts_only_visible_tickets(
        self, hidden_ticket: Ticket, owner: User, assignee: User, outsider: User, agent: User
    ) -> None:
        label(make_ticket(owner), "urgent")
        label(hidden_ticket, "urgent", "secret")
        assign(hidden_ticket, assignee)

        all_of_them = {"urgent": 2, "secret": 1}
        assert [counts(user) for user in (agent, owner, assignee)] == [all_of_them] * 3
        assert counts(outsider) == {"urgent": 1}

    def test_follows_changes_of_labels_and_project(
        self, ticket: Ticket, owner: User, outsider: User, hidden_project: Project
    ) -> None:
        label(ticket, "urgent", "vip")
        label(ticket, "vip", "other")
        assert counts(outsider) == {"vip": 1, "other": 1}

        services.update(ticket_id=ticket.pk, by=owner, at=timezone.now(), project_id=hidden_project.pk)

        assert (counts(outsider), counts(owner)) == ({}, {"vip": 1, "other": 1})

    def test_stays_the_same_when_the_counts_are_folded(self, owner: User, agent: User) -> None:
        tickets = [make_ticket(owner, labels=["urgent", "vip"]) for _ in range(3)]
        label(tickets[0], "urgent")
        label(tickets[1])

        services.fold_label_counts()

        assert counts(agent) == {"urgent": 2, "vip": 1}
        assert LabelCount.objects.count() == 2

    def test_runs_one_query(
        self, api: APIClient, ticket: Ticket, django_assert_num_queries: Callable[..., object]
    ) -> None:
        label(ticket, "urgent")
        api.get("/labels")

        # The first reads the caller.
        with django_assert_num_queries(2):  # type: ignore[attr-defined]
            api.get("/labels")


class TestInTheAdmin:
    def test_are_changed_by_the_form(self, agent: User, ticket: Ticket) -> None:
        label(ticket, "urgent", "vip")
        browser, url = Browser(agent), f"/admin/tickets/ticket/{ticket.pk}/change/"
        page = browser.get(url)

        browser.post(url, fields(page) | {"labels": "VIP, Billing,, "})

        ticket.refresh_from_db()
        assert 'value="urgent, vip"' in page.content.decode()
        assert ticket.labels == ["billing", "vip"]

    def test_are_saved_as_soon_as_they_are_edited(self, agent: User, ticket: Ticket) -> None:
        browser, url = Browser(agent), f"/admin/tickets/ticket/{ticket.pk}/change/"
        sent = fields(browser.get(url)) | {"field": "labels"}

        refused = browser.post(url.replace("change", "save"), sent | {"labels": "x" * 51})
        saved = browser.post(url.replace("change", "save"), sent | {"labels": "VIP, Billing,, "})

        assert (refused.status_code, list(refused.json()["errors"])) == (422, ["labels"])
        assert (saved.status_code, Ticket.objects.get().labels) == (200, ["billing", "vip"])

    def test_are_set_on_a_new_ticket(self, agent: User) -> None:
        browser, url = Browser(agent), "/admin/tickets/ticket/add/"
        page = browser.get(url)

        browser.post(url, fields(page) | {"title": "Lamp", "project": Project.objects.general().pk, "labels": "Vip"})

        assert Ticket.objects.get().labels == ["vip"]

    @pytest.mark.parametrize(
        ("labels", "message"),
        [(",".join(map(str, range(21))), "at most 20 labels; these are 21"), ("x" * 51, "at most 50 characters")],
    )
    def test_that_are_invalid_are_refused_next_to_the_field(
        self, agent: User, ticket: Ticket, labels: str, message: str
    ) -> None:
        browser, url = Browser(agent), f"/admin/tickets/ticket/{ticket.pk}/change/"

        answer = browser.post(url, fields(browser.get(url)) | {"labels": labels})

        assert message in answer.context["adminform"].form.errors["labels"][0]

    def test_filter_the_list(self, agent: User, owner: User) -> None:
        both, one = make_ticket(owner, labels=["urgent", "vip"]), make_ticket(owner, labels=["vip"])
        make_ticket(owner)

        def found(query: str) -> list[Ticket]:
            return list(Browser(agent).get(f"/admin/tickets/ticket/?label={query}").context["cl"].result_list)

        assert found("VIP") == [both, one]
        assert found("vip, urgent") == [both]
        assert len(found("")) == 3


def test_an_unused_filter_costs_tickets_without_labels_nothing() -> None:
    (plan,) = (line for (line,) in psql("SELECT indexdef FROM pg_indexes WHERE indexname = 'ticket_labels'"))

    assert "labels = '{}'" in plan


class TestSuggestions:
    def suggested(self, user: User, **query: str) -> list[tuple[str, int]]:
        found = Browser(user).get("/admin/tickets/ticket/labels/", query).json()["labels"]
        return [(each["name"], each["tickets"]) for each in found]

    @pytest.fixture(autouse=True)
    def tickets(self, owner: User, hidden_project: Project) -> None:
        make_ticket(owner, labels=["roof", "vip"])
        make_ticket(owner, labels=["roof", "room 1"], project=hidden_project)
        make_ticket(owner, labels=["rope", "100%"])

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"start": "ro"}, [("roof", 2), ("room 1", 1), ("rope", 1)]),
            ({"start": " ROO"}, [("roof", 2), ("room 1", 1)]),
            ({"start": "ro", "given": "VIP, Roof,"}, [("room 1", 1), ("rope", 1)]),
            ({"start": "oof"}, []),
            ({"start": "%"}, []),
            ({"start": "100%"}, [("100%", 1)]),
            ({"start": "x" * 9999, "given": "," * 9999}, []),
            ({"start": "\x00vi"}, [("vip", 1)]),
            ({}, [("roof", 2), ("100%", 1), ("room 1", 1), ("rope", 1), ("vip", 1)]),
        ],
    )
    def test_begin_so_with_the_most_frequent_first(
        self, agent: User, query: dict[str, str], found: list[tuple[str, int]]
    ) -> None:
        assert self.suggested(agent, **query) == found

    def test_are_few(self, agent: User, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(label_pages, "MAX_SUGGESTIONS", 2)

        assert self.suggested(agent) == [("roof", 2), ("100%", 1)]

    def test_leave_no_comma_behind_in_the_filter(self, agent: User) -> None:
        page = Browser(agent).get("/admin/tickets/ticket/", {"label": "roof, "})

        assert [chip.text for chip in page.context["cl"].chips] == ["Labels: roof"]
        assert len(page.context["cl"].result_list) == 2

    def test_are_for_staff(self, owner: User) -> None:
        answer = Browser(owner).get("/admin/tickets/ticket/labels/")

        assert answer["Location"].startswith("/admin/login/")

    @pytest.mark.parametrize("page", ["", "add/", "{ticket}/change/"])
    def test_are_offered_by_fields_for_labels(self, agent: User, page: str) -> None:
        url = f"/admin/tickets/ticket/{page.format(ticket=Ticket.objects.latest('pk').pk)}"

        shown = Browser(agent).get(url).content.decode()

        assert 'data-labels="/admin/tickets/ticket/labels/"' in shown
        assert "kit/labels.js" in shown
