"""SQL as psql would send it: past the models, the services and Django's own cursor."""

from typing import Any

from django.db import connection, transaction


def psql(statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """Run a statement and return its rows. What PostgreSQL refuses is psycopg's own error and undoes nothing else."""
    with transaction.atomic():
        cursor = connection.connection.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else []
