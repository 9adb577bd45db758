"""Runs the web server and the worker until it is stopped. `manage.py serve` turns into this once the database is ready.

Without Django, so that the process that only watches the others takes 25 MB instead of 130.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from pathlib import Path

SECONDS_TO_START = 60
SECONDS_TO_STOP = 10
# A worker that ends this soon after its start is broken and is not restarted.
MIN_WORKER_SECONDS = 10
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """Ctrl-C or SIGTERM. Not an `Exception`, so that no `except Exception` on the way catches it."""


class Failed(Exception):
    """A child has failed."""


@dataclass(frozen=True)
class Plan:
    """What to run. The children inherit the environment."""

    web_server: list[str]
    worker: list[str]
    host: str
    port: int
    # The name under which the web server is asked for its health.
    allowed_host: str
    # Printed once everything runs.
    banner: str
    # The folder of the embedded PostgreSQL, if it is used.
    cluster: str | None
    durable: bool


def replace_process(plan: Plan, environment: dict[str, str]) -> None:
    """Turn the current process into one that carries out the plan."""
    # Until it handles them. A mask outlives `exec`, handlers do not.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    command = [sys.executable, "-m", "ticketing.supervisor", json.dumps(asdict(plan))]
    sys.stdout.flush()
    os.execve(sys.executable, command, environment)  # noqa: S606


def main() -> None:
    handle_signals()
    supervisor = Supervisor(Plan(**json.loads(sys.argv[1])))
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        supervisor.run()
    except Stopped:
        say("Stopping.")
    except Failed as error:
        sys.exit(str(error))
    finally:
        ignore_signals()
        supervisor.stop_children()


class Supervisor:
    """The children, and what becomes of them. When this process ends, for whatever reason, they end too."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.children: dict[str, subprocess.Popen[bytes]] = {}

    def run(self) -> None:
        if self.plan.cluster:
            from kit.db import embedded

            # Joins the server that `serve` has started, and stops it at the end.
            embedded.start(Path(self.plan.cluster), durable=self.plan.durable)
        self.start_child("web server", self.plan.web_server)
        self.wait_until_healthy()
        self.start_worker()
        say(self.plan.banner)
        while True:
            self.check_children()
            time.sleep(0.5)

    def start_child(self, name: str, command: list[str]) -> None:
        # Ctrl-C then reaches only this process, which stops its children in order.
        self.children[name] = subprocess.Popen(command, start_new_session=True, preexec_fn=end_with_parent())

    def start_worker(self) -> None:
        self.start_child("worker", self.plan.worker)
        self.worker_started_at = time.monotonic()

    def check_children(self) -> None:
        """Restart a worker that has ended.

        :raises Failed: it only just started, or the web server has ended.
        """
        for name, child in self.children.items():
            if child.poll() is None:
                continue
            ended = f"The {name} exited unexpectedly (status {child.returncode})"
            if name != "worker" or time.monotonic() - self.worker_started_at < MIN_WORKER_SECONDS:
                raise Failed(f"{ended}. See the output above.")
            say(f"{ended}. Restarting it.")
            self.start_worker()

    def wait_until_healthy(self) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        answer = "no response"
        while time.monotonic() < deadline:
            self.check_children()
            try:
                answer = health(self.plan.host, self.plan.port, self.plan.allowed_host)
            except OSError as error:
                answer = str(error)
            if answer == "200":
                return
            time.sleep(0.1)
        raise Failed(f"GET /healthz did not return 200 within {SECONDS_TO_START} seconds; last result: {answer}.")

    def stop_children(self) -> None:
        for child in self.children.values():
            child.terminate()
        deadline = time.monotonic() + SECONDS_TO_STOP
        for child in self.children.values():
            with suppress(subprocess.TimeoutExpired):
                child.wait(max(deadline - time.monotonic(), 0))
            # Each child leads a process group: kill what it started and left behind.
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def say(text: str) -> None:
    # Files and pipes are buffered.
    print(text, flush=True)  # noqa: T201


def handle_signals() -> None:
    for number in SIGNALS:
        signal.signal(number, stop)


def stop(number: int, frame: object) -> None:
    ignore_signals()
    raise Stopped


def ignore_signals() -> None:
    """Keep a second Ctrl-C from interrupting the shutdown and leaving children behind."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def end_with_parent() -> Callable[[], object] | None:
    """Return a function for the child to call, so that the kernel ends it when this process is killed. Linux only."""
    if sys.platform != "linux":
        return None
    prctl, set_parent_death_signal = ctypes.CDLL(None).prctl, 1
    return lambda: prctl(set_parent_death_signal, signal.SIGTERM)


def health(host: str, port: int, allowed_host: str) -> str:
    """Return the status of GET /healthz on this machine."""
    web = HTTPConnection(reachable(host), port, timeout=5)
    try:
        web.request("GET", "/healthz", headers={"Host": allowed_host})
        return str(web.getresponse().status)
    finally:
        web.close()


def reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


if __name__ == "__main__":
    main()
