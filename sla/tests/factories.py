"""Calendars for tests."""

from datetime import time

from sla.models import Calendar, SlaPolicy


def make_office_calendar(
    *, priority: str | None = None, name: str = "Office hours", time_zone: str = "Europe/Berlin"
) -> Calendar:
    """Create a calendar that is open from nine to five on weekdays, and give it to a priority's policy."""
    calendar = Calendar.objects.create(name=name, time_zone=time_zone)
    for weekday in range(5):
        calendar.openings.create(weekday=weekday, opens_at=time(9), closes_at=time(17))
    SlaPolicy.objects.filter(pk=priority).update(calendar=calendar)
    return calendar
