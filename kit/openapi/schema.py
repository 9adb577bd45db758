"""The OpenAPI schema: drf-spectacular, plus what it cannot see.

`describes` documents what is specific to a view. What applies to all of them (authentication, bodies, rate limits,
headers) is added here. Error messages are taken from the exceptions themselves, never copied.
"""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.views import View
from drf_spectacular import openapi
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.plumbing import ComponentRegistry
from rest_framework import exceptions, serializers

from kit.errors import Busy, TooMany
from kit.idempotency.keys import KeyReused, StillRunning
from kit.idempotency.views import BAD_KEY, REPLAYED
from kit.openapi.describe import Refusal
from kit.openapi.fields import ID_SCHEMA
from kit.openapi.headers import EXAMPLE_REQUEST_ID, HEADERS, KEY_PARAMETER, TAG_PARAMETERS
from kit.web.bodies import NotAnObject, NotJSON
from kit.web.problems import PROBLEM_JSON, Problem, RequestTooLarge, describe

REFUSALS_OF_BODIES = (NotJSON(), NotAnObject(), RequestTooLarge(), exceptions.UnsupportedMediaType("text/plain"))
REFUSALS_OF_KEYS = (BAD_KEY, StillRunning(), KeyReused())
# Errors of every call that does work.
REFUSALS_OF_WORK = (TooMany(retry_after=42), Busy())

# Example values of path parameters.
EXAMPLE_IDS = {"booking_id": 31, "event_id": 5, "project_id": 3, "ticket_id": 7, "user_id": 3}


class FieldErrorSerializer(serializers.Serializer[Any]):
    field = serializers.CharField(
        help_text="The body field or query parameter; a path such as `assignedUsers.0` if nested."
    )
    message = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457. `message` is for people, `code` for programs."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField(min_value=400, max_value=599)
    detail = serializers.CharField(help_text="Same as `message`.")
    code = serializers.RegexField(r"^[a-z_]+$")
    message = serializers.CharField()
    errors = FieldErrorSerializer(many=True, required=False)  # type: ignore[assignment]
    requestId = serializers.CharField(help_text="Same as the X-Request-ID header.")


class AutoSchema(openapi.AutoSchema):
    def get_tags(self) -> list[str]:
        room = self.view.__class__.__module__.split(".")[0]
        return ["ticketing" if room == "kit" else room]

    def get_description(self) -> str:  # type: ignore[override]
        """Return nothing: `describes` sets the description, and docstrings are for developers."""
        return ""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> dict[str, Any] | None:
        operation = super().get_operation(path, path_regex, path_prefix, method, registry)
        if operation is None:
            return None
        if self._is_idempotent():
            operation.setdefault("parameters", []).append(KEY_PARAMETER)
        if self._is_versioned() and self.method in TAG_PARAMETERS:
            operation.setdefault("parameters", []).append(TAG_PARAMETERS[self.method])
        for problem in map(_problem, self._refusals(operation)):
            response = operation["responses"].setdefault(str(problem.status), self._refusal(problem.status))
            _add_example(response["content"][PROBLEM_JSON]["examples"], problem)
        operation["responses"] = dict(sorted(operation["responses"].items()))
        for status, response in operation["responses"].items():
            response["headers"] = {
                header: {"$ref": f"#/components/headers/{header}"} for header in self._headers(int(status))
            }
        for parameter in operation.get("parameters", []):
            if parameter["name"] in EXAMPLE_IDS:
                parameter["description"] = f"The ID of the {parameter['name'].removesuffix('_id')}."
                parameter["schema"] = ID_SCHEMA
                parameter["example"] = EXAMPLE_IDS[parameter["name"]]
            elif parameter["in"] == "query":
                # DRF treats an empty parameter as absent.
                parameter["allowEmptyValue"] = True
        return operation

    def _refusals(self, operation: dict[str, Any]) -> Iterator[Refusal]:
        yield from getattr(self._handler(), "refusals", ())
        if "requestBody" in operation:
            yield from REFUSALS_OF_BODIES
        if self._is_idempotent():
            yield from REFUSALS_OF_KEYS
        security = operation["security"]
        if {} not in security:
            yield exceptions.NotAuthenticated()
        if any(security):
            yield exceptions.AuthenticationFailed()
        if self._is_counted():
            yield from REFUSALS_OF_WORK

    def _headers(self, status: int) -> Iterator[str]:
        yield "X-Request-ID"
        # A body that is too large is refused before the request is counted.
        if self._is_counted() and status != HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            yield from ("RateLimit-Policy", "RateLimit")
        if self._is_idempotent() and status < HTTPStatus.BAD_REQUEST:
            yield REPLAYED
        if self._is_versioned() and status < HTTPStatus.BAD_REQUEST:
            yield "ETag"
        if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
            yield "Retry-After"
        if status == HTTPStatus.UNAUTHORIZED:
            yield "WWW-Authenticate"

    def _handler(self) -> Any:
        return getattr(self.view, getattr(self.view, "action", None) or self.method.lower())

    def _is_idempotent(self) -> bool:
        return getattr(self._handler(), "is_idempotent", False)

    def _is_versioned(self) -> bool:
        return getattr(self._handler(), "is_versioned", False)

    def _is_counted(self) -> bool:
        return bool(self.view.get_throttles())

    def _refusal(self, status: int) -> dict[str, Any]:
        return {
            "description": HTTPStatus(status).phrase,
            "content": {
                PROBLEM_JSON: {
                    "schema": self.resolve_serializer(ProblemSerializer, "response").ref,
                    "examples": {},
                }
            },
        }

    def _get_serializer_field_meta(self, field: Any, direction: str) -> dict[str, Any]:
        # drf-spectacular sets minLength to 1 everywhere, which would hide our own.
        meta: dict[str, Any] = super()._get_serializer_field_meta(field, direction)
        meta.pop("minLength", None)
        if isinstance(field, serializers.JSONField):
            # The schema of any JSON already includes null.
            meta.pop("nullable", None)
        return meta

    def _is_list_view(self, serializer: Any = None) -> bool:
        # Our lists are page objects; drf-spectacular would describe an action named `list` as an array.
        return False

    def _insert_field_validators(self, field: Any, schema: dict[str, Any]) -> None:
        # The extensions in fields.py describe all constraints themselves.
        if not OpenApiSerializerFieldExtension.get_match(field):
            super()._insert_field_validators(field, schema)


def _problem(refusal: Refusal) -> Problem:
    return describe(refusal() if isinstance(refusal, type) else refusal)


def _add_example(examples: dict[str, Any], problem: Problem) -> None:
    same_code = sum(name.split("-")[0] == problem.code for name in examples)
    name = f"{problem.code}-{same_code + 1}" if same_code else problem.code
    examples[name] = {"summary": problem.message, "value": problem.body() | {"requestId": EXAMPLE_REQUEST_ID}}


def add_headers(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add the headers that operations refer to (a drf-spectacular postprocessing hook)."""
    result["components"]["headers"] = HEADERS
    return result


def sort_methods(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Sort each path's methods, whose order would differ between runs (a drf-spectacular postprocessing hook)."""
    result["paths"] = {
        path: {method: operations[method] for method in View.http_method_names if method in operations}
        for path, operations in result["paths"].items()
    }
    return result
