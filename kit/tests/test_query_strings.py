"""Query strings are read as DRF's serializers would read them."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.http import QueryDict
from django.urls import URLPattern, get_resolver
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.serializers import Serializer
from rest_framework.test import APIRequestFactory

from contracts.helpdesk_shapes import CommentsQuerySerializer
from contracts.helpdesk_shapes import TicketQuerySerializer as HelpdeskTicketQuerySerializer
from contracts.ticks_shapes import EventQuerySerializer
from kit.errors import Invalid
from kit.web.query_strings import UNKNOWN_PARAMETER, DependsOnTime, _reader, read_query


def described(patterns: list[Any]) -> Iterator[type[Serializer[Any]]]:
    """Yield the shape of each query string that the views of these URLs describe."""
    for pattern in patterns:
        if not isinstance(pattern, URLPattern):
            yield from described(pattern.url_patterns)
        elif view := getattr(pattern.callback, "cls", None):
            shapes = (getattr(getattr(view, name), "query", None) for name in dir(view))
            yield from (shape for shape in shapes if isinstance(shape, type))


OF_CONTRACTS = {CommentsQuerySerializer, HelpdeskTicketQuerySerializer, EventQuerySerializer}
SHAPES = sorted(OF_CONTRACTS | set(described(get_resolver().url_patterns)), key=str)
VALUES = ["", "1", "20", "0", "1e9", "open", "high", "title", "-title", "2031-01-01", "2031-13-01", "breached", "x"]


def outcome(read: Any, query: QueryDict) -> Any:
    """Return what is read, or the errors."""
    try:
        return read(query)
    except exceptions.ValidationError as error:
        return error.get_full_details()
    except Invalid as error:
        return error.fields


@pytest.mark.parametrize("shape", SHAPES)
@given(seed=st.data())
def test_have_the_values_and_the_errors_of_the_serializer(shape: type[Serializer[Any]], seed: st.DataObject) -> None:
    names = st.sampled_from([*shape().fields, "unknown"])
    query = QueryDict(mutable=True)
    for name, value in seed.draw(st.lists(st.tuples(names, st.sampled_from(VALUES)), max_size=4)):
        query.appendlist(name, value)

    assert outcome(_reader(shape).read, query) == outcome(shape().run_validation, query)


class Counted(Serializer[Any]):
    reads = 0

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        Counted.reads += 1
        return {"filter": 1}


class CountedByTime(DependsOnTime, Counted):
    pass


def requested(text: str) -> Request:
    return Request(APIRequestFactory().get(f"/tickets?{text}"))


class TestReadQuery:
    @pytest.mark.parametrize(("shape", "reads"), [(Counted, 1), (CountedByTime, 3)])
    def test_validates_once_unless_it_depends_on_time(self, shape: type[Counted], reads: int) -> None:
        Counted.reads = 0

        for _ in range(3):
            assert read_query(shape, requested("")).pop("filter") == 1
        assert Counted.reads == reads

    def test_refuses_each_time(self) -> None:
        for _ in range(2):
            with pytest.raises(exceptions.ValidationError) as error:
                read_query(Counted, requested("n%C3%A4me=1"), is_strict=True)

            assert error.value.detail == {"näme": [UNKNOWN_PARAMETER]}
