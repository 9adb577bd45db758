"""What is wrong with a value is true of that value."""

from typing import Any

import pytest
from rest_framework import serializers
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.api import SignedIn
from kit.web.bodies import MAX_NUMBERS, LoneSurrogate, NestedTooDeeply, NotJSON, TooManyNumbers
from kit.web.fields import (
    EmailField,
    MomentField,
    SingleLineField,
    StrictBooleanField,
    TextField,
    UtcDateTimeField,
)

NO_TIME = "Enter a time with a UTC offset, such as 2024-07-01T18:00:00Z."
NO_DATE_OR_TIME = "Enter a date (2024-07-01) or a time (2024-07-01T18:00:00Z)."
NO_OFFSET = "Add a UTC offset, such as Z or +02:00."
UNESCAPED = "In a URL, write the + of a UTC offset as %2B."
NO_SUCH_DAY = "There is no such date or time."
OUT_OF_RANGE = "This time is out of range."
NO_CONTROL_CHARACTERS = "Control characters and line breaks are not allowed."


def complaint(field: serializers.Field[Any, Any, Any, Any], value: Any) -> str:
    """Return what the field says about a value."""
    with pytest.raises(serializers.ValidationError) as refusal:
        field.run_validation(value)
    (message,) = refusal.value.detail
    return str(message)


def post(api: Any, path: str, body: bytes) -> Any:
    return api.generic("POST", path, body, "application/json")


class TestTimes:
    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ("20261128", NO_TIME),
            (20261128, NO_TIME),
            ("2026-11-28", NO_TIME),
            ("2026-W48-6", NO_TIME),
            ("soon", NO_TIME),
            ("", NO_TIME),
            ("iso-8601", NO_TIME),
            (True, NO_TIME),
            (["2026-11-28T18:00:00Z"], NO_TIME),
            ("18:00:00Z", NO_TIME),
            ("２０２６-11-28T18:00:00Z", NO_TIME),
            ("2026-11-28T18:00:00.٥Z", NO_TIME),
            ("2026-11-28T18:00:00 02:00", NO_TIME),
            ("2026-11-28T18:00:00", NO_OFFSET),
            ("2026-11-28 18:00", NO_OFFSET),
            ("20261128T180000", NO_OFFSET),
            ("2026-02-30T18:00:00Z", NO_SUCH_DAY),
            ("2026-13-01T18:00:00Z", NO_SUCH_DAY),
            ("2026-11-28T25:00:00Z", NO_SUCH_DAY),
            ("0000-01-01T00:00:00Z", NO_SUCH_DAY),
            ("0001-01-01T00:00:00+14:00", OUT_OF_RANGE),
            ("9999-12-31T23:59:59-12:00", OUT_OF_RANGE),
        ],
    )
    def test_are_refused_truthfully(self, value: Any, message: str) -> None:
        assert complaint(UtcDateTimeField(), value) == message

    @pytest.mark.parametrize("value", ["2026-11-28T18:00:00Z", "2026-11-28T18:00+02:00", "20261128T180000Z"])
    def test_that_are_complete_are_read(self, value: str) -> None:
        UtcDateTimeField().run_validation(value)


class TestMoments:
    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ("20261128", NO_DATE_OR_TIME),
            (20261128, NO_DATE_OR_TIME),
            ("2026-W48-6", NO_DATE_OR_TIME),
            ("28.11.2026", NO_DATE_OR_TIME),
            ("２０２６-11-28T18:00:00Z", NO_DATE_OR_TIME),
            ("2026-11-28T18:00:00 02:00", UNESCAPED),
            ("2026-11-28 18:00:00.5 0200", UNESCAPED),
            ("2026-11-28 18:00", NO_OFFSET),
            ("2026-11-28T18:00:00", NO_OFFSET),
            ("2026-02-30", NO_SUCH_DAY),
            ("2026-02-30T18:00:00Z", NO_SUCH_DAY),
            ("0001-01-01T00:00:00+14:00", OUT_OF_RANGE),
        ],
    )
    def test_are_refused_truthfully(self, value: Any, message: str) -> None:
        assert complaint(MomentField(), value) == message


