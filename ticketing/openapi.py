"""How the API describes itself: drf-spectacular, plus what it cannot see.

A view says with `describes` what it does, answers and refuses; what holds for every call (signing in, bodies, limits,
headers) is added here. The sentences of refusals come from the errors themselves, never from a copy.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.views import View
from drf_spectacular import openapi
from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerFieldExtension
from drf_spectacular.plumbing import ComponentRegistry
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions, serializers

from ticketing.api import PROBLEM_JSON, Problem, RequestTooLarge, describe
from ticketing.errors import Busy, Invalid, TooMany
from ticketing.fields import MAX_MONEY, SingleLineField
from ticketing.idempotency import BAD_KEY, HEADER, REPLAYED
from ticketing.keys import KeyReused, StillRunning
from ticketing.wire import NotAnObject, NotJSON

Refusal = Exception | type[Exception]

REFUSALS_OF_BODIES = (NotJSON(), NotAnObject(), RequestTooLarge(), exceptions.UnsupportedMediaType("text/plain"))
REFUSALS_OF_KEYS = (BAD_KEY, StillRunning(), KeyReused())
# What any call may answer that does work.
REFUSALS_OF_WORK = (TooMany(retry_after=42), Busy())

# The things that the examples are about, by the name of the path's parameter.
EXAMPLE_IDS = {"booking_id": 31, "event_id": 5, "project_id": 3, "ticket_id": 7, "user_id": 3}
EXAMPLE_REQUEST_ID = "0b6f5c0e-7d0f-4d7a-9a57-3c1c9c2f8e11"

HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-ID": {
        "description": "Names this request in the server's log.",
        "required": True,
        "schema": {"type": "string"},
        "example": EXAMPLE_REQUEST_ID,
    },
    "RateLimit-Policy": {
        "description": "The limit: `q` requests in `w` seconds. Absent where requests are not counted.",
        "schema": {"type": "string"},
        "example": '"default";q=600;w=60',
    },
    "RateLimit": {
        "description": "What is left of it: `r` requests, whole again in `t` seconds.",
        "schema": {"type": "string"},
        "example": '"default";r=599;t=60',
    },
    REPLAYED: {
        "description": "`true` where this is the answer to an earlier request with the same Idempotency-Key.",
        "schema": {"type": "string", "const": "true"},
        "example": "true",
    },
    "ETag": {
        "description": "A hash of the body; in front of it, where the thing has one, its version.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"([0-9]+-)?[0-9a-f]+"$'},
        "example": '"3-5f0c9a1e2b7d4836"',
    },
    "Retry-After": {
        "description": "In how many seconds another try is worth it.",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
        "example": 42,
    },
    "WWW-Authenticate": {
        "description": "How to prove who you are.",
        "required": True,
        "schema": {"type": "string", "const": "Bearer"},
        "example": "Bearer",
    },
}

KEY_PARAMETER: dict[str, Any] = {
    "in": "header",
    "name": HEADER,
    "description": "Any word of yours for this one request. The same request sent again within 24 hours is not done "
    "again, but gets the first one's answer. A refused request does not use its key up.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "example": "8e03978e-40d5-43dd-bc93-6894a57f9324",
}

# A client who knows what it changes says so; who has what it reads is spared the body.
IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "The `ETag`, or the version in it, that this is a change of: 412 if there is a newer one. `*`: any.",
    "schema": {"type": "string"},
    "example": "*",
}
TAG_PARAMETERS: dict[str, dict[str, Any]] = {
    "GET": {
        "name": "If-None-Match",
        "in": "header",
        "description": "The `ETag` of what you have already: 304 if it is still the same.",
        "schema": {"type": "string"},
        "example": '"3-5f0c9a1e2b7d4836"',
    },
    "PUT": IF_MATCH,
    "PATCH": IF_MATCH,
}


class FieldErrorSerializer(serializers.Serializer[Any]):
    field = serializers.CharField(help_text="Which key of the body or the query; a path such as `assignedUsers.0`.")
    message = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457. `message` is for people, `code` for programs."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField(min_value=400, max_value=599)
    detail = serializers.CharField(help_text="The same as `message`.")
    code = serializers.RegexField(r"^[a-z_]+$")
    message = serializers.CharField()
    errors = FieldErrorSerializer(many=True, required=False)  # type: ignore[assignment]
    requestId = serializers.CharField(help_text="As in the header X-Request-ID.")


def describes(
    summary: str,
    *,
    name: str,
    answers: Mapping[int, tuple[Any, Any] | None],
    request: tuple[Any, Any] | None = None,
    refusals: Iterable[Refusal] = (),
    parameters: list[OpenApiParameter | Any] | None = None,
    media_type: str = "application/json",
    more: str = "",
) -> Callable[[Any], Any]:
    """Say what a call does. `request` and each of `answers` are a shape and an example of it, None: no body.

    `media_type` is that of the answers, `refusals` are the call's own, in the order in which they are checked; those
    of every call come by themselves.
    """
    examples = [OpenApiExample(summary, request[1], request_only=True)] if request else []

    def decorate(method: Any) -> Any:
        method = extend_schema(
            summary=summary,
            operation_id=name,
            description=more,
            request=request and request[0],
            parameters=parameters,
            examples=examples,
            responses={
                (status, media_type) if answer else status: _answer(status, summary, answer)
                for status, answer in answers.items()
            },
        )(method)
        method.refusals = tuple(refusals)
        return method

    return decorate


def _answer(status: int, summary: str, answer: tuple[Any, Any] | None) -> OpenApiResponse:
    phrase = HTTPStatus(status).phrase
    if answer is None:
        return OpenApiResponse(description=phrase)
    shape, example = answer
    return OpenApiResponse(shape, description=phrase, examples=[OpenApiExample(summary, example)])


def missing(*names: str) -> Exception:
    """The refusal of a body that lacks these keys."""
    return exceptions.ValidationError({name: [serializers.Field.default_error_messages["required"]] for name in names})


def invalid(**sentences: str) -> Exception:
    """The refusal of input for these reasons, by the domain's field names."""
    return Invalid(fields={name: [sentence] for name, sentence in sentences.items()})


