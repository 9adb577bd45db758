"""The breadcrumbs of the admin's pages."""

import re
from html import unescape

import pytest

from accounts.models import User
from kit.tests.browser import Browser
from projects.models import Project
from projects.tests.factories import make_project

pytestmark = pytest.mark.django_db

PROJECTS = "/admin/projects/project/"


def trail(user: User, path: str) -> list[str]:
    """Return the texts of the breadcrumbs, with the path that each leads to."""
    html = Browser(user).get(path).content.decode()
    found = re.search(r'<nav class="breadcrumbs".*?</nav>', html, re.DOTALL)
    assert found, path
    crumbs = re.findall(r'<a href="(.*?)">(.*?)</a>|<(?:h1|span aria-current="page")>(.*?)</', found[0])
    return [unescape(f"{text} {url}" if url else page) for url, text, page in crumbs]


@pytest.fixture
def project() -> Project:
    return make_project("Bits & Pieces")


class TestBreadcrumbs:
    def test_name_a_list(self, admin: User) -> None:
        assert trail(admin, PROJECTS) == ["Projects"]

    def test_lead_from_an_object_to_its_list(self, admin: User, project: Project) -> None:
        assert trail(admin, f"{PROJECTS}{project.pk}/change/") == [f"Projects {PROJECTS}", "Bits & Pieces"]

    @pytest.mark.parametrize(("page", "name"), [("history", "History"), ("delete", "Delete")])
    def test_lead_from_a_page_to_its_object(self, admin: User, project: Project, page: str, name: str) -> None:
        object_page = f"Bits & Pieces {PROJECTS}{project.pk}/change/"

        assert trail(admin, f"{PROJECTS}{project.pk}/{page}/") == [f"Projects {PROJECTS}", object_page, name]

    def test_lead_from_a_question_to_its_object(self, admin: User, agent: User) -> None:
        users = "/admin/accounts/user/"

        assert trail(admin, f"/admin/tickets/ticket/of/{agent.pk}/deactivate/") == [
            f"Users {users}",
            f"{agent} {users}{agent.pk}/change/",
            f"Deactivate {agent.name}?",
        ]

    def test_name_the_form_of_a_new_object(self, admin: User) -> None:
        assert trail(admin, f"{PROJECTS}add/") == [f"Projects {PROJECTS}", "Add project"]

    def test_name_a_list_as_its_menu_entry_does(self, admin: User) -> None:
        assert trail(admin, "/admin/axes/accessattempt/") == ["Failed sign-ins"]
        page = Browser(admin).get("/admin/axes/accessattempt/").content.decode()
        assert "<title> Failed sign-ins | Ticketing</title>" in page
        assert trail(admin, "/admin/accounts/auditentry/") == ["Audit log"]

    def test_name_pages_that_belong_to_no_list(self, agent: User) -> None:
        assert trail(agent, "/admin/") == ["Overview"]
        assert trail(agent, "/admin/sla/") == ["SLA administration"]
