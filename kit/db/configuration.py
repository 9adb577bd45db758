"""Where the data is: at `DATABASE_URL`, else in an embedded PostgreSQL. Settings import this, so it imports none."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import environ
from django.core.exceptions import ImproperlyConfigured

from kit.db import embedded


def configuration(url: str, directory: Path, *, durable: bool = True) -> dict[str, Any]:
    """Return Django's `DATABASES` for `url`; without one, start the server kept in `directory` or join it.

    :raises ImproperlyConfigured: the URL is not PostgreSQL's, or the embedded server cannot run; says why.
    """
    database = environ.Env.db_url_config(url or connection_url(embedded.start(directory.resolve(), durable=durable)))
    if database.get("ENGINE") != "django.db.backends.postgresql":
        raise ImproperlyConfigured("DATABASE_URL must begin with postgres://: Ticketing runs on PostgreSQL alone.")
    options = {"connect_timeout": 10, "application_name": embedded.NAME, **database.pop("OPTIONS", {})}
    # The host of a socket is a path, which a URL can only carry in its query.
    place = {key: str(options.pop(key.lower(), database[key])) for key in ("HOST", "PORT")}
    persistent = {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}
    return {"default": {**persistent, **database, **place, "ENGINE": "kit.db.backend", "OPTIONS": options}}


def connection_url(database: Mapping[str, Any]) -> str:
    """Return the URL that `configuration` reads as `database`: child processes given it start and stop nothing."""
    account = f"{quote(database['USER'], safe='')}:{quote(database['PASSWORD'], safe='')}"
    query = urlencode({"host": database["HOST"], "port": database["PORT"], **database["OPTIONS"]})
    return f"postgres://{account}@/{quote(database['NAME'], safe='')}?{query}"
