"""The application as granian serves it: Django, with limits on bodies, threads and slow clients."""

import asyncio
from collections.abc import Mapping

from django.conf import settings
from django.db import close_old_connections
from django.urls import get_resolver

from kit.web.server import Server
from ticketing.wsgi import application as django_application

# Load all views now rather than with the first request, before the server exempts what is loaded from garbage
# collection.
get_resolver().url_patterns  # noqa: B018


def watch(position: int) -> Mapping[str, int]:
    """Return the position of the newest change of each type, of those that have changed after a position."""
    # Only now are the apps loaded.
    from changes.queries import moved

    close_old_connections()
    return moved(position)


class TicketingServer(Server):
    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        if settings.TRACING:
            # Starts a thread, which would not survive the fork of this process.
            from ticketing.operations import tracing

            tracing.start()
        super().__rsgi_init__(loop)


application = TicketingServer(
    django_application,
    threads=settings.WEB_THREADS,
    body_seconds=settings.REQUEST_BODY_SECONDS,
    max_body=settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0,
    watch=watch,
)
