"""Database settings: `DATABASE_URL`, or an embedded PostgreSQL. The settings import this module, not vice versa."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import environ
from django.core.exceptions import ImproperlyConfigured

APPLICATION_NAME = "ticketing"
# A request that needs a connection holds a thread for at most this long if PostgreSQL hangs. The URL may override it.
CONNECT_SECONDS = 3
# Settings of every connection. deploy/pgbouncer.ini has the same list.
# A request that waits longer than lock_timeout gets a 503. PostgreSQL detects deadlocks after one second.
# If `pgtrigger.ignore` is unset, every trigger raises and catches an error for each row: 20,000 rows would take ten
# seconds instead of two.
# Plans that fit any parameters are made once per connection (kit/db/sql.py), also for the functions in the database.
# They look expensive to PostgreSQL, which would compile each of them to machine code for longer than it runs.
# PostgreSQL's default, 4, is for magnetic disks. It would sort 100,000 tickets instead of reading some from an index.
SESSION = {
    "lock_timeout": "3s",
    "pgtrigger.ignore": "{}",
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
    "random_page_cost": "1.1",
}
# The name of a connection that bypasses the pooler, for LISTEN.
DIRECT = "direct"
# The name of the connection to the streaming replica.
REPLICA = "replica"
# A replica is not worth waiting for: the primary can answer as well.
REPLICA_CONNECT_SECONDS = 1


def configuration(url: str, directory: Path, *, durable: bool = True, is_pooled: bool = False) -> dict[str, Any]:
    """Return Django's `DATABASES` for `url`. Without one, start or join the embedded server in `directory`.

    :raises ImproperlyConfigured: the URL is not a PostgreSQL URL, or the embedded server cannot run.
    """
    if not url:
        # Processes that are given a URL are spared its memory.
        from kit.db import embedded

        url = connection_url(embedded.start(directory.resolve(), durable=durable))
    return {"default": database("DATABASE_URL", url, is_pooled=is_pooled)}


def database(variable: str, url: str, *, is_pooled: bool = False) -> dict[str, Any]:
    """Return Django's settings of the database at `url`, the value of this variable.

    A pooler lends its connections to one transaction after another, so what belongs to a session has to be set by the
    pooler itself, and cursors cannot outlive a transaction.

    :raises ImproperlyConfigured: it is not a PostgreSQL URL.
    """
    found: dict[str, Any] = environ.Env.db_url_config(url)
    if found.get("ENGINE") != "django.db.backends.postgresql":
        raise ImproperlyConfigured(f"{variable} must start with postgres://. Ticketing only supports PostgreSQL.")
    options = {"connect_timeout": CONNECT_SECONDS, "application_name": APPLICATION_NAME, **found.pop("OPTIONS", {})}
    if not is_pooled:
        options.setdefault("options", " ".join(f"-c {name}={value}" for name, value in SESSION.items()))
    # A Unix socket's host is a path, which a URL can only have in its query string.
    address = {key: str(options.pop(key.lower(), found[key])) for key in ("HOST", "PORT")}
    persistent = {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True, "DISABLE_SERVER_SIDE_CURSORS": is_pooled}
    return {**persistent, **found, **address, "ENGINE": "kit.db.backend", "OPTIONS": options}


def replica(primary: Mapping[str, Any], url: str, *, is_pooled: bool) -> dict[str, Any]:
    """Return Django's settings of the replica of the primary at `url`.

    :raises ImproperlyConfigured: it is not a PostgreSQL URL.
    """
    found = database("REPLICA_URL", url, is_pooled=is_pooled)
    kept = {name: primary["OPTIONS"][name] for name in ("prepare_threshold",) if name in primary["OPTIONS"]}
    found["OPTIONS"] = {**found["OPTIONS"], **kept, "connect_timeout": REPLICA_CONNECT_SECONDS}
    return found


def connection_url(database: Mapping[str, Any]) -> str:
    """Return `database` as a DATABASE_URL for child processes, so that they do not manage the server themselves."""
    account = f"{quote(database['USER'], safe='')}:{quote(database['PASSWORD'], safe='')}"
    query = urlencode({"host": database["HOST"], "port": database["PORT"], **database["OPTIONS"]})
    return f"postgres://{account}@/{quote(database['NAME'], safe='')}?{query}"
