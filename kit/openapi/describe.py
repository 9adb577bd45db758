"""Describe a view for OpenAPI: what it does, its responses and its errors.

Error messages are taken from the exceptions themselves, never copied.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions, serializers

from kit.errors import Invalid
from kit.web.query_strings import NoParameters

Refusal = Exception | type[Exception]


def describes(
    summary: str,
    *,
    name: str,
    answers: Mapping[int, tuple[Any, Any] | None],
    request: tuple[Any, Any] | None = None,
    refusals: Iterable[Refusal] = (),
    query: type[serializers.Serializer[Any]] | None = NoParameters,
    headers: Sequence[OpenApiParameter] = (),
    media_type: str = "application/json",
    more: str = "",
) -> Callable[[Any], Any]:
    """Describe the decorated method. `request` and each of `answers` are (serializer, example), or None for no body.

    `query` has the call's parameters, which the view then reads as `self.query`; others are refused. None ignores all.
    `media_type` applies to the responses. `refusals` lists the call's own errors in the order they are checked; the
    schema adds the errors that every call can raise.
    """
    examples = [OpenApiExample(summary, request[1], request_only=True)] if request else []

    def decorate(method: Any) -> Any:
        method = extend_schema(
            summary=summary,
            operation_id=name,
            description=more,
            request=request and request[0],
            parameters=[*headers, *([query] if query and query is not NoParameters else [])],
            examples=examples,
            responses={
                (status, media_type) if answer else status: _answer(status, summary, answer)
                for status, answer in answers.items()
            },
        )(method)
        method.refusals = tuple(refusals)
        method.query = query
        return method

    return decorate


def _answer(status: int, summary: str, answer: tuple[Any, Any] | None) -> OpenApiResponse:
    phrase = HTTPStatus(status).phrase
    if answer is None:
        return OpenApiResponse(description=phrase)
    shape, example = answer
    return OpenApiResponse(shape, description=phrase, examples=[OpenApiExample(summary, example)])


def missing(*names: str) -> Exception:
    """Return the error for a body without these keys."""
    return exceptions.ValidationError({name: [serializers.Field.default_error_messages["required"]] for name in names})


def invalid(**messages: str) -> Exception:
    """Return the error for invalid input, with a message per field, by its name in the domain."""
    return Invalid(fields={name: [message] for name, message in messages.items()})
