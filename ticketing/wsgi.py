"""The WSGI application."""

import os
from functools import cache, lru_cache

import django
from django.conf import LazySettings
from django.core.cache import close_caches
from django.core.handlers.base import reset_urlconf
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, reset_queries
from django.http import HttpRequest
from django.urls import ResolverMatch, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern

from kit.web.pages import by_first_segment, first_segment


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


class Handler(WSGIHandler):
    """Django's handler, which tries only the patterns that begin like the path, and remembers the busiest paths."""

    request_class = Request

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        request.resolver_match = match = resolved(request.path_info)
        return match


# Unknown paths raise an exception, which is not kept.
@lru_cache(maxsize=256)
def resolved(path: str) -> ResolverMatch:
    return _resolvers().get(first_segment(path), get_resolver()).resolve(path)


@cache
def _resolvers() -> dict[str, URLResolver]:
    """Return a resolver for each first segment, with the patterns that can match such paths."""
    patterns = by_first_segment(get_resolver().url_patterns)
    return {segment: URLResolver(RegexPattern("^/"), some) for segment, some in patterns.items()}


# A request looks at some thirty settings, which Django does in Python for the sake of its other lazy objects.
LazySettings.__getattribute__ = object.__getattribute__  # type: ignore[method-assign]

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ticketing.settings")
django.setup(set_prefix=False)
application = Handler()

# The next request of the thread closes a broken connection just as well, and the rest do nothing here.
request_finished.disconnect(close_old_connections)
request_finished.disconnect(close_caches)
request_finished.disconnect(reset_urlconf)
request_started.disconnect(reset_queries)
