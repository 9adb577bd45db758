"""Statements that only benchmarks run, in sql/ and peer/. `kit.db.sql` runs those of the apps."""

from pathlib import Path
from typing import Any

from django.db import connection

FOLDER = Path(__file__).parent


def run(file: str, /, **parameters: Any) -> None:
    """Run the statements of `<file>.sql`."""
    with connection.cursor() as cursor:
        cursor.execute((FOLDER / f"{file}.sql").read_text(), parameters or None)


def column(file: str, /, **parameters: Any) -> list[Any]:
    """Return the only column of the query in `<file>.sql`."""
    with connection.cursor() as cursor:
        cursor.execute((FOLDER / f"{file}.sql").read_text(), parameters or None)
        return [value for (value,) in cursor.fetchall()]


def explain(file: str, /, **parameters: Any) -> dict[str, Any]:
    """Run the statement of `<file>.sql` and return its plan, with the time of each part."""
    statement = "".join(
        line for line in (FOLDER / f"{file}.sql").read_text().splitlines(keepends=True) if not line.startswith("--")
    )
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT json) {statement}", parameters)
        ((found,),) = cursor.fetchall()
        return dict(found[0])


def flush() -> None:
    """Flush the writes of the previous run, so that all runs start alike."""
    run("sql/checkpoint")


def own_backend() -> int:
    """Return the process that serves our own connection."""
    connection.ensure_connection()
    pid: int = connection.connection.info.backend_pid
    return pid


def backends() -> list[int]:
    """Return the processes that serve other connections to this database."""
    return column("sql/backends")
