"""Example responses for docs.py. Those of the ticket analytics are document 000's samples."""

from typing import Any

COUNTS: dict[str, Any] = {
    "totalTickets": 50,
    "closedTickets": 30,
    "openTickets": 15,
    "inProgressTickets": 5,
    "priorityDistribution": {"low": 10, "medium": 20, "high": 20},
    "typeDistribution": {"concert": 20, "conference": 15, "sports": 15},
}
TICKET_ANALYTICS: dict[str, Any] = COUNTS | {
    "tickets": [
        {
            "id": 2,
            "title": "Ticket Title 2",
            "status": "in-progress",
            "priority": "medium",
            "type": "conference",
            "venue": "Venue 2",
            "createdDate": "2024-07-05T18:00:00Z",
            "createdBy": 3,
        },
        {
            "id": 1,
            "title": "Ticket Title 1",
            "status": "closed",
            "priority": "high",
            "type": "concert",
            "venue": "Venue 1",
            "createdDate": "2024-07-01T18:00:00Z",
            "createdBy": 2,
        },
    ],
    "nextCursor": None,
}
DASHBOARD: dict[str, Any] = {
    "totalTickets": 50,
    "closedTickets": 30,
    "openTickets": 15,
    "averageCustomerSpending": 500,
    "AverageTicketsBookedPerDay": 100,
    "inProgressTickets": 5,
    "priorityDistribution": {
        "low": 10,
        "averageLowTicketsBookedPerDay": 1.2,
        "medium": 20,
        "averageMediumTicketsBookedPerDay": 2,
        "high": 20,
        "AverageHighTicketsBookedPerDay": 2,
    },
    "typeDistribution": COUNTS["typeDistribution"],
}

BOX_OFFICE: dict[str, Any] = {
    "sold": 42,
    "cancelled": 2,
    "held": 40,
    "waiting": 3,
    "money": [{"currency": "EUR", "revenue": 1000, "refunded": 50}],
    "days": [
        {
            "sold": 42,
            "cancelled": 2,
            "held": 40,
            "waiting": 3,
            "money": [{"currency": "EUR", "revenue": 1000, "refunded": 50}],
            "date": "2026-05-20",
        }
    ],
    "events": [
        {
            "sold": 42,
            "cancelled": 2,
            "currency": "EUR",
            "revenue": 1000,
            "refunded": 50,
            "held": 40,
            "waiting": 3,
            "event": 5,
            "name": "Jazz in the park",
            "startsAt": "2026-06-20T18:00:00Z",
            "capacity": 50,
            "forSale": 40,
            "fill": 1,
        }
    ],
    "nextCursor": None,
}
