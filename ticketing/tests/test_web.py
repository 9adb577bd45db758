"""What loading the application does before the web server starts its processes, and how it finds views."""

import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.urls import resolve

from ticketing.wsgi import resolved

PATHS = [
    *(
        "/",
        "/tickets",
        "/tickets/7",
        "/tickets/batch",
        "/tickets/x",
        "/tickets/7/",
        "//tickets",
        "/labels",
        "/events/7",
    ),
    *("/events/7/bookings", "/healthz", "/docs", "/admin", "/admin/", "/admin/tickets/ticket/", "/api/v1/tickets"),
    *("/api/tickets/7", "/book", "/login", "/nothing", "/nothing/7", "/static/nothing.css"),
]


@pytest.mark.parametrize("path", PATHS)
def test_tries_only_patterns_that_can_match(path: str) -> None:
    match, expected = resolved(path), resolve(path)

    assert (match.func, match.kwargs, match.route) == (expected.func, expected.kwargs, expected.route)


def test_is_loaded_without_threads_connections_or_what_it_does_not_need() -> None:
    """Threads and connections do not survive that the server forks its processes."""
    script = (
        "import sys, threading; from ticketing import web; web.load(); from django.db import connection;"
        "print(threading.active_count(), connection.connection, sys.modules['rich'], sys.modules['requests'])"
    )
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "1 None None None\n"
