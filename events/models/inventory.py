"""The seats of an event."""

from typing import Self

import pgtrigger
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from events.models.event import Event
from kit.db.checks import RowConstraint
from kit.db.triggers import refuse_truncate, trigger

MAX_CAPACITY = 1_000_000
# The function events_book is not entering the booking itself (sql/functions/book.sql).
IS_NOT_ENTERED = "NOT events_is_entering()"


class InventoryQuerySet(models.QuerySet["Inventory"]):
    def locked(self) -> Self:
        """Lock the rows until the transaction ends. Every change of an event's bookings takes this lock first."""
        return self.select_for_update(no_key=True)


class Inventory(models.Model):
    """The seats of an event. The constraint `inventory_seats_fit` guarantees that nothing is ever oversold.

    A separate, narrow table because every booking of the event updates the row. PostgreSQL parses every constraint and
    every trigger's condition anew for each statement, so no constraint repeats another, and conditions are short.
    """

    event = models.OneToOneField(Event, on_delete=models.CASCADE, primary_key=True, related_name="inventory")
    capacity = models.IntegerField(validators=[MinValueValidator(1), MaxValueValidator(MAX_CAPACITY)])
    withheld = models.IntegerField(
        default=0, validators=[MinValueValidator(0)], help_text="Seats that are not for sale."
    )
    # Sums over the bookings: seats sold, and the number of waiting bookings (not seats). Only triggers change them.
    confirmed = models.IntegerField(default=0, editable=False)
    waiting = models.IntegerField(default=0, editable=False)
    # The last queue number that was issued.
    last_queue_number = models.BigIntegerField(default=0, editable=False)
    version = models.BigIntegerField(default=1, editable=False)

    objects = InventoryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "inventories"
        constraints = [
            RowConstraint(function="events_inventory_is_valid", table="events_inventory", name="inventory_seats_fit"),
        ]
        triggers = [
            # All writers lock this row and check against it, so it must stay with its event.
            pgtrigger.ReadOnly(name="keep_event", fields=["event"]),
            trigger(
                "events/keep_inventory",
                when=pgtrigger.Before,
                operation=pgtrigger.Delete,
            ),
            refuse_truncate("keep_all_inventories"),
            trigger(
                "events/begin_empty",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Condition("NEW.confirmed <> 0 OR NEW.waiting <> 0 OR NEW.last_queue_number <> 0"),
            ),
            trigger(
                "events/move_version",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                # events_book moves it itself, which spares it the trigger.
                condition=pgtrigger.Condition(IS_NOT_ENTERED),
            ),
            trigger(
                "events/keep_counts",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("confirmed", "waiting", "last_queue_number"),
                condition=pgtrigger.Condition(IS_NOT_ENTERED),
            ),
            trigger(
                "events/keep_enough_for_waiting",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("capacity"),
                condition=pgtrigger.Condition("NEW.waiting > 0 AND NEW.capacity < OLD.capacity"),
            ),
            trigger(
                "events/move_event_version",
                when=pgtrigger.After,
                operation=pgtrigger.UpdateOf("capacity", "withheld"),
                condition=pgtrigger.AnyChange("capacity", "withheld"),
            ),
            trigger(
                "events/promote",
                when=pgtrigger.After,
                operation=pgtrigger.UpdateOf("capacity", "withheld"),
                condition=pgtrigger.Condition("NEW.capacity - NEW.withheld > OLD.capacity - OLD.withheld"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.confirmed} of {self.for_sale} seats sold, {self.waiting} waiting"

    @property
    def for_sale(self) -> int:
        return self.capacity - self.withheld

    @property
    def available(self) -> int:
        """Return the unsold seats, even if the head of the waiting list asks for more."""
        return self.for_sale - self.confirmed
