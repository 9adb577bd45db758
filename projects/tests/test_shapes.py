"""Projects as SQL returns them have the keys that the schema promises."""

import pytest

from accounts.models import User
from projects import queries
from projects.serializers import ProjectSerializer, TicketCountsSerializer
from projects.tests.factories import make_project

pytestmark = pytest.mark.django_db


def test_keys_are_those_of_the_schema_in_order(owner: User) -> None:
    project = make_project("Website")
    row = queries.project(viewer=owner, project_id=project.pk)
    (item,) = queries.projects(viewer=owner, search="website", limit=2)

    assert row is not None
    assert list(row.items()) == list(item.items())
    assert list(row) == list(ProjectSerializer().fields)
    assert list(row["tickets"]) == list(TicketCountsSerializer().fields)
