"""OpenAPI descriptions of what a webhook's receiver gets: `webhooks` in the schema."""

from typing import Any

from accounts import examples as account_examples
from events import examples as event_examples
from projects.docs import PROJECT
from tickets import examples as ticket_examples
from webhooks.docs import WEBHOOK
from webhooks.models import EVENTS, TEST_EVENT

Schema = dict[str, Any]

# The kinds of objects, by the first part of an event's name: the schema of each, and an example.
OBJECTS: dict[str, tuple[str, Schema]] = {
    "ticket": ("Ticket", ticket_examples.TICKET),
    "booking": ("Booking", event_examples.BOOKING),
    "event": ("Event", event_examples.EVENT),
    "project": ("Project", PROJECT),
    "user": ("User", account_examples.USER),
    "webhook": ("Webhook", WEBHOOK),
}
SUMMARIES = {
    "ticket.created": "A ticket was created",
    "ticket.updated": "A ticket or its assignees changed",
    "ticket.commented": "Someone commented on a ticket",
    "ticket.merged": "A ticket was merged into another one",
    "booking.confirmed": "A booking was made and got seats",
    "booking.waiting": "A booking was made and is on the waiting list",
    "booking.promoted": "A waiting booking got seats",
    "booking.changed": "A booking lost some of its seats",
    "booking.cancelled": "A booking lost all of its seats",
    "event.created": "An event was created",
    "event.updated": "An event changed",
    "event.cancelled": "An event was cancelled",
    "event.deleted": "An event was deleted",
    "project.created": "A project was created",
    "project.updated": "A project changed",
    "project.deleted": "A project was deleted",
    "user.created": "A user was created",
    "user.updated": "A user changed",
    "user.deactivated": "A user was deactivated",
    "user.deleted": "A user was deleted",
    TEST_EVENT: "An admin sent a test",
}
# What `data` has in addition to the object, and an example.
ADDED: dict[str, tuple[Schema, Any]] = {
    "ticket.commented": (
        {"comment": {"anyOf": [{"$ref": "#/components/schemas/Comment"}, {"type": "null"}]}},
        {"comment": ticket_examples.COMMENT},
    ),
    "ticket.merged": (
        {"mergedInto": {"type": "integer", "description": "The ID of the other ticket."}},
        {"mergedInto": 12},
    ),
}
DELETED: Schema = {
    "type": "object",
    "description": "The object has been deleted.",
    "properties": {"id": {"type": "integer"}, "deleted": {"type": "boolean", "const": True}},
    "required": ["id", "deleted"],
}
PARAMETERS: dict[str, Schema] = {
    "webhook-id": {
        "description": "Identifies the delivery. It is the same each time the delivery is sent: ignore one that you "
        "have seen.",
        "schema": {"type": "string"},
        "example": "msg_0b6f5c0e7d0f4d7a9a573c1c9c2f8e11",
    },
    "webhook-timestamp": {
        "description": "When the delivery was sent, in seconds since 1970. Refuse one that is more than a few "
        "minutes old.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
        "example": "1719856801",
    },
    "webhook-signature": {
        "description": "`v1,` and the HMAC-SHA256, in base64, of the id, the timestamp and the body with dots between "
        "them. If there are several, separated by spaces, one that matches is enough.",
        "schema": {"type": "string"},
        "example": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    },
}
FAILURE = {"description": "A failure, as is no response. The delivery is retried for three days."}
RESPONSES: Schema = {
    "2XX": {"description": "Accepted. Reply within 15 seconds, and do the work afterwards."},
    "3XX": {"description": "A failure: redirects are not followed."},
    "410": {"description": "Ends the subscription."},
    "4XX": FAILURE,
    "5XX": FAILURE,
}
MORE = "Sent as the Standard Webhooks specification says. Check the signature before trusting the body."


def add_webhooks(result: Schema, **_: Any) -> Schema:
    """Describe the delivery about each event (a drf-spectacular postprocessing hook)."""
    result["components"]["parameters"] = {
        name: {"name": name, "in": "header", "required": True, **rest} for name, rest in PARAMETERS.items()
    }
    result["webhooks"] = {event: {"post": _delivery(event)} for event in (*EVENTS, TEST_EVENT)}
    return result


def _delivery(event: str) -> Schema:
    kind, action = event.split(".")
    schema, example = _data(event)
    return {
        "operationId": f"on{kind.title()}{action.title()}",
        "summary": SUMMARIES[event],
        "description": MORE,
        "tags": ["webhooks"],
        "security": [],
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in PARAMETERS],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "type": {"type": "string", "const": event},
                            "timestamp": {
                                "type": "string",
                                "format": "date-time",
                                "description": "When the change was made.",
                            },
                            "data": schema,
                        },
                        "required": ["type", "timestamp", "data"],
                    },
                    "examples": {
                        SUMMARIES[event]: {
                            "value": {"type": event, "timestamp": "2024-07-01T18:00:00Z", "data": example}
                        }
                    },
                }
            },
        },
        "responses": RESPONSES,
    }


def _data(event: str) -> tuple[Schema, Schema]:
    """Return the schema of `data`, and an example. The object is sent as it is now, so it may have been deleted."""
    kind, action = event.split(".")
    name, example = OBJECTS[kind]
    if action == "deleted":
        return DELETED, {"id": example["id"], "deleted": True}
    schema: Schema = {"$ref": f"#/components/schemas/{name}"}
    if event in ADDED:
        properties, more = ADDED[event]
        schema = {"allOf": [schema, {"type": "object", "properties": properties, "required": [*properties]}]}
        example = example | more
    # Tickets and bookings are never deleted.
    return (schema if kind in ("ticket", "booking", "webhook") else {"anyOf": [schema, DELETED]}), example
