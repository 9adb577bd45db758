"""Input and output shapes of projects (document 001)."""

from typing import Any

from rest_framework import serializers

from kit.activity.lists import OrderedSinceSerializer
from kit.web.bodies import NullIsDefault
from kit.web.etags import ExpectedVersionSerializer
from kit.web.fields import SingleLineField, TextField
from kit.web.paging import CursorField, PageSerializer, line, row_id
from projects.models import Visibility


class ProjectPatchSerializer(ExpectedVersionSerializer):
    """`PATCH`: every field is optional."""

    name = SingleLineField(min_length=3, max_length=150, required=False)
    description = TextField(max_length=20_000, required=False, allow_blank=True, allow_null=True)
    visibility = serializers.ChoiceField(choices=Visibility.values, required=False)


class ReplacedProjectSerializer(ProjectPatchSerializer):
    """`PUT`: the name is required; omitted fields keep their values."""

    name = SingleLineField(min_length=3, max_length=150)


class NewProjectSerializer(NullIsDefault, ReplacedProjectSerializer):
    version = None  # type: ignore[assignment]  # DRF's way to leave out an inherited field.


class TicketCountsSerializer(serializers.Serializer[Any]):
    open = serializers.IntegerField()
    inProgress = serializers.IntegerField()
    closed = serializers.IntegerField()


class ProjectSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    description = serializers.CharField()
    visibility = serializers.ChoiceField(choices=Visibility.values)
    tickets = TicketCountsSerializer()
    version = serializers.IntegerField()


class ProjectPageSerializer(serializers.Serializer[Any]):
    items = ProjectSerializer(many=True)
    nextCursor = serializers.CharField(allow_null=True)


class ProjectQuerySerializer(PageSerializer, OrderedSinceSerializer):
    search = SingleLineField(max_length=150, required=False, allow_blank=True, default="")
    cursor = CursorField([line, row_id])
