"""Whether this server can do its work: the database answers, its schema is up to date, and a worker is alive."""

import pkgutil
from datetime import datetime
from functools import cache
from importlib import import_module

import structlog
from django.apps import AppConfig, apps
from django.db import Error, connection

from kit.db import sql

logger = structlog.get_logger(__name__)

DATABASE, MIGRATIONS, WORKER = "database", "migrations", "worker"
# What is missing, for people.
SENTENCES = {
    DATABASE: "The database does not answer",
    MIGRATIONS: "Migrations have not been applied",
    WORKER: "No worker has been seen for 2 minutes",
}


def missing(*, at: datetime) -> list[str]:
    """Return what this server lacks, of SENTENCES. Takes one query, and at most a few seconds.

    Two minutes without a worker are a fault, although requests are answered: no mail is sent and no job runs.
    """
    try:
        found = sql.row("ticketing/readiness", at=at)
    except Error as error:
        logger.warning("database_does_not_answer", error=str(error))
        # Django replaces a connection that has failed only with the next request.
        connection.close()
        return [MIGRATIONS] if getattr(error.__cause__, "sqlstate", None) == "42P01" else [DATABASE]
    lacks = {MIGRATIONS: not _on_disk() <= set(found["applied"]), WORKER: not found["has_worker"]}
    return [name for name, is_missing in lacks.items() if is_missing]


@cache
def _on_disk() -> frozenset[str]:
    """Return all migrations as `app.name`, without importing them: together they are as large as the site."""
    return frozenset(
        f"{app.label}.{module.name}"
        for app in apps.get_app_configs()
        for module in pkgutil.iter_modules(_folder(app))
        if not module.name.startswith("_")
    )


def _folder(app: AppConfig) -> list[str]:
    try:
        # Some packages have a module of this name.
        return list(getattr(import_module(f"{app.name}.migrations"), "__path__", []))
    except ModuleNotFoundError:
        return []
