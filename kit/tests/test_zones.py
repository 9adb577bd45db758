"""Time zones: how times read in them, and which local times there are."""

from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError

from kit import zones

BERLIN = "Europe/Berlin"


def clock(text: str) -> datetime:
    """Return a time without a zone."""
    return datetime.fromisoformat(text)


class TestReadable:
    @pytest.mark.parametrize(
        ("moment", "name", "text"),
        [
            (datetime(2031, 12, 31, 19, tzinfo=UTC), BERLIN, "Wednesday 31 December 2031, 20:00 CET"),
            (datetime(2031, 7, 1, 18, tzinfo=UTC), BERLIN, "Tuesday 1 July 2031, 20:00 CEST"),
            (datetime(2031, 12, 31, 0, tzinfo=UTC), "UTC", "Wednesday 31 December 2031, 00:00 UTC"),
            # Zones without an abbreviation have an offset.
            (datetime(2031, 12, 31, 16, tzinfo=UTC), "Asia/Dubai", "Wednesday 31 December 2031, 20:00 UTC+04:00"),
            # The clocks show this time twice.
            (datetime(2031, 10, 26, 0, 30, tzinfo=UTC), BERLIN, "Sunday 26 October 2031, 02:30 CEST (UTC+02:00)"),
            (datetime(2031, 10, 26, 1, 30, tzinfo=UTC), BERLIN, "Sunday 26 October 2031, 02:30 CET (UTC+01:00)"),
            # An offset with seconds.
            (datetime(1890, 1, 1, tzinfo=UTC), BERLIN, "Wednesday 1 January 1890, 00:53 LMT"),
            # Removed or broken names, and times that a zone does not reach, are shown in UTC.
            (datetime(2031, 1, 1, tzinfo=UTC), "US/Pacific-New", "Wednesday 1 January 2031, 00:00 UTC"),
            (datetime(2031, 1, 1, tzinfo=UTC), "Europe", "Wednesday 1 January 2031, 00:00 UTC"),
            (datetime(2031, 1, 1, tzinfo=UTC), "../etc/passwd", "Wednesday 1 January 2031, 00:00 UTC"),
            (datetime(9999, 12, 31, 23, tzinfo=UTC), "Asia/Tokyo", "Friday 31 December 9999, 23:00 UTC"),
        ],
    )
    def test_names_the_zone(self, moment: datetime, name: str, text: str) -> None:
        assert zones.readable(moment, name) == text

    @pytest.mark.parametrize(
        ("start", "end", "text"),
        [
            (clock("2031-12-31 19:00"), clock("2031-12-31 22:00"), "Wednesday 31 December 2031, 20:00 to 23:00 CET"),
            (
                clock("2031-12-31 19:00"),
                clock("2032-01-01 01:00"),
                "Wednesday 31 December 2031, 20:00 CET to Thursday 1 January 2032, 02:00 CET",
            ),
            (
                clock("2031-03-30 00:00"),
                clock("2031-03-30 02:00"),
                "Sunday 30 March 2031, 01:00 CET to Sunday 30 March 2031, 04:00 CEST",
            ),
        ],
    )
    def test_shortens_a_span_within_a_day(self, start: datetime, end: datetime, text: str) -> None:
        assert zones.readable_span(start.replace(tzinfo=UTC), end.replace(tzinfo=UTC), BERLIN) == text


class TestInstant:
    def test_returns_the_moment(self) -> None:
        assert zones.instant(clock("2031-12-31 20:00"), BERLIN) == datetime(2031, 12, 31, 19, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("shown", "name", "sentence"),
        [
            (
                clock("2031-03-30 02:30"),
                BERLIN,
                "02:30 does not exist on 30 March 2031 in Europe/Berlin: clocks go forward from 02:00 to 03:00. "
                "Choose another time.",
            ),
            (
                clock("2031-10-26 02:30"),
                BERLIN,
                "02:30 occurs twice on 26 October 2031 in Europe/Berlin: clocks go back from 03:00 to 02:00. "
                "Choose another time.",
            ),
            (
                clock("2031-10-05 02:15"),
                "Australia/Lord_Howe",
                "02:15 does not exist on 5 October 2031 in Australia/Lord_Howe: clocks go forward from 02:00 to "
                "02:30. Choose another time.",
            ),
            (clock("9999-12-31 23:00"), "America/New_York", "Enter a time between the years 1 and 9999."),
        ],
    )
    def test_refuses_times_that_are_skipped_or_shown_twice(self, shown: datetime, name: str, sentence: str) -> None:
        with pytest.raises(zones.NoSuchTime) as refusal:
            zones.instant(shown, name)

        assert str(refusal.value) == sentence

    def test_accepts_the_edges_of_a_change(self) -> None:
        shown = [clock("2031-03-30 03:00"), clock("2031-10-26 03:00"), clock("2031-10-26 01:59:59")]

        assert [zones.instant(each, BERLIN).hour for each in shown] == [1, 2, 23]


class TestValidateTimeZone:
    @pytest.mark.parametrize(
        "name", ["Mars/Olympus", "europe/berlin", "Factory", "localtime", "CEST", "+02:00", "Foo5"]
    )
    def test_refuses_other_names(self, name: str) -> None:
        with pytest.raises(ValidationError):
            zones.validate_time_zone(name)

    @pytest.mark.parametrize("name", ["UTC", BERLIN, "America/Argentina/Buenos_Aires", "Japan"])
    def test_accepts_iana_names(self, name: str) -> None:
        zones.validate_time_zone(name)
