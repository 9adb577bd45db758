"""What can be booked: events, how many seats they have left, who booked and who waits.

The books are kept by triggers: whatever changes a booking moves the event's inventory, writes the ledger and lets the
next in the queue have the seats that it frees. Which booking gets what is decided in services.py.
"""

from datetime import datetime
from decimal import Decimal
from typing import Self

import pgtrigger
from django.contrib.postgres.indexes import BrinIndex
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Case, Count, F, Func, OuterRef, Q, Subquery, When
from django.db.models.functions import Coalesce, Trim
from django.db.models.lookups import Exact

from accounts.models import User
from kit.db.triggers import refuse_truncate, trigger

MAX_CAPACITY = 1_000_000
MAX_PRICE = Decimal("99999999.99")
MAX_PER_BOOKING = 10


class Origin(models.TextChoices):
    """What was used to make it."""

    API = "api", "API"
    BOX_OFFICE = "box-office", "box office (document 002)"
    TICKS = "ticks", "Ticks (document 003)"
    ADMIN = "admin", "admin"


class EventStatus(models.TextChoices):
    DRAFT = "draft"
    PUBLISHED = "published"
    CANCELLED = "cancelled"


class EventQuerySet(models.QuerySet["Event"]):
    def visible_to(self, user: User | None) -> Self:
        """The one definition of "visible": drafts are the admins' own; what was deleted nobody sees."""
        events = self.filter(deleted_at__isnull=True)
        return events if user and user.is_admin else events.exclude(status=EventStatus.DRAFT)

    def with_inventory(self) -> Self:
        """Fetch the numbers of seats along with the events."""
        return self.select_related("inventory")