class AutoSchema(openapi.AutoSchema):
    def get_tags(self) -> list[str]:
        return [self.view.__class__.__module__.split(".")[0]]

    def get_description(self) -> str:  # type: ignore[override]
        """Only what `describes` says: docstrings are written for those who read the code."""
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
                parameter["description"] = f"The id of the {parameter['name'].removesuffix('_id')}."
                parameter["schema"] = ID_SCHEMA
                parameter["example"] = EXAMPLE_IDS[parameter["name"]]
            elif parameter["in"] == "query":
                # DRF takes an empty one for absent.
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
        # A body that is too large is turned away before anybody counts.
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
        # drf-spectacular's blanket minLength of 1 would hide longer ones.
        meta: dict[str, Any] = super()._get_serializer_field_meta(field, direction)
        meta.pop("minLength", None)
        if isinstance(field, serializers.JSONField):
            # Anything includes null; saying so again makes null two things at once.
            meta.pop("nullable", None)
        return meta

    def _is_list_view(self, serializer: Any = None) -> bool:
        # Our lists are pages, objects whose shape says so; drf-spectacular takes what is named `list` for an array.
        return False

    def _insert_field_validators(self, field: Any, schema: dict[str, Any]) -> None:
        # The extensions below state a field's bounds in full.
        if not OpenApiSerializerFieldExtension.get_match(field):
            super()._insert_field_validators(field, schema)


def _problem(refusal: Refusal) -> Problem:
    return describe(refusal() if isinstance(refusal, type) else refusal)


def _add_example(examples: dict[str, Any], problem: Problem) -> None:
    alike = sum(name.split("-")[0] == problem.code for name in examples)
    name = f"{problem.code}-{alike + 1}" if alike else problem.code
    examples[name] = {"summary": problem.message, "value": problem.body() | {"requestId": EXAMPLE_REQUEST_ID}}


