"""JSON in, JSON out. Apart from api.py because DRF imports this while it is being imported itself."""

from typing import Any

import orjson
from django.http import HttpRequest
from rest_framework import exceptions, negotiation, parsers, renderers
from rest_framework.request import Request


class StrictJSONParser(parsers.BaseParser):
    """One JSON object, UTF-8, at most DATA_UPLOAD_MAX_MEMORY_SIZE. NaN, Infinity and lone surrogates are no JSON."""

    media_type = "application/json"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        body = stream.body if isinstance(stream, HttpRequest) else stream.read()
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise exceptions.ParseError("The request body is not valid JSON") from error
        if not isinstance(value, dict):
            raise exceptions.ParseError("The request body must be a JSON object")
        return value


class JSONRenderer(renderers.BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: dict[str, Any] | None = None
    ) -> bytes:
        return b"" if data is None else orjson.dumps(data)


class AlwaysJSON(negotiation.DefaultContentNegotiation):
    """What a client accepts is read, but a client that accepts something else gets JSON all the same."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:  # noqa: A002
        return renderers[0], renderers[0].media_type
