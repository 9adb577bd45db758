"""The WSGI application."""

import os

from django.core.cache import close_caches
from django.core.handlers.base import reset_urlconf
from django.core.handlers.wsgi import WSGIRequest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, reset_queries


class Request(WSGIRequest):
    """A request that is always decoded as UTF-8, whatever charset its content type names.

    Django decodes the query string with the client's charset before any of our code runs, and some of Python's codecs
    are not text encodings.
    """

    @property
    def encoding(self) -> str:
        return "utf-8"

    @encoding.setter
    def encoding(self, name: str) -> None:
        pass


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ticketing.settings")

application = get_wsgi_application()
application.request_class = Request

# The next request of the thread closes a broken connection just as well, and the rest do nothing here.
request_finished.disconnect(close_old_connections)
request_finished.disconnect(close_caches)
request_finished.disconnect(reset_urlconf)
request_started.disconnect(reset_queries)
