"""Serializer fields that all rooms share."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.core.validators import RegexValidator
from rest_framework import serializers

from kit import email_addresses
from kit.text import composed

MAX_MONEY = Decimal("99999999.99")
NO_CONTROL_CHARACTERS = RegexValidator(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029]",
    "Control characters are not allowed.",
    code="control_characters",
    inverse_match=True,
)


class TextField(serializers.CharField):
    """Text, composed (NFC) and trimmed by default. Numbers and booleans are rejected.

    If it may be both null and empty, null is read as "".
    """

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        is_final, value = super().validate_empty_values(data)
        return is_final, "" if data is None and is_final and self.allow_blank else value

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(composed(data))


class SingleLineField(TextField):
    """One line of text, without control characters."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators.append(NO_CONTROL_CHARACTERS)


class EmailField(TextField):
    """An e-mail address, in the form in which it is stored."""

    default_error_messages = {"invalid": email_addresses.INVALID}

    def to_internal_value(self, data: Any) -> str:
        try:
            return email_addresses.normalized(super().to_internal_value(data))
        except email_addresses.UnusableAddress:
            self.fail("invalid")


class UtcDateTimeField(serializers.DateTimeField):
    """ISO 8601. Input must have a UTC offset; output is in UTC with `Z`."""

    default_error_messages = {"naive": "Add a UTC offset, such as Z or +02:00."}

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
    """A time in JavaScript's format, always with milliseconds: 2025-10-05T00:17:40.000Z."""

    def to_representation(self, value: datetime) -> str:
        return value.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


class MomentField(UtcDateTimeField):
    """A time, which keeps the offset it was given in, or a date that stands for the whole UTC day."""

    default_error_messages = {"invalid": "Enter a date (2024-07-01) or a time (2024-07-01T18:00:00Z)."}

    def to_internal_value(self, value: Any) -> date | datetime:  # type: ignore[override]
        if not isinstance(value, str):
            self.fail("invalid")
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            try:
                return date.fromisoformat(value)
            except ValueError:
                self.fail("invalid")
        return super().to_internal_value(value)

    def enforce_timezone(self, value: datetime) -> datetime:
        super().enforce_timezone(value)
        return value

    def fail(self, key: str, **values: Any) -> Any:
        """Use one message for all unreadable input; DRF would list strptime formats."""
        super().fail(key if key in ("naive", "overflow", "required", "null") else "invalid", **values)


def utc_text(value: datetime) -> str:
    """Return 2024-08-01T18:00:00Z, with milliseconds unless they are zero."""
    value = value.astimezone(UTC)
    timespec = "milliseconds" if value.microsecond >= 1000 else "seconds"
    return value.isoformat(timespec=timespec).removesuffix("+00:00") + "Z"


class IdField(serializers.IntegerField):
    """An id: an integer, also written as 7.0 or "7".

    Ids out of range are accepted here: the lookup then reports that the object does not exist.
    """

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, float) and data.is_integer():
            data = int(data)
        is_digits = isinstance(data, str) and data.isascii() and data.isdigit()
        if isinstance(data, bool) or not (isinstance(data, int) or is_digits):
            self.fail("invalid")
        return super().to_internal_value(data)


class CountField(serializers.IntegerField):
    """A whole number, also written as 7.0. Strings are rejected."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        if isinstance(data, float) and data.is_integer():
            data = int(data)
        return super().to_internal_value(data)


class StrictBooleanField(serializers.BooleanField):
    """true or false. DRF would also accept "yes", 1 and the like."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class MoneyField(serializers.DecimalField):
    """A JSON number from 0 to 99,999,999.99 with at most two decimal places. Strings are rejected."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=None, decimal_places=2, min_value=0, max_value=MAX_MONEY, **kwargs)

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        # DRF's DecimalField treats "" as null.
        return serializers.Field.validate_empty_values(self, data)

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        # Checked before DRF quantizes the value, which fails beyond 28 digits.
        if data > MAX_MONEY:
            self.fail("max_value", max_value=MAX_MONEY)
        if data < 0:
            self.fail("min_value", min_value=0)
        return super().to_internal_value(data)

    def to_representation(self, value: Decimal) -> int | float:  # type: ignore[override]
        return plain_number(value)


def plain_number(value: Decimal) -> int | float:
    """Return a decimal as the shortest JSON number: 223, not 223.0 or "223.00"."""
    return int(value) if value == value.to_integral_value() else float(value)
