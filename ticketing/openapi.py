"""Settings of drf-spectacular, which writes the OpenAPI description."""

from typing import Any

SETTINGS: dict[str, Any] = {
    "TITLE": "Ticketing",
    "DESCRIPTION": "A help desk (users, projects, tickets, comments) and a box office (events, bookings).\n\n"
    "All errors are `application/problem+json` (RFC 9457). Those that a described call can answer are listed with it. "
    "Others are 404 for an unknown path, 405 (with `Allow`) for a method that the path does not have, 414 for a URL "
    "and 431 for headers that are too long.",
    "VERSION": "1.0.0",
    "CONTACT": {"name": "The Ticketing authors"},
    "LICENSE": {"name": "MIT License", "identifier": "MIT"},
    # Wherever the document was loaded from.
    "SERVERS": [{"url": "/"}],
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "TAGS": [
        {"name": "accounts", "description": "Users, sign-in and tokens."},
        {"name": "projects", "description": "Group tickets and decide who may see them."},
        {"name": "tickets", "description": "Tickets, assignments and comments."},
        {"name": "events", "description": "Events, bookings and the waiting list."},
        {"name": "analytics", "description": "Statistics."},
        {"name": "ticketing", "description": "The server itself."},
    ],
    "COMPONENT_SPLIT_REQUEST": True,
    # PATCH has serializers of its own.
    "COMPONENT_SPLIT_PATCH": False,
    # Enums with a name are one type in generated clients, wherever they are used.
    "ENUM_NAME_OVERRIDES": {
        "BookingStatus": "events.models.BookingStatus",
        "EventOrdering": "events.serializers.ORDERINGS",
        "EventStatus": "events.models.EventStatus",
        "EventStatusToSet": "events.serializers.STATUSES_TO_SET",
        "ProjectVisibility": "projects.models.Visibility",
        "SlaState": "sla.models.SlaState",
        "TicketOrdering": "tickets.serializers.ORDERINGS",
        "TicketPriority": "sla.models.Priority",
        "TicketSlaFilter": "tickets.queries.SLA_STATES",
        "TicketStatus": "tickets.models.Status",
        "UserType": "accounts.models.UserType",
    },
    "CAMELIZE_NAMES": True,
    "SORT_OPERATIONS": False,
    "POSTPROCESSING_HOOKS": [
        "kit.openapi.schema.add_headers",
        "kit.openapi.schema.simplify_models",
        "kit.openapi.schema.sort_methods",
    ],
}
