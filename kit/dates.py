"""Spans of time, as filters mean them: what `startDate` and `endDate` bound, in every list and figure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from kit.errors import Invalid

MILLISECOND = timedelta(milliseconds=1)
EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(tzinfo=UTC)

START_AFTER_END = "The start must not be after the end."


@dataclass(frozen=True)
class Span:
    """When the tickets were created: `starts_at` <= created_at < `ends_at`, None for no bound.

    Both fall on whole milliseconds, the precision that answers show.
    """

    starts_at: datetime | None = None
    ends_at: datetime | None = None

    @classmethod
    def between(cls, start: date | datetime | None, end: date | datetime | None) -> "Span":
        """Return what lies between, both inclusive; a date is that whole UTC day, a time its whole millisecond.

        :raises Invalid: start is after end.
        """
        starts_at = None if start is None else _begin(start)
        ends_at = None if end is None else _end(end)
        if starts_at and ends_at and starts_at >= ends_at:
            raise Invalid(fields={"start_at": [START_AFTER_END]})
        return cls(starts_at, ends_at)

    def days(self, *, first: date, last: date) -> int:
        """How many UTC days this is, from that of its start (else `first`) to that of its end (else `last`)."""
        begin = self.starts_at.date() if self.starts_at else first
        end = (self.ends_at - MILLISECOND).date() if self.ends_at else last
        return max((end - begin).days + 1, 1)

    def parts(self, *, by_day: bool) -> dict[str, Any]:
        """This span as the statements take it: its whole UTC days, if `by_day` and it has any, and what is left."""
        first_day, past_days = self._whole_days()
        parts: dict[str, Any] = {"starts_at": self.starts_at, "ends_at": self.ends_at, "has_days": False}
        parts |= dict.fromkeys(["days_from", "days_until", "first_from", "first_until", "last_from", "last_until"])
        if not by_day or first_day >= past_days:
            return parts | {"first_from": self.starts_at or EARLIEST, "first_until": self.ends_at or LATEST}
        parts["has_days"] = True
        if self.starts_at:
            day = date.fromordinal(first_day)
            parts |= {"days_from": day, "first_from": self.starts_at, "first_until": _begin(day)}
        if self.ends_at:
            day = date.fromordinal(past_days)
            parts |= {"days_until": day, "last_from": _begin(day), "last_until": self.ends_at}
        return parts

    def _whole_days(self) -> tuple[int, int]:
        """The first whole UTC day and the one behind the last, as ordinals: they may lie behind the calendar's end."""
        starts_late = self.starts_at is not None and self.starts_at.time() != time.min
        first = (self.starts_at or EARLIEST).toordinal() + starts_late
        return first, (self.ends_at or LATEST).toordinal() + (self.ends_at is None)


def _begin(moment: date | datetime) -> datetime:
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time.min, tzinfo=UTC)
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _end(moment: date | datetime) -> datetime:
    length = MILLISECOND if isinstance(moment, datetime) else timedelta(days=1)
    try:
        return _begin(moment) + length
    except OverflowError:
        # The end of the calendar, less a moment in which no ticket is made.
        return LATEST
