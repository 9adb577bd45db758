"""The ledger: every movement of every booking."""

import pgtrigger
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Func

from events.models.booking import Booking
from events.models.event import Event
from kit.db.checks import RowConstraint
from kit.db.triggers import refuse_truncate


class EntryKind(models.TextChoices):
    """What happened to a booking."""

    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    PROMOTED = "promoted"
    # By an admin, who may pass others on the waiting list.
    BY_HAND = "by-hand", "promoted by hand"
    CANCELLED = "cancelled"


class BookingEntry(models.Model):
    """One movement of a booking, written by triggers. The entries of an event add up to its inventory."""

    # In the database, they are one foreign key, `booking_entry_of_booking`: to a booking of this event.
    event = models.ForeignKey(
        Event, on_delete=models.PROTECT, related_name="entries", db_index=False, db_constraint=False
    )
    booking = models.ForeignKey(
        Booking, on_delete=models.PROTECT, related_name="entries", db_index=False, db_constraint=False
    )
    at = models.DateTimeField(db_default=Func(function="clock_timestamp"))
    kind = models.CharField(max_length=10, choices=EntryKind.choices)
    # Seats concerned; then the change in seats sold, in waiting bookings and in revenue.
    quantity = models.IntegerField()
    seats = models.IntegerField()
    waiting = models.SmallIntegerField()
    # Large enough for MAX_CAPACITY times MAX_PRICE.
    amount = models.DecimalField(max_digits=16, decimal_places=2)

    class Meta:
        verbose_name_plural = "booking entries"
        indexes = [
            models.Index(fields=["booking", "id"], name="booking_entry_booking"),
            # Covers the totals of an event at any time without reading the table.
            models.Index(
                fields=["event", "at"],
                include=["kind", "quantity", "seats", "waiting", "amount"],
                name="booking_entry_event",
            ),
            # Entries are appended in order of time, so a few kilobytes of BRIN index are enough.
            BrinIndex(fields=["at"], name="booking_entry_at"),
        ]
        constraints = [
            RowConstraint(function="events_entry_is_valid", table="events_bookingentry", name="booking_entry_valid"),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            refuse_truncate("keep_all_entries"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of booking #{self.booking_id}"
