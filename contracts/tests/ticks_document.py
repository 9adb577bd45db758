"""Literal examples from document 003, and functions that read its responses."""

import re
from typing import Any

from events.models import Event

# The request bodies in the document's examples.
PERSON = {"username": "divinealph", "email": "divinealph@example.com", "password": "securePassword123"}
CONCERT = {"name": "Concert", "date": "2024-12-01", "totalTickets": 100, "availableTickets": 100}
BOOKING = {
    "eventId": "3",
    "firstName": "Divine",
    "lastName": "Alphonsus",
    "email": "divinealph@example.com",
    "ticketsReserved": "10",
}
CREATED, WAITLISTED = "Booking created successfully.", "Tickets are sold out; you are on the waitlist."
NOT_ENOUGH = "Not enough tickets available to fulfill your request."
INVALID_NUMBER = "Please specify a valid number of tickets to cancel."
MILLISECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def read_success(response: Any) -> tuple[int, str, Any]:
    """Return the status, the message and the data of a success."""
    body = response.json()
    assert response["Content-Type"] == "application/json"
    assert body["error"] is False, body
    assert set(body) <= {"message", "data", "error"}
    return response.status_code, body["message"], body.get("data")


def read_failure(response: Any) -> tuple[int, str]:
    """Return the status and the message of a failure."""
    body = response.json()
    assert response["Content-Type"] == "application/json"
    assert set(body) == {"message", "error"}
    assert body["error"] is True
    assert body["message"].endswith(".")
    assert not body["message"].endswith("..")
    return response.status_code, body["message"]


def booking_body(event: Event | int, quantity: Any = 1, **changes: Any) -> dict[str, Any]:
    """Return the document's booking request for this event and quantity."""
    event_id = event if isinstance(event, int) else event.pk
    return BOOKING | {"eventId": event_id, "ticketsReserved": quantity} | changes


def available_and_waiting(event: Event) -> tuple[int, int]:
    """Return the number of available tickets and of waiting bookings."""
    event.inventory.refresh_from_db()
    return event.inventory.available, event.inventory.waiting
