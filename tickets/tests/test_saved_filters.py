"""Saved filters: who can read, change and share them, and what their query strings can contain."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from tickets.models import Queue, SavedFilter
from tickets.saved_filters import services

pytestmark = pytest.mark.django_db

Api = Callable[[User], APIClient]


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
        cursor, found = "", []
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
