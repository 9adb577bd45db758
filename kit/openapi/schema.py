"""The OpenAPI schema: drf-spectacular, plus what it cannot see.

`describes` documents what is specific to a view. What applies to all of them (authentication, bodies, rate limits,
headers) is added here. Error messages are taken from the exceptions themselves, never copied.
"""

import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.views import View
from drf_spectacular import openapi
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.plumbing import ComponentRegistry
from rest_framework import serializers

from kit.errors import Outdated
from kit.idempotency.views import REPLAYED
from kit.openapi import refusals
from kit.openapi.describe import Refusal
from kit.openapi.fields import ID_SCHEMA
from kit.openapi.headers import HEADERS, IF_MATCH, IF_NONE_MATCH, KEY_PARAMETER

# Example values of path parameters.
EXAMPLE_IDS = {
    "booking_id": 31,
    "check_in_id": 408,
    "delivery_id": 1041,
    "event_id": 5,
    "filter_id": 2,
    "key_id": 3,
    "project_id": 3,
    "ticket_id": 7,
    "user_id": 3,
    "webhook_id": 4,
}
NOUNS = {"check_in_id": "check-in"}


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
    # Facts about a check-in, of the call that checks in.
    booking = serializers.IntegerField(required=False, help_text="With `already_checked_in`, as the next ones.")
    seat = serializers.IntegerField(required=False)
    holder = serializers.CharField(required=False)
    checkedInAt = serializers.DateTimeField(required=False)
    device = serializers.CharField(required=False, allow_null=True)


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
        if not any(operation["security"]):
            # Both mean that no token is read; generators understand the empty list.
            operation["security"] = []
        if self._is_idempotent():
            operation.setdefault("parameters", []).append(KEY_PARAMETER)
        if self._is_conditional():
            operation.setdefault("parameters", []).append(IF_MATCH)
        if self._is_versioned() and self.method == "GET":
            operation.setdefault("parameters", []).append(IF_NONE_MATCH)
        responses = operation["responses"]
        if self._is_versioned() and self.method == "GET":
            responses.setdefault(str(HTTPStatus.NOT_MODIFIED.value), {"description": HTTPStatus.NOT_MODIFIED.phrase})
        for response in responses.values():
            response["headers"] = {header: {"$ref": f"#/components/headers/{header}"} for header in self._headers()}
        problem_schema = self.resolve_serializer(ProblemSerializer, "response").ref
        for refusal in refusals.by_status(self._refusals(operation)):
            responses[str(refusal.status)] = refusal.describe(problem_schema, registry)
        operation["responses"] = dict(sorted(responses.items()))
        for parameter in operation.get("parameters", []):
            if parameter["name"] in EXAMPLE_IDS:
                parameter["description"] = (
                    f"The ID of the {NOUNS.get(parameter['name'], parameter['name'].removesuffix('_id'))}."
                )
                parameter["schema"] = ID_SCHEMA
                parameter["example"] = EXAMPLE_IDS[parameter["name"]]
            elif parameter["in"] == "query":
                # drf-spectacular wraps references that have a description, which it has moved to the parameter.
                if list(parameter["schema"]) == ["allOf"]:
                    (parameter["schema"],) = parameter["schema"]["allOf"]
                # DRF treats an empty parameter as absent.
                parameter["allowEmptyValue"] = True
        return operation

    def _refusals(self, operation: dict[str, Any]) -> Iterator[Refusal]:
        yield from getattr(self._handler(), "refusals", ())
        if getattr(self._handler(), "query", None):
            yield from refusals.OF_QUERIES
        if "requestBody" in operation:
            yield from refusals.OF_BODIES
        if self._is_idempotent():
            yield from refusals.OF_KEYS
        if security := operation["security"]:
            yield from refusals.OF_TOKENS if {} in security else refusals.OF_REQUIRED_TOKENS
        if self._is_counted():
            yield from refusals.OF_WORK
        yield from refusals.OF_ALL

    def _headers(self) -> Iterator[str]:
        """Yield the names of the headers of successful responses."""
        yield "X-Request-ID"
        if self._is_counted():
            yield from ("RateLimit-Policy", "RateLimit")
        if self._is_idempotent():
            yield REPLAYED
        if self._is_versioned():
            yield "ETag"

    def _handler(self) -> Any:
        return getattr(self.view, getattr(self.view, "action", None) or self.method.lower())

    def _is_idempotent(self) -> bool:
        return getattr(self._handler(), "is_idempotent", False)

    def _is_versioned(self) -> bool:
        return getattr(self._handler(), "is_versioned", False)

    def _is_conditional(self) -> bool:
        """Return whether the call can refuse a change of another version."""
        return any(isinstance(refusal, Outdated) for refusal in getattr(self._handler(), "refusals", ()))

    def _is_counted(self) -> bool:
        return bool(self.view.get_throttles())

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


def simplify_models(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Make body schemas plainer for client generators (a drf-spectacular postprocessing hook).

    Some generators require fields with a `default` in requests, so the description names the default instead.
    Serializers' docstrings are for developers and are removed.
    """
    for schema in result["components"]["schemas"].values():
        schema.pop("description", None)
        for field in schema.get("properties", {}).values():
            if "default" in field:
                default = f"Default: `{json.dumps(field.pop('default'))}`."
                field["description"] = f"{field.get('description', '')} {default}".strip()
    return result
