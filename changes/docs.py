"""OpenAPI description of the log's endpoint, as a decorator for the view."""

from typing import Any

from changes.queries import ChangesExpired
from changes.serializers import ChangesPageSerializer, ChangesQuerySerializer
from kit.openapi.describe import describes, invalid
from kit.web.paging import INVALID_CURSOR

CHANGE: dict[str, Any] = {
    "type": "ticket",
    "id": 42,
    "action": "updated",
    "version": 3,
    "at": "2026-11-30T09:30:00.250Z",
    "by": {"id": 7, "name": "Agnes Agent"},
    "door": "api",
}

list_changes = describes(
    "List changes",
    name="listChanges",
    more="What has changed since a cursor, in the order in which it was committed, limited to what you are allowed to "
    "see. Nothing is skipped. Begin without `after`, then read all records, and go on from `nextCursor`. It is never "
    "null, and moves on even if a page is empty because you may not see any of the changes. With `wait`, the response "
    "comes with the next change, or empty after that many seconds, or sooner if too many requests are waiting. "
    "`by` is null if the change was made anonymously, in SQL, or by somebody whom you may not see. Changes are deleted "
    "after some time, 30 days by default; an older cursor is refused with 410.",
    query=ChangesQuerySerializer,
    answers={200: (ChangesPageSerializer, {"items": [CHANGE], "nextCursor": "WzE3XQ"})},
    refusals=[invalid(after=INVALID_CURSOR), ChangesExpired],
)
