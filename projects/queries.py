"""Projects with their ticket counts, in raw SQL."""

from dataclasses import dataclass

from accounts.models import User
from kit.db import sql


@dataclass(frozen=True)
class TicketCounts:
    open: int
    in_progress: int
    closed: int


@dataclass(frozen=True)
class CountedProject:
    """A project with the number of its tickets that the viewer can see."""

    id: int
    name: str
    description: str
    visibility: str
    version: int
    tickets: TicketCounts


def projects(
    *, viewer: User, search: str = "", after: tuple[str, int] | None = None, limit: int
) -> list[CountedProject]:
    """Return up to `limit` projects ordered by name, starting after the (name, id) pair `after`. Runs one query."""
    return _projects(viewer=viewer, project=None, search=search, after=after, row_limit=limit)


def project(*, viewer: User, project_id: int) -> CountedProject | None:
    if project_id > sql.MAX_ID:
        return None
    return next(iter(_projects(viewer=viewer, project=project_id, search="", after=None, row_limit=1)), None)


def ticket_totals(*, project_ids: list[int]) -> dict[int, int]:
    """Return the number of tickets of each project, visible or not. Projects without tickets may be missing."""
    return {row["project"]: row["tickets"] for row in sql.rows("projects/ticket_totals", projects=project_ids)}


def _projects(
    *, viewer: User, project: int | None, search: str, after: tuple[str, int] | None, row_limit: int
) -> list[CountedProject]:
    name, id_ = after or (None, None)
    rows = sql.rows(
        "projects/projects",
        viewer=viewer.pk,
        sees_all=viewer.is_staff,
        project=project,
        search=search,
        after=name,
        after_id=id_,
        row_limit=row_limit,
    )
    return [
        CountedProject(
            id=row["id"],
            name=row["name"],
            description=row["description"],
            visibility=row["visibility"],
            version=row["version"],
            tickets=TicketCounts(open=row["open"], in_progress=row["in_progress"], closed=row["closed"]),
        )
        for row in rows
    ]
