"""Reads: projects with the keys of the API and the number of their tickets."""

from typing import Any

from accounts.models import User
from accounts.queries import viewer_id
from kit.db import sql

# A project as SQL returns it, with the keys of ProjectSerializer.
Row = dict[str, Any]


def projects(*, viewer: User, search: str = "", after: tuple[str, int] = ("", 0), limit: int) -> list[Row]:
    """Return up to `limit` projects ordered by name, starting after the (name, id) pair `after`. Runs one query."""
    name, id_ = after
    return sql.prepared(
        "projects/projects",
        viewer_id=viewer_id(viewer),
        search=search,
        after=name,
        after_id=id_,
        row_limit=limit,
    )


def project(*, viewer: User, project_id: int) -> Row | None:
    return sql.find("projects/project", viewer_id=viewer_id(viewer), project_id=project_id)


def projects_by_id(ids: list[int], *, viewer: User | None) -> list[Row]:
    """Return these projects, in any order, as `projects` does. None sees every ticket. Runs one statement."""
    return sql.prepared("projects/projects_by_id", ids=ids, viewer_id=viewer_id(viewer)) if ids else []


def ticket_totals(*, project_ids: list[int]) -> dict[int, int]:
    """Return the number of tickets of each project, visible or not. Projects without tickets may be missing."""
    return {row["project"]: row["tickets"] for row in sql.rows("projects/ticket_totals", projects=project_ids)}
