"""Run the statements in `.sql` files. The only module that opens a cursor.

Each file `<app>/sql/<question>.sql` is one statement with bound parameters; its text is never assembled, except that it
can include what several statements share from `<app>/sql/parts/`. Functions and triggers are in `<app>/sql/functions/`
and `<app>/sql/triggers/`.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import dropwhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import orjson
import pghistory
import psycopg
from django.apps import apps
from django.conf import settings
from django.core.management.color import no_style
from django.db import DEFAULT_DB_ALIAS, IntegrityError, OperationalError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, Model
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier

from kit.db import routing
from kit.db.configuration import DIRECT

if TYPE_CHECKING:
    from kit.db.backend.base import DatabaseWrapper

# As in psql, a line such as `\\ir parts/visible.sql` stands for the text of that file.
INCLUDE = "\\ir "
# The largest bigint. PostgreSQL fails on larger parameters, even in a lookup that would find nothing.
MAX_ID = 2**63 - 1
# What history calls the door of commands, for set_config.
COMMAND = '{"door": "command"}'
WRITES = ("INSERT", "UPDATE", "DELETE", "WITH")


# The name of each statement that was read, by its text. For traces.
names: dict[str, str] = {}


class TookTooLong(Exception):
    """A statement within `time_limit` took longer."""


@cache
def text(statement: str) -> str:
    """Return the SQL of `<app>/<question>` without its header comment. Each file is read once per process.

    pghistory recognizes read-only statements by their first word, so no comment may come before it.
    """
    app, question = statement.split("/", maxsplit=1)
    found = _read(Path(apps.get_app_config(app).path) / "sql" / f"{question}.sql")
    names[found] = statement
    return found


def _read(file: Path) -> str:
    lines = dropwhile(lambda line: line.startswith("--"), file.read_text().splitlines(keepends=True))
    return "".join(
        _read(file.parent / line.removeprefix(INCLUDE).strip()) if line.startswith(INCLUDE) else line for line in lines
    )


def rows(statement: str, **parameters: Any) -> list[dict[str, Any]]:
    """Run `<app>/<question>` and return its rows as dicts."""
    with connections[routing.alias()].cursor() as cursor:
        # Django's cursor wraps psycopg's.
        cursor.cursor.row_factory = dict_row
        cursor.execute(text(statement), parameters)
        return cast("list[dict[str, Any]]", cursor.fetchall())


def prepared(statement: str, **parameters: Any) -> list[dict[str, Any]]:
    """Run `<app>/<question>` as `rows` does, with a plan that PostgreSQL keeps and that fits any parameters.

    For short statements that run often. They have to give each parameter its type, as in `%(at)s::timestamptz`, unless
    it is a parameter of a function.
    """
    return cast("DatabaseWrapper", connections[routing.alias()]).run_prepared(text(statement), parameters)


def find(statement: str, **parameters: Any) -> dict[str, Any] | None:
    """Run a `prepared` statement that returns at most one row, and return that row. No row has an id beyond MAX_ID."""
    if any(isinstance(value, int) and abs(value) > MAX_ID for value in parameters.values()):
        return None
    found = prepared(statement, **parameters)
    return found[0] if found else None


def row(statement: str, **parameters: Any) -> dict[str, Any]:
    """Run a statement that always returns exactly one row, and return that row."""
    (only,) = rows(statement, **parameters)
    return only


def run(statement: str, **parameters: Any) -> int:
    """Run a statement that returns no rows. Return the number of rows that it changed."""
    with connection.cursor() as cursor:
        cursor.execute(text(statement), parameters)
        return cursor.rowcount


def listening_alias() -> str | None:
    """Return the name of the database settings to LISTEN with. None if there is only a pooler.

    A pooler would lend the listening connection to others, which would get the notifications.
    """
    if DIRECT in settings.DATABASES:
        return DIRECT
    return None if settings.DATABASE_POOLER else DEFAULT_DB_ALIAS


def is_heard(channel: str, *, seconds: float) -> bool:
    """Return whether a NOTIFY reaches the connection that workers listen with. Call it outside of transactions."""
    listener = connections[listening_alias() or DEFAULT_DB_ALIAS]
    with listener.cursor() as cursor:
        cursor.execute(SQL("LISTEN {}").format(Identifier(channel)))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [channel])
    found = listener.connection.notifies(timeout=seconds, stop_after=1)
    return any(notification.channel == channel for notification in found)


async def wake(channel: str, woken: asyncio.Event) -> None:
    """Set the event once listening to the channel, and then at each NOTIFY, on a connection of its own.

    Without one to listen with, never set it. Ends only by failing, or when it is cancelled.
    """
    if (alias := listening_alias()) is None:
        await asyncio.Event().wait()
    options = connections[alias or DEFAULT_DB_ALIAS].get_connection_params()
    names = ("cursor_factory", "context", "prepare_threshold")
    options = {name: value for name, value in options.items() if name not in names}
    async with await psycopg.AsyncConnection.connect(**options, autocommit=True) as listener:
        await listener.execute(SQL("LISTEN {}").format(Identifier(channel)))
        woken.set()
        async for _ in listener.notifies():
            woken.set()


def finish(statement: str, **parameters: Any) -> None:
    """Run the last statement of a transaction and commit in the same round trip, to release locks sooner.

    Inside an outer transaction, leave the commit to that.
    """
    is_outermost = not (connection.savepoint_ids or connection.needs_rollback)
    with connection.cursor() as cursor:
        cursor.execute(f"{text(statement)}; COMMIT" if is_outermost else text(statement), parameters)


@contextmanager
def snapshot() -> Iterator[None]:
    """Read everything in this block from one snapshot. Read-only, and never nested in another transaction."""
    alias = routing.alias()
    with transaction.atomic(alias, durable=True):
        with connections[alias].cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


@contextmanager
def work_memory(size: str) -> Iterator[None]:
    """Run this block in a transaction that gives each step of a plan up to `size` of memory, such as "32MB".

    With less, PostgreSQL remembers only the pages of what an index finds, and tests every row on them.
    """
    alias = routing.alias()
    with transaction.atomic(alias):
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT set_config('work_mem', %s, true)", [size])
        yield


@contextmanager
def time_limit(milliseconds: int) -> Iterator[None]:
    """Run this block in a transaction whose statements may take this long each.

    :raises TookTooLong: one of them was cancelled.
    """
    alias = routing.alias()
    try:
        with transaction.atomic(alias):
            with connections[alias].cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(milliseconds)])
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, psycopg.errors.QueryCanceled):
            raise TookTooLong from error
        raise


def copy(model: type[Model], fields: Sequence[str], values: Iterable[Sequence[Any]]) -> None:
    """Insert rows, including their ids, with COPY, and advance the id sequence past them.

    Constraints and triggers apply, but model defaults do not: list every non-null column in `fields`. Other writers
    wait until the transaction ends, since they would get the same ids.
    """
    columns = [Identifier(str(cast("Field[Any, Any]", model._meta.get_field(name)).column)) for name in fields]
    table = Identifier(model._meta.db_table)
    statement = SQL("COPY {} ({}) FROM STDIN").format(table, SQL(", ").join(columns))
    with connection.cursor() as cursor:
        cursor.execute(SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(table))
        with cursor.copy(statement) as rows_in:
            for row_in in values:
                rows_in.write_row(row_in)
        for reset_sequence in connection.ops.sequence_reset_sql(no_style(), [model]):
            cursor.execute(reset_sequence)


def vacuum(*models: type[Model]) -> None:
    """Vacuum and analyze tables after a bulk load. Cannot run in a transaction."""
    with connection.cursor() as cursor:
        for model in models:
            cursor.execute(SQL("VACUUM (ANALYZE) {}").format(Identifier(model._meta.db_table)))


def context() -> str:
    """Return as JSON who makes the current change and through which door, or "" if that is unknown.

    pghistory sets it before each statement that writes, but takes the call of a function that does for a query. Such
    functions take it as a parameter.
    """
    with pghistory.context() as current:
        return orjson.dumps(current.metadata).decode() if current.metadata else ""


def record_command(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Mark changes through a new connection as made by a command, for history (a signal receiver)."""
    if settings.DATABASE_POOLER:
        # What belongs to the session would also mark the changes of others that the connection is lent to.
        if _record_command not in connection.execute_wrappers:
            connection.execute_wrappers.append(_record_command)
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pghistory.context_metadata', %s, false)", [COMMAND])


