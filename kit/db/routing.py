"""Which database this thread reads from: the primary, or a replica for the length of a block (kit/replicas)."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS

_here = threading.local()


def alias() -> str:
    """Return the name of the database to read from."""
    return getattr(_here, "alias", DEFAULT_DB_ALIAS)


@contextmanager
def reading_from(name: str) -> Iterator[None]:
    """Send all reads of this block to this database. Changes go to the primary nevertheless."""
    before, _here.alias = alias(), name
    try:
        yield
    finally:
        _here.alias = before


class Router:
    """What Django asks for each query of the ORM, if there is a replica."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return alias()

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return DEFAULT_DB_ALIAS

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == DEFAULT_DB_ALIAS
