"""Business time, in plain Python: when a clock runs that stands still outside of business hours. Knows no table.

The rows behind it are `models.Calendar` and `models.SlaPolicy`; when a ticket's clock stops is in services.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

# Opens and closes, in local time; what closes at 00:00 closes at the end of the day.
Opening = tuple[time, time]

ALL_DAY: Sequence[Opening] = [(time.min, time.min)]
# A calendar that is open too little to ever spend some hours within this span spends them by its end.
HORIZON = timedelta(days=3660)


@dataclass(frozen=True)
class BusinessHours:
    """When somebody is at work. Without any openings that is at every hour of every day that is no holiday.

    `openings` are of weekdays, Monday is 0. Local times are read as zoneinfo reads them: of an hour that comes twice
    the first is meant, and one that is left out is counted from the hour before.
    """

    time_zone: str = "UTC"
    openings: Mapping[int, Sequence[Opening]] = field(default_factory=dict)
    holidays: frozenset[date] = frozenset()

    @property
    def is_round_the_clock(self) -> bool:
        return not self.openings and not self.holidays

    def add(self, start: datetime, amount: timedelta) -> datetime:
        """The moment by which `amount` of business time has passed since `start`."""
        if self.is_round_the_clock:
            return start + amount
        left = amount
        for opens, closes in self._spans_from(start):
            if left <= closes - opens:
                return opens + left
            left -= closes - opens
        return start + HORIZON

    def between(self, start: datetime, end: datetime) -> timedelta:
        """How much business time passes from `start` to `end`; none, if that is earlier."""
        if self.is_round_the_clock:
            return max(end - start, timedelta())
        passed = timedelta()
        for opens, closes in self._spans_from(start):
            if opens >= end:
                break
            passed += min(closes, end) - opens
        return passed

    def _spans_from(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """From when to when it is open, in UTC and in order, no time twice; of what has begun by `start`, the rest."""
        zone = ZoneInfo(self.time_zone)
        first = start.astimezone(zone).date()
        reached = start.astimezone(UTC)
        for offset in range(HORIZON.days):
            for opens, closes in sorted(self._spans_of(first + timedelta(days=offset), zone)):
                if closes > reached:
                    yield max(opens, reached), closes
                    reached = closes

    def _spans_of(self, day: date, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
        if day in self.holidays:
            return
        for opens, closes in self.openings.get(day.weekday(), ()) if self.openings else ALL_DAY:
            last_day = day if closes > time.min else day + timedelta(days=1)
            yield (
                datetime.combine(day, opens, tzinfo=zone).astimezone(UTC),
                datetime.combine(last_day, closes, tzinfo=zone).astimezone(UTC),
            )


ROUND_THE_CLOCK = BusinessHours()