def add_headers(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """drf-spectacular's hook for the whole document: the headers that operations refer to."""
    result["components"]["headers"] = HEADERS
    return result


def sort_methods(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """drf-spectacular's hook: DRF keeps a viewset's methods in a set, so their order would change from run to run."""
    result["paths"] = {
        path: {method: operations[method] for method in View.http_method_names if method in operations}
        for path, operations in result["paths"].items()
    }
    return result


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = "accounts.tokens.BearerToken"
    name = "bearer"

    def get_security_definition(self, auto_schema: openapi.AutoSchema) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The `token` that POST /auth/login answers with.",
        }


# --- Fields: what the server really reads -------------------------------------------------------------------------

ID_SCHEMA = {"type": "integer", "format": "int64", "minimum": 1}
CONTROL_CHARACTERS = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
# What Python trims; other languages' \s differs.
WHITESPACE = r"\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"


class TextExtension(OpenApiSerializerFieldExtension):
    target_class = "ticketing.fields.TextField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: openapi.AutoSchema, direction: str) -> dict[str, Any]:
        field = self.target
        forbidden = CONTROL_CHARACTERS if isinstance(field, SingleLineField) else r"\x00"
        shortest = 0 if field.allow_blank else max(1, field.min_length or 1)
        bounds = {"minLength": shortest, "maxLength": field.max_length}
        schema = {"type": "string"} | {key: bound for key, bound in bounds.items() if bound}
        if direction == "request":
            schema["pattern"] = text_pattern(forbidden, shortest, is_trimmed=field.trim_whitespace)
        return schema


def text_pattern(forbidden: str, shortest: int, *, is_trimmed: bool) -> str:
    """Text without the `forbidden` characters that is `shortest` characters long after trimming (if it is trimmed)."""
    if not is_trimmed:
        return rf"^[^{forbidden}]*$"
    space, inner, end = rf"[{WHITESPACE}]", rf"[^{forbidden}]", rf"[^{forbidden}{WHITESPACE}]"
    if shortest == 0:
        return rf"^{space}*({end}({inner}*{end})?{space}*)?$"
    if shortest == 1:
        return rf"^{space}*{end}({inner}*{end})?{space}*$"
    return rf"^{space}*{end}{inner}{{{shortest - 2},}}{end}{space}*$"


class IdExtension(OpenApiSerializerFieldExtension):
    target_class = "ticketing.fields.IdField"

    def map_serializer_field(self, auto_schema: openapi.AutoSchema, direction: str) -> dict[str, Any]:
        return dict(ID_SCHEMA)


class MoneyExtension(OpenApiSerializerFieldExtension):
    target_class = "ticketing.fields.MoneyField"

    def map_serializer_field(self, auto_schema: openapi.AutoSchema, direction: str) -> dict[str, Any]:
        return {"type": "number", "minimum": 0, "maximum": float(MAX_MONEY), "multipleOf": 0.01}


class UtcDateTimeExtension(OpenApiSerializerFieldExtension):
    target_class = "ticketing.fields.UtcDateTimeField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: openapi.AutoSchema, direction: str) -> dict[str, Any]:
        schema = {"type": "string", "format": "date-time"}
        return schema if direction == "request" else schema | {"pattern": "Z$"}


class MomentExtension(OpenApiSerializerFieldExtension):
    target_class = "ticketing.fields.MomentField"
    priority = 1

    def map_serializer_field(self, auto_schema: openapi.AutoSchema, direction: str) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]}


class CursorExtension(OpenApiSerializerFieldExtension):
    target_class = "ticketing.paging.CursorField"

    def map_serializer_field(self, auto_schema: openapi.AutoSchema, direction: str) -> dict[str, Any]:
        return {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"}


class ChoiceExtension(OpenApiSerializerFieldExtension):
    target_class = "rest_framework.serializers.ChoiceField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: openapi.AutoSchema, direction: str) -> dict[str, Any]:
        return {"type": "string", "enum": [*self.target.choices, *getattr(self.target, "aliases", ())]}
