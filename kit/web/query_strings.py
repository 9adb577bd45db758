"""Query strings, validated by serializers."""

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, cast

from django.http import QueryDict
from rest_framework import exceptions
from rest_framework.fields import SkipField
from rest_framework.request import Request
from rest_framework.serializers import Serializer, as_serializer_error

from kit.errors import Invalid

UNKNOWN_PARAMETER = "This call has no such parameter."
REPEATED_PARAMETER = "Give this parameter only once."


class NoParameters(Serializer[Any]):
    """The query string of a call without parameters."""


class DependsOnTime:
    """A query string whose values depend on the current time."""


def read_query(shape: type[Serializer[Any]], request: Request, *, is_strict: bool = False) -> dict[str, Any]:
    """Return the validated query string, or fail with a 400 that names every invalid parameter.

    If `is_strict`, parameters that are unknown or repeated are invalid.
    """
    return read_text(shape, request.META.get("QUERY_STRING", ""), is_strict=is_strict)


def read_text(shape: type[Serializer[Any]], text: str, *, is_strict: bool = False) -> dict[str, Any]:
    """Return the values of a query string as `read_query` does."""
    read = _read if issubclass(shape, DependsOnTime) else _read_once
    # A copy, because views take values out of it.
    return dict(read(shape, text, is_strict))


def _read(shape: type[Serializer[Any]], text: str, is_strict: bool) -> dict[str, Any]:
    reader = _reader(shape)
    # WSGI strings are bytes decoded as Latin-1.
    given = QueryDict(text.encode("latin-1"), encoding="utf-8")
    faults = _misplaced(given, reader.fields) if is_strict and given else {}
    try:
        query = reader.read(given)
    except exceptions.ValidationError as error:
        raise exceptions.ValidationError(cast("dict[str, Any]", error.detail) | faults) from error
    except Invalid as error:
        # Parameters that contradict each other.
        raise Invalid(fields={**error.fields, **faults}) from error
    if faults:
        raise exceptions.ValidationError(faults)
    return query


# Clients send the same query strings again and again. Errors are not kept.
_read_once = lru_cache(maxsize=256)(_read)


def _misplaced(given: QueryDict, known: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the errors of parameters that are unknown, or given several times."""
    unknown = {name: [UNKNOWN_PARAMETER] for name in given if name not in known}
    return unknown | {
        name: [REPEATED_PARAMETER]
        for name in given
        if name in known and len(given.getlist(name)) > 1 and not getattr(known[name], "is_repeatable", False)
    }


class _Reader:
    """Validates query strings as the serializer does, but visits only the parameters that are given.

    Visiting each of a list's filters would take several times as long as reading the two or three that are given.
    """

    def __init__(self, shape: type[Serializer[Any]]) -> None:
        self.serializer = shape()
        self.fields: dict[str, Any] = dict(self.serializer.fields)
        # What parameters that are not given stand for, by their names in the domain.
        self.defaults: dict[str, Any] = {}
        self.required: set[str] = set()
        for name, field in self.fields.items():
            try:
                self.defaults[field.source] = field.run_validation(field.get_value(QueryDict()))
            except SkipField:
                pass
            except exceptions.ValidationError:
                self.required.add(name)

    def read(self, given: QueryDict) -> dict[str, Any]:
        """:raises ValidationError: as the serializer does."""
        values = dict(self.defaults)
        faults: dict[str, Any] = {}
        for name, field in self.fields.items():
            if name in given or name in self.required:
                try:
                    values[field.source] = field.run_validation(field.get_value(given))
                except SkipField:
                    pass
                except exceptions.ValidationError as error:
                    faults[name] = error.detail
        if faults:
            raise exceptions.ValidationError(faults)
        try:
            return cast("dict[str, Any]", self.serializer.validate(values))
        except exceptions.ValidationError as error:
            raise exceptions.ValidationError(as_serializer_error(error)) from error


_reader = cache(_Reader)
