"""Input and output shapes of webhooks."""

from typing import Any

from rest_framework import serializers

from kit.web.bodies import NullIsDefault
from kit.web.etags import ExpectedVersionSerializer
from kit.web.fields import SingleLineField
from kit.web.paging import CursorField, PageSerializer, row_id
from webhooks.models import (
    EVENTS,
    MAX_DESCRIPTION,
    MAX_PATTERN,
    MAX_URL,
    DeliveryStatus,
    WebhookStatus,
)

# What callers can set; only the receiver ends a subscription.
STATUSES_TO_SET = (WebhookStatus.ACTIVE.value, WebhookStatus.PAUSED.value)


class EventsField(serializers.ListField):
    child = SingleLineField(max_length=MAX_PATTERN)
    default_error_messages = {"not_a_list": "Must be a list of events."}

    def __init__(self, **kwargs: Any) -> None:
        help_text = f"Any of {', '.join(f'`{event}`' for event in EVENTS)}. A trailing `*` matches any ending."
        super().__init__(allow_empty=False, max_length=len(EVENTS), help_text=help_text, **kwargs)


class WebhookPatchSerializer(ExpectedVersionSerializer):
    """`PATCH`: every field is optional."""

    url = SingleLineField(max_length=MAX_URL, required=False, help_text="The receiver, with https.")
    events = EventsField(required=False)
    description = SingleLineField(max_length=MAX_DESCRIPTION, required=False, allow_blank=True, allow_null=True)
    status = serializers.ChoiceField(
        choices=STATUSES_TO_SET, required=False, help_text="`active` resumes a webhook and sends what has been waiting."
    )


class NewWebhookSerializer(NullIsDefault):
    url = SingleLineField(max_length=MAX_URL, help_text="The receiver, with https.")
    events = EventsField()
    description = SingleLineField(max_length=MAX_DESCRIPTION, required=False, allow_blank=True, allow_null=True)


class WebhookSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    url = serializers.CharField()
    events = serializers.ListField(child=serializers.CharField())
    description = serializers.CharField()
    status = serializers.ChoiceField(choices=WebhookStatus.choices)
    reason = serializers.CharField(allow_null=True, help_text="Why it was paused or ended, unless by an admin.")
    failingSince = serializers.DateTimeField(allow_null=True, help_text="Since when every attempt has failed.")
    createdBy = serializers.IntegerField(allow_null=True)
    createdAt = serializers.DateTimeField()
    version = serializers.IntegerField()


class WebhookWithSecretSerializer(WebhookSerializer):
    secret = serializers.CharField(help_text="The signing secret. It is not shown again.")


class WebhookPageSerializer(serializers.Serializer[Any]):
    items = WebhookSerializer(many=True)
    nextCursor = serializers.CharField(allow_null=True)


class WebhookQuerySerializer(PageSerializer):
    cursor = CursorField([row_id])


class AttemptSerializer(serializers.Serializer[Any]):
    status = serializers.IntegerField(allow_null=True, help_text="Null if there was no response.")
    body = serializers.CharField(help_text="The first 4 kB.")
    error = serializers.CharField(allow_null=True)
    milliseconds = serializers.IntegerField()


class DeliverySerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    messageId = serializers.CharField(help_text="The `webhook-id`, the same for every attempt.")
    type = serializers.CharField()
    status = serializers.ChoiceField(choices=DeliveryStatus.choices)
    attempts = serializers.IntegerField()
    createdAt = serializers.DateTimeField()
    nextAttemptAt = serializers.DateTimeField(allow_null=True)
    attemptedAt = serializers.DateTimeField(allow_null=True)
    deliveredAt = serializers.DateTimeField(allow_null=True)
    payload = serializers.JSONField(help_text="The body: `type`, `timestamp` and `data`.")
    response = AttemptSerializer(allow_null=True, help_text="The result of the last attempt.")


class DeliveryPageSerializer(serializers.Serializer[Any]):
    items = DeliverySerializer(many=True)
    nextCursor = serializers.CharField(allow_null=True)


class DeliveryQuerySerializer(PageSerializer):
    status = serializers.ChoiceField(choices=DeliveryStatus.values, required=False)
    cursor = CursorField([row_id])
