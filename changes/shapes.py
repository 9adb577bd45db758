"""The JSON of changes."""

from typing import Any

from changes.queries import Item
from kit.web.fields import utc_text


def item(item: Item) -> dict[str, Any]:
    """Return a change with the keys of ItemSerializer."""
    return {
        "type": item.type,
        "id": item.id,
        "action": item.action,
        "version": item.version,
        "at": utc_text(item.at),
        "by": item.by and {"id": item.by.id, "name": item.by.name},
        "door": item.door,
    }