def _record_command(execute: Callable[..., Any], statement: Any, params: Any, many: bool, context: Any) -> Any:
    """Mark a change in the same round trip, and only until the end of its transaction."""
    is_write = isinstance(statement, str) and statement.lstrip().upper().startswith(WRITES)
    if many or not is_write:
        return execute(statement, params, many, context)
    mark = f"SELECT set_config('pghistory.context_metadata', '{COMMAND}', true); "
    result = execute(mark + statement, params, many, context)
    while result is not None and result.nextset():
        pass
    return result


def outdated_functions() -> list[str]:
    """Return the functions in the database that differ from their `.sql` files, which are executed and rolled back."""
    folders = [Path(app.path) / "sql" / "functions" for app in apps.get_app_configs()]
    with transaction.atomic(), connection.cursor() as cursor:
        before = rows("kit/functions_in_database")
        for file in sorted(file for folder in folders for file in folder.glob("*.sql")):
            cursor.execute(file.read_text())
        after = rows("kit/functions_in_database")
        transaction.set_rollback(True)
    known = {found["name"]: found["definition"] for found in before}
    return [found["name"] for found in after if known.get(found["name"]) != found["definition"]]


def violated(error: IntegrityError) -> str:
    """Return the name of the violated constraint, "" if PostgreSQL names none."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return (diagnosis and diagnosis.constraint_name) or ""
