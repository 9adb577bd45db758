"""Events, how many seats they have left, who has booked and who is waiting.

Triggers keep the numbers: whatever changes a booking also updates the event's inventory, writes the ledger and promotes
from the waiting list. services.py decides who gets which seats.
"""

from events.models.booking import Booking, BookingQuerySet, BookingStatus, Holder
from events.models.event import ENDS_TOO_EARLY, MAX_PER_BOOKING, MAX_PRICE, Event, EventQuerySet, EventStatus, Origin
from events.models.inventory import IS_NOT_ENTERED, MAX_CAPACITY, Inventory, InventoryQuerySet
from events.models.ledger import BookingEntry, EntryKind

__all__ = [
    "ENDS_TOO_EARLY",
    "IS_NOT_ENTERED",
    "MAX_CAPACITY",
    "MAX_PER_BOOKING",
    "MAX_PRICE",
    "Booking",
    "BookingEntry",
    "BookingQuerySet",
    "BookingStatus",
    "EntryKind",
    "Event",
    "EventQuerySet",
    "EventStatus",
    "Holder",
    "Inventory",
    "InventoryQuerySet",
    "Origin",
]
