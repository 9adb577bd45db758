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


def configuration(url: str, directory: Path, *, durable: bool = True) -> dict[str, Any]:
    """Return Django's `DATABASES` for `url`. Without one, start or join the embedded server in `directory`.

    :raises ImproperlyConfigured: the URL is not a PostgreSQL URL, or the embedded server cannot run.
    """
    if not url:
        # Processes that are given a URL are spared its memory.
        from kit.db import embedded

        url = connection_url(embedded.start(directory.resolve(), durable=durable))
    database = environ.Env.db_url_config(url)
    if database.get("ENGINE") != "django.db.backends.postgresql":
        raise ImproperlyConfigured("DATABASE_URL must start with postgres://. Ticketing only supports PostgreSQL.")
    options = {"connect_timeout": CONNECT_SECONDS, "application_name": APPLICATION_NAME, **database.pop("OPTIONS", {})}
    # A Unix socket's host is a path, which a URL can only have in its query string.
    address = {key: str(options.pop(key.lower(), database[key])) for key in ("HOST", "PORT")}
    persistent = {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}
    return {"default": {**persistent, **database, **address, "ENGINE": "kit.db.backend", "OPTIONS": options}}


def connection_url(database: Mapping[str, Any]) -> str:
    """Return `database` as a DATABASE_URL for child processes, so that they do not manage the server themselves."""
    account = f"{quote(database['USER'], safe='')}:{quote(database['PASSWORD'], safe='')}"
    query = urlencode({"host": database["HOST"], "port": database["PORT"], **database["OPTIONS"]})
    return f"postgres://{account}@/{quote(database['NAME'], safe='')}?{query}"
