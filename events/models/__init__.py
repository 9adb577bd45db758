"""Events, how many seats they have left, who has booked, who is waiting and who is in.

Triggers keep the numbers: whatever changes a booking also updates the event's inventory, writes the ledger and promotes
from the waiting list. services.py decides who gets which seats.
"""

from events.models.booking import Booking, BookingQuerySet, BookingStatus, Holder
from events.models.check_in import MAX_DEVICE, MAX_NONCE, CheckIn, CheckInQuerySet, Outcome, seats_checked_in
from events.models.event import ENDS_TOO_EARLY, MAX_PER_BOOKING, MAX_PRICE, Event, EventQuerySet, EventStatus, Origin
from events.models.inventory import IS_NOT_ENTERED, MAX_CAPACITY, Inventory, InventoryQuerySet
from events.models.ledger import BookingEntry, EntryKind

__all__ = [
    "ENDS_TOO_EARLY",
    "IS_NOT_ENTERED",
    "MAX_CAPACITY",
    "MAX_DEVICE",
    "MAX_NONCE",
    "MAX_PER_BOOKING",
    "MAX_PRICE",
    "Booking",
    "BookingEntry",
    "BookingQuerySet",
    "BookingStatus",
    "CheckIn",
    "CheckInQuerySet",
    "EntryKind",
    "Event",
    "EventQuerySet",
    "EventStatus",
    "Holder",
    "Inventory",
    "InventoryQuerySet",
    "Origin",
    "Outcome",
    "seats_checked_in",
]
