"""Middleware: request ids, one log line per request, errors in JSON, and sessions for the admin only."""

import logging
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pghistory.middleware
import structlog
from django.conf import settings
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.core.exceptions import DisallowedHost
from django.core.signals import got_request_exception
from django.dispatch import receiver
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    QueryDict,
    StreamingHttpResponse,
    UnreadablePostError,
)
from django.urls import resolve
from django_otp import middleware as otp

from kit import errors
from kit.text import composed
from kit.web.problems import LengthRequired, Problem, RequestTimeout, RequestTooLarge, UnknownHost, describe, layout_of
from kit.web.server import HEADERS_TOO_LARGE, INCOMPLETE, REFUSAL, TOO_LARGE, TOO_SLOW, URL_TOO_LONG

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
    """Log one line per request, and bind the request ID to everything logged during it.

    Bodies and query strings are not logged. Our own because django-structlog's middleware takes almost twice as long.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        started_at = time.perf_counter()
        context = {"request_id": str(uuid.uuid4())}
        with structlog.contextvars.bound_contextvars(**context):
            response = get_response(request)
            logger.log(
                logging.ERROR if response.status_code >= 500 else logging.INFO,
                "request_finished",
                method=request.method,
                path=request.path,
                status=response.status_code,
                # Set by the admin's middleware, or by an API view that authenticates.
                user_id=request.user.pk if hasattr(request, "user") else None,
                duration_ms=round((time.perf_counter() - started_at) * 1000, 1),
            )
            if isinstance(response, StreamingHttpResponse):
                response.streaming_content = _logged(iter(response), context)
        return response

    return middleware


@receiver(got_request_exception)
def log_fault(**_: Any) -> None:
    """Log the traceback of an exception outside DRF, whose views log theirs (kit/web/problems.py)."""
    logger.exception("request_failed")


def _logged(content: Iterable[bytes], context: dict[str, str]) -> Iterator[bytes]:
    """Yield the content with the request's context bound again, because another thread sends it."""
    with structlog.contextvars.bound_contextvars(**context):
        try:
            yield from content
        except Exception:
            logger.exception("streaming_failed")
            raise


def answer_with_request_id(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponseBase]:
    """Add `X-Request-ID` and the rate limit headers to responses."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response["X-Request-ID"] = request_id()
        for name, value in getattr(request, "rate_limit_headers", {}).items():
            response[name] = value
        return response

    return middleware


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
    """Record in history who made a change, through the admin or the API, and in which request.

    The API authenticates in its views; pghistory adds the user at that point.
    """

    def get_context(self, request: HttpRequest) -> dict[str, Any]:
        is_admin = _is_admin(request)
        user = request.user.pk if is_admin else None
        return {"user": user, "door": "admin" if is_admin else "api", "request_id": request_id()}


class _AdminOnly:
    """Mix-in for middleware that runs only under /admin/: the API uses no sessions or cookies."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> Any:
        return super().__call__(request) if _is_admin(request) else self.get_response(request)  # type: ignore[misc]


class SessionMiddleware(_AdminOnly, sessions.SessionMiddleware):
    pass


class AuthenticationMiddleware(_AdminOnly, auth.AuthenticationMiddleware):
    pass


class OTPMiddleware(_AdminOnly, otp.OTPMiddleware):
    pass


class MessageMiddleware(_AdminOnly, messages.MessageMiddleware):
    pass


class ComposedTextMiddleware:
    """Compose the text (NFC) of forms and query strings in the admin; the API's fields do this for its input."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if _is_admin(request):
            request.GET, request.POST = _composed(request.GET), _composed(request.POST)  # type: ignore[assignment]
        return self.get_response(request)


def _composed(parameters: QueryDict) -> QueryDict:
    copy = QueryDict(mutable=True, encoding=parameters.encoding)
    for name, values in parameters.lists():
        copy.setlist(name, [composed(value) for value in values])
    copy._mutable = False
    return copy


def _lay_out(problem: Problem, request: HttpRequest) -> HttpResponse:
    """Render the problem as the view at this path would."""
    return layout_of(getattr(resolve(request.path_info).func, "cls", None))(problem)


def _malformed(request: HttpRequest) -> Problem | None:
    try:
        request.get_host()
    except DisallowedHost:
        return describe(UnknownHost())
    if "Transfer-Encoding" in request.headers and not request.headers.get("Content-Length"):
        # Django would treat the body as empty.
        return describe(LengthRequired())
    if refusal := REFUSALS.get(request.META.get(REFUSAL, 0)):
        return refusal
    if _content_length(request) > (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0):
        return describe(RequestTooLarge())
    return None


def _content_length(request: HttpRequest) -> int:
    try:
        return int(request.headers.get("Content-Length", 0))
    except ValueError:
        return 0


def _is_html_error(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Return whether this is Django's HTML error page for an API client, after an error outside DRF's views."""
    is_html = response.headers.get("Content-Type", "").startswith("text/html")
    return response.status_code >= 400 and is_html and not _is_admin(request)


def _is_admin(request: HttpRequest) -> bool:
    return request.path_info.startswith("/admin/")


def _problem_for(page: HttpResponseBase) -> Problem:
    if page.status_code >= 500:
        return describe(Exception())
    if page.status_code == 404:
        return describe(Http404())
    return Problem(page.status_code, "refused", errors.Refused.message)


def request_id() -> str:
    return structlog.contextvars.get_contextvars().get("request_id", "")
