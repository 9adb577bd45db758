"""Request and response bodies: strict JSON. DRF's settings import this module, so it imports no view."""

from collections.abc import Mapping
from functools import cache
from typing import Any, cast

import orjson
from django.http import HttpRequest
from rest_framework import exceptions, metadata, negotiation, parsers, renderers
from rest_framework.request import Request
from rest_framework.serializers import Serializer


class NotJSON(exceptions.ParseError):
    default_detail = "The request body is not valid JSON"


class NestedTooDeeply(exceptions.ParseError):
    default_detail = "The request body is nested too deeply"


class NotAnObject(exceptions.ParseError):
    default_detail = "The request body must be a JSON object"


class StrictJSONParser(parsers.BaseParser):
    """Accept one JSON object in UTF-8, up to DATA_UPLOAD_MAX_MEMORY_SIZE; no NaN, Infinity or lone surrogates."""

    media_type = "application/json"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        body = stream.body if isinstance(stream, HttpRequest) else stream.read()
        try:
            value = orjson.loads(body)
            # orjson parses deeper nesting than it can serialize, or Python can quote in an error message.
            orjson.dumps(value)
        except orjson.JSONDecodeError as error:
            raise NotJSON from error
        except orjson.JSONEncodeError as error:
            raise NestedTooDeeply from error
        if not isinstance(value, dict):
            raise NotAnObject
        return value


class JSONRenderer(renderers.BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        return b"" if data is None else orjson.dumps(data)


class AlwaysJSON(negotiation.DefaultContentNegotiation):
    """Respond with JSON, whatever the client accepts."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class NoMetadata(metadata.BaseMetadata):
    """Answer OPTIONS with the `Allow` header only; /schema describes the calls."""

    def determine_metadata(self, request: Request, view: Any) -> None:
        return None


def read(shape: type[Serializer[Any]], request: Request, **context: Any) -> dict[str, Any]:
    """Return the validated body, or fail with a 400 that names every invalid field."""
    # An empty body sent as a form is a QueryDict, in which DRF reads an absent boolean as false.
    return cast("dict[str, Any]", _reader(shape, **context).run_validation(dict(request.data)))


def read_query(shape: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    """Return the validated query string, or fail with a 400 that names every invalid parameter."""
    return cast("dict[str, Any]", _reader(shape).run_validation(request.query_params))


@cache
def _reader(shape: type[Serializer[Any]], **context: Any) -> Serializer[Any]:
    """Return the serializer for all requests: it keeps no state, and copying its fields costs more than using them."""
    return shape(context=context)
