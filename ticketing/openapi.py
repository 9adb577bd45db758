"""Settings of drf-spectacular, which writes the OpenAPI description."""

from typing import Any

SETTINGS: dict[str, Any] = {
    "TITLE": "Ticketing",
    "DESCRIPTION": "A help desk (users, projects, tickets, comments) and a box office (events, bookings).\n\n"
    "All errors are `application/problem+json` (RFC 9457). Each call lists those that it can return. In addition, an "
    "unknown path is a 404, a method that the path does not have a 405 (with `Allow`), and a URL or headers that are "
    "too long are a 414 or a 431.",
    "VERSION": "1.0.0",
    "CONTACT": {"name": "The Ticketing authors"},
    "LICENSE": {"name": "MIT License", "identifier": "MIT"},
    # Relative to the address that the document was loaded from.
    "SERVERS": [{"url": "/"}],
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "TAGS": [
        {"name": "accounts", "description": "Users, sign-in, tokens and API keys."},
        {"name": "projects", "description": "Group tickets and decide who may see them."},
        {"name": "tickets", "description": "Tickets, assignments and comments."},
        {"name": "events", "description": "Events, bookings, the waiting list and check-in."},
        {"name": "changes", "description": "What has changed, in order, for clients that keep a copy."},
        {"name": "webhooks", "description": "Tell other systems about changes."},
        {"name": "analytics", "description": "Statistics."},
        {"name": "ticketing", "description": "The server itself."},
    ],
    "COMPONENT_SPLIT_REQUEST": True,
    # Calls with PATCH have their own serializers.
    "COMPONENT_SPLIT_PATCH": False,
    # Enums with a name are one type in generated clients, wherever they are used.
    "ENUM_NAME_OVERRIDES": {
        "ApiKeyScope": "accounts.models.KeyScope",
        "BookingStatus": "events.models.BookingStatus",
        "CheckInOutcome": "events.models.Outcome",
        "ChangeAction": "changes.models.Action",
        "ChangeDoor": "tickets.serializers.DOORS",
        "ChangeType": "changes.models.ChangeType",
        "ChangedOrdering": "kit.activity.lists.ORDERINGS",
        "DeliveryStatus": "webhooks.models.DeliveryStatus",
        "EventOrdering": "events.serializers.ORDERINGS",
        "EventStatus": "events.models.EventStatus",
        "EventStatusToSet": "events.serializers.STATUSES_TO_SET",
        "ProjectVisibility": "projects.models.Visibility",
        "SlaState": "sla.models.SlaState",
        "TicketOrdering": "tickets.serializers.ORDERINGS",
        "TicketPriority": "sla.models.Priority",
        "TicketQueue": "tickets.models.Queue",
        "TicketSlaFilter": "tickets.queries.SLA_STATES",
        "TicketStatus": "tickets.models.Status",
        "UserType": "accounts.models.UserType",
        "WebhookStatus": "webhooks.models.WebhookStatus",
        "WebhookStatusToSet": "webhooks.serializers.STATUSES_TO_SET",
    },
    "CAMELIZE_NAMES": True,
    "SORT_OPERATIONS": False,
    "POSTPROCESSING_HOOKS": [
        "kit.openapi.schema.add_headers",
        "kit.openapi.schema.simplify_models",
        "kit.openapi.schema.sort_methods",
        "webhooks.event_docs.add_webhooks",
    ],
}
