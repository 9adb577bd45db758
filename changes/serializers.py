"""Input and output shapes of the log."""

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from changes.models import Action, ChangeType
from kit.web.fields import CountField, NamesField, UtcDateTimeField
from kit.web.paging import CursorField, row_id
from tickets.serializers import DOORS, PersonSerializer

DEFAULT_LIMIT, MAX_LIMIT = 100, 1_000
MAX_WAIT = 30


class ChangesQuerySerializer(serializers.Serializer[Any]):
    after = CursorField(
        [row_id], help_text="`nextCursor` of the previous page. Without it, the page is empty, and its cursor is now."
    )
    types = NamesField(
        ChangeType.values, required=False, default=list, help_text="Types of records, separated by commas."
    )
    limit = CountField(min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT)
    wait = CountField(
        min_value=0,
        max_value=MAX_WAIT,
        default=0,
        help_text="Seconds to wait for a change if there is none yet.",
    )


@extend_schema_serializer(component_name="Change")
class ItemSerializer(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=ChangeType.values)
    id = serializers.IntegerField()
    action = serializers.ChoiceField(choices=Action.values)
    version = serializers.IntegerField(
        allow_null=True, help_text="The record's version after the change; null for comments and deletions."
    )
    at = UtcDateTimeField()
    by = PersonSerializer(allow_null=True)
    door = serializers.ChoiceField(choices=DOORS)


class ChangesPageSerializer(serializers.Serializer[Any]):
    items = ItemSerializer(many=True)
    nextCursor = serializers.CharField()
