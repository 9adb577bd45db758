"""What every request gets, whatever answers it: an id in its answer's header, and one log line.

The line is django-structlog's; this adds what an operator filters by. Bodies, tokens and query strings stay out of it.
"""

import time
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django_structlog.signals import (
    bind_extra_request_failed_metadata,
    bind_extra_request_finished_metadata,
    bind_extra_request_metadata,
)

from ticketing.api import Problem, RequestTooLarge, describe


def answer_with_request_id(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponseBase]:
    """Middleware: `X-Request-ID` on every answer, and problems in JSON where no view is reached to write them."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = _unreadable(request) or get_response(request)
        response["X-Request-ID"] = request_id()
        for name, value in getattr(request, "rate_limit_headers", {}).items():
            response[name] = value
        return response

    return middleware


def _unreadable(request: HttpRequest) -> HttpResponse | None:
    try:
        request.get_host()
    except DisallowedHost:
        return Problem(400, "unknown_host", "This host name is not served here").response()
    length = request.headers.get("Content-Length", "")
    if length.isdigit() and int(length) > (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0):
        return describe(RequestTooLarge()).response()
    return None


def request_id() -> str:
    return structlog.contextvars.get_contextvars().get("request_id", "")


@receiver(bind_extra_request_metadata)
def start_the_clock(request: HttpRequest, **_: Any) -> None:
    request.started_at = time.perf_counter()  # type: ignore[attr-defined]


@receiver([bind_extra_request_finished_metadata, bind_extra_request_failed_metadata])
def say_what_happened(request: HttpRequest, log_kwargs: dict[str, Any], **_: Any) -> None:
    log_kwargs.pop("request")
    log_kwargs.update(
        method=request.method,
        path=request.path,
        status=log_kwargs.pop("code"),
        duration_ms=round((time.perf_counter() - request.started_at) * 1000, 1),  # type: ignore[attr-defined]
    )
