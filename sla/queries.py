"""SLA policies in raw SQL, because every new ticket reads one. Django's ORM takes several times as long."""

from collections.abc import Iterable, Iterator

from django.db import DEFAULT_DB_ALIAS

from kit.db import sql
from sla.models import Calendar, SlaPolicy


def policies(priorities: Iterable[str]) -> Iterator[SlaPolicy]:
    """Yield the policies of these priorities, with their calendars."""
    for row in sql.prepared("sla/policies", priorities=[str(priority) for priority in priorities]):
        number, name, time_zone = (row.pop(key) for key in ("calendar_id", "calendar_name", "time_zone"))
        calendar = number and Calendar.from_db(DEFAULT_DB_ALIAS, ["id", "name", "time_zone"], [number, name, time_zone])
        yield SlaPolicy(**row, calendar=calendar)
