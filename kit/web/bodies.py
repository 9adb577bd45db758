"""JSON in, JSON out. Apart from api.py because DRF imports this while it is being imported itself."""

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
    """One JSON object, UTF-8, at most DATA_UPLOAD_MAX_MEMORY_SIZE. NaN, Infinity and lone surrogates are no JSON."""

    media_type = "application/json"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        body = stream.body if isinstance(stream, HttpRequest) else stream.read()
        try:
            value = orjson.loads(body)
            # What it reads may be nested deeper than it writes, and than Python can show in a refusal.
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
    """What a client accepts is read, but a client that accepts something else gets JSON all the same."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class NoMetadata(metadata.BaseMetadata):
    """OPTIONS is answered by the header `Allow` alone; what a call takes is told by /schema."""

    def determine_metadata(self, request: Request, view: Any) -> None:
        return None


def read(shape: type[Serializer[Any]], request: Request, **context: Any) -> dict[str, Any]:
    """The body in the domain's words, or a 400 that names every wrong field."""
    # No body at all is a form's when it calls itself one, and in a form an absent box is one that is not ticked.
    return cast("dict[str, Any]", _reader(shape, **context).run_validation(dict(request.data)))


def read_query(shape: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    """The query string in the domain's words, or a 400 that names every wrong parameter."""
    return cast("dict[str, Any]", _reader(shape).run_validation(request.query_params))


@cache
def _reader(shape: type[Serializer[Any]], **context: Any) -> Serializer[Any]:
    """One serves all requests: it keeps nothing of what it reads, and its fields cost more to copy than to use."""
    return shape(context=context)
