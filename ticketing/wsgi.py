"""The WSGI application."""

import os

from django.core.handlers.wsgi import WSGIRequest
from django.core.wsgi import get_wsgi_application


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
