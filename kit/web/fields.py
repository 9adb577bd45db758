"""Serializer fields that all rooms share.

A number may also be a string of digits, in every body: clients keep IDs and form input as strings.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.core.validators import RegexValidator
from django.utils.dateparse import parse_datetime
from rest_framework import serializers
from rest_framework.validators import ProhibitSurrogateCharactersValidator

from kit import email_addresses
from kit.db.sql import MAX_ID
from kit.text import composed

MAX_MONEY = Decimal("99999999.99")
# The last two ranges embed, override and isolate a direction: what follows them could read backwards.
CONTROL_CHARACTERS = r"\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
NO_CONTROL_CHARACTERS = RegexValidator(
    f"[{CONTROL_CHARACTERS}]",
    "Control characters and line breaks are not allowed.",
    code="control_characters",
    inverse_match=True,
)
WHOLE = re.compile(r"-?[0-9]+")
DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
# A time with a space where the offset had a plus sign, which means a space in a URL.
UNESCAPED = re.compile(r".+:[0-9.]+ [0-9]{2}:?[0-9]{2}")
# Stands for any larger number.
BEYOND = 10**40


class TextField(serializers.CharField):
    """Text, composed (NFC) and trimmed by default. Numbers and booleans are rejected.

    If it may be both null and empty, null is read as "".
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # It looks at each character in Python. The parser of bodies and Django's of query strings let none through.
        self.validators = [
            validator
            for validator in self.validators
            if not isinstance(validator, ProhibitSurrogateCharactersValidator)
        ]

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

    default_error_messages = {
        "invalid": "Enter a time with a UTC offset, such as 2024-07-01T18:00:00Z.",
        "naive": "Add a UTC offset, such as Z or +02:00.",
        "nonexistent": "There is no such date or time.",
        "overflow": "This time is out of range.",
    }

    def to_internal_value(self, value: Any) -> datetime:
        try:
            time = parse_datetime(value) if isinstance(value, str) else None
        except ValueError:
            self.fail("nonexistent")
        # Python also reads a date alone, in forms such as 20240701, as a time, and digits of any script.
        if time is None or not value.isascii() or not re.search("[:T]", value):
            self.fail("invalid")
        return self.enforce_timezone(time)

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is None:
            self.fail("naive")
        try:
            return value.astimezone(UTC)
        except OverflowError:
            self.fail("overflow")

    def to_representation(self, value: datetime) -> str:
        return utc_text(value)


class MomentField(UtcDateTimeField):
    """A time, which keeps the offset it was given in, or a date that stands for the whole UTC day."""

    default_error_messages = {
        "invalid": "Enter a date (2024-07-01) or a time (2024-07-01T18:00:00Z).",
        "unescaped": "In a URL, write the + of a UTC offset as %2B.",
    }

    def to_internal_value(self, value: Any) -> date | datetime:  # type: ignore[override]
        if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            try:
                return date.fromisoformat(value)
            except ValueError:
                self.fail("nonexistent")
        if isinstance(value, str) and UNESCAPED.fullmatch(value):
            self.fail("unescaped")
        return super().to_internal_value(value)

    def enforce_timezone(self, value: datetime) -> datetime:
        super().enforce_timezone(value)
        return value


def utc_text(value: datetime) -> str:
    """Return 2024-08-01T18:00:00Z, with milliseconds unless they are zero."""
    value = value.astimezone(UTC)
    timespec = "milliseconds" if value.microsecond >= 1000 else "seconds"
    return value.isoformat(timespec=timespec).removesuffix("+00:00") + "Z"


def utc_text_of(time: str) -> str:
    """Return a UTC time that PostgreSQL has written, such as `2024-08-01 18:00:00.5`, as `utc_text` does."""
    if "." in time:
        # Two zeros complete the milliseconds: PostgreSQL writes at least one digit, and no zeros at the end.
        time = (time + "00")[:23].removesuffix(".000")
    return time.replace(" ", "T") + "Z"


