"""The days that the overview and the weekly report cover."""

from dataclasses import dataclass
from datetime import date, timedelta

from kit.dates import Span


@dataclass(frozen=True)
class Days:
    """The UTC days from `first` to `last`, both included."""

    first: date
    last: date

    @classmethod
    def up_to(cls, last: date, *, number: int) -> "Days":
        return cls(last - timedelta(days=number - 1), last)

    @property
    def span(self) -> Span:
        return Span.between(self.first, self.last)

    @property
    def number(self) -> int:
        return (self.last - self.first).days + 1

    def __str__(self) -> str:
        """Return the days in words: "29 November 2026", "23 to 29 November 2026"."""
        first, last = self.first, self.last
        end = f"{last.day} {last:%B} {last.year}"
        if first == last:
            return end
        if first.year != last.year:
            return f"{first.day} {first:%B} {first.year} to {end}"
        return f"{first.day} to {end}" if first.month == last.month else f"{first.day} {first:%B} to {end}"
