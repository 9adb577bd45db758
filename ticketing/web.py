"""The web server: granian with our application and limits. Takes granian's options, such as `--port 8000 --workers 2`.

The application is loaded before granian starts its processes, so that they share the memory that it takes.
"""

import gc
import multiprocessing
import os
import sys
from contextlib import suppress
from importlib import import_module

from django.conf import settings
from granian.cli import cli

from ticketing.supervisor import SECONDS_TO_STOP


def load() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ticketing.settings")
    # structlog and REST framework import these if they are installed, for what a web server does not do: tracebacks in
    # colour, and a test client. They take 8 MB. Traces are sent with requests.
    sys.modules["rich"] = None  # type: ignore[assignment]
    if not settings.TRACING:
        sys.modules["requests"] = None  # type: ignore[assignment]
    import_module("ticketing.rsgi")
    # Each process would have its own copy of all objects that the garbage collector has looked at.
    gc.freeze()


def options() -> list[str]:
    return [
        *("ticketing.rsgi:application", "--interface", "rsgi", "--http", "1", "--no-ws"),
        *("--respawn-failed-workers", "--workers-kill-timeout", str(SECONDS_TO_STOP - 1)),
        *("--http1-header-read-timeout", str(settings.REQUEST_HEAD_SECONDS * 1000)),
        *("--no-access-log", "--log-level", "warning"),
    ]


def interrupt_less() -> None:
    """Let a thread that was woken wait for a free processor, instead of interrupting the one that woke it.

    That one often holds the interpreter's lock, so all other threads would wait until it runs again.
    """
    # Only Linux has it, and a sandbox may refuse it.
    with suppress(AttributeError, OSError):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


if __name__ == "__main__":
    # Python 3.14 would have another default.
    multiprocessing.set_start_method("fork")
    load()
    interrupt_less()
    cli([*options(), *sys.argv[1:]], auto_envvar_prefix="GRANIAN")
