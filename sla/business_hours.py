"""Business time in plain Python, for clocks that stop outside business hours. Does not touch the database.

The rows behind it are `models.Calendar` and its openings and holidays; clock.py uses it to work out deadlines.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from kit import zones

# Opening and closing time, local. A closing time of 00:00 means the end of the day.
Opening = tuple[time, time]

ALL_DAY: Sequence[Opening] = [(time.min, time.min)]
# How far ahead `add` looks. If a calendar has too few hours, the time is up at the end of this span.
HORIZON = timedelta(days=3660)


@dataclass(frozen=True)
class BusinessHours:
    """The hours during which a clock runs. Without openings, that is all day on every day that is not a holiday.

    `openings` maps weekdays to opening times; Monday is 0. Local times are resolved as zoneinfo does by default: an
    ambiguous time is the first of the two, and a skipped time uses the offset from before the gap.
    """

    time_zone: str = "UTC"
    openings: Mapping[int, Sequence[Opening]] = field(default_factory=dict)
    holidays: frozenset[date] = frozenset()

    @property
    def is_round_the_clock(self) -> bool:
        return not self.openings and not self.holidays

    def add(self, start: datetime, amount: timedelta) -> datetime:
        """Return the moment when `amount` of business time has passed since `start`."""
        if self.is_round_the_clock:
            return start + amount
        left = amount
        for opens, closes in self._spans_from(start):
            if left <= closes - opens:
                return opens + left
            left -= closes - opens
        return start + HORIZON

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return how much business time passes from `start` to `end`: none if `end` is earlier."""
        if self.is_round_the_clock:
            return max(end - start, timedelta())
        passed = timedelta()
        for opens, closes in self._spans_from(start):
            if opens >= end:
                break
            passed += min(closes, end) - opens
        return passed

    def _spans_from(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the open spans after `start` in UTC, in order and without overlaps, cutting off what lies before it."""
        zone = zones.zone(self.time_zone)
        first_day = start.astimezone(zone).date()
        reached = start.astimezone(UTC)
        for offset in range(HORIZON.days):
            for opens, closes in sorted(self._spans_of(first_day + timedelta(days=offset), zone)):
                if closes > reached:
                    yield max(opens, reached), closes
                    reached = closes

    def _spans_of(self, day: date, zone: tzinfo) -> Iterator[tuple[datetime, datetime]]:
        if day in self.holidays:
            return
        for opens, closes in self.openings.get(day.weekday(), ()) if self.openings else ALL_DAY:
            last_day = day if closes > time.min else day + timedelta(days=1)
            yield (
                datetime.combine(day, opens, tzinfo=zone).astimezone(UTC),
                datetime.combine(last_day, closes, tzinfo=zone).astimezone(UTC),
            )


ROUND_THE_CLOCK = BusinessHours()
