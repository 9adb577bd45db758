"""SQL as psql sends it: without models, services or Django's cursor."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction


def psql(statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """Run a statement in a savepoint and return its rows. Errors are psycopg's own."""
    with transaction.atomic():
        cursor = connection.connection.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else []


@contextmanager
def planner_without(*methods: str) -> Iterator[None]:
    """Keep PostgreSQL from planning with these methods, such as "seqscan", as far as it can do without."""
    with transaction.atomic():
        for method in methods:
            psql(f"SET LOCAL enable_{method} = off")
        yield


def blocks_read(statement: str, **parameters: Any) -> int:
    """Return how many blocks a second run of the statement reads. The first one plans it."""
    for _ in range(2):
        ((plan,),) = psql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT json) {statement}", **parameters)
    (root,) = plan if isinstance(plan, list) else json.loads(plan)
    return int(root["Plan"]["Shared Hit Blocks"]) + int(root["Plan"]["Shared Read Blocks"])