class TestText:
    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            (SingleLineField(), "two\nlines", NO_CONTROL_CHARACTERS),
            (SingleLineField(), "two\u2028lines", NO_CONTROL_CHARACTERS),
            (SingleLineField(), "a\tb", NO_CONTROL_CHARACTERS),
            (SingleLineField(), "invoice \u202efdp.exe", NO_CONTROL_CHARACTERS),
            (SingleLineField(), "a\u2066b", NO_CONTROL_CHARACTERS),
            (TextField(), "a\x00b", "Null characters are not allowed."),
            (TextField(), 5, "Not a valid string."),
            (TextField(), "  ", "This field may not be blank."),
            (EmailField(), 5, "Enter a valid email address."),
            (StrictBooleanField(), "true", "Must be true or false."),
            (StrictBooleanField(), 1, "Must be true or false."),
        ],
    )
    def test_is_refused_truthfully(
        self, field: serializers.Field[Any, Any, Any, Any], value: Any, message: str
    ) -> None:
        with pytest.raises(serializers.ValidationError) as refusal:
            field.run_validation(value)
        assert str(refusal.value.detail[0]) == message  # type: ignore[index]


@pytest.mark.django_db
class TestNested:
    @pytest.mark.parametrize(
        ("path", "body", "field", "message"),
        [
            ("/ticket", {"title": "A", "assignedUsers": "3"}, "assignedUsers", "Must be a list of IDs."),
            ("/ticket", {"title": "A", "assignedUsers": {"id": 3}}, "assignedUsers", "Must be a list of IDs."),
            ("/events/1/bookings", {"guest": "Greta"}, "guest", "Must be an object."),
            ("/events/1/bookings", {"guest": [1]}, "guest", "Must be an object."),
        ],
    )
    def test_values_are_named_as_in_json(
        self, path: str, body: dict[str, Any], field: str, message: str, owner: User, signed_in: SignedIn
    ) -> None:
        api = APIClient() if "guest" in body else signed_in(owner)

        assert {"field": field, "message": message} in api.post(path, body).json()["errors"]


@pytest.mark.django_db
class TestBodies:
    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (rb'{"title": "\ud800"}', LoneSurrogate.default_detail),
            (rb'{"title": "\udc00\ud800"}', LoneSurrogate.default_detail),
            (rb'{"title": ["\ud83d and so on"]}', LoneSurrogate.default_detail),
            (rb'{"\ud800": "key"}', LoneSurrogate.default_detail),
            (rb'{"price": NaN}', NotJSON.default_detail),
            (rb'{"price": Infinity}', NotJSON.default_detail),
            (rb'{"price": 1e400, "other": -Infinity}', NotJSON.default_detail),
            (rb'{"price": 0.0, }', NotJSON.default_detail),
            (rb'{"price": .5}', NotJSON.default_detail),
            (b'{"title": "\xed\xa0\x80"}', NotJSON.default_detail),
            (b'{"title": "\xff"}', NotJSON.default_detail),
            (b"[" * 2000 + b"]" * 2000, NestedTooDeeply.default_detail),
            (rb'{"price": 1e400, "title": "\ud800"}', LoneSurrogate.default_detail),
            (rb'{"price": 1e400, "title": "A"', NotJSON.default_detail),
            (b'{"price": 1e400, "a": ' + b"[" * 900 + b"]" * 900 + b"}", NestedTooDeeply.default_detail),
            (b'{"a": [' + b"1e400," * MAX_NUMBERS + b"1e400]}", TooManyNumbers.default_detail),
            (b'{"a": [' + b"1e-400," * MAX_NUMBERS + b"1e-400]}", TooManyNumbers.default_detail),
            (b"[" * 500 + b"0.0" + b"]" * 500, NestedTooDeeply.default_detail),
        ],
        ids=lambda value: repr(value[:30]),
    )
    def test_that_cannot_be_read_are_refused_truthfully(
        self, body: bytes, message: str, owner: User, signed_in: SignedIn
    ) -> None:
        answer = post(signed_in(owner), "/ticket", body)

        assert answer.status_code == 400
        assert answer.json()["message"] == message

    @pytest.mark.parametrize("path", ["/initialize", "/api/v1/event", "/api/tickets"])
    def test_are_refused_truthfully_by_contracts(self, path: str, admin: User, signed_in: SignedIn) -> None:
        answer = post(signed_in(admin), path, rb'{"name": "\ud800"}')

        assert answer.status_code == 400
        assert LoneSurrogate.default_detail in answer.content.decode()

    def test_with_many_numbers_in_range_are_read(self, owner: User, signed_in: SignedIn) -> None:
        body = b'{"title": "Lamp", "many": [' + b"0.0," * 2 * MAX_NUMBERS + b"0.0]}"

        assert post(signed_in(owner), "/ticket", body).status_code == 201

    def test_with_zeros_are_read_as_any_other(self, owner: User, signed_in: SignedIn) -> None:
        body = r'{"title": "Lämp \ud83d\ude00 0.0", "price": 0.0, "description": "10.0.0.1\n"}'.encode()

        ticket = post(signed_in(owner), "/ticket", body).json()

        assert (ticket["title"], ticket["price"], ticket["description"]) == ("Lämp 😀 0.0", 0, "10.0.0.1")
