"""The application as granian serves it: Django, with limits on bodies, threads and slow clients."""

from django.conf import settings
from django.urls import get_resolver

from kit.web.server import Server
from ticketing.wsgi import application as django_application

# Load all views now rather than with the first request, before the server exempts what is loaded from garbage
# collection.
get_resolver().url_patterns  # noqa: B018

application = Server(
    django_application,
    threads=settings.WEB_THREADS,
    body_seconds=settings.REQUEST_BODY_SECONDS,
    max_body=settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0,
)
