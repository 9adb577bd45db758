"""Turn exceptions into problem details (RFC 9457).

`describe` is the only place where an exception becomes a status, a code and a message. Contracts render the same
`Problem` in the body that their document prescribes.
"""

import http
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson
import structlog
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpResponse, UnreadablePostError
from psycopg.errors import ForeignKeyViolation
from rest_framework import exceptions

from kit import errors
from kit.web.fields import utc_text
from kit.web.request_id import request_id

logger = structlog.get_logger(__name__)

PROBLEM_JSON = "application/problem+json"

STATUS_OF_KIND: list[tuple[type[errors.Refused], int]] = [
    (errors.Invalid, 400),
    (errors.Unauthenticated, 401),
    (errors.Forbidden, 403),
    (errors.Missing, 404),
    (errors.Conflict, 409),
    (errors.Gone, 410),
    (errors.Outdated, 412),
    (errors.Contradiction, 422),
    (errors.TooMany, 429),
    (errors.Busy, 503),
]
# Field names that differ between the domain and the API.
WIRE_NAMES = {
    "assigned_users": "assignedUsers",
    "bookings_close_at": "bookingsCloseAt",
    "checked_in_at": "checkedInAt",
    "code_revision": "tickets",
    "created_at": "createdDate",
    "created_by": "createdBy",
    "current_password": "currentPassword",
    "due_at": "dueDate",
    "ends_at": "endsAt",
    "expires_at": "expiresAt",
    "guest_email": "guest.email",
    "guest_first_name": "guest.firstName",
    "guest_last_name": "guest.lastName",
    "hold_reason": "holdReason",
    "is_active": "isActive",
    "is_superuser": "isSuperuser",
    "max_per_booking": "maxPerBooking",
    "merged_from": "mergedFrom",
    "merged_into": "mergedInto",
    "on_hold_since": "onHoldSince",
    "sla_due": "slaDue",
    "start_at": "startDate",
    "starts_at": "startsAt",
    "time_zone": "timezone",
}
# PostgreSQL's lock_not_available and deadlock_detected: expected under load, so not logged as errors.
SQLSTATES_OF_BUSY = {"55P03", "40P01"}


class UnknownHost(exceptions.APIException):
    status_code = 400
    default_code = "unknown_host"
    default_detail = "Unknown host name"


class RequestTimeout(exceptions.APIException):
    status_code = 408
    default_code = "request_timeout"
    default_detail = "The request body took too long to arrive"


class LengthRequired(exceptions.APIException):
    status_code = 411
    default_code = "length_required"
    default_detail = "A request body requires a Content-Length header"


class RequestTooLarge(exceptions.APIException):
    status_code = 413
    default_code = "request_too_large"
    default_detail = "The request body is too large"


@dataclass(frozen=True)
class Problem:
    """An error response. `errors` lists (field, message) pairs.

    `kinds` has DRF's error code (`required`, `max_length`) for each of them; it is empty if a rule of ours failed.
    `members` are further members of the body.
    """

    status: int
    code: str
    message: str
    errors: list[tuple[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    kinds: list[str] = field(default_factory=list)
    members: dict[str, Any] = field(default_factory=dict)
    # The exception that a view raised, if any.
    cause: Exception | None = field(default=None, compare=False)

    def body(self) -> dict[str, Any]:
        """Return the members of RFC 9457, plus our own: `code`, `message`, `errors` and `requestId`."""
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
        body |= self.members
        body["requestId"] = request_id.get()
        return body

    def response(self) -> HttpResponse:
        return HttpResponse(
            orjson.dumps(self.body()), status=self.status, content_type=PROBLEM_JSON, headers=self.headers
        )


def describe(exc: Exception) -> Problem:
    """Return the problem for an exception. An unexpected one becomes a 500 that reveals nothing about its cause."""
    if isinstance(exc, errors.Refused):
        return _describe_refusal(exc)
    if isinstance(exc, exceptions.ValidationError):
        details = list(_flatten(exc.detail))
        problem = _invalid([(name, str(detail)) for name, detail in details])
        return replace(problem, kinds=[str(detail.code) for _, detail in details])
    if isinstance(exc, exceptions.APIException):
        return _describe_framework(exc)
    if isinstance(exc, Http404):
        return Problem(404, "missing", "Not found")
    if isinstance(exc, RequestDataTooBig):
        return describe(RequestTooLarge())
    if isinstance(exc, SuspiciousOperation | UnreadablePostError):
        return Problem(400, exceptions.ParseError.default_code, "The request could not be read")
    if isinstance(exc, OperationalError | InterfaceError):
        return describe(errors.Busy())
    if isinstance(exc, IntegrityError) and isinstance(exc.__cause__, ForeignKeyViolation):
        # Deferred foreign keys are checked at COMMIT: the referenced row was deleted in the meantime.
        return describe(errors.Conflict())
    return Problem(500, "unexpected", "An unexpected error occurred")


def _invalid(field_errors: list[tuple[str, str]]) -> Problem:
    messages = [f"{name}: {message}" if name else message for name, message in field_errors]
    return Problem(400, errors.Invalid.code, " ".join(messages), field_errors)


def _describe_refusal(exc: errors.Refused) -> Problem:
    status = next(status for kind, status in STATUS_OF_KIND if isinstance(exc, kind))
    field_errors = [
        (WIRE_NAMES.get(name, name), message) for name, messages in exc.fields.items() for message in messages
    ]
    if type(exc) is errors.Invalid and field_errors:
        return _invalid(field_errors)
    headers = {}
    if isinstance(exc, errors.TooMany | errors.Busy):
        headers["Retry-After"] = str(exc.retry_after)
    if isinstance(exc, errors.Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    members = {WIRE_NAMES.get(name, name): _on_the_wire(value) for name, value in exc.members.items()}
    return Problem(status, exc.code, exc.message, field_errors, headers, members=members)


def _on_the_wire(value: Any) -> Any:
    return utc_text(value) if isinstance(value, datetime) else value


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


def _flatten(detail: Any, path: str = "") -> Iterator[tuple[str, exceptions.ErrorDetail]]:
    """Yield (field, detail) pairs of DRF's nested error detail. `field` is a path such as `assignedUsers.0`."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            name = "" if name == "non_field_errors" else str(name)
            yield from _flatten(inner, f"{path}.{name}".strip("."))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _flatten(inner, path)
    else:
        yield path, detail


def exception_handler(exc: Exception, context: dict[str, Any]) -> HttpResponse:
    """Respond with the problem. DRF calls this for every exception that a view raises.

    A contract's views render problems in their own format, with a method `lay_out`. The code is kept for metrics.
    """
    problem = replace(described(exc), cause=exc)
    response = layout_of(context["view"])(problem)
    response.problem_code = problem.code  # type: ignore[attr-defined]
    return response


def described(exc: Exception) -> Problem:
    """Return the problem as `describe` does, and log an unexpected exception."""
    problem = describe(exc)
    if problem.status >= 500 and not _is_expected(exc):
        logger.error("unexpected", exc_info=exc)
    return problem


def layout_of(view: Any) -> Callable[[Problem], HttpResponse]:
    """Return the function that renders problems for this view or view class."""
    view = view() if isinstance(view, type) else view
    layout: Callable[[Problem], HttpResponse] = getattr(view, "lay_out", Problem.response)
    return layout


def _is_expected(exc: Exception) -> bool:
    return isinstance(exc, errors.Busy) or getattr(exc.__cause__, "sqlstate", None) in SQLSTATES_OF_BUSY
