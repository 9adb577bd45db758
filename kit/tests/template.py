"""A database with all migrations, which others are copied from: migrating takes 15 seconds, copying one."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.utils import OperationalError

from kit.db import configuration

PREFIX = "template_ticketing_"
DRAFT = f"{PREFIX}draft"
# Held by the process that makes the template, while others wait for it.
LOCK = 0x7E3B1A7E


@contextmanager
def migrated_database(name: str) -> Iterator[str]:
    """Create a database with all migrations, and yield its URL."""
    template = migrated_template()
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield url_of(name)
    finally:
        with connection._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def migrated_template() -> str:
    """Return the name of a database with all migrations. If there is none, create it, and drop those of old ones."""
    name = PREFIX + fingerprint()
    with connection._nodb_cursor() as cursor:
        cursor.execute("SET lock_timeout = 0")
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX])
        found = {row[0] for row in cursor.fetchall()}
        if name not in found:
            for old in found:
                # Another copy of the project may be using it.
                with suppress(OperationalError):
                    cursor.execute(f'DROP DATABASE "{old}"')
            cursor.execute(f'CREATE DATABASE "{DRAFT}"')
            migrate(DRAFT)
            # Only a complete template has its name.
            cursor.execute(f'ALTER DATABASE "{DRAFT}" RENAME TO "{name}"')
    return name


def fingerprint() -> str:
    """Return a hash of all migrations and the SQL that they run, and of the packages, which have migrations too."""
    root = Path(settings.BASE_DIR)
    digest = hashlib.sha256()
    files = {root / "requirements.txt", *root.glob("[!.]*/**/migrations/*.py"), *root.glob("[!.]*/**/sql/**/*.sql")}
    for path in sorted(files):
        digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def migrate(name: str) -> None:
    # In a process of its own, because this one is set up for the test database.
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity=0"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": url_of(name)},
        check=True,
    )


def url_of(name: str) -> str:
    return configuration.connection_url({**settings.DATABASES["default"], "NAME": name})
