"""Errors that a call can raise besides its own, and error responses that calls share."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent
from inflection import camelize
from rest_framework import exceptions

from kit.errors import Busy, Invalid, TooMany
from kit.idempotency.keys import KeyReused, StillRunning
from kit.idempotency.views import BAD_KEY
from kit.openapi.components import component
from kit.openapi.describe import Refusal, invalid
from kit.openapi.headers import EXAMPLE_REQUEST_ID
from kit.web.bodies import LoneSurrogate, NotAnObject, NotJSON
from kit.web.problems import (
    PROBLEM_JSON,
    LengthRequired,
    Problem,
    RequestTimeout,
    RequestTooLarge,
    UnknownHost,
    describe,
)
from kit.web.query_strings import UNKNOWN_PARAMETER

OF_ALL: tuple[Refusal, ...] = (UnknownHost(), Exception())
OF_BODIES: tuple[Refusal, ...] = (
    NotJSON(),
    NotAnObject(),
    LoneSurrogate(),
    RequestTimeout(),
    LengthRequired(),
    RequestTooLarge(),
    exceptions.UnsupportedMediaType("text/plain"),
)
OF_QUERIES: tuple[Refusal, ...] = (invalid(page=UNKNOWN_PARAMETER),)
OF_KEYS: tuple[Refusal, ...] = (BAD_KEY, StillRunning(), KeyReused())
# Errors of every call that is rate limited and uses the database.
OF_WORK: tuple[Refusal, ...] = (TooMany(retry_after=42), Busy())
OF_TOKENS: tuple[Refusal, ...] = (exceptions.AuthenticationFailed(),)
OF_REQUIRED_TOKENS: tuple[Refusal, ...] = (exceptions.NotAuthenticated(), *OF_TOKENS)

# These are refused before the request is counted against a rate limit.
UNCOUNTED = {each.default_code for each in (UnknownHost, RequestTimeout, LengthRequired, RequestTooLarge)}


@dataclass(frozen=True)
class ErrorResponse:
    """The errors with one status that a call can return."""

    status: int
    problems: tuple[Problem, ...]

    @property
    def is_shared(self) -> bool:
        """Return whether none of the errors is the call's own."""
        return SHARED.issuperset(problem.message for problem in self.problems)

    @property
    def name(self) -> str:
        """Return a name for the response as a component: `TooMany`, `UnauthenticatedOrInvalidToken`."""
        return "Or".join(dict.fromkeys(camelize(problem.code) for problem in self.problems))

    def headers(self) -> Iterator[str]:
        if not UNCOUNTED.issuperset(problem.code for problem in self.problems):
            yield from ("RateLimit-Policy", "RateLimit")
        if self.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
            yield "Retry-After"
        if self.status == HTTPStatus.UNAUTHORIZED:
            yield "WWW-Authenticate"

    def describe(self, problem_schema: dict[str, Any], registry: ComponentRegistry) -> dict[str, Any]:
        examples: dict[str, Any] = {}
        for problem in self.problems:
            same_code = sum(name.split("-")[0] == problem.code for name in examples)
            name = f"{problem.code}-{same_code + 1}" if same_code else problem.code
            value = problem.body() | {"requestId": EXAMPLE_REQUEST_ID}
            example = {"summary": problem.message, "value": value}
            # Messages about fields differ from call to call; the other errors occur in many.
            is_own = problem.code == Invalid.code
            examples[name] = (
                example if is_own else component(registry, ResolvedComponent.EXAMPLE, problem.code, example)
            )
        described = {
            "description": HTTPStatus(self.status).phrase,
            "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-ID", *self.headers())},
            "content": {PROBLEM_JSON: {"schema": problem_schema, "examples": examples}},
        }
        return component(registry, ResolvedComponent.RESPONSE, self.name, described) if self.is_shared else described


def by_status(refusals: Iterable[Refusal]) -> list[ErrorResponse]:
    """Return the responses for these errors, in the errors' order within each."""
    problems = [describe(refusal() if isinstance(refusal, type) else refusal) for refusal in refusals]
    return [
        ErrorResponse(status, tuple(problem for problem in problems if problem.status == status))
        for status in sorted({problem.status for problem in problems})
    ]


SHARED = {
    problem.message
    for response in by_status((*OF_ALL, *OF_BODIES, *OF_QUERIES, *OF_KEYS, *OF_WORK, *OF_REQUIRED_TOKENS))
    for problem in response.problems
}
