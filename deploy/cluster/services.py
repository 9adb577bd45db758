"""Processes that run until they are stopped, and are started again whenever they end, as systemd does."""

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from deploy.cluster.postgres import account

ROOT = Path(__file__).resolve().parent.parent.parent
RESTART_SECONDS = 0.5


def fill_in(file: str, changes: dict[str, str]) -> str:
    """Return the text of a file in deploy/ with these changes, each of which must apply."""
    text = (ROOT / "deploy" / file).read_text()
    for old, new in changes.items():
        if old not in text:
            raise ValueError(f"{file} does not contain: {old}")
        text = text.replace(old, new)
    return text


class Service:
    """A process, and the thread that starts it again."""

    def __init__(
        self, name: str, command: Sequence[str | Path], log: Path, *, is_ours: bool = True, **environment: str
    ) -> None:
        self.name, self.command, self.log = name, command, log
        self.user = None if is_ours else account()
        self.environment = {**os.environ, **environment}
        self.is_wanted = threading.Event()
        self.process: subprocess.Popen[bytes] | None = None
        self.keeper = threading.Thread(target=self._keep, daemon=True)

    def __enter__(self) -> "Service":
        self.is_wanted.set()
        self.keeper.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.is_wanted.clear()
        self.send(signal.SIGTERM)
        self.keeper.join(12)
        self.send(signal.SIGKILL)

    def send(self, number: int) -> None:
        """Send a signal. The process is started again if it ends."""
        if self.process and self.process.poll() is None:
            with suppress(ProcessLookupError):
                # Its children, too.
                os.killpg(self.process.pid, number)

    def wait_for_port(self, port: int, seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} does not accept connections; see {self.log}.")
            time.sleep(0.1)

    def _keep(self) -> None:
        while self.is_wanted.is_set():
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(
                    self.command,
                    cwd=ROOT,
                    env=self.environment,
                    user=self.user,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            self.process.wait()
            time.sleep(RESTART_SECONDS)
