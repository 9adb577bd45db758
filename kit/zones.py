"""Time zones by IANA name, and times as people read them."""

from bisect import bisect_left
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError

from kit.text import counted

UNKNOWN_TIME_ZONE = "Enter an IANA time zone, such as Europe/Berlin."
# The units of relative times, largest first.
UNITS = {"year": 365 * 86_400, "day": 86_400, "hour": 3_600, "minute": 60}


class NoSuchTime(ValueError):
    """A local time that the clocks skip or show twice. The message is for people."""


@cache
def names() -> frozenset[str]:
    """Return the known names, except the two that depend on the machine."""
    return frozenset(available_timezones() - {"localtime", "Factory"})


def time_zones() -> list[tuple[str, str]]:
    """Return the time zones to choose from by region and city, without the legacy aliases such as `EST` and `Japan`."""
    return [(name, name) for name in sorted(names()) if "/" in name or name == "UTC"]


def validate_time_zone(name: str) -> None:
    if name not in names():
        raise ValidationError(UNKNOWN_TIME_ZONE, code="time_zone")


def zone(name: str) -> tzinfo:
    """Return the time zone, or UTC if this machine does not know it, for example because it was removed."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


def local(moment: datetime, name: str) -> datetime:
    """Return the moment in this zone, or in UTC if its local time would be out of range."""
    try:
        return moment.astimezone(zone(name))
    except OverflowError:
        return moment.astimezone(UTC)


def label(moment: datetime) -> str:
    """Return the zone's abbreviation at a local time, or its offset if it has none: "CET", "UTC+04:00".

    If the clocks show this time twice, return both: "CET (UTC+01:00)".
    """
    name, offset = moment.tzname() or "", f"UTC{moment.isoformat(timespec='minutes')[16:]}"
    if not name[:1].isalpha():
        return offset
    is_shown_twice = moment.replace(fold=0).utcoffset() != moment.replace(fold=1).utcoffset()
    return f"{name} ({offset})" if is_shown_twice else name


def readable(moment: datetime, name: str) -> str:
    """Return a time as people read it: "Wednesday 31 December 2031, 20:00 CET"."""
    moment = local(moment, name)
    return f"{_day(moment)}, {moment:%H:%M} {label(moment)}"


def readable_span(start: datetime, end: datetime | None, name: str) -> str:
    """Return "Wednesday 31 December 2031, 20:00 to 23:00 CET", with both days and labels if they differ."""
    if end is None:
        return readable(start, name)
    first, last = local(start, name), local(end, name)
    if first.date() != last.date() or label(first) != label(last):
        return f"{readable(start, name)} to {readable(end, name)}"
    return f"{_day(first)}, {first:%H:%M} to {last:%H:%M} {label(last)}"


def compact(moment: datetime, name: str) -> str:
    """Return a time as tables show it: "2031-12-31 20:00 CET"."""
    moment = local(moment, name)
    return f"{moment:%Y-%m-%d %H:%M} {label(moment)}"


def relative(moment: datetime, at: datetime) -> str:
    """Return a time as seen from another: "3 hours ago", "in 2 hours" or "just now". Parts of units are dropped."""
    seconds = int(abs((at - moment).total_seconds()))
    for unit, size in UNITS.items():
        if seconds >= size:
            number = counted(seconds // size, unit)
            return f"{number} ago" if moment < at else f"in {number}"
    return "just now" if moment <= at else "in less than a minute"


def _day(moment: datetime) -> str:
    return f"{moment:%A} {moment.day} {moment:%B %Y}"


def instant(shown: datetime, name: str) -> datetime:
    """Return the moment of a naive local time in a zone.

    :raises NoSuchTime: the clocks skip it or show it twice, or the moment is out of range.
    """
    place = zone(name)
    first, second = (shown.replace(tzinfo=place, fold=fold) for fold in (0, 1))
    try:
        if first.utcoffset() != second.utcoffset():
            raise NoSuchTime(_why_not(first, second, name))
        return first.astimezone(UTC)
    except OverflowError:
        raise NoSuchTime("Enter a time between the years 1 and 9999.") from None


def _why_not(first: datetime, second: datetime, name: str) -> str:
    before, after = _clocks_at_change(first, second)
    what, how = ("does not exist", "forward") if before < after else ("occurs twice", "back")
    return (
        f"{first:%H:%M} {what} on {first.day} {first:%B %Y} in {name}: clocks go {how} from {before:%H:%M} to "
        f"{after:%H:%M}. Choose another time."
    )


def _clocks_at_change(first: datetime, second: datetime) -> tuple[datetime, datetime]:
    """Return the local times just before and after the change of offset between two moments."""
    place = first.tzinfo
    start, end = sorted(each.replace(microsecond=0).astimezone(UTC) for each in (first, second))
    offset = start.astimezone(place).utcoffset() or timedelta()

    def has_changed(second: int) -> bool:
        return (start + timedelta(seconds=second)).astimezone(place).utcoffset() != offset

    seconds = bisect_left(range(int((end - start).total_seconds())), True, key=has_changed)
    change = start + timedelta(seconds=seconds)
    return (change + offset).replace(tzinfo=None), change.astimezone(place).replace(tzinfo=None)
