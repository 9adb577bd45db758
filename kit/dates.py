"""Time spans: how `startDate` and `endDate` filter every list and statistic."""

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
    """A half-open interval: `starts_at` <= time < `ends_at`. None means no bound.

    Bounds are whole milliseconds, the precision of times in responses. `first_day` and `last_day` are the dates of the
    bounds as the caller wrote them, each in its own offset, since clocks may change in between. The other days are
    counted in `utc_offset`, that of the first bound with a time.
    """

    starts_at: datetime | None = None
    ends_at: datetime | None = None
    first_day: date | None = None
    last_day: date | None = None
    utc_offset: timedelta = timedelta()

    @classmethod
    def between(cls, start: date | datetime | None, end: date | datetime | None) -> "Span":
        """Return the span from start to end, both inclusive. A date means the whole UTC day, a time its millisecond.

        :raises Invalid: start is after end.
        """
        starts_at = None if start is None else _start_of(start)
        ends_at = None if end is None else _end_of(end)
        if starts_at and ends_at and starts_at >= ends_at:
            raise Invalid(fields={"start_at": [START_AFTER_END]})
        first_day, last_day = _day_of(start), _day_of(end)
        if first_day and last_day:
            # If the offsets are far apart, the end can have an earlier date.
            last_day = max(first_day, last_day)
        offsets = [moment.utcoffset() for moment in (start, end) if isinstance(moment, datetime)]
        return cls(starts_at, ends_at, first_day, last_day, (offsets and offsets[0]) or timedelta())

    def days(self, *, first: date, last: date) -> int:
        """Return the number of days in the span, partial ones included, at least 1.

        `first` and `last` replace missing bounds.
        """
        return max(((self.last_day or last) - (self.first_day or first)).days + 1, 1)

    def parts(self, *, by_day: bool) -> dict[str, Any]:
        """Return the span as SQL parameters: the whole UTC days in it, if `by_day`, and the rest before and after."""
        first_day, past_days = self._whole_days()
        parts: dict[str, Any] = {"starts_at": self.starts_at, "ends_at": self.ends_at, "has_days": False}
        parts |= dict.fromkeys(["days_from", "days_until", "first_from", "first_until", "last_from", "last_until"])
        if not by_day or first_day >= past_days:
            return parts | {"first_from": self.starts_at or EARLIEST, "first_until": self.ends_at or LATEST}
        parts["has_days"] = True
        if self.starts_at:
            day = date.fromordinal(first_day)
            parts |= {"days_from": day, "first_from": self.starts_at, "first_until": _start_of(day)}
        if self.ends_at:
            day = date.fromordinal(past_days)
            parts |= {"days_until": day, "last_from": _start_of(day), "last_until": self.ends_at}
        return parts

    def _whole_days(self) -> tuple[int, int]:
        """Return the first whole UTC day and the day after the last, as ordinals: either may be past year 9999."""
        starts_late = self.starts_at is not None and self.starts_at.time() != time.min
        first = (self.starts_at or EARLIEST).toordinal() + starts_late
        return first, (self.ends_at or LATEST).toordinal() + (self.ends_at is None)


def _day_of(moment: date | datetime | None) -> date | None:
    return moment.date() if isinstance(moment, datetime) else moment


def _start_of(moment: date | datetime) -> datetime:
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time.min, tzinfo=UTC)
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _end_of(moment: date | datetime) -> datetime:
    length = MILLISECOND if isinstance(moment, datetime) else timedelta(days=1)
    try:
        return _start_of(moment) + length
    except OverflowError:
        # Past the end of year 9999; the last microsecond does not matter.
        return LATEST
