"""The JSON of saved filters, and what their query strings can contain."""

from collections.abc import Iterator
from typing import Any, cast

from django.http import QueryDict
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import exceptions, serializers

from kit.errors import Invalid
from kit.web.bodies import NullIsDefault
from kit.web.fields import SingleLineField, StrictBooleanField, TextField
from kit.web.paging import CursorField, PageSerializer, line, row_id
from kit.web.problems import WIRE_NAMES
from kit.web.query_strings import read_text
from tickets.models import MAX_FILTER_NAME, MAX_FILTER_QUERY, SavedFilter
from tickets.serializers import TicketFilterSerializer

# More than the list has.
MAX_PARAMETERS = 50


class QueryStringField(TextField):
    """A query string of the ticket list, with or without "?". Parameters without a value are left out."""

    default_error_messages = {"too_many": "Too many parameters.", "empty": "Give at least one parameter."}

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data).removeprefix("?")
        if text.count("&") >= MAX_PARAMETERS:
            self.fail("too_many")
        given = QueryDict(text, mutable=True)
        for name in [name for name, values in given.lists() if values == [""]]:
            del given[name]
        if not given:
            self.fail("empty")
        query = given.urlencode()
        if len(query) > MAX_FILTER_QUERY:
            raise exceptions.ValidationError(
                serializers.CharField.default_error_messages["max_length"].format(max_length=MAX_FILTER_QUERY)
            )
        if faults := list(faults_of(query)):
            raise exceptions.ValidationError(faults)
        return query


def faults_of(query: str) -> Iterator[str]:
    """Yield what is wrong with a query string, by parameter."""
    faults: dict[str, Any] = {}
    try:
        read_text(TicketFilterSerializer, query, is_strict=True)
    except exceptions.ValidationError as error:
        faults = cast("dict[str, Any]", error.detail)
    except Invalid as error:
        faults = {WIRE_NAMES.get(name, name): messages for name, messages in error.fields.items()}
    for name, messages in faults.items():
        yield from (f"{name}: {message}" for message in messages)


class ReplacedFilterSerializer(serializers.Serializer[SavedFilter]):
    """`PUT`: name and query are required."""

    name = SingleLineField(max_length=MAX_FILTER_NAME)
    query = QueryStringField(
        max_length=MAX_FILTER_QUERY,
        help_text="Parameters of `GET /tickets`, except for `cursor` and `limit`.",
    )
    shared = StrictBooleanField(
        source="is_shared", required=False, help_text="Whether everyone can use it. Only staff can share filters."
    )


class ChangedFilterSerializer(ReplacedFilterSerializer):
    """What the admin changes of a filter: everything is optional."""

    name = SingleLineField(max_length=MAX_FILTER_NAME, required=False)
    query = QueryStringField(max_length=MAX_FILTER_QUERY, required=False)


class NewFilterSerializer(NullIsDefault, ReplacedFilterSerializer):
    """`POST`: not shared by default."""


@extend_schema_serializer(component_name="SavedFilter")
class SavedFilterSerializer(serializers.Serializer[SavedFilter]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    query = serializers.CharField()
    shared = serializers.BooleanField(source="is_shared")


class SavedFilterPageSerializer(serializers.Serializer[Any]):
    items = SavedFilterSerializer(many=True)
    nextCursor = serializers.CharField(allow_null=True)


class SavedFilterQuerySerializer(PageSerializer):
    cursor = CursorField([line, row_id])
