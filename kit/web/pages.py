"""HTML for browsers, outside the API's paths. Programs get JSON everywhere."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from http import HTTPStatus

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern
from django.utils.cache import patch_vary_headers

# The first segments of paths with pages. "" is the root.
PAGES = {"", "admin", "docs"}
# Contracts may be turned off, but their clients never want a page.
CONTRACT_PREFIX = "api"


def prefers_html(request: HttpRequest) -> bool:
    """Return whether the client is a browser: it accepts HTML, and prefers it to JSON."""
    return request.get_preferred_type(["application/json", "text/html"]) == "text/html"


def answer_browsers_with_pages(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponseBase]:
    """Turn errors into pages for browsers. The admin has pages of its own."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if response.status_code < 400 or first_segment(request.path_info) == "admin":
            return response
        patch_vary_headers(response, ["Accept"])
        return _page_for(response, request) if prefers_html(request) else response

    return middleware


def _page_for(problem: HttpResponse, request: HttpRequest) -> HttpResponse:
    message = orjson.loads(problem.content).get("message", "") if problem.content else ""
    context = {"status": problem.status_code, "title": HTTPStatus(problem.status_code).phrase, "message": message}
    page = render(request, "pages/error.html", context, status=problem.status_code)
    for name, value in problem.headers.items():
        page.headers.setdefault(name, value)
    page.headers.pop("Content-Length", None)
    return page


def first_segment(path: str) -> str:
    return path.lstrip("/").partition("/")[0]


@cache
def api_segments() -> frozenset[str]:
    """Return the first segments of the API's paths: `tickets`, `auth` …"""
    return frozenset(by_first_segment(get_resolver().url_patterns)) - PAGES | {CONTRACT_PREFIX}


def by_first_segment(patterns: Sequence[URLPattern | URLResolver]) -> dict[str, list[URLPattern | URLResolver]]:
    """Return the first segments of all paths, each with the patterns that can match such paths, in their order."""
    flat = [(_segment_of(pattern), pattern) for pattern in _flattened(patterns)]
    segments = {segment for segment, _ in flat if segment}
    return {segment: [pattern for own, pattern in flat if own in (segment, "")] for segment in segments}


def _flattened(patterns: Sequence[URLPattern | URLResolver]) -> Iterator[URLPattern | URLResolver]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver) and not str(pattern.pattern) and not pattern.namespace:
            yield from _flattened(pattern.url_patterns)
        else:
            yield pattern


def _segment_of(pattern: URLPattern | URLResolver) -> str:
    """Return the segment that all paths of this pattern begin with, or "" if they may differ."""
    segment = first_segment(str(pattern.pattern))
    return "" if isinstance(pattern.pattern, RegexPattern) or "<" in segment else segment
