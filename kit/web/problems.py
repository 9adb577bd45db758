"""What every view needs: JSON in, JSON out, and exceptions turned into problems.

`describe` is the one place where a refusal becomes a status, a code and a sentence; the contracts lay the same
`Problem` out in their own bodies.
"""

import http
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import structlog
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpResponse, UnreadablePostError
from psycopg.errors import ForeignKeyViolation
from rest_framework import exceptions

from kit import errors

logger = structlog.get_logger(__name__)

PROBLEM_JSON = "application/problem+json"

STATUS_OF_KIND: list[tuple[type[errors.Refused], int]] = [
    (errors.Invalid, 400),
    (errors.Unauthenticated, 401),
    (errors.Forbidden, 403),
    (errors.Missing, 404),
    (errors.Conflict, 409),
    (errors.Outdated, 412),
    (errors.Contradiction, 422),
    (errors.TooMany, 429),
    (errors.Busy, 503),
]
# PostgreSQL's lock_not_available and deadlock_detected: everyday, unlike other trouble between us and the database.
SQLSTATES_OF_BUSY = {"55P03", "40P01"}


class RequestTooLarge(exceptions.APIException):
    status_code = 413
    default_code = "request_too_large"
    default_detail = "The request body is too large"


@dataclass(frozen=True)
class Problem:
    """A refusal as the wire knows it: `errors` is a list of (field, sentence).

    `kinds` says of each of them what DRF calls such a fault (`required`, `max_length`), where it found them.
    """

    status: int
    code: str
    message: str
    errors: list[tuple[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    kinds: list[str] = field(default_factory=list)
    # The exception that a view raised, if any.
    cause: Exception | None = field(default=None, compare=False)

    def body(self) -> dict[str, Any]:
        """The members of RFC 9457, and the two that document 000's clients read: `message` and `code`."""
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": http.HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.message,
            "code": self.code,
            "message": self.message,
        }
        if self.errors:
            body["errors"] = [{"field": name, "message": sentence} for name, sentence in self.errors]
        body["requestId"] = structlog.contextvars.get_contextvars().get("request_id", "")
        return body

    def response(self) -> HttpResponse:
        return HttpResponse(
            orjson.dumps(self.body()), status=self.status, content_type=PROBLEM_JSON, headers=self.headers
        )


def describe(exc: Exception) -> Problem:
    """What the wire says of an exception. What nobody foresaw is a 500 that tells the client nothing of its cause."""
    if isinstance(exc, errors.Refused):
        return _describe_refusal(exc)
    if isinstance(exc, exceptions.ValidationError):
        faults = list(_faults(exc.detail))
        problem = _invalid([(name, str(detail)) for name, detail in faults])
        return replace(problem, kinds=[str(detail.code) for _, detail in faults])
    if isinstance(exc, exceptions.APIException):
        return _describe_framework(exc)
    if isinstance(exc, Http404):
        return Problem(404, "missing", "Not found")
    if isinstance(exc, RequestDataTooBig):
        return describe(RequestTooLarge())
    if isinstance(exc, SuspiciousOperation | UnreadablePostError):
        return Problem(400, exceptions.ParseError.default_code, "The request cannot be read")
    if isinstance(exc, OperationalError | InterfaceError):
        return describe(errors.Busy())
    if isinstance(exc, IntegrityError) and isinstance(exc.__cause__, ForeignKeyViolation):
        # Found out at the commit: what this refers to was deleted meanwhile.
        return describe(errors.Conflict())
    return Problem(500, "unexpected", "An unexpected error occurred")


def _invalid(faults: list[tuple[str, str]]) -> Problem:
    sentences = [f"{name}: {sentence}" if name else sentence for name, sentence in faults]
    return Problem(400, errors.Invalid.code, " ".join(sentences), faults)


def _describe_refusal(exc: errors.Refused) -> Problem:
    status = next(status for kind, status in STATUS_OF_KIND if isinstance(exc, kind))
    faults = [(camel(name), sentence) for name, sentences in exc.fields.items() for sentence in sentences]
    if type(exc) is errors.Invalid and faults:
        return _invalid(faults)
    headers = {}
    if isinstance(exc, errors.TooMany | errors.Busy):
        headers["Retry-After"] = str(exc.retry_after)
    if isinstance(exc, errors.Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return Problem(status, exc.code, exc.message, faults, headers)


def _describe_framework(exc: exceptions.APIException) -> Problem:
    headers = {}
    if wait := getattr(exc, "wait", None):
        headers["Retry-After"] = str(math.ceil(wait))
    if isinstance(exc, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        headers["WWW-Authenticate"] = "Bearer"
        if isinstance(exc, exceptions.NotAuthenticated):
            return Problem(401, errors.Unauthenticated.code, errors.Unauthenticated.message, [], headers)
        return Problem(401, "invalid_token", "Invalid or expired token", [], headers)
    if isinstance(exc, exceptions.PermissionDenied):
        return Problem(403, errors.Forbidden.code, errors.Forbidden.message)
    if isinstance(exc, exceptions.Throttled):
        return Problem(429, errors.TooMany.code, errors.TooMany.message, [], headers)
    return Problem(exc.status_code, exc.default_code, str(exc.detail), [], headers)


def _faults(detail: Any, path: str = "") -> Iterator[tuple[str, exceptions.ErrorDetail]]:
    """Every (field, detail) of DRF's nested error detail; `field` is a path such as `assignedUsers.0`."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            name = "" if name == "non_field_errors" else str(name)
            yield from _faults(inner, f"{path}.{name}".strip("."))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _faults(inner, path)
    else:
        yield path, detail


def refuse(exc: Exception, context: dict[str, Any]) -> HttpResponse:
    """DRF's exception handler: answer with the problem, and log what the operator has to know of.

    The views of a contract render problems in their own way, by a method `lay_out`.
    """
    exc = _limited(exc, context)
    problem = replace(describe(exc), cause=exc)
    if problem.status >= 500 and not _is_everyday(exc):
        logger.error("unexpected", exc_info=exc)
    return layout_of(context["view"])(problem)


def layout_of(view: Any) -> Callable[[Problem], HttpResponse]:
    """Return what renders the problems of this view or view class."""
    view = view() if isinstance(view, type) else view
    layout: Callable[[Problem], HttpResponse] = getattr(view, "lay_out", Problem.response)
    return layout


def _limited(exc: Exception, context: dict[str, Any]) -> Exception:
    """DRF looks at rate limits last. What it refused before (no token, a bad one, no permission) is counted here."""
    request = context.get("request")
    is_refusal = isinstance(exc, exceptions.APIException | errors.Refused)
    if request is None or not is_refusal or hasattr(request._request, "rate_limit_headers"):
        return exc
    try:
        context["view"].check_throttles(request)
    except exceptions.Throttled as throttled:
        return throttled
    return exc


def _is_everyday(exc: Exception) -> bool:
    return isinstance(exc, errors.Busy) or getattr(exc.__cause__, "sqlstate", None) in SQLSTATES_OF_BUSY


def camel(name: str) -> str:
    """A domain name as this API spells it: `created_by` is `createdBy`, `due_at` is `dueDate`."""
    head, *tail = name.removesuffix("_at").split("_") + ["date"] * name.endswith("_at")
    return head + "".join(word.capitalize() for word in tail)
