"""Serializer fields that every app's wire shapes share."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.core.validators import RegexValidator
from rest_framework import serializers

MAX_MONEY = Decimal("99999999.99")
NO_CONTROL_CHARACTERS = RegexValidator(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029]",
    "Control characters are not allowed.",
    code="control_characters",
    inverse_match=True,
)


class TextField(serializers.CharField):
    """Text: trimmed unless told otherwise. A number or a boolean is no text."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class SingleLineField(TextField):
    """Text of one line, without control characters."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators.append(NO_CONTROL_CHARACTERS)


class UtcDateTimeField(serializers.DateTimeField):
    """ISO 8601: read with any offset but never without one, written in UTC with `Z`."""

    default_error_messages = {"naive": "The time needs an offset, such as Z or +02:00."}

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is None:
            self.fail("naive")
        try:
            return value.astimezone(UTC)
        except OverflowError:
            self.fail("overflow")

    def to_representation(self, value: datetime) -> str:
        return utc_text(value)


class MillisecondsField(UtcDateTimeField):
    """Written as JavaScript does: 2025-10-05T00:17:40.000Z, with milliseconds even where there are none."""

    def to_representation(self, value: datetime) -> str:
        return value.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


class MomentField(UtcDateTimeField):
    """A time with an offset, or a date for the whole of that UTC day."""

    default_error_messages = {"invalid": "Neither a date (2024-07-01) nor a time (2024-07-01T18:00:00Z)."}

    def to_internal_value(self, value: Any) -> date | datetime:  # type: ignore[override]
        if not isinstance(value, str):
            self.fail("invalid")
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            try:
                return date.fromisoformat(value)
            except ValueError:
                self.fail("invalid")
        return super().to_internal_value(value)

    def fail(self, key: str, **values: Any) -> Any:
        """Say the same of whatever cannot be read, without naming formats one by one."""
        super().fail(key if key in ("naive", "overflow", "required", "null") else "invalid", **values)


def utc_text(value: datetime) -> str:
    """2024-08-01T18:00:00Z, with milliseconds where there are any."""
    value = value.astimezone(UTC)
    timespec = "milliseconds" if value.microsecond >= 1000 else "seconds"
    return value.isoformat(timespec=timespec).removesuffix("+00:00") + "Z"


class IdField(serializers.IntegerField):
    """An id: an integer, also one written as 7.0 or "7".

    One that no row can have is no error here: the look-up says that there is no such thing.
    """

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, float) and data.is_integer():
            data = int(data)
        is_digits = isinstance(data, str) and data.isascii() and data.isdigit()
        if isinstance(data, bool) or not (isinstance(data, int) or is_digits):
            self.fail("invalid")
        return super().to_internal_value(data)


class CountField(serializers.IntegerField):
    """A whole number, also one written as 7.0. A string is no number."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        if isinstance(data, float) and data.is_integer():
            data = int(data)
        return super().to_internal_value(data)


class StrictBooleanField(serializers.BooleanField):
    """true or false. Words and numbers that mean the same elsewhere are not read."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class MoneyField(serializers.DecimalField):
    """A JSON number, 0 to 99,999,999.99, of at most two decimals. A string is no number."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=None, decimal_places=2, min_value=0, max_value=MAX_MONEY, **kwargs)

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        # DRF's decimals take "" for null.
        return serializers.Field.validate_empty_values(self, data)

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        # Before DRF rounds it, which fails beyond 28 digits.
        if data > MAX_MONEY:
            self.fail("max_value", max_value=MAX_MONEY)
        if data < 0:
            self.fail("min_value", min_value=0)
        return super().to_internal_value(data)

    def to_representation(self, value: Decimal) -> int | float:  # type: ignore[override]
        return plain_number(value)


def plain_number(value: Decimal) -> int | float:
    """The JSON number of an exact one: 223, not 223.0 and not "223.00"."""
    return int(value) if value == value.to_integral_value() else float(value)
