"""What every request gets, whatever answers it: an id in its answer's header, and one log line.

The line is django-structlog's; this adds what an operator filters by. Bodies, tokens and query strings stay out of it.
"""

import time
from collections.abc import Callable
from typing import Any

import pghistory.middleware
import structlog
from django.conf import settings
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.core.exceptions import DisallowedHost
from django.db import DataError
from django.dispatch import receiver
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import resolve
from django.views.defaults import bad_request
from django_otp import middleware as otp
from django_structlog.signals import (
    bind_extra_request_failed_metadata,
    bind_extra_request_finished_metadata,
    bind_extra_request_metadata,
)

from kit import errors
from kit.web.problems import Problem, RequestTooLarge, describe, layout_of


def answer_with_request_id(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponseBase]:
    """Middleware: `X-Request-ID` on every answer, and problems in JSON where no view is reached to write them."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        problem = _unreadable(request)
        response = _lay_out(problem, request) if problem else get_response(request)
        if _is_page_of_django(request, response):
            response = _lay_out(_problem_instead(response), request)
        response["X-Request-ID"] = request_id()
        for name, value in getattr(request, "rate_limit_headers", {}).items():
            response[name] = value
        return response

    return middleware


class HistoryMiddleware(pghistory.middleware.HistoryMiddleware):
    """Tell history who sends a request that may change something, by which door, and under which id.

    Who that is, the API only finds out in its views; the library notes it then.
    """

    def get_context(self, request: HttpRequest) -> dict[str, Any]:
        is_admin = _is_admin(request)
        user = request.user.pk if is_admin else None
        return {"user": user, "door": "admin" if is_admin else "api", "request_id": request_id()}


class _OfTheAdmin:
    """What is only there under /admin/: the API knows no session and no cookie, and does not pay for any."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> Any:
        return super().__call__(request) if _is_admin(request) else self.get_response(request)  # type: ignore[misc]


class SessionMiddleware(_OfTheAdmin, sessions.SessionMiddleware):
    pass


class AuthenticationMiddleware(_OfTheAdmin, auth.AuthenticationMiddleware):
    pass


class OTPMiddleware(_OfTheAdmin, otp.OTPMiddleware):
    pass


class MessageMiddleware(_OfTheAdmin, messages.MessageMiddleware):
    pass


class OddAddressMiddleware:
    """Refuse addresses of the admin that ask for what no row can hold; the API's queries are read field by field."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        is_odd = isinstance(exception, DataError | OverflowError)
        if is_odd and request.method in ("GET", "HEAD") and _is_admin(request):
            return bad_request(request, exception)
        return None


def _lay_out(problem: Problem, request: HttpRequest) -> HttpResponse:
    """As the view would that the path leads to."""
    return layout_of(getattr(resolve(request.path_info).func, "cls", None))(problem)


def _unreadable(request: HttpRequest) -> Problem | None:
    try:
        request.get_host()
    except DisallowedHost:
        return Problem(400, "unknown_host", "This host name is not served here")
    if "Transfer-Encoding" in request.headers and not request.headers.get("Content-Length"):
        # Django would take the body for empty.
        return Problem(411, "length_required", "A request body needs a Content-Length")
    if _length(request) > (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0):
        return describe(RequestTooLarge())
    return None


def _length(request: HttpRequest) -> int:
    try:
        return int(request.headers.get("Content-Length", 0))
    except ValueError:
        return 0


def _is_page_of_django(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether a person's error page answers a program: of a fault outside the views, where DRF catches nothing."""
    is_page = response.headers.get("Content-Type", "").startswith("text/html")
    return response.status_code >= 400 and is_page and not _is_admin(request)


def _is_admin(request: HttpRequest) -> bool:
    return request.path_info.startswith("/admin/")


def _problem_instead(page: HttpResponseBase) -> Problem:
    if page.status_code >= 500:
        return describe(Exception())
    if page.status_code == 404:
        return describe(Http404())
    return Problem(page.status_code, "refused", errors.Refused.message)


def request_id() -> str:
    return structlog.contextvars.get_contextvars().get("request_id", "")


@receiver(bind_extra_request_metadata)
def begin(request: HttpRequest, log_kwargs: dict[str, Any], **_: Any) -> None:
    request.started_at = time.perf_counter()  # type: ignore[attr-defined]
    log_kwargs.clear()
    log_kwargs.update(method=request.method, path=request.path)


@receiver([bind_extra_request_finished_metadata, bind_extra_request_failed_metadata])
def say_what_happened(request: HttpRequest, log_kwargs: dict[str, Any], **_: Any) -> None:
    log_kwargs.pop("request")
    log_kwargs.update(
        method=request.method,
        path=request.path,
        status=log_kwargs.pop("code"),
        # The admin's pages always have one, calls where somebody signs in.
        user_id=request.user.pk if hasattr(request, "user") else None,
        duration_ms=round((time.perf_counter() - request.started_at) * 1000, 1),  # type: ignore[attr-defined]
    )
