"""The JSON of labels: on a ticket, in filters and in their own list."""

from typing import Any

from rest_framework import serializers

from kit.web.fields import SingleLineField
from kit.web.paging import CursorField, PageSerializer, line
from tickets.models import MAX_LABEL, MAX_LABELS
from tickets.models.label import normalized


class LabelField(SingleLineField):
    """A label, read without regard to case."""

    # Besides those of a single line, in the schema.
    forbidden = ","
    default_error_messages = {"comma": "Labels cannot contain commas."}

    def to_internal_value(self, data: Any) -> str:
        label = super().to_internal_value(data)
        if "," in label:
            self.fail("comma")
        return label.lower()


class LabelsField(serializers.ListField):
    """The labels of a ticket, sorted and without duplicates."""

    child = LabelField(max_length=MAX_LABEL)
    default_error_messages = {
        "not_a_list": "Must be a list of labels.",
        "max_length": "A ticket can have at most {max_length} labels.",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MAX_LABELS, **kwargs)

    def to_internal_value(self, data: Any) -> list[str]:
        return normalized(super().to_internal_value(data))


class LabelFilterField(serializers.ListField):
    """Labels that tickets must all have, from a parameter that can be repeated."""

    child = LabelField()
    is_repeatable = True

    def to_internal_value(self, data: Any) -> tuple[str, ...] | None:  # type: ignore[override]
        wanted = normalized(super().to_internal_value([each for each in data if each]))
        return tuple(wanted) or None


class LabelQuerySerializer(PageSerializer):
    cursor = CursorField([line])


class LabelCountSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    tickets = serializers.IntegerField(help_text="Number of tickets with this label that you can see.")


class LabelPageSerializer(serializers.Serializer[Any]):
    items = LabelCountSerializer(many=True)
    nextCursor = serializers.CharField(allow_null=True)
