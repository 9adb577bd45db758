"""Example requests and responses for docs.py."""

from typing import Any

CODE = "3XGN-8H0S-QY7W-1R5T-KBZD-4E9M-C6PV"
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
REISSUED_BOOKING: dict[str, Any] = BOOKING | {"version": 2}
TICKET_PAGE: dict[str, Any] = {
    "items": [
        {"seat": 1, "code": CODE, "checkedInAt": "2099-08-01T17:42:10Z"},
        {"seat": 2, "code": "Z8VW-93TH-6B2N-0QKD-7XJR-4M1E-YCGP", "checkedInAt": None},
    ],
    "nextCursor": None,
}
NEW_CHECK_IN: dict[str, Any] = {"code": CODE, "device": "North door", "nonce": "b7f1c2"}
CHECKED_IN: dict[str, Any] = {
    "id": 408,
    "booking": 31,
    "seat": 1,
    "quantity": 2,
    "holder": "Olga Owner",
    "checkedInAt": "2099-08-01T17:42:10Z",
}
CHECK_IN: dict[str, Any] = CHECKED_IN | {
    "device": "North door",
    "outcome": "admitted",
    "by": {"id": 4, "name": "Agnes Agent"},
    "undoneAt": None,
    "undoneBy": None,
}
REPEATED: dict[str, Any] = CHECK_IN | {
    "id": 409,
    "checkedInAt": "2099-08-01T17:44:02Z",
    "outcome": "already_checked_in",
}
CHECK_IN_PAGE: dict[str, Any] = {"items": [REPEATED, CHECK_IN], "nextCursor": None, "checkedIn": 1, "expected": 12}
ADMISSION_PAGE: dict[str, Any] = {
    "items": [
        {
            "booking": 31,
            "seat": 1,
            "holder": "Olga Owner",
            "checkedInAt": "2099-08-01T17:42:10Z",
            "sha256": ["2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"],
        },
    ],
    "nextCursor": None,
}
EXPORT = (
    "id,event,user,guestFirstName,guestLastName,guestEmail,quantity,cancelled,status,position,unitPrice,currency,createdAt\r\n"
    "12,5,,Greta,Guest,greta@example.com,2,0,waiting,3,25,EUR,2026-05-20T09:30:00Z\r\n"
)
