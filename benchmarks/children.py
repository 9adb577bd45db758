"""Programs that a benchmark runs beside itself: the worker, and what receives its mail and webhooks."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from benchmarks import site

SECONDS_TO_WAIT = 120


@contextmanager
def listening(module: str) -> Iterator[int]:
    """Run a module of this package that prints the port on which it listens. Yields the port."""
    server = subprocess.Popen([sys.executable, "-m", f"benchmarks.{module}"], cwd=site.ROOT, stdout=subprocess.PIPE)
    try:
        assert server.stdout
        yield int(server.stdout.readline())
    finally:
        server.terminate()
        server.wait()


@contextmanager
def worker(**variables: str) -> Iterator[int]:
    """Run a worker with these environment variables. Yields its process id."""
    with (site.ROOT / "var" / "bench-worker.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "worker"], cwd=site.ROOT, env=os.environ | variables, stdout=log, stderr=log
        )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(SECONDS_TO_WAIT)


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for the worker."""
    deadline = time.monotonic() + SECONDS_TO_WAIT
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("The worker sends nothing; see var/bench-worker.log.")
        time.sleep(0.05)
