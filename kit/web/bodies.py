"""Request and response bodies: strict JSON. DRF's settings import this module, so it imports no view."""

import json
import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache, cached_property
from itertools import count
from typing import Any, cast

import orjson
from django.http import HttpRequest
from rest_framework import exceptions, metadata, parsers, renderers
from rest_framework.fields import SkipField
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from kit.errors import Faults
from kit.web.problems import WIRE_NAMES

# The smallest positive float.
SMALLEST = 5e-324
# Every smaller number contains one of these.
SIGNS_OF_TOO_SMALL = (b"e-", b"E-", b"0" * 300)
NOT_ZERO = re.compile("[-0.]*[1-9]")
# Limit of the slow parser.
MAX_NUMBERS = 1_000


class NotJSON(exceptions.ParseError):
    default_detail = "The request body is not valid JSON"


class TooManyNumbers(exceptions.ParseError):
    default_detail = "The request body contains too many numbers"


class LoneSurrogate(exceptions.ParseError):
    default_detail = "The request body contains half of a surrogate pair, which is not a character"


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
        value = _parsed(stream.body if isinstance(stream, HttpRequest) else stream.read())
        if not isinstance(value, dict):
            raise NotAnObject
        return value


def _parsed(body: bytes) -> Any:
    try:
        value = orjson.loads(body)
        # orjson parses deeper nesting than it can serialize, or Python can quote in an error message.
        written = orjson.dumps(value)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError) as error:
        if "infinity" in str(error):
            return _parsed_exactly(body)
        raise _fault(error) from error
    # orjson reads a number that is too small for a float as 0.
    if b"0.0" in written and any(sign in body for sign in SIGNS_OF_TOO_SMALL):
        return _parsed_exactly(body)
    return value


def _fault(error: Exception) -> exceptions.ParseError:
    """Return what is wrong with a body. orjson has no other sign of it than its message."""
    reason = str(error).lower()
    is_encoding = isinstance(error, orjson.JSONEncodeError)
    if "surrogate in string" in reason or (is_encoding and "surrogates" in reason):
        return LoneSurrogate()
    return NestedTooDeeply() if "depth" in reason or is_encoding else NotJSON()


def _parsed_exactly(body: bytes) -> Any:
    """Parse a body with numbers out of range: read them as infinite, or as the smallest float rather than as 0.

    Fields then refuse them by their size or their decimal places, as they do other numbers. It is slow, so it gives up
    on more numbers than any request needs.
    """
    numbers = count()

    def number(text: str) -> float:
        if next(numbers) >= MAX_NUMBERS:
            raise TooManyNumbers
        found = float(text)
        return math.copysign(SMALLEST, found) if found == 0 and NOT_ZERO.match(text) else found

    def integer(text: str) -> float:
        found = number(text)
        return int(text) if abs(found) < 2**63 else found

    def constant(name: str) -> None:
        raise NotJSON

    try:
        value = json.loads(body.decode(), parse_float=number, parse_int=integer, parse_constant=constant)
        orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise _fault(error) from error
    except RecursionError as error:
        raise NestedTooDeeply from error
    except ValueError as error:
        raise NotJSON from error
    return value


class JSONRenderer(renderers.BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        return b"" if data is None else orjson.dumps(data)


class NoMetadata(metadata.BaseMetadata):
    """Answer OPTIONS with the `Allow` header only; /schema describes the calls."""

    def determine_metadata(self, request: Request, view: Any) -> None:
        return None


class NullIsDefault(Serializer[Any]):
    """A body in which null for an optional field means its default, as if the field were omitted.

    Fields that declare `allow_null` themselves read null as a value.
    """

    @cached_property
    def defaulted(self) -> set[str]:
        fields = super().get_fields()
        return {name for name, field in fields.items() if not field.required and not field.allow_null}

    def get_fields(self) -> dict[str, Any]:
        """Return the fields, all of which the schema describes as nullable."""
        fields = super().get_fields()
        for name in self.defaulted:
            fields[name].allow_null = True
        return fields

    def to_internal_value(self, data: Any) -> Any:
        given = {name: value for name, value in data.items() if value is not None or name not in self.defaulted}
        return super().to_internal_value(given)


def read(
    shape: type[Serializer[Any]], request: Request, *, faults: Callable[..., Faults] | None = None, **context: Any
) -> dict[str, Any]:
    """Return the validated body, or fail with a 400 that names every invalid field.

    `faults` takes the values of the valid fields and returns the errors that a service would raise for them. It is
    called only if other fields are invalid, so that clients see all mistakes at once.
    """
    # An empty body sent as a form is a QueryDict, in which DRF reads an absent boolean as false.
    body = dict(request.data)
    try:
        return read_object(shape, body, **context)
    except exceptions.ValidationError as error:
        if faults is None:
            raise
        raise with_faults(error, faults(**valid_part(shape, body, error, **context))) from error


def read_object(shape: type[Serializer[Any]], body: dict[str, Any], **context: Any) -> dict[str, Any]:
    """Return the validated values of a JSON object, or raise DRF's ValidationError."""
    return cast("dict[str, Any]", _reader(shape, **context).run_validation(body))


def with_faults(error: exceptions.ValidationError, faults: Faults) -> exceptions.ValidationError:
    """Return the error of an invalid object together with what a service would refuse of its valid fields."""
    more = {WIRE_NAMES.get(name, name): messages for name, messages in faults.items()}
    return exceptions.ValidationError(more | cast("dict[str, Any]", error.detail))


def valid_part(
    shape: type[Serializer[Any]], body: dict[str, Any], error: exceptions.ValidationError, **context: Any
) -> dict[str, Any]:
    """Return the values of the valid fields of an object for which `read_object` has raised this error."""
    reader, wrong = _reader(shape, **context), cast("dict[str, Any]", error.detail)
    part: dict[str, Any] = {}
    ignored = {name for name in getattr(reader, "defaulted", ()) if body.get(name) is None}
    for name, field in reader.fields.items():
        if name not in wrong and name not in ignored:
            with suppress(SkipField):
                reader.set_value(part, field.source_attrs, field.run_validation(field.get_value(body)))
    return part


@cache
def _reader(shape: type[Serializer[Any]], **context: Any) -> Serializer[Any]:
    """Return the serializer for all requests: it keeps no state, and copying its fields costs more than using them."""
    return shape(context=context)
