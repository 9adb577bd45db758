"""What callers can choose of tickets: only some `fields`, and what belongs to them (`include`)."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from rest_framework import serializers

from accounts.models import User
from kit.activity.lists import ChangedSerializer
from kit.web.fields import NamesField
from kit.web.paging import MAX_BYTES, encode
from projects.models import Project
from tickets import queries
from tickets.queries import Row
from tickets.serializers import TicketDetailSerializer, TicketQuerySerializer, TicketSerializer

COMMENTS, PROJECT = "comments", "project"
# Of each ticket.
MAX_COMMENTS = 20
INCLUDE = NamesField(
    [COMMENTS, PROJECT],
    required=False,
    help_text=f"`comments`: up to {MAX_COMMENTS} comments, oldest first, as `comments`, fewer if they are long. "
    "`commentsCursor` is the cursor for the others in the list of the ticket's comments, or null. `project`: the "
    "project itself instead of its ID.",
)
FIELDS_HELP = "Return only these keys, and what `include` adds."


class ListSelectionSerializer(serializers.Serializer[Any]):
    include = INCLUDE
    fields = NamesField([*TicketSerializer().fields], required=False, help_text=FIELDS_HELP)  # type: ignore[assignment]


class TicketSelectionSerializer(serializers.Serializer[Any]):
    """The query string of one ticket."""

    include = INCLUDE
    fields = NamesField(  # type: ignore[assignment]
        [*TicketDetailSerializer().fields], required=False, help_text=FIELDS_HELP
    )


class ChangedTicketsSerializer(ChangedSerializer, ListSelectionSerializer):
    """The query string of a list with `updatedSince`."""


class TicketListSerializer(TicketQuerySerializer, ListSelectionSerializer):
    """The query string of the list."""

    changed = ChangedTicketsSerializer

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        chosen = {name: attrs.pop(name) for name in ("include", "fields") if name in attrs}
        return super().validate(attrs) | {"chosen": chosen}


def included(tickets: list[Row], chosen: Mapping[str, list[str]], viewer: User) -> dict[int, Row]:
    """Return what is to be included in each ticket, by its ID. One statement for each thing to include."""
    include = chosen.get("include", [])
    found: dict[int, Row] = {ticket["id"]: {} for ticket in tickets}
    if PROJECT in include:
        projects = _projects({ticket["project"] for ticket in tickets})
        for ticket in tickets:
            found[ticket["id"]][PROJECT] = projects[ticket["project"]]
    if COMMENTS in include:
        for number, comments in _comments([*found], viewer).items():
            found[number] |= comments
    return found


def texts(ticket: Row, more: Row) -> list[str]:
    """Return what is long in a ticket of a list, and in what is included in it."""
    comments = [comment["message"] for comment in more.get(COMMENTS, [])]
    return [ticket["description"], *comments, *([more[PROJECT]["description"]] if PROJECT in more else [])]


def choose(ticket: Row, chosen: Mapping[str, list[str]], more: Row) -> Row:
    """Return a ticket, as shapes.py makes it, with the chosen fields and what is included."""
    fields = chosen.get("fields", [])
    return {name: value for name, value in ticket.items() if not fields or name in fields} | more


def _projects(ids: set[int]) -> dict[int, Row]:
    columns = ("id", "name", "description", "visibility", "version")
    return {row["id"]: row for row in Project.objects.filter(pk__in=ids).order_by().values(*columns)}


def _comments(ids: list[int], viewer: User) -> dict[int, Row]:
    most = MAX_BYTES // max(1, len(ids))
    rows = queries.first_comments(ids=ids, viewer=viewer, limit=MAX_COMMENTS, most_bytes=most)
    found: dict[int, Row] = {number: {"comments": [], "commentsCursor": None} for number in ids}
    for number, group in groupby(rows, key=lambda row: row.pop("ticket_id")):
        comments = list(group)
        has_more = [comment.pop("has_more") for comment in comments][-1]
        cursor = encode(comments[-1]["id"]) if has_more else None
        found[number] = {"comments": comments, "commentsCursor": cursor}
    return found
