"""What the database keeps true of projects, whoever writes to it."""

import psycopg
import pytest
from django.db import InternalError, ProgrammingError
from django.db.models import ProtectedError
from psycopg.errors import CheckViolation, RaiseException, StringDataRightTruncation, UniqueViolation

from accounts.models import User
from projects.models import Project, Visibility
from projects.tests.factories import make_project
from projects.tests.psql import psql
from tickets.tests.factories import make_ticket

pytestmark = [pytest.mark.django_db, pytest.mark.database]

INSERT = """
    INSERT INTO projects_project (name, description, visibility, created_at)
    VALUES (%(name)s, '', %(visibility)s, now())
"""


def constraint_of(refusal: pytest.ExceptionInfo[psycopg.Error]) -> str | None:
    return refusal.value.diag.constraint_name


class TestName:
    @pytest.mark.parametrize("name", ["abc", "a" * 150, "a c", "Ünï"])
    def test_may_be(self, name: str) -> None:
        psql(INSERT, name=name, visibility="everyone")

        assert Project.objects.filter(name=name).exists()

    @pytest.mark.parametrize("name", ["", "ab", "  ab  ", "      "])
    def test_has_at_least_three_characters(self, name: str) -> None:
        with pytest.raises(CheckViolation) as refusal:
            psql(INSERT, name=name, visibility="everyone")

        assert constraint_of(refusal) == "project_name_length"

    def test_has_at_most_150_characters(self) -> None:
        with pytest.raises(StringDataRightTruncation):
            psql(INSERT, name="a" * 151, visibility="everyone")

    @pytest.mark.parametrize("name", ["Öffice", "öffice", "ÖFFICE"])
    def test_is_unique_without_regard_to_case(self, name: str) -> None:
        make_project("Öffice")

        with pytest.raises(UniqueViolation) as refusal:
            psql(INSERT, name=name, visibility="everyone")

        assert constraint_of(refusal) == "project_name_unique"


class TestVisibility:
    def test_is_everyone_unless_said(self) -> None:
        assert make_project().visibility == Visibility.EVERYONE

    @pytest.mark.parametrize("visibility", ["", "nobody", "Everyone"])
    def test_is_one_of_two(self, visibility: str) -> None:
        with pytest.raises(CheckViolation) as refusal:
            psql(INSERT, name="A project", visibility=visibility)

        assert constraint_of(refusal) == "project_visibility"


class TestSystemProjects:
    def test_come_with_the_system(self) -> None:
        projects = Project.objects.filter(system_name__isnull=False)

        assert set(projects.values_list("name", "visibility")) == {("General", "everyone"), ("HelpDesk", "involved")}

    def test_are_found_whatever_they_are_renamed_to(self) -> None:
        Project.objects.filter(name="General").update(name="Everything else")

        assert Project.objects.general().name == "Everything else"

    @pytest.mark.parametrize("name", ["General", "HelpDesk"])
    def test_are_not_deleted_by_sql(self, name: str) -> None:
        with pytest.raises(RaiseException, match="Cannot delete rows"):
            psql("DELETE FROM projects_project WHERE name = %(name)s", name=name)

        assert Project.objects.filter(name=name).exists()

    def test_are_not_deleted_by_the_models(self) -> None:
        with pytest.raises((InternalError, ProgrammingError), match="Cannot delete rows"):
            Project.objects.general().delete()

    @pytest.mark.parametrize("system_name", ["helpless", None])
    def test_do_not_lose_what_they_are_known_by(self, system_name: str | None) -> None:
        with pytest.raises(RaiseException, match="Cannot update rows"):
            psql("UPDATE projects_project SET system_name = %(name)s WHERE name = 'HelpDesk'", name=system_name)


class TestDelete:
    def test_removes_an_empty_project(self) -> None:
        project = make_project()

        project.delete()

        assert not Project.objects.filter(pk=project.pk).exists()

    def test_is_refused_while_it_has_tickets(self, owner: User) -> None:
        project = make_project()
        make_ticket(owner, project=project)

        with pytest.raises(ProtectedError):
            project.delete()
