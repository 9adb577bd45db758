"""Check-ins: every scan of an e-ticket that is valid."""

from typing import Self

import pgtrigger
from django.db import models
from django.db.models import Count, Func, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from accounts.models import User
from events.models.booking import Booking
from events.models.event import Event
from kit.db.triggers import refuse_truncate, trigger

MAX_DEVICE = 100
MAX_NONCE = 100


class Outcome(models.TextChoices):
    """What became of a scan."""

    ADMITTED = "admitted"
    # The seat was taken, so nobody was let in.
    REPEATED = "already_checked_in", "already checked in"
    UNDONE = "undone"


class CheckInQuerySet(models.QuerySet["CheckIn"]):
    def valid(self) -> Self:
        """Select the check-ins that take a seat now."""
        return self.filter(earlier=None, undone_at=None)


class CheckIn(models.Model):
    """A scan of a valid e-ticket, or a seat that staff checked in by name.

    The first of a seat admits its guest. Later ones, which name the `earlier` one, are kept as a log.
    """

    # In the database, they are one foreign key, `check_in_of_booking`: to a booking of this event.
    event = models.ForeignKey(
        Event, on_delete=models.PROTECT, related_name="check_ins", db_index=False, db_constraint=False
    )
    booking = models.ForeignKey(
        Booking, on_delete=models.PROTECT, related_name="check_ins", db_index=False, db_constraint=False
    )
    seat = models.IntegerField()
    # When it was scanned, according to a device that may have been offline; then when the server learned of it.
    at = models.DateTimeField()
    received_at = models.DateTimeField(db_default=Func(function="clock_timestamp"))
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="check_ins")
    device = models.CharField(max_length=MAX_DEVICE, blank=True, db_default="")
    # The device's own name for the scan, so that it can be sent again.
    nonce = models.CharField(max_length=MAX_NONCE, null=True)  # noqa: DJ001  Unique, unless there is none.
    earlier = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="repetitions", db_index=False)
    undone_at = models.DateTimeField(null=True)
    # Null if the seat was cancelled.
    undone_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="undone_check_ins")

    objects = CheckInQuerySet.as_manager()

    class Meta:
        verbose_name = "check-in"
        indexes = [models.Index(fields=["event", "-id"], name="check_in_event")]
        constraints = [
            # At most one guest on each seat. Also the index that counts the guests of an event.
            models.UniqueConstraint(
                fields=["event", "booking", "seat"],
                condition=Q(earlier__isnull=True, undone_at__isnull=True),
                name="check_in_once",
            ),
            models.UniqueConstraint(fields=["event", "nonce"], condition=Q(nonce__isnull=False), name="check_in_nonce"),
            models.CheckConstraint(condition=Q(seat__gte=1), name="check_in_seat"),
            models.CheckConstraint(
                condition=Q(undone_by__isnull=True) | Q(undone_at__isnull=False), name="check_in_undone"
            ),
            # A repetition lets nobody in, so there is nothing to undo.
            models.CheckConstraint(
                condition=Q(earlier__isnull=True) | Q(undone_at__isnull=True), name="check_in_repetition_stays"
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="keep_check_ins", operation=pgtrigger.Delete),
            refuse_truncate("keep_all_check_ins"),
            pgtrigger.ReadOnly(
                name="keep_scan",
                fields=["id", "event", "booking", "seat", "at", "received_at", "by", "device", "nonce", "earlier"],
            ),
            pgtrigger.Protect(
                name="stay_undone", operation=pgtrigger.Update, condition=pgtrigger.Q(old__undone_at__isnull=False)
            ),
            trigger(
                "events/admit_valid",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Condition("NEW.earlier_id IS NULL AND NEW.undone_at IS NULL"),
            ),
        ]

    def __str__(self) -> str:
        return f"seat {self.seat} of booking #{self.booking_id}"

    @property
    def outcome(self) -> Outcome:
        """Return what sql/parts/check_in_shown.sql shows."""
        if self.earlier_id is not None:
            return Outcome.REPEATED
        return Outcome.ADMITTED if self.undone_at is None else Outcome.UNDONE


def seats_checked_in() -> Coalesce:
    """Return the number of seats that are checked in, to annotate bookings with."""
    taken = CheckIn.objects.valid().filter(event=OuterRef("event"), booking=OuterRef("pk"))
    return Coalesce(Subquery(taken.values("booking").annotate(seats=Count("*")).values("seats")), 0)
