"""Events: what can be booked."""

from datetime import datetime
from decimal import Decimal
from typing import Self

import pgtrigger
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Trim
from django.db.models.lookups import Exact

from accounts.models import User
from kit.db.triggers import trigger

MAX_PRICE = Decimal("99999999.99")
MAX_PER_BOOKING = 10


class Origin(models.TextChoices):
    """Where an event or a booking was made."""

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
        """Select the events that the user may see: only admins see drafts, and nobody sees deleted events.

        This is the only definition in Python. sql/functions/booking_refusal.sql repeats it for bookings.
        """
        events = self.filter(deleted_at__isnull=True)
        return events if user and user.is_admin else events.exclude(status=EventStatus.DRAFT)

    def with_inventory(self) -> Self:
        """Fetch each event's inventory in the same query."""
        return self.select_related("inventory")


class Event(models.Model):
    """Something that people book seats for. The seats are counted in its `inventory`."""

    name = models.CharField(max_length=255)
    description = models.TextField(blank=True, max_length=20_000)
    venue = models.CharField(max_length=255, blank=True)
    starts_at = models.DateTimeField()
    bookings_close_at = models.DateTimeField(null=True, blank=True, help_text="Leave empty to keep bookings open.")
    price = models.DecimalField(
        max_digits=12, decimal_places=2, validators=[MinValueValidator(0), MaxValueValidator(MAX_PRICE)]
    )
    max_per_booking = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="Leave empty for no limit."
    )
    status = models.CharField(max_length=10, choices=EventStatus.choices, default=EventStatus.PUBLISHED)
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.API, editable=False)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="events", editable=False)
    created_at = models.DateTimeField(editable=False)
    updated_at = models.DateTimeField(editable=False)
    # Hidden from everyone; the rows are kept for the ledger.
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
            trigger(
                "events/promote_again",
                when=pgtrigger.After,
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("starts_at", "bookings_close_at"),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def has_started(self, at: datetime) -> bool:
        """Return whether the event has started, as far as its bookings are concerned.

        If bookings never close, the start changes nothing. sql/functions/has_started.sql says the same.
        """
        return self.bookings_close_at is not None and self.starts_at <= at