class Event(models.Model):
    """Something to go to. Its seats are counted in its `inventory`."""

    name = models.CharField(max_length=255)
    description = models.TextField(blank=True, max_length=20_000)
    venue = models.CharField(max_length=255, blank=True)
    starts_at = models.DateTimeField()
    bookings_close_at = models.DateTimeField(null=True, blank=True, help_text="Empty: they never close by themselves.")
    price = models.DecimalField(
        max_digits=12, decimal_places=2, validators=[MinValueValidator(0), MaxValueValidator(MAX_PRICE)]
    )
    max_per_booking = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="Empty: as many as there are."
    )
    status = models.CharField(max_length=10, choices=EventStatus.choices, default=EventStatus.PUBLISHED)
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.API, editable=False)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="events", editable=False)
    created_at = models.DateTimeField(editable=False)
    updated_at = models.DateTimeField(editable=False)
    # Out of everybody's sight; the rows stay for the books.
    deleted_at = models.DateTimeField(null=True, editable=False)

    objects = EventQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="event_created_at"),
            models.Index(fields=["starts_at", "id"], name="event_starts_at"),
        ]
        constraints = [
            models.CheckConstraint(condition=~Exact(Trim("name"), ""), name="event_name"),
            models.CheckConstraint(condition=Q(price__range=(0, MAX_PRICE)), name="event_price"),
            models.CheckConstraint(
                condition=Q(max_per_booking__isnull=True) | Q(max_per_booking__gte=1), name="event_max_per_booking"
            ),
            models.CheckConstraint(condition=Q(status__in=EventStatus.values), name="event_status"),
            models.CheckConstraint(
                condition=Q(deleted_at__isnull=True) | Q(status=EventStatus.CANCELLED),
                name="event_deleted_is_cancelled",
            ),
        ]
        triggers = [
            trigger(
                "events/stay_cancelled",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__status="cancelled") & ~pgtrigger.Q(new__status="cancelled"),
            ),
            trigger(
                "events/keep_published",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__status="published", new__status="draft"),
            ),
            trigger(
                "events/cancel_bookings",
                when=pgtrigger.After,
                operation=pgtrigger.Update,
                condition=~pgtrigger.Q(old__status="cancelled") & pgtrigger.Q(new__status="cancelled"),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def is_closed(self, at: datetime) -> bool:
        """Whether its bookings have closed."""
        return self.bookings_close_at is not None and self.bookings_close_at <= at


class InventoryQuerySet(models.QuerySet["Inventory"]):
    def locked(self) -> Self:
        """Hold the rows until the transaction ends: whoever changes bookings of an event takes this lock first."""
        return self.select_for_update(no_key=True)


class Inventory(models.Model):
    """The seats of an event. `seats_fit` is the promise that nothing is ever oversold.

    A row apart and narrow, because it is what every booking of the event updates.
    """

    event = models.OneToOneField(Event, on_delete=models.CASCADE, primary_key=True, related_name="inventory")
    capacity = models.PositiveIntegerField(validators=[MinValueValidator(1), MaxValueValidator(MAX_CAPACITY)])
    withheld = models.PositiveIntegerField(default=0, help_text="Seats that are not for sale.")
    # What the bookings add up to: seats sold, and bookings (not seats) that wait. Kept by their triggers alone.
    confirmed = models.PositiveIntegerField(default=0, editable=False)
    waiting = models.PositiveIntegerField(default=0, editable=False)
    # The last that was given out in the queue.
    last_queue_number = models.PositiveBigIntegerField(default=0, editable=False)
    version = models.PositiveBigIntegerField(default=1, editable=False)

    objects = InventoryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "inventories"
        constraints = [
            models.CheckConstraint(condition=Q(capacity__range=(1, MAX_CAPACITY)), name="inventory_capacity"),
            models.CheckConstraint(
                condition=Q(confirmed__gte=0, withheld__gte=0, capacity__gte=F("confirmed") + F("withheld")),
                name="inventory_seats_fit",
            ),
        ]
        triggers = [
            # Without the row that all writers lock, and check against, nothing would be promised any more.
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
                condition=pgtrigger.AnyChange(exclude=["version"]),
            ),
            trigger(
                "events/keep_counts",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("confirmed", "waiting", "last_queue_number"),
                condition=pgtrigger.Condition(
                    "pg_trigger_depth() = 0 AND (NEW.confirmed, NEW.waiting, NEW.last_queue_number)"
                    " IS DISTINCT FROM (OLD.confirmed, OLD.waiting, OLD.last_queue_number)"
                ),
            ),
            trigger(
                "events/keep_wishes",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("capacity", "withheld"),
                condition=pgtrigger.Condition(
                    "NEW.waiting > 0 AND NEW.capacity - NEW.withheld < OLD.capacity - OLD.withheld"
                ),
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
        """Seats that nobody has, also while the first in the queue asks for more of them."""
        return self.for_sale - self.confirmed


class BookingStatus(models.TextChoices):
    CONFIRMED = "confirmed"
    WAITING = "waiting"
    CANCELLED = "cancelled"


class BookingQuerySet(models.QuerySet["Booking"]):
    def visible_to(self, user: User) -> Self:
        """The one definition of "visible": one's own; admins see all."""
        return self if user.is_admin else self.filter(user=user)

    def live(self) -> Self:
        return self.exclude(status=BookingStatus.CANCELLED)

    def queue(self) -> Self:
        """Those that wait, in the order in which they will be served (within an event)."""
        return self.filter(status=BookingStatus.WAITING).order_by("queue_number")

    def with_position(self) -> Self:
        """Tell of each that waits how many wait in front of it, by `ahead`. Costs as much as there are."""
        ahead = Booking.objects.filter(
            event=OuterRef("event"), status=BookingStatus.WAITING, queue_number__lt=OuterRef("queue_number")
        )
        number = Coalesce(Subquery(ahead.values("event").annotate(number=Count("*")).values("number")), 0)
        return self.annotate(ahead=Case(When(status=BookingStatus.WAITING, then=number)))


class Booking(models.Model):
    """Seats at an event for a user or a guest: held (`confirmed`), wished for (`waiting`) or neither (`cancelled`)."""

    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="bookings", db_index=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="bookings", db_index=False)
    guest_first_name = models.CharField(max_length=150, blank=True, db_default="")
    guest_last_name = models.CharField(max_length=150, blank=True, db_default="")
    guest_email = models.EmailField(max_length=254, blank=True, db_default="")
    # What was asked for, and how much of it was given up again.
    quantity = models.PositiveIntegerField()
    cancelled = models.PositiveIntegerField(db_default=0)
    status = models.CharField(max_length=10, choices=BookingStatus.choices)
    # The place in the event's queue, for those who had to wait. Numbers only grow.
    queue_number = models.PositiveBigIntegerField(null=True)
    # As the event's was on booking.
    unit_price = models.DecimalField(max_digits=12, decimal_places=2)
    origin = models.CharField(max_length=10, choices=Origin.choices)
    created_at = models.DateTimeField()
    # How many are held.
    seats = models.GeneratedField(
        expression=Case(When(status="confirmed", then=F("quantity") - F("cancelled")), default=0),
        output_field=models.IntegerField(),
        db_persist=True,
    )

    # How many wait in front of it, None unless it waits; there where it was asked for.
    ahead: int | None
    # Told again under an idempotency key, as it was the first time: known of what `services.book` returns.
    is_repeated: bool

    objects = BookingQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["event", "-id"], name="booking_event"),
            models.Index(fields=["user", "-id"], name="booking_user"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(quantity__range=(1, MAX_CAPACITY)), name="booking_quantity"),
            models.CheckConstraint(
                condition=Q(cancelled__gte=0, cancelled__lte=F("quantity")), name="booking_cancelled"
            ),
            models.CheckConstraint(
                condition=Q(status="cancelled", cancelled=F("quantity"))
                | Q(status__in=["confirmed", "waiting"], cancelled__lt=F("quantity")),
                name="booking_status",
            ),
            models.CheckConstraint(
                condition=~Q(status="waiting") | Q(queue_number__isnull=False), name="booking_waits_in_queue"
            ),
            models.CheckConstraint(
                condition=Q(user__isnull=False, guest_email="") | (Q(user__isnull=True) & ~Q(guest_email="")),
                name="booking_of_user_or_guest",
            ),
            models.CheckConstraint(condition=Q(unit_price__range=(0, MAX_PRICE)), name="booking_unit_price"),
            models.UniqueConstraint(fields=["event", "user"], condition=~Q(status="cancelled"), name="booking_once"),
            # What the queue is read by.
            models.UniqueConstraint(
                fields=["event", "queue_number"], condition=Q(status="waiting"), name="booking_queue"
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="keep_bookings", operation=pgtrigger.Delete),
            refuse_truncate("keep_all_bookings"),
            pgtrigger.ReadOnly(
                name="keep_terms",
                fields=["id", "event", "user", "quantity", "queue_number", "unit_price", "origin", "created_at"],
            ),
            trigger(
                "events/keep_direction",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("status", "cancelled"),
                condition=pgtrigger.Condition(
                    "NEW.cancelled < OLD.cancelled OR (OLD.status = 'cancelled' AND NEW.status <> 'cancelled')"
                    " OR (OLD.status = 'confirmed' AND NEW.status = 'waiting')"
                ),
            ),
            trigger(
                "events/enter_new",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="booked"),
            ),
            trigger(
                "events/enter_changes",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Update,
                referencing=pgtrigger.Referencing(old="before", new="after"),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"

    @property
    def position(self) -> int | None:
        """Its place in the queue, from 1; None unless it waits. Known where `ahead` is."""
        return None if self.ahead is None else self.ahead + 1

    @property
    def left(self) -> int:
        """How many it still is about, be they held or wished for."""
        return self.quantity - self.cancelled


class EntryKind(models.TextChoices):
    """What happened to a booking."""

    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    PROMOTED = "promoted"
    CANCELLED = "cancelled"


class BookingEntry(models.Model):
    """One movement of a booking, written by its triggers: the sums of an event's entries are its inventory."""

    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="entries", db_index=False)
    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="entries", db_index=False)
    at = models.DateTimeField(db_default=Func(function="clock_timestamp"))
    kind = models.CharField(max_length=10, choices=EntryKind.choices)
    # How many seats it was about; then by how much the seats sold, the bookings that wait and the revenue grew.
    quantity = models.PositiveIntegerField()
    seats = models.IntegerField()
    waiting = models.SmallIntegerField()
    # Up to MAX_CAPACITY times MAX_PRICE.
    amount = models.DecimalField(max_digits=16, decimal_places=2)

    class Meta:
        verbose_name_plural = "booking entries"
        indexes = [
            models.Index(fields=["booking", "id"], name="booking_entry_booking"),
            # What an event came to at any time is answered from this index alone.
            models.Index(
                fields=["event", "at"],
                include=["kind", "quantity", "seats", "waiting", "amount"],
                name="booking_entry_event",
            ),
            # Entries come in the order of their time, so a few kilobytes tell where a span begins.
            BrinIndex(fields=["at"], name="booking_entry_at"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=EntryKind.values), name="booking_entry_kind"),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            refuse_truncate("keep_all_entries"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of booking #{self.booking_id}"
