"""Whether the tables derived from the tickets agree with them."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from kit.db import sql


@dataclass(frozen=True)
class Fault:
    """A daily count that differs from the tickets, or a monthly count that differs from the daily ones."""

    day: date
    project_id: int
    status: str
    priority: str
    type: str
    tickets: int
    spent: Decimal
    counted_tickets: int
    counted_spent: Decimal

    def __str__(self) -> str:
        return (
            f"{self.day}, project {self.project_id}, {self.status}, {self.priority}, {self.type}: "
            f"counted {self.counted_tickets} tickets, actual {self.tickets}; "
            f"counted {self.counted_spent} spent, actual {self.spent}"
        )


def daily_count_faults() -> list[Fault]:
    """Compare the daily counts with the tickets in one snapshot, and the months with the days. Reads every ticket."""
    rows = [*sql.rows("analytics/daily_count_faults"), *sql.rows("analytics/monthly_count_faults")]
    return [Fault(**row) for row in rows]


@dataclass(frozen=True)
class LastDayFault:
    """A last day of a creator on which there is no ticket in that project, or one that is missing."""

    user_id: int
    day: date
    project_id: int | None
    is_missing: bool

    def __str__(self) -> str:
        if self.is_missing:
            return f"User {self.user_id}: created tickets on {self.day}, after the last day known"
        return f"User {self.user_id}: created no ticket on {self.day} in project {self.project_id}"


def last_day_faults() -> list[LastDayFault]:
    """Compare the last days of creators with the tickets in one snapshot. Reads every ticket."""
    return [LastDayFault(**row) for row in sql.rows("analytics/last_day_faults")]
