"""A ticket's history in words: names instead of ids, labels instead of columns, times as the admin formats them."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst

from accounts.models import User
from kit.doors import Door
from kit.money import readable_in_site_currency
from projects.models import Project
from sla.models import Priority
from tickets.models import Status, Ticket
from tickets.queries import ASSIGNEE, Change, Item, LaterChange

Names = dict[str, dict[Any, Any]]


def items(found: Iterable[Item]) -> Iterator[dict[str, Any]]:
    """Yield history items as the templates show them. Runs up to two queries."""
    found = list(found)
    names = names_in(change for item in found for change in item.changes)
    for item in found:
        yield {
            "id": item.id,
            "at": item.at,
            "by": item.by and item.by.name,
            "door": door(item.door),
            "changes": [
                {
                    "label": label(change.field),
                    "before": value(change.before, names.get(change.field, {})),
                    "after": value(change.after, names.get(change.field, {})),
                }
                for change in item.changes
            ],
            "is_creation": any(change.field == "created_at" for change in item.changes),
        }


def names_in(changes: Iterable[Change | LaterChange]) -> Names:
    """Return the display names of the changed values, by field and value. Runs up to two queries."""
    changes = list(changes)

    def ids(field: str) -> set[Any]:
        pairs = ((change.before, change.after) for change in changes if change.field == field)
        return {value for pair in pairs for value in pair if value}

    return {
        "project_id": Project.objects.in_bulk(ids("project_id")),
        "created_by_id": User.objects.in_bulk(ids("created_by_id")),
        "merged_into_id": {number: f"#{number}" for number in ids("merged_into_id")},
        "status": dict(Status.choices),
        "priority": dict(Priority.choices),
    }


def door(name: str) -> str:
    """Return the words for a door; others, which only SQL can name, are shown as they are."""
    return dict(Door.choices).get(name, name)


def label(field: str) -> str:
    if field == ASSIGNEE:
        return capfirst(field)
    return capfirst(str(getattr(Ticket._meta.get_field(field.removesuffix("_id")), "verbose_name", field)))


def value(raw: Any, names: dict[Any, Any]) -> str:
    if raw is None:
        return ""
    if isinstance(raw, datetime):
        return date_format(timezone.localtime(raw), "DATETIME_FORMAT")
    if isinstance(raw, Decimal):
        return readable_in_site_currency(raw)
    if isinstance(raw, list):
        return ", ".join(f"#{each}" if isinstance(each, int) else each for each in raw)
    named = raw if isinstance(raw, models.Model) else names.get(raw, raw)
    return str(getattr(named, "name", named))
