"""Rules on projects that the database enforces, even against plain SQL."""

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
    def test_accepts_valid_names(self, name: str) -> None:
        psql(INSERT, name=name, visibility="everyone")

        assert Project.objects.filter(name=name).exists()

    @pytest.mark.parametrize("name", ["", "ab", "  ab  ", "      "])
    def test_requires_three_characters(self, name: str) -> None:
        with pytest.raises(CheckViolation) as refusal:
            psql(INSERT, name=name, visibility="everyone")

        assert constraint_of(refusal) == "project_name_length"

    def test_is_limited_to_150_characters(self) -> None:
        with pytest.raises(StringDataRightTruncation):
            psql(INSERT, name="a" * 151, visibility="everyone")

    @pytest.mark.parametrize("name", ["Öffice", "öffice", "ÖFFICE"])
    def test_is_unique_ignoring_case(self, name: str) -> None:
        make_project("Öffice")

        with pytest.raises(UniqueViolation) as refusal:
            psql(INSERT, name=name, visibility="everyone")

        assert constraint_of(refusal) == "project_name_unique"


class TestVisibility:
    def test_defaults_to_everyone(self) -> None:
        assert make_project().visibility == Visibility.EVERYONE

    @pytest.mark.parametrize("visibility", ["", "nobody", "Everyone"])
    def test_refuses_other_values(self, visibility: str) -> None:
        with pytest.raises(CheckViolation) as refusal:
            psql(INSERT, name="A project", visibility=visibility)

        assert constraint_of(refusal) == "project_visibility"


class TestSystemProjects:
    def test_exist_after_migration(self) -> None:
        projects = Project.objects.filter(system_name__isnull=False)

        assert set(projects.values_list("name", "visibility")) == {("General", "everyone"), ("HelpDesk", "involved")}

    def test_are_found_after_renaming(self) -> None:
        Project.objects.filter(name="General").update(name="Everything else")

        assert Project.objects.general().name == "Everything else"

    @pytest.mark.parametrize("name", ["General", "HelpDesk"])
    def test_cannot_be_deleted_with_sql(self, name: str) -> None:
        with pytest.raises(RaiseException, match="Cannot delete rows"):
            psql("DELETE FROM projects_project WHERE name = %(name)s", name=name)

        assert Project.objects.filter(name=name).exists()

    def test_cannot_be_deleted_with_the_orm(self) -> None:
        with pytest.raises((InternalError, ProgrammingError), match="Cannot delete rows"):
            Project.objects.general().delete()

    @pytest.mark.parametrize("system_name", ["helpless", None])
    def test_cannot_change_their_system_name(self, system_name: str | None) -> None:
        with pytest.raises(RaiseException, match="Cannot update rows"):
            psql("UPDATE projects_project SET system_name = %(name)s WHERE name = 'HelpDesk'", name=system_name)


class TestDelete:
    def test_removes_an_empty_project(self) -> None:
        project = make_project()

        project.delete()

        assert not Project.objects.filter(pk=project.pk).exists()

    def test_refuses_a_project_with_tickets(self, owner: User) -> None:
        project = make_project()
        make_ticket(owner, project=project)

        with pytest.raises(ProtectedError):
            project.delete()
