"""The peer that the product is compared with: an Express server, in server.js, with its own tables for bookings."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from rest_framework_simplejwt.settings import api_settings

from benchmarks import database, site
from kit.tests.ports import free_port

HERE = Path(__file__).parent
FOLDER = site.ROOT / "var" / "peer"
SOURCES = ("server.js", "tickets.js", "bookings.js", "package.json", "package-lock.json")
# Database connections per process: as many as the benchmark has clients.
POOL = 8
# Variables of node-postgres, and what Django calls them.
CONNECTION = {"PGHOST": "HOST", "PGPORT": "PORT", "PGDATABASE": "NAME", "PGUSER": "USER", "PGPASSWORD": "PASSWORD"}


def install() -> None:
    """Copy the server to var/ and install its packages there, unless they are."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in SOURCES:
        shutil.copy(HERE / name, FOLDER / name)
    installed = FOLDER / "node_modules" / "installed.json"
    lock = (HERE / "package-lock.json").read_bytes()
    if not installed.exists() or installed.read_bytes() != lock:
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"], cwd=FOLDER, check=True)
        installed.write_bytes(lock)


@contextmanager
def tables() -> Iterator[None]:
    """Create the peer's own tables, and drop them at the end of the block."""
    database.run("peer/drop")
    database.run("peer/tables")
    try:
        yield
    finally:
        database.run("peer/drop")


@contextmanager
def served(workers: int, *, has_outbox: bool) -> Iterator[site.Server]:
    """Run the server until the end of the block."""
    port = free_port()
    connection = settings.DATABASES["default"]
    command = ["node", "server.js"]
    environment = {
        "NODE_ENV": "production",
        "PORT": str(port),
        "WORKERS": str(workers),
        "POOL": str(POOL),
        "JWT_SECRET": api_settings.SIGNING_KEY,
        "PEER_OUTBOX": "on" if has_outbox else "off",
        **{name: str(connection[key]) for name, key in CONNECTION.items() if connection[key]},
    }
    log = "peer-outbox.log" if has_outbox else "peer.log"
    with site.running(command, log, port, cwd=FOLDER, env=os.environ | environment) as process:
        yield site.Server(port, process)
