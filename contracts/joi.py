"""Fields with the error messages of Joi, the validation library of document 002's server.

A message follows the name of its field in quotation marks: `"name" is required`.
"""

import re
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from kit.email_addresses import UnusableAddress, normalized
from kit.web.fields import BEYOND, NO_CONTROL_CHARACTERS, MomentField, TextField, decimal


class Shape(serializers.Serializer[Any]):
    """A request body. Unknown keys are refused, but only once the known ones are valid."""

    def to_internal_value(self, data: Any) -> Any:
        known = super().to_internal_value(data)
        for name in data:
            if name not in self.fields:
                raise ValidationError({name: ["is not allowed"]})
        return known


class Text(TextField):
    default_error_messages = {
        "required": "is required",
        "null": "must be a string",
        "invalid": "must be a string",
        "blank": "is not allowed to be empty",
        "max_length": "length must be less than or equal to {max_length} characters long",
        "control_characters": "must not contain control characters",
    }
    forbidden = re.compile(NO_CONTROL_CHARACTERS.regex)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if self.forbidden.search(text):
            self.fail("control_characters")
        return text


class LongText(Text):
    """Text that may span lines, and passwords."""

    forbidden = re.compile("\x00")


class Email(Text):
    """An address, kept as it was sent, because errors quote it."""

    default_error_messages = {"address": "must be a valid email"}

    def to_internal_value(self, data: Any) -> str:
        address = super().to_internal_value(data)
        try:
            normalized(address)
        except UnusableAddress:
            self.fail("address")
        return address


class Number(serializers.Field[Any, Any, Any, Any]):
    """A JSON number, or a string containing one."""

    default_error_messages = {
        "required": "is required",
        "null": "must be a number",
        "invalid": "must be a number",
        "whole": "must be an integer",
        "positive": "must be a positive number",
        "least": "must be greater than or equal to {limit}",
        "most": "must be less than or equal to {limit}",
        "unsafe": "must be a safe number",
        "precision": "must have no more than 2 decimal places",
    }

    def to_internal_value(self, data: Any) -> Decimal:
        try:
            return decimal(data)
        except ValueError:
            self.fail("invalid")


class Whole(Number):
    """An integer. Ids have no bounds, unless too long to write: one beyond the column's range is simply not found."""

    def __init__(self, *, least: int | None = None, most: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.least, self.most = least, most

    def to_internal_value(self, data: Any) -> int:  # type: ignore[override]
        number = super().to_internal_value(data)
        if number != number.to_integral_value():
            self.fail("whole")
        if self.least is not None and number < self.least:
            self.fail("least", limit=self.least)
        if self.most is not None and number > self.most:
            self.fail("most", limit=self.most)
        if not abs(number) < BEYOND:
            self.fail("unsafe")
        return int(number)


class Price(Number):
    """A positive number with at most two decimal places."""

    def __init__(self, *, most: Decimal, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.most = most

    def to_internal_value(self, data: Any) -> Decimal:
        price = super().to_internal_value(data)
        if price <= 0:
            self.fail("positive")
        if price > self.most:
            self.fail("most", limit=self.most)
        if price != round(price, 2):
            self.fail("precision")
        return price


class Moment(MomentField):
    """A time to the millisecond, in UTC unless it has an offset; or a date, which means midnight UTC."""

    default_error_messages = {
        "required": "is required",
        **dict.fromkeys(["null", "invalid", "unescaped", "naive", "nonexistent", "overflow"], "must be a valid date"),
    }

    def enforce_timezone(self, value: datetime) -> datetime:
        return super().enforce_timezone(value if value.tzinfo else value.replace(tzinfo=UTC))

    def to_internal_value(self, value: Any) -> datetime:
        moment = super().to_internal_value(value)
        if not isinstance(moment, datetime):
            return datetime.combine(moment, time.min, tzinfo=UTC)
        return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)
