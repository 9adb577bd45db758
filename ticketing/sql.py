"""The only place that opens a cursor, and what there is to know of PostgreSQL's refusals.

A statement is one file, `<app>/sql/<question>.sql`, run as it stands: its parameters are bound, its text is never
assembled.
"""

from functools import cache
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection


@cache
def text(statement: str) -> str:
    """The SQL of `<app>/<question>`, read once a process."""
    app, question = statement.split("/")
    return (settings.BASE_DIR / app / "sql" / f"{question}.sql").read_text()


def rows(statement: str, **parameters: Any) -> list[dict[str, Any]]:
    """The rows that `<app>/<question>` answers with, by column name."""
    with connection.cursor() as cursor:
        cursor.execute(text(statement), parameters)
        names = [column.name for column in cursor.description or []]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


def row(statement: str, **parameters: Any) -> dict[str, Any]:
    """The one row of a statement that always answers with exactly one."""
    (only,) = rows(statement, **parameters)
    return only


def violated(error: IntegrityError) -> str:
    """The name of the constraint that a change ran into, "" when PostgreSQL names none."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return (diagnosis and diagnosis.constraint_name) or ""
