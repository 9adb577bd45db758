"""Projects in the admin."""

from html import unescape

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from kit.admin.stale import STALE
from kit.tests.browser import Browser, errors, fields
from projects import services
from projects.models import Project
from projects.tests.factories import make_project
from tickets.tests.factories import make_ticket

PROJECTS = "/admin/projects/project/"


class TestList:
    def test_counts_tickets_with_one_query(
        self, admin: User, owner: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        browser = Browser(admin)
        browser.get(PROJECTS)
        for tickets in range(4):
            project = make_project(f"With {tickets}")
            for _ in range(tickets):
                make_ticket(owner, project=project)

        # Session, user, group and user permissions; number of projects, page, ticket counts.
        with django_assert_num_queries(7) as queries:
            page = browser.get(PROJECTS)

        # Counting the tickets themselves would be slow with a million of them.
        assert not any("tickets_ticket" in query["sql"] for query in queries.captured_queries)
        counts = {project.name: project.ticket_count for project in page.context["cl"].result_list}
        assert counts == {"General": 0, "HelpDesk": 0, "With 0": 0, "With 1": 1, "With 2": 2, "With 3": 3}

    @pytest.mark.parametrize("query", ["q=help", "q=hélp", "visibility__exact=involved"])
    def test_can_be_searched_and_filtered(self, agent: User, query: str) -> None:
        page = Browser(agent).get(f"{PROJECTS}?{query}")

        assert [project.name for project in page.context["cl"].result_list] == ["HelpDesk"]

    def test_links_to_the_tickets_of_a_project(self, agent: User, owner: User) -> None:
        elsewhere, project = make_ticket(owner), make_project("Website")
        here = make_ticket(owner, project=project)
        browser = Browser(agent)

        link = f"/admin/tickets/ticket/?project__id__exact={project.pk}&queue=all"
        page = browser.get(link)

        assert link in unescape(browser.get(PROJECTS).content.decode())
        assert list(page.context["cl"].result_list) == [here] != [elsewhere]


class TestSave:
    def test_creates_a_project(self, admin: User) -> None:
        Browser(admin).submit(f"{PROJECTS}add/", name="Website", visibility="involved", description="One\nTwo")

        project = Project.objects.get(name="Website")
        assert (project.visibility, project.description, project.system_name) == ("involved", "One\nTwo", None)

    def test_updates_a_project(self, admin: User) -> None:
        general = Project.objects.general()

        Browser(admin).submit(f"{PROJECTS}{general.pk}/change/", name="Everything else")

        assert Project.objects.general().name == "Everything else"

    @pytest.mark.parametrize(
        ("name", "sentence"),
        [
            ("gENERAL", "A project with this name already exists"),
            ("ab", "Ensure this value has at least 3 characters (it has 2)."),
            ("Two\nlines", "Control characters and line breaks are not allowed."),
            ("Back\u202ewards", "Control characters and line breaks are not allowed."),
        ],
    )
    @pytest.mark.parametrize("is_new", [True, False])
    def test_shows_errors_next_to_the_name(self, admin: User, name: str, sentence: str, is_new: bool) -> None:
        project = make_project("Website")
        page = f"{PROJECTS}add/" if is_new else f"{PROJECTS}{project.pk}/change/"

        answer = Browser(admin).submit(page, name=name, visibility="involved")

        assert errors(answer) == {"name": [sentence]}
        assert sentence in answer.content.decode()
        assert Project.objects.get(pk=project.pk).visibility == "everyone"
        assert Project.objects.count() == 3


class TestStaleForm:
    def test_does_not_show_the_tickets_of_a_closed_project_to_everyone(self, admin: User) -> None:
        project = make_project("Website")
        page, browser = f"{PROJECTS}{project.pk}/change/", Browser(admin)
        opened = fields(browser.get(page))
        services.update(project_id=project.pk, visibility="involved", description="One\nTwo")

        refused = browser.post(page, {**opened, "name": "Web shop", "_save": "Save"})

        project.refresh_from_db()
        assert (project.name, project.visibility) == ("Website", "involved")
        assert errors(refused) == {"__all__": [STALE.format("Description and Visibility")]}
        browser.post(page, {**fields(refused), "_save": "Save"})
        project.refresh_from_db()
        assert (project.name, project.visibility, project.description) == ("Web shop", "involved", "One\nTwo")


class TestDelete:
    def test_deletes_an_empty_project(self, admin: User) -> None:
        project = make_project("Website")

        answer = Browser(admin).post(f"{PROJECTS}{project.pk}/delete/", {"post": "yes"})

        assert answer.status_code == 302
        assert not Project.objects.filter(pk=project.pk).exists()

    def test_lists_the_tickets_that_prevent_it(self, admin: User, owner: User) -> None:
        project = make_project("Website")
        ticket = make_ticket(owner, project=project)

        answer = Browser(admin).post(f"{PROJECTS}{project.pk}/delete/", {"post": "yes"})

        assert str(ticket) in answer.content.decode()
        assert Project.objects.filter(pk=project.pk).exists()

    @pytest.mark.parametrize("system_name", ["general", "helpdesk"])
    def test_refuses_built_in_projects(self, admin: User, system_name: str) -> None:
        project = Project.objects.get(system_name=system_name)

        answer = Browser(admin).post(f"{PROJECTS}{project.pk}/delete/", {"post": "yes"})

        assert answer.status_code == 403
        assert Project.objects.filter(pk=project.pk).exists()
