"""Example requests and responses for docs.py."""

from typing import Any

NEW_EVENT: dict[str, Any] = {
    "name": "Jazz in the park",
    "description": "Three bands and the night sky.",
    "venue": "Botanical Garden",
    "timezone": "Europe/Berlin",
    "startsAt": "2099-08-01T20:00:00+02:00",
    "endsAt": "2099-08-01T23:00:00+02:00",
    "capacity": 120,
    "withheld": 10,
    "price": 25,
    "currency": "EUR",
}
EVENT: dict[str, Any] = {
    "id": 5,
    "name": "Jazz in the park",
    "description": "Three bands and the night sky.",
    "venue": "Botanical Garden",
    "timezone": "Europe/Berlin",
    "startsAt": "2099-08-01T18:00:00Z",
    "endsAt": "2099-08-01T21:00:00Z",
    "bookingsCloseAt": "2099-08-01T18:00:00Z",
    "capacity": 120,
    "withheld": 10,
    "price": 25,
    "currency": "EUR",
    "maxPerBooking": 10,
    "status": "published",
    "available": 110,
    "waiting": 0,
    "createdBy": 1,
    "createdAt": "2024-07-01T18:00:00Z",
    "version": 1,
}
EVENT_PAGE: dict[str, Any] = {"items": [EVENT], "nextCursor": None}
EVENT_PATCH: dict[str, Any] = {"capacity": 150, "venue": "Open-Air Park"}
REPLACED_EVENT: dict[str, Any] = {
    "name": "Jazz in the park",
    "startsAt": "2099-08-01T18:00:00Z",
    "capacity": 150,
    "price": 25,
}
CHANGED_EVENT: dict[str, Any] = EVENT | {"capacity": 150, "venue": "Open-Air Park", "available": 140, "version": 3}
CANCELLED_EVENT: dict[str, Any] = CHANGED_EVENT | {"status": "cancelled", "version": 4}
AVAILABILITY: dict[str, Any] = {"event": 5, "capacity": 120, "available": 108, "waiting": 0}

NEW_BOOKING: dict[str, Any] = {
    "quantity": 2,
    "joinWaitlist": True,
    "guest": {"firstName": "Greta", "lastName": "Guest", "email": "greta@example.com"},
}
BOOKING: dict[str, Any] = {
    "id": 31,
    "event": 5,
    "user": 2,
    "guest": None,
    "quantity": 2,
    "cancelled": 0,
    "status": "confirmed",
    "position": None,
    "unitPrice": 25,
    "createdAt": "2024-07-02T09:30:00Z",
    "version": 1,
}
WAITING_BOOKING: dict[str, Any] = BOOKING | {
    "id": 32,
    "user": None,
    "guest": NEW_BOOKING["guest"],
    "status": "waiting",
    "position": 3,
}
BOOKING_DETAIL: dict[str, Any] = BOOKING | {"reason": None}
BOOKING_PAGE: dict[str, Any] = {"items": [BOOKING, WAITING_BOOKING], "nextCursor": None}
CANCELLATION: dict[str, Any] = {"tickets": 1}
CANCELLED_BOOKING: dict[str, Any] = BOOKING | {"cancelled": 1, "version": 2}
EXPORT = (
    "id,event,user,guestFirstName,guestLastName,guestEmail,quantity,cancelled,status,position,unitPrice,currency,createdAt\r\n"
    "12,5,,Greta,Guest,greta@example.com,2,0,waiting,3,25,EUR,2026-05-20T09:30:00Z\r\n"
)
