"""Events and bookings in the admin. All changes go through the services, as in the API; the ledger is read-only."""

from events.admin.booking import BookingAdmin
from events.admin.event import EventAdmin

__all__ = ["BookingAdmin", "EventAdmin"]
