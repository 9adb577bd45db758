"""Starts PostgreSQL servers on this machine, as a primary and its streaming replica, for tests."""

import os
import pwd
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg

from kit.tests.ports import free_port

# PostgreSQL and PgBouncer refuse to run as root.
ACCOUNT = "nobody"
SETTINGS = {
    "listen_addresses": "'127.0.0.1'",
    "shared_buffers": "'64MB'",
    "max_connections": "100",
    "wal_level": "replica",
    "max_wal_senders": "5",
    "hot_standby_feedback": "on",
    # So that a failed primary can come back as a replica of the other one.
    "wal_log_hints": "on",
}


def programs() -> Path:
    """Return the folder of the newest PostgreSQL that Debian's packages have installed.

    :raises FileNotFoundError: there is none.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if not found:
        raise FileNotFoundError("PostgreSQL is missing. On Debian: apt install postgresql")
    return found[-1].parent


def account() -> str | None:
    """Return the account to run servers as, if it is another one than ours."""
    return ACCOUNT if os.geteuid() == 0 else None


def own(folder: Path) -> Path:
    """Create a folder for the account that runs the servers, which also has to be able to reach it."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    if name := account():
        os.chown(folder, pwd.getpwnam(name).pw_uid, -1)
    return folder


class Postgres:
    """A server with its data in a folder, and a port of 127.0.0.1."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder, self.port = own(folder), port or free_port()
        self.data = folder / "data"

    def url(self, name: str = "ticketing") -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/{name}"

    def create(self, **settings: str) -> None:
        """Create an empty primary with the database "ticketing", and start it."""
        self._run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        self._configure(settings)
        self.start()
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE ticketing")

    def follow(self, primary: "Postgres", *, name: str = "replica") -> None:
        """Copy a primary, and start as a streaming replica of it."""
        shutil.rmtree(self.data, ignore_errors=True)
        source = f"host=127.0.0.1 port={primary.port} user=postgres application_name={name}"
        self._run("pg_basebackup", "-D", self.data, "-d", source, "-R", "-X", "stream", "-c", "fast")
        self._configure({})
        self.start()

    def start(self) -> None:
        log = self.folder / "server.log"
        self._run("pg_ctl", "start", "-w", "-D", self.data, "-l", log, "-o", f"-p {self.port} -k {self.folder}")

    def stop(self, mode: str = "fast") -> None:
        with suppress(subprocess.CalledProcessError):
            self._run("pg_ctl", "stop", "-w", "-D", self.data, "-m", mode)

    def kill(self) -> None:
        """End all of its processes at once, as a machine that fails does."""
        number = (self.data / "postmaster.pid").read_text().split("\n", 1)[0]
        postmaster = psutil.Process(int(number))
        for process in [postmaster, *postmaster.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def promote(self) -> None:
        self._run("pg_ctl", "promote", "-w", "-D", self.data)

    def ask(self, statement: str, name: str = "ticketing") -> list[tuple[object, ...]]:
        with psycopg.connect(self.url(name), autocommit=True, connect_timeout=3) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def wait_for(self, primary: "Postgres", seconds: float = 30) -> None:
        """Wait until this replica has all that the primary has written so far."""
        ((position,),) = primary.ask("SELECT pg_current_wal_lsn()")
        deadline = time.monotonic() + seconds
        while self.ask(f"SELECT pg_last_wal_replay_lsn() >= '{position}'") != [(True,)]:
            if time.monotonic() > deadline:
                raise TimeoutError("The replica does not catch up.")
            time.sleep(0.05)

    def _configure(self, settings: dict[str, str]) -> None:
        lines = [f"{name} = {value}\n" for name, value in {**SETTINGS, **settings}.items()]
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(lines)

    def _run(self, program: str, *arguments: str | Path) -> None:
        # Files rather than pipes: the server would keep a pipe open.
        with (self.folder / "commands.log").open("ab") as log:
            subprocess.run(
                [programs() / program, *arguments],
                user=account(),
                cwd="/",
                check=True,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
