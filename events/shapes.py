"""The JSON of events and bookings, from rows that have its keys already, and prices in JSON (sql/parts)."""

from typing import Any

from orjson import Fragment

from events.queries import Row
from events.services import Scan
from kit.web.fields import plain_number, utc_text


def event(row: Row) -> Row:
    """Return an event: the keys of EventSerializer."""
    for name in ("place", "updatedAt"):
        row.pop(name, None)
    row["price"] = Fragment(row["price"])
    return row


def booking(row: Row) -> Row:
    """Return an item of a list: the keys of BookingSerializer."""
    guest = {"firstName": row["guestFirstName"], "lastName": row["guestLastName"], "email": row["guestEmail"]}
    return {
        "id": row["id"],
        "event": row["event"],
        "user": row["user"],
        "guest": guest if row["user"] is None else None,
        "quantity": row["quantity"],
        "cancelled": row["cancelled"],
        "status": row["status"],
        "position": row["position"],
        "unitPrice": Fragment(row["unitPrice"]),
        "createdAt": row["createdAt"],
        "version": row["version"],
    }


def booking_detail(row: Row) -> Row:
    """Return a single booking: the keys of BookingDetailSerializer."""
    return booking(row) | {"reason": _reason(row)}


def flat_booking(row: Row) -> Row:
    """Return a row of an export, which is an item of the list, flattened."""
    return {name: value for name, value in row.items() if name != "version"}


def new_booking(made: Row) -> Row:
    """Return what `services.book_as_row` has returned as `booking_detail` does, without reading it again."""
    return booking_detail(
        {
            "id": made["id"],
            "event": made["event_id"],
            "user": made["user_id"],
            "guestFirstName": made["guest_first_name"],
            "guestLastName": made["guest_last_name"],
            "guestEmail": made["guest_email"],
            "quantity": made["quantity"],
            "cancelled": made["cancelled"],
            "status": made["status"],
            "position": None if made["ahead"] is None else made["ahead"] + 1,
            "unitPrice": str(plain_number(made["unit_price"])),
            "createdAt": utc_text(made["created_at"]),
            "version": made["version"],
        }
    )


def ticket(row: Row) -> Row:
    """Return an item of the list: the keys of TicketSerializer."""
    return {"seat": row["seat"], "code": row["code"], "checkedInAt": row["checkedInAt"]}


def scan(made: Scan) -> Row:
    """Return a check-in that `services.check_in` has just recorded: the keys of CheckInAnswerSerializer."""
    return {
        "id": made.id,
        "booking": made.booking_id,
        "seat": made.seat,
        "quantity": made.quantity,
        "holder": made.holder,
        "checkedInAt": utc_text(made.checked_in_at),
    }


def admission(row: Row) -> Row:
    """Return an item of the list: the keys of AdmissionSerializer."""
    return {name: value for name, value in row.items() if name != "revision"}


def _reason(row: dict[str, Any]) -> str | None:
    """Explain why the booking is waiting, or return None if it is not."""
    if row["position"] is None:
        return None
    ahead = row["position"] - 1
    if ahead:
        return f"{ahead} booking{'s are' if ahead > 1 else ' is'} ahead"
    left = row["quantity"] - row["cancelled"]
    return f"Fewer than {left} tickets are left" if left > 1 else "No tickets are left"