class CountField(serializers.IntegerField):
    """A whole number, also written as 7.0 or "7"."""

    default_error_messages = {"invalid": "Enter a whole number, such as 7."}

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, str) and WHOLE.fullmatch(data):
            # As a float, it may become infinite. Python refuses to make an integer of thousands of digits.
            data = int(data) if len(data) <= len(str(BEYOND)) else float(data)
        if isinstance(data, float):
            data = max(-BEYOND, min(data, BEYOND))
        if isinstance(data, bool) or not isinstance(data, int | float) or data != int(data):
            self.fail("invalid")
        return int(data)


class IdField(CountField):
    """An id. Ids out of range are accepted here: the lookup then reports that the object does not exist."""


class IdFilterField(IdField):
    """An id to filter a list by. One that cannot exist finds nothing, like any other that does not exist."""

    def to_internal_value(self, data: Any) -> int:
        number = super().to_internal_value(data)
        return number if 0 < number <= MAX_ID else 0


class IdListField(serializers.ListField):
    child = IdField()
    default_error_messages = {"not_a_list": "Must be a list of IDs."}


class NamesField(serializers.Field[Any, Any, Any, Any]):
    """Names from a list, separated by commas, each at most once. For query strings."""

    def __init__(self, names: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.names = names

    def to_internal_value(self, data: Any) -> list[str]:
        given = list(dict.fromkeys(name.strip() for name in str(data).split(",") if name.strip()))
        if not set(given) <= set(self.names):
            raise serializers.ValidationError(f"Choose from {', '.join(self.names)}, separated by commas.")
        return given


class ItemsField(serializers.ListField):
    """A list of at least one item. `shape` describes the items; the view checks each, so that a bad one fails alone."""

    default_error_messages = {"not_a_list": "Must be a list of items."}

    def __init__(self, shape: type[serializers.Serializer[Any]], **kwargs: Any) -> None:
        super().__init__(allow_empty=False, **kwargs)
        self.shape = shape


class StrictBooleanField(serializers.BooleanField):
    """true or false. DRF would also accept "yes", 1 and the like."""

    default_error_messages = {"invalid": "Must be true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class MoneyField(serializers.DecimalField):
    """A number from 0 to 99,999,999.99 with at most two decimal places, also written as "12.50"."""

    default_error_messages = {"invalid": "Enter a number, such as 12.50."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=None, decimal_places=2, min_value=0, max_value=MAX_MONEY, **kwargs)

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        # DRF's DecimalField treats "" as null.
        return serializers.Field.validate_empty_values(self, data)

    def to_internal_value(self, data: Any) -> Decimal:
        try:
            amount = decimal(data)
        except ValueError:
            self.fail("invalid")
        if amount > MAX_MONEY:
            self.fail("max_value", max_value=MAX_MONEY)
        if amount < 0:
            self.fail("min_value", min_value=0)
        rounded = amount.quantize(Decimal("0.01"))
        if rounded != amount:
            self.fail("max_decimal_places", max_decimal_places=2)
        # Not -0.
        return abs(rounded)

    def to_representation(self, value: Decimal) -> int | float:  # type: ignore[override]
        return plain_number(value)


def decimal(data: Any) -> Decimal:
    """Return the number, which may be infinite.

    :raises ValueError: it is neither a JSON number nor a string of digits, with a decimal point or without.
    """
    is_number = isinstance(data, int | float) and not isinstance(data, bool)
    if not is_number and not (isinstance(data, str) and DECIMAL.fullmatch(data)):
        raise ValueError(data)
    return Decimal(str(data))


def with_milliseconds(time: str | None) -> str | None:
    """Return a time that `utc_text` has written in JavaScript's format, which always has milliseconds."""
    return f"{time[:-1]}.000Z" if time and "." not in time else time


def plain_number(value: Decimal) -> int | float:
    """Return a decimal as the shortest JSON number: 223, not 223.0 or "223.00"."""
    return int(value) if value == value.to_integral_value() else float(value)
