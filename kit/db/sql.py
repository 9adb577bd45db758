"""The only place that opens a cursor, and what there is to know of PostgreSQL's refusals.

A statement is one file, `<app>/sql/<question>.sql`, run as it stands: its parameters are bound, its text is never
assembled. Functions and triggers are files, too: `<app>/sql/functions/` and `<app>/sql/triggers/`.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import dropwhile
from pathlib import Path
from typing import Any, cast

from django.apps import apps
from django.core.management.color import no_style
from django.db import IntegrityError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, Model
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier

# PostgreSQL's bigint: it takes no larger number, not even to find that there is no such row.
MAX_ID = 2**63 - 1


@cache
def text(statement: str) -> str:
    """The SQL of `<app>/<question>`, read once a process, without the comment at its head.

    By how a statement begins pghistory knows that it only reads, and need not be told who asks.
    """
    app, question = statement.split("/", maxsplit=1)
    file = Path(apps.get_app_config(app).path) / "sql" / f"{question}.sql"
    lines = file.read_text().splitlines(keepends=True)
    return "".join(dropwhile(lambda line: line.startswith("--"), lines))


def rows(statement: str, **parameters: Any) -> list[dict[str, Any]]:
    """The rows that `<app>/<question>` answers with, by column name."""
    with connection.cursor() as cursor:
        # Of psycopg's cursor, which Django's wraps.
        cursor.cursor.row_factory = dict_row
        cursor.execute(text(statement), parameters)
        return cast("list[dict[str, Any]]", cursor.fetchall())


def row(statement: str, **parameters: Any) -> dict[str, Any]:
    """The one row of a statement that always answers with exactly one."""
    (only,) = rows(statement, **parameters)
    return only


def finish(statement: str, **parameters: Any) -> None:
    """Do a transaction's last statement and commit in the same round trip: for its locks others wait.

    Within a transaction of somebody else's it leaves the commit to them.
    """
    is_ours = not (connection.savepoint_ids or connection.needs_rollback)
    with connection.cursor() as cursor:
        cursor.execute(f"{text(statement)}; COMMIT" if is_ours else text(statement), parameters)


@contextmanager
def snapshot() -> Iterator[None]:
    """Have all that is read within come from one moment. Writes nothing, and is no part of another transaction."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def copy(model: type[Model], fields: Sequence[str], values: Iterable[Sequence[Any]]) -> None:
    """Append rows, ids among their fields, as fast as PostgreSQL takes them, and move the ids to come past them.

    Constraints and triggers hold; defaults of the model do not, so `fields` are all that may not be null. Other writers
    of the table wait until the transaction ends: they would be given the same ids.
    """
    columns = [Identifier(str(cast("Field[Any, Any]", model._meta.get_field(name)).column)) for name in fields]
    table = Identifier(model._meta.db_table)
    statement = SQL("COPY {} ({}) FROM STDIN").format(table, SQL(", ").join(columns))
    with connection.cursor() as cursor:
        cursor.execute(SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(table))
        with cursor.copy(statement) as rows_in:
            for row_in in values:
                rows_in.write_row(row_in)
        for past_them in connection.ops.sequence_reset_sql(no_style(), [model]):
            cursor.execute(past_them)


def vacuum(*models: type[Model]) -> None:
    """Make what was just loaded ready to be read: dead rows gone, statistics known. Not within a transaction."""
    with connection.cursor() as cursor:
        for model in models:
            cursor.execute(SQL("VACUUM (ANALYZE) {}").format(Identifier(model._meta.db_table)))


def say_command(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Receive a new connection, and let history know that what is changed through it is changed by a command."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pghistory.context_metadata', %s, false)", ['{"door": "command"}'])


def violated(error: IntegrityError) -> str:
    """The name of the constraint that a change ran into, "" when PostgreSQL names none."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return (diagnosis and diagnosis.constraint_name) or ""
