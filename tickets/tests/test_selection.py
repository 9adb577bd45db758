"""`include` and `fields` of tickets."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import User
from kit.web import paging
from projects.models import Project
from tickets.models import Comment
from tickets.selection import MAX_COMMENTS
from tickets.tests.factories import make_comment, make_ticket

pytestmark = pytest.mark.django_db

SignIn = Callable[[User], APIClient]


def get(api: APIClient, path: str, **query: Any) -> Any:
    response = api.get(path, query)
    assert response.status_code == 200, response.json()
    return response.json()


class TestFields:
    def test_are_the_only_ones(self, owner: User, signed_in: SignIn) -> None:
        ticket, api = make_ticket(owner), signed_in(owner)

        assert get(api, "/tickets", fields="title,id")["items"] == [{"id": ticket.pk, "title": ticket.title}]
        assert get(api, f"/tickets/{ticket.pk}", fields="id,sla").keys() == {"id", "sla"}

    @pytest.mark.parametrize("query", [{"fields": "id,nonsense"}, {"include": "comments,nonsense"}])
    def test_that_are_unknown_are_refused(self, owner: User, signed_in: SignIn, query: dict[str, str]) -> None:
        ticket, api = make_ticket(owner), signed_in(owner)

        for path in ("/tickets", f"/tickets/{ticket.pk}"):
            response = api.get(path, query)

            assert response.status_code == 400
            assert [error["field"] for error in response.json()["errors"]] == [*query]

    def test_have_a_tag_of_their_own(self, owner: User, signed_in: SignIn) -> None:
        ticket, api = make_ticket(owner), signed_in(owner)
        path = f"/tickets/{ticket.pk}"
        queries: list[dict[str, str]] = [
            {},
            {"fields": "id"},
            {"fields": "id,version"},
            {"include": "comments"},
            {"include": "project"},
        ]

        tags = [api.get(path, query)["ETag"] for query in queries]

        assert len(set(tags)) == len(tags)
        assert api.get(path, queries[1], HTTP_IF_NONE_MATCH=tags[1]).status_code == 304
        assert api.get(path, queries[1], HTTP_IF_NONE_MATCH=tags[0]).status_code == 200


class TestInclude:
    def test_project_replaces_its_id(self, owner: User, signed_in: SignIn) -> None:
        project = Project.objects.create(name="Buildings", description="All of them.")
        ticket = make_ticket(owner, project=project)
        expected = {
            "id": project.pk,
            "name": "Buildings",
            "description": "All of them.",
            "visibility": "everyone",
            "version": 1,
        }

        (item,) = get(signed_in(owner), "/tickets", include="project", fields="id")["items"]

        assert item == {"id": ticket.pk, "project": expected}
        assert get(signed_in(owner), f"/tickets/{ticket.pk}", include="project")["project"] == expected

    def test_comments_are_those_of_the_list(self, owner: User, agent: User, signed_in: SignIn) -> None:
        first, second = make_ticket(owner), make_ticket(owner)
        make_comment(first, owner, message="Any news?")
        make_comment(first, agent, message="He is angry.", is_internal=True)

        for user, number in ((owner, 1), (agent, 2)):
            items = get(signed_in(user), "/tickets", include="comments", fields="id")["items"]
            listed = get(signed_in(user), f"/tickets/{first.pk}/comments")["items"]

            assert items == [
                {"id": second.pk, "comments": [], "commentsCursor": None},
                {"id": first.pk, "comments": listed, "commentsCursor": None},
            ]
            assert len(listed) == number

    def test_comments_go_on_in_the_list(self, owner: User, signed_in: SignIn) -> None:
        ticket, api = make_ticket(owner), signed_in(owner)
        comments = [make_comment(ticket, owner).pk for _ in range(MAX_COMMENTS + 2)]

        found = get(api, f"/tickets/{ticket.pk}", include="comments")
        rest = get(api, f"/tickets/{ticket.pk}/comments", cursor=found["commentsCursor"])

        assert len(found["comments"]) == MAX_COMMENTS
        assert [comment["id"] for comment in found["comments"] + rest["items"]] == comments

    def test_comments_are_fewer_if_they_are_long(self, owner: User, signed_in: SignIn) -> None:
        api = signed_in(owner)
        tickets = [make_ticket(owner) for _ in range(50)]
        for ticket in tickets:
            for _ in range(2):
                Comment.objects.create(ticket=ticket, author=owner, message="x" * 20_000, created_at=ticket.created_at)

        page = get(api, "/tickets", include="comments", limit=50)
        changed = get(api, "/tickets", include="comments", limit=50, updatedSince="2020-01-01T00:00:00Z")

        for found in (page, changed):
            assert {len(item["comments"]) for item in found["items"]} == {1}
            assert all(item["commentsCursor"] for item in found["items"])
            # The page is shorter, too.
            assert len(found["items"]) == paging.MAX_BYTES // 20_040
            assert found["nextCursor"]

    def test_takes_two_more_statements_for_a_page_of_any_length(self, owner: User, signed_in: SignIn) -> None:
        api, numbers = signed_in(owner), []
        for number in (1, 10):
            while get(api, "/tickets")["items"][number - 1 :] == []:
                make_comment(make_ticket(owner), owner)
            with CaptureQueriesContext(connection) as captured:
                get(api, "/tickets", include="comments,project")
            numbers.append(len(captured))

        # The caller, the tickets that are visible, their rows, their projects and their comments.
        assert numbers == [5, 5]

    def test_works_with_what_has_changed(self, owner: User, signed_in: SignIn) -> None:
        ticket = make_ticket(owner)
        make_comment(ticket, owner)
        query = {"updatedSince": "2020-01-01T00:00:00Z", "include": "comments", "fields": "id"}

        (item,) = get(signed_in(owner), "/tickets", **query)["items"]

        assert (item["id"], len(item["comments"])) == (ticket.pk, 1)
