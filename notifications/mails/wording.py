"""How values read in mail."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings

from accounts.models import User
from kit import zones
from kit.money import readable_in_site_currency
from projects.models import Project
from tickets import queries

# Shown for an empty value before or after a change.
NOTHING = "(nothing)"

# Characters of a description or comment that are shown.
MAX_TEXT = 2_000


def one_line(text: str) -> str:
    """Return the text without line breaks, which headers cannot contain but plain SQL may have written."""
    return " ".join(text.split())


def is_long(text: str) -> bool:
    return len(text) > MAX_TEXT


def shortened(text: str) -> str:
    """Return the beginning of a long text, and other texts as they are."""
    return f"{text[:MAX_TEXT].rstrip()} …" if is_long(text) else text


def readable(field: str, value: Any) -> str:
    match value:
        case None | "" | []:
            return NOTHING
        case list():
            return ", ".join(f"#{each}" if isinstance(each, int) else one_line(each) for each in value)
        case datetime():
            return zones.readable(value, settings.TIME_ZONE)
        case Decimal() | int() if field == "price":
            return readable_in_site_currency(Decimal(value))
        case int() if field == "merged_into_id":
            return f"#{value}"
        case int() if field == "project_id":
            return Project.objects.filter(pk=value).values_list("name", flat=True).first() or f"project {value}"
        case int() if field == "created_by_id":
            return User.objects.filter(pk=value).values_list("name", flat=True).first() or queries.DELETED
        case str() if field in ("status", "priority"):
            # "In progress", as document 001 writes it.
            return value.replace("-", " ").capitalize()
    return str(value)
