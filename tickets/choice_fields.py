"""The JSON of statuses and queues, which have more than one spelling."""

from typing import Any

from rest_framework import serializers

from tickets.models import Queue, Status


class StatusField(serializers.ChoiceField):
    """Also accepts `in progress` and `in_progress`."""

    aliases = ("in progress", "in_progress")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=Status.choices, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if data in self.aliases:
            return Status.IN_PROGRESS
        return super().to_internal_value(data)


class QueueField(serializers.ChoiceField):
    """Also accepts `all-open`, the label of `active`."""

    alias = "all-open"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=Queue.choices, **kwargs)

    def to_internal_value(self, data: Any) -> Queue:
        return Queue.ACTIVE if data == self.alias else Queue(super().to_internal_value(data))
