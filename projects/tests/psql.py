"""SQL as psql sends it: without models, services or Django's cursor."""

from typing import Any

from django.db import connection, transaction


def psql(statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """Run a statement in a savepoint and return its rows. Errors are psycopg's own."""
    with transaction.atomic():
        cursor = connection.connection.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else []
