"""How the API describes itself: drf-spectacular, plus what is true of every path."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from drf_spectacular import openapi
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from ticketing.api import PROBLEM_JSON

# What any call may answer, and any call with a body.
REFUSALS_OF_ALL = (429, 503)
REFUSALS_OF_BODIES = (400, 413, 415)


class FieldErrorSerializer(serializers.Serializer[Any]):
    field = serializers.CharField()
    message = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457. `message` is for people, `code` for programs."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()
    errors = FieldErrorSerializer(many=True, required=False)
    requestId = serializers.CharField()


class AutoSchema(openapi.AutoSchema):
    def get_tags(self) -> list[str]:
        return [self.view.__class__.__module__.split(".")[0]]


def describes(
    summary: str,
    *,
    answers: dict[int, Any],
    refusals: Iterable[int] = (),
    request: Any = None,
    parameters: list[OpenApiParameter | Any] | None = None,
    examples: list[OpenApiExample] | None = None,
) -> Callable[[Any], Any]:
    """Say what a call does, takes and answers. `refusals` are the statuses that are its own."""
    statuses = {*refusals, *REFUSALS_OF_ALL, *(REFUSALS_OF_BODIES if request else ())}
    return extend_schema(
        summary=summary,
        request=request,
        parameters=parameters,
        examples=examples,
        responses=answers
        | {
            (status, PROBLEM_JSON): OpenApiResponse(ProblemSerializer, description=HTTPStatus(status).phrase)
            for status in sorted(statuses)
        },
    )
