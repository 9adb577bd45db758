"""HTML for browsers, outside the API's paths. Programs get JSON everywhere."""

from collections.abc import Callable, Iterator
from functools import cache
from http import HTTPStatus
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern, get_resolver
from django.utils.cache import patch_vary_headers

# The first segments of paths with pages. "" is the root.
PAGES = {"", "admin", "docs"}
# Contracts may be turned off, but their clients never want a page.
CONTRACT_PREFIX = "api"


def prefers_html(request: HttpRequest) -> bool:
    """Return whether the client is a browser: it accepts HTML, and prefers it to JSON."""
    return request.get_preferred_type(["application/json", "text/html"]) == "text/html"


def answer_browsers_with_pages(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponseBase]:
    """Turn errors into pages for browsers, except on the API's paths. The admin has pages of its own."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if response.status_code < 400 or first_segment(request.path_info) in api_segments() | {"admin"}:
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

    def routes(patterns: list[Any]) -> Iterator[str]:
        for pattern in patterns:
            if isinstance(pattern, URLPattern):
                yield first_segment(str(pattern.pattern))
            elif not str(pattern.pattern):
                yield from routes(pattern.url_patterns)

    return frozenset(routes(get_resolver().url_patterns)) - PAGES | {CONTRACT_PREFIX}
