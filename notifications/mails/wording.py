"""How values read in mail."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings

from accounts.models import User
from kit import zones
from projects.models import Project
from tickets import queries

# Shown for an empty value before or after a change.
NOTHING = "(nothing)"


def one_line(text: str) -> str:
    """Return the text without line breaks, which headers cannot contain but plain SQL may have written."""
    return " ".join(text.split())


def readable(field: str, value: Any) -> str:
    match value:
        case None | "":
            return NOTHING
        case datetime():
            return zones.readable(value, settings.TIME_ZONE)
        case Decimal() | int() if field == "price":
            return f"{value:,.2f}"
        case int() if field == "project_id":
            return Project.objects.filter(pk=value).values_list("name", flat=True).first() or f"project {value}"
        case int() if field == "created_by_id":
            return User.objects.filter(pk=value).values_list("name", flat=True).first() or queries.DELETED
        case str() if field in ("status", "priority"):
            # "In progress", as document 001 writes it.
            return value.replace("-", " ").capitalize()
    return str(value)
