"""What a view says of its call: what it does, answers and refuses.

The sentences of refusals come from the errors themselves, never from a copy.
"""

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions, serializers

from kit.errors import Invalid

Refusal = Exception | type[Exception]


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
