"""The application as granian serves it: Django, with limits on bodies, threads and slow clients."""

from django.conf import settings

from kit.web.server import Server
from ticketing.wsgi import application as django_application

application = Server(
    django_application,
    threads=settings.WEB_THREADS,
    body_seconds=settings.REQUEST_BODY_SECONDS,
    max_body=settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0,
)
