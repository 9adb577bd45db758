"""How the numbers of the overview and of the weekly report read."""

NOTHING = "–"


def duration(seconds: float | None) -> str:
    """Return a duration in its two largest units: "45 min", "3 h 20 min", "2 d 4 h"."""
    if seconds is None:
        return NOTHING
    minutes = round(seconds / 60)
    if minutes == 0:
        return "under 1 min"
    hours, left = divmod(minutes, 60)
    if hours < 24:
        return _joined((hours, "h"), (left, "min"))
    days, hours = divmod(round(minutes / 60), 24)
    return _joined((days, "d"), (hours, "h"))


def _joined(*parts: tuple[int, str]) -> str:
    return " ".join(f"{number:,} {unit}" for number, unit in parts if number)


def share(part: int, whole: int) -> str:
    """Return a share in percent. It is 100% or 0% only if that is exact."""
    if not whole:
        return NOTHING
    if 0 < part < whole:
        return f"{min(max(100 * part / whole, 1), 99):.0f}%"
    return f"{part / whole:.0%}"
