"""The bodies of deliveries: what changed, in the API's own shape, as an admin sees it.

They are made when a change is read from the log, a moment after it was made, and stored. So every attempt sends the
same, even if the object is deleted later. If the object has changed again in that moment, `data` already contains that
change, as its `version` shows.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import orjson

from accounts import queries as accounts
from changes.models import Action, Change, ChangeType
from events import queries as events
from events import shapes as event_shapes
from projects import queries as projects
from tickets import queries as tickets
from tickets import shapes as ticket_shapes
from webhooks import shapes
from webhooks.models import TEST_EVENT, Webhook

Data = dict[str, Any]


def of_changes(changes: Iterable[Change]) -> dict[int, str]:
    """Return the body about each change, by its position. Runs one statement per type of object."""
    changes = list(changes)
    objects = {kind: _objects(kind, changes) for kind in {change.type for change in changes}}
    commented = [change.detail_id for change in changes if change.action == Action.COMMENTED and change.detail_id]
    comments = {row["id"]: row for row in tickets.comments_by_id(commented)}
    return {
        change.position: _body(
            event=event_of(change),
            at=change.at,
            data=_data(change, objects[change.type].get(change.object_id), comments),
        )
        for change in changes
    }


def event_of(change: Change) -> str:
    return f"{change.type}.{change.action}"


def test(webhook: Webhook, *, at: datetime) -> str:
    """Return the body of a test, whose data is the webhook."""
    return _body(event=TEST_EVENT, at=at, data=shapes.webhook(webhook))


def _body(*, event: str, at: datetime, data: Data) -> str:
    return orjson.dumps(shapes.payload(event=event, at=at, data=data)).decode()


def _data(change: Change, found: Data | None, comments: dict[int, Data]) -> Data:
    if found is None or change.action == Action.DELETED:
        return {"id": change.object_id, "deleted": True}
    if change.action == Action.COMMENTED:
        return found | {"comment": comments.get(change.detail_id or 0)}
    if change.action == Action.MERGED:
        return found | {"mergedInto": change.detail_id}
    return found


def _objects(kind: str, changes: list[Change]) -> dict[int, Data]:
    read = READ[ChangeType(kind)]
    return {row["id"]: row for row in read(sorted({change.object_id for change in changes if change.type == kind}))}


# How to read objects of each type by their ids.
READ: dict[ChangeType, Callable[[list[int]], list[Data]]] = {
    ChangeType.TICKET: lambda ids: [ticket_shapes.ticket(row) for row in tickets.tickets_by_id(ids)],
    ChangeType.BOOKING: lambda ids: [event_shapes.booking(row) for row in events.bookings_by_id(ids)],
    ChangeType.EVENT: lambda ids: [event_shapes.event(row) for row in events.events_by_id(ids, is_admin=True)],
    ChangeType.PROJECT: lambda ids: projects.projects_by_id(ids, viewer=None),
    ChangeType.USER: accounts.users_by_id,
}
