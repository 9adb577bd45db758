"""Middleware: request ids, one log line per request, errors in JSON, and the context of history."""

import logging
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pghistory.middleware
import structlog
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.signals import got_request_exception
from django.dispatch import receiver
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
    UnreadablePostError,
)
from django.urls import resolve

from kit import errors
from kit.web.headers import SAFE_METHODS
from kit.web.paths import is_in_admin
from kit.web.problems import LengthRequired, Problem, RequestTimeout, RequestTooLarge, UnknownHost, describe, layout_of
from kit.web.request_id import request_id
from kit.web.server import HEADERS_TOO_LARGE, INCOMPLETE, REFUSAL, TOO_LARGE, TOO_SLOW, URL_TOO_LONG
from kit.web.waiting import WAITS_UNTIL

logger = structlog.get_logger(__name__)

# By the value of REFUSAL.
REFUSALS = {
    INCOMPLETE: describe(UnreadablePostError()),
    TOO_SLOW: describe(RequestTimeout()),
    TOO_LARGE: describe(RequestTooLarge()),
    URL_TOO_LONG: Problem(414, "url_too_long", "The URL is too long"),
    HEADERS_TOO_LARGE: Problem(431, "headers_too_large", "The request headers are too large"),
}


def log_request(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Give the request an ID, which is also in its response, and log one line when it ends.

    Bodies and query strings are not logged. Our own because django-structlog's middleware takes almost twice as long.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        started_at = time.perf_counter()
        outside = request_id.set(str(uuid.uuid4()))
        try:
            response = get_response(request)
            response.headers["X-Request-ID"] = request_id.get()
            logger.log(
                _level(request, response),
                "request_finished",
                method=request.method,
                path=request.path,
                status=response.status_code,
                # Set by the admin's middleware, or by an API view that authenticates.
                user_id=request.user.pk if hasattr(request, "user") else None,
                duration_ms=round((time.perf_counter() - started_at) * 1000, 1),
            )
            if isinstance(response, StreamingHttpResponse):
                response.streaming_content = _logged(iter(response), request_id.get())
        finally:
            request_id.reset(outside)
        return response

    return middleware


def _level(request: HttpRequest, response: HttpResponseBase) -> int:
    if response.status_code >= 500:
        return logging.ERROR
    # It was logged when it was answered first, and goes on waiting.
    waits_again = WAITS_UNTIL in request.META and getattr(response, "wait", None)
    return logging.DEBUG if waits_again else logging.INFO


@receiver(got_request_exception)
def log_fault(**_: Any) -> None:
    """Log the traceback of an exception outside DRF, whose views log theirs (kit/web/problems.py)."""
    logger.exception("request_failed")


def _logged(content: Iterable[bytes], own_id: str) -> Iterator[bytes]:
    """Yield the content with the id of its request, because another thread sends it."""
    outside = request_id.set(own_id)
    try:
        yield from content
    except Exception:
        logger.exception("streaming_failed")
        raise
    finally:
        request_id.reset(outside)


def answer_in_json(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponseBase]:
    """Refuse malformed requests, and respond in JSON if no view is reached.

    Runs inside CorsMiddleware, so that pages of other origins can read these responses.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        problem = _malformed(request)
        response = _lay_out(problem, request) if problem else get_response(request)
        if _is_html_error(request, response):
            response = _lay_out(_problem_for(response), request)
        return response

    return middleware


class HistoryMiddleware(pghistory.middleware.HistoryMiddleware):
    """Record in history who made a change through the admin, and in which request.

    pghistory replaces the request's class by one that adds the user once they are known.
    """

    def get_context(self, request: HttpRequest) -> dict[str, Any]:
        return {"user": None, "door": "admin", "request_id": request_id.get()}


def record_history(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponseBase]:
    """Do the same for the API, whose views add the user (kit/web/base.py)."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.method in SAFE_METHODS:
            return get_response(request)
        with pghistory.context(user=None, door="api", request_id=request_id.get()):
            return get_response(request)

    return middleware


def _lay_out(problem: Problem, request: HttpRequest) -> HttpResponse:
    """Render the problem as the view at this path would."""
    return layout_of(getattr(resolve(request.path_info).func, "cls", None))(problem)


def _malformed(request: HttpRequest) -> Problem | None:
    try:
        request.get_host()
    except DisallowedHost:
        return describe(UnknownHost())
    if "HTTP_TRANSFER_ENCODING" in request.META and not request.META.get("CONTENT_LENGTH"):
        # Django would treat the body as empty.
        return describe(LengthRequired())
    if refusal := REFUSALS.get(request.META.get(REFUSAL, 0)):
        return refusal
    if _content_length(request) > (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0):
        return describe(RequestTooLarge())
    return None


def _content_length(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH", 0))
    except ValueError:
        return 0


def _is_html_error(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Return whether this is Django's HTML error page for an API client, after an error outside DRF's views."""
    is_html = response.headers.get("Content-Type", "").startswith("text/html")
    return response.status_code >= 400 and is_html and not is_in_admin(request)


def _problem_for(page: HttpResponseBase) -> Problem:
    if page.status_code >= 500:
        return describe(Exception())
    if page.status_code == 404:
        return describe(Http404())
    return Problem(page.status_code, "refused", errors.Refused.message)
