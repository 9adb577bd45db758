"""What happened to tickets, in people's words: names for ids, labels for columns, times as the admin writes them."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db import models
from django.utils.formats import date_format
from django.utils.text import capfirst

from accounts.models import User
from projects.models import Project
from sla.models import Priority
from tickets.models import Status, Ticket
from tickets.queries import ASSIGNEE, Change, Item, Meanwhile

Names = dict[str, dict[Any, Any]]


def items(found: Iterable[Item]) -> Iterator[dict[str, Any]]:
    """Items of a history, in two queries at most."""
    found = list(found)
    names = names_in(change for item in found for change in item.changes)
    for item in found:
        yield {
            "id": item.id,
            "at": item.at,
            "by": item.by and item.by.name,
            "door": item.door,
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


def names_in(changes: Iterable[Change | Meanwhile]) -> Names:
    """What people call the values of these fields, by field and value; in two queries at most."""
    changes = list(changes)

    def ids(field: str) -> set[Any]:
        both = ((change.before, change.after) for change in changes if change.field == field)
        return {each for pair in both for each in pair if each}

    return {
        "project_id": Project.objects.in_bulk(ids("project_id")),
        "created_by_id": User.objects.in_bulk(ids("created_by_id")),
        "status": dict(Status.choices),
        "priority": dict(Priority.choices),
    }


def label(field: str) -> str:
    if field == ASSIGNEE:
        return capfirst(field)
    return capfirst(str(getattr(Ticket._meta.get_field(field.removesuffix("_id")), "verbose_name", field)))


def value(of: Any, names: dict[Any, Any]) -> str:
    if of is None:
        return ""
    if isinstance(of, datetime):
        return date_format(of, "DATETIME_FORMAT")
    named = of if isinstance(of, models.Model) else names.get(of, of)
    return str(getattr(named, "name", named))
