"""The /projects endpoints."""

from collections.abc import Callable

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from projects.models import Project, Visibility
from projects.tests.factories import make_project
from tickets.models import Status
from tickets.tests.factories import assign, make_ticket

Api = Callable[[User], APIClient]


def names(api: APIClient, query: str = "") -> list[str]:
    return [project["name"] for project in api.get(f"/projects{query}").json()["items"]]


class TestList:
    def test_counts_tickets_by_status_including_zeros(self, signed_in: Api, owner: User) -> None:
        website = make_project("Website", description="What customers see.")
        for status in (Status.OPEN, Status.OPEN, Status.IN_PROGRESS):
            make_ticket(owner, project=website, status=status)

        response = signed_in(owner).get("/projects", {"search": "web"})

        assert response.status_code == 200
        assert response.json() == {
            "items": [
                {
                    "id": website.pk,
                    "name": "Website",
                    "description": "What customers see.",
                    "visibility": "everyone",
                    "tickets": {"open": 2, "inProgress": 1, "closed": 0},
                    "version": 1,
                }
            ],
            "nextCursor": None,
        }

    def test_is_ordered_by_name_ignoring_case_and_accents(self, signed_in: Api, owner: User) -> None:
        for name in ("zebra", "Yak", "ant", "Ärzte", "Ane"):
            make_project(name)

        assert names(signed_in(owner)) == ["Ane", "ant", "Ärzte", "General", "HelpDesk", "Yak", "zebra"]

    @pytest.mark.parametrize("search", ["zoe", "ZOË pro", "projekt zoé"])
    def test_is_searched_by_words(self, signed_in: Api, owner: User, search: str) -> None:
        make_project("Zoë's Projekt")
        make_project("Zorn")

        found = signed_in(owner).get("/projects", {"search": search}).json()["items"]

        assert [project["name"] for project in found] == ["Zoë's Projekt"]

    @pytest.mark.parametrize("limit", [1, 2])
    def test_pages_contain_names_that_differ_only_in_accents(self, signed_in: Api, owner: User, limit: int) -> None:
        for name in ("Zoé", "Zoe", "Zoë"):
            make_project(name)
        api, seen = signed_in(owner), []
        cursor: str | None = ""

        while cursor is not None:
            page = api.get("/projects", {"limit": f"{limit}", "cursor": cursor, "search": "zoe"}).json()
            seen += [project["name"] for project in page["items"]]
            cursor = page["nextCursor"]

        assert seen == ["Zoé", "Zoe", "Zoë"]

    def test_pages_contain_each_project_once(self, signed_in: Api, owner: User) -> None:
        for number in range(5):
            make_project(f"Project {number}")
        api, seen = signed_in(owner), []
        cursor: str | None = ""

        while cursor is not None:
            page = api.get("/projects", {"limit": "2", "cursor": cursor}).json()
            seen += [project["name"] for project in page["items"]]
            cursor = page["nextCursor"]

        assert seen == ["General", "HelpDesk", *(f"Project {number}" for number in range(5))]

    def test_counts_only_visible_tickets(
        self, signed_in: Api, owner: User, assignee: User, outsider: User, agent: User
    ) -> None:
        hidden = make_project("Hidden", visibility=Visibility.INVOLVED)
        assign(make_ticket(owner, project=hidden), assignee)
        make_ticket(owner, project=hidden)

        def count(user: User) -> int:
            return int(signed_in(user).get(f"/projects/{hidden.pk}").json()["tickets"]["open"])

        assert [count(owner), count(assignee), count(outsider), count(agent)] == [2, 1, 0, 2]

    @pytest.mark.parametrize("number", [1, 12])
    def test_runs_two_queries_for_any_number_of_projects(
        self, signed_in: Api, owner: User, django_assert_num_queries: DjangoAssertNumQueries, number: int
    ) -> None:
        for _ in range(number):
            make_ticket(owner, project=make_project())
        api = signed_in(owner)

        with django_assert_num_queries(2):
            api.get("/projects")

    @pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=!", "cursor=WzFd", "cursor=W10"])
    def test_refuses_invalid_paging_parameters(self, signed_in: Api, owner: User, query: str) -> None:
        assert signed_in(owner).get(f"/projects?{query}").status_code == 400

    def test_requires_authentication(self, anonymous: APIClient) -> None:
        assert anonymous.get("/projects").status_code == 401


class TestChange:
    def test_lets_admins_create_read_update_and_delete(self, signed_in: Api, admin: User) -> None:
        api = signed_in(admin)

        created = api.post("/projects", {"name": " Website ", "description": "Pages"})
        path = f"/projects/{created.json()['id']}"
        replaced = api.put(path, {"name": "Web site"})
        patched = api.patch(path, {"visibility": "involved"})
        deleted = api.delete(path)

        assert (created.status_code, created.json()["name"]) == (201, "Website")
        assert (replaced.status_code, replaced.json()["description"]) == (200, "Pages")
        assert (patched.status_code, patched.json()["visibility"]) == (200, "involved")
        assert deleted.status_code == 204
        assert api.get(path).status_code == 404

    @pytest.mark.parametrize("person", ["owner", "agent"])
    def test_is_for_admins_only(self, request: pytest.FixtureRequest, signed_in: Api, person: str) -> None:
        project, api = make_project("Website"), signed_in(request.getfixturevalue(person))
        path = f"/projects/{project.pk}"

        answers = [
            api.post("/projects", {"name": "Other"}),
            api.put(path, {"name": "Other"}),
            api.patch(path, {"name": "Other"}),
            api.delete(path),
        ]

        assert [answer.status_code for answer in answers] == [403] * 4
        assert Project.objects.get(pk=project.pk).name == "Website"

    @pytest.mark.parametrize("body", [{}, {"name": "ab"}, {"name": 7}, {"name": "x" * 151}, {"name": "a\nb c"}])
    def test_refuses_an_invalid_name(self, signed_in: Api, admin: User, body: dict[str, object]) -> None:
        response = signed_in(admin).post("/projects", body)

        assert response.status_code == 400
        assert response.json()["errors"][0]["field"] == "name"

    def test_refuses_a_taken_name_ignoring_case(self, signed_in: Api, admin: User) -> None:
        website, api = make_project("Website"), signed_in(admin)

        created = api.post("/projects", {"name": "WEBSITE"})
        renamed = api.patch(f"/projects/{website.pk}", {"name": "general"})
        same = api.patch(f"/projects/{website.pk}", {"name": "website"})

        assert (created.status_code, created.json()["code"]) == (409, "project_name_taken")
        assert renamed.status_code == 409
        assert same.status_code == 200

    def test_does_not_delete_a_project_with_tickets(self, signed_in: Api, admin: User, owner: User) -> None:
        project = make_project()
        make_ticket(owner, project=project)

        response = signed_in(admin).delete(f"/projects/{project.pk}")

        assert (response.status_code, response.json()["code"]) == (409, "project_has_tickets")

    def test_does_not_delete_built_in_projects(self, signed_in: Api, admin: User) -> None:
        response = signed_in(admin).delete(f"/projects/{Project.objects.general().pk}")

        assert (response.status_code, response.json()["code"]) == (409, "system_project")

    def test_returns_404_for_a_missing_project(self, signed_in: Api, admin: User) -> None:
        api, path = signed_in(admin), "/projects/999999999999999999999"

        answers = [api.get(path), api.put(path, {"name": "Other"}), api.patch(path, {}), api.delete(path)]

        assert [answer.status_code for answer in answers] == [404] * 4
