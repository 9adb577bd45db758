"""The JSON of tickets, from rows that have its keys already (sql/parts/shown.sql), and of their history."""

from collections.abc import Callable
from typing import Any

from orjson import Fragment, loads

from kit.web.fields import plain_number, utc_text, utc_text_of
from tickets.models import Comment
from tickets.queries import ASSIGNEE, Change, Item, Person, Row

# The fields of the history with the API's names, and what turns a value into JSON.
HISTORY_FIELDS: dict[str, tuple[str, Callable[[Any], Any] | None]] = {
    "title": ("title", None),
    "description": ("description", None),
    "project_id": ("project", None),
    "status": ("status", None),
    "type": ("type", None),
    "venue": ("venue", None),
    "price": ("price", plain_number),
    "priority": ("priority", None),
    "due_at": ("dueDate", utc_text),
    "sla_due_at": ("slaDue", utc_text),
    "held_at": ("onHoldSince", utc_text),
    "hold_reason": ("holdReason", None),
    "created_by_id": ("createdBy", None),
    "created_at": ("createdDate", utc_text),
    "labels": ("labels", None),
    "merged_into_id": ("mergedInto", None),
    "merged_from": ("mergedFrom", None),
    ASSIGNEE: ("assignedUsers", lambda person: {"userId": person.id, "name": person.name}),
}


# The keys of times that SQL returns as PostgreSQL writes them: of every ticket, and of a single one.
TIMES = ("dueDate", "createdDate", "updatedDate", "activityDate", "slaDue")
TIMES_OF_SLA = ("onHoldSince", "closedDate")


def ticket(row: Row, times: tuple[str, ...] = TIMES) -> Row:
    """Return an item of a list: the keys of TicketSerializer."""
    row.pop("place", None)
    for name in times:
        if time := row[name]:
            row[name] = utc_text_of(time)
    # SQL has written them in JSON.
    row["assignedUsers"] = Fragment(row["assignedUsers"])
    row["price"] = row["price"] and Fragment(row["price"])
    return row


def flat(row: Row) -> Row:
    """Return a row of an export: an item of a list, with its assignees in one text."""
    people = "; ".join(f"{person['name']} <{person['email']}>" for person in assignees(row))
    return {key: value for key, value in ticket(dict(row)).items() if key != "activityDate"} | {
        "assignedUsers": people,
        "price": row["price"],
        "labels": ", ".join(row["labels"]),
    }


def assignees(row: Row) -> list[Row]:
    """Return the people that a ticket is assigned to, from a row that is no JSON yet."""
    people: list[Row] = loads(row["assignedUsers"])
    return people


def detail(row: Row) -> Row:
    """Return a single ticket: the keys of TicketDetailSerializer."""
    assigned = len(assignees(row))
    body = ticket(row, TIMES + TIMES_OF_SLA)
    sla = {
        "policy": row["priority"],
        "hours": row.pop("hours"),
        "calendar": row.pop("calendar"),
        "onHold": row["onHoldSince"] is not None,
        **{name: row.pop(name) for name in ("onHoldSince", "holdReason", "heldSeconds", "closedDate", "state")},
    }
    return body | {
        "statistics": {"totalAssigned": assigned, "status": body["status"]},
        "sla": sla | {"because": _because(sla)},
    }


def _because(sla: dict[str, Any]) -> str:
    """Explain the deadline, as in "4 h business time, on hold 2 h 10 m"."""
    parts = [f"{sla['hours']} h {'business time' if sla['calendar'] else 'round the clock'}"]
    if sla["heldSeconds"]:
        parts.append(f"on hold {_duration(sla['heldSeconds'])}")
    if sla["onHold"]:
        parts.append(f"on hold since {sla['onHoldSince']}")
    return ", ".join(parts)


def _duration(seconds: int) -> str:
    """Return a duration in its largest unit and the next smaller one, such as "2 h 10 m"."""
    amounts = {"d": seconds // 86400, "h": seconds // 3600 % 24, "m": seconds // 60 % 60, "s": seconds % 60}
    units = list(amounts)
    largest = next(place for place, unit in enumerate(units) if amounts[unit])
    return " ".join(f"{amounts[unit]} {unit}" for unit in units[largest : largest + 2] if amounts[unit])


def comment(comment: Comment) -> Row:
    """Return the JSON of a comment that has just been written, as sql/parts/comment.sql does."""
    return {
        "id": comment.pk,
        "message": comment.message,
        "internal": comment.is_internal,
        "author": {"id": comment.author_id, "name": comment.author.name},
        "createdDate": utc_text(comment.created_at),
    }


def history_item(item: Item) -> Row:
    """Return an entry of the history: the keys of ItemSerializer."""
    return {
        "id": item.id,
        "at": utc_text(item.at),
        "by": item.by and _person(item.by),
        "door": item.door,
        "changes": [_change(change) for change in item.changes],
    }


def _person(person: Person) -> Row:
    return {"id": person.id, "name": person.name}


def _change(change: Change) -> Row:
    name, shape = HISTORY_FIELDS[change.field]
    before, after = (
        value if value is None or shape is None else shape(value) for value in (change.before, change.after)
    )
    return {"field": name, "from": before, "to": after}
