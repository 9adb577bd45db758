"""Events: what can be booked."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Self

import pgtrigger
from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Trim
from django.db.models.lookups import Exact

from accounts.models import User
from kit.db.text import composed_constraint
from kit.db.triggers import trigger
from kit.money import validate_currency
from kit.search.expressions import SearchVector, contains
from kit.versions import Versioned, version_triggers
from kit.zones import validate_time_zone

MAX_PRICE = Decimal("99999999.99")
MAX_PER_BOOKING = 10
ENDS_TOO_EARLY = "Must be after the start."
EVENT_WORDS = SearchVector("name", "venue")
VERSIONED_COLUMNS = (
    *("name", "description", "venue", "time_zone", "starts_at", "ends_at", "bookings_close_at"),
    *("price", "currency", "max_per_booking", "status"),
)


def site_time_zone() -> str:
    return settings.TIME_ZONE


def site_currency() -> str:
    return settings.CURRENCY


class Origin(models.TextChoices):
    """Where an event or a booking was made."""

    API = "api", "API"
    BOX_OFFICE = "box-office", "Box-office API"
    TICKS = "ticks", "Ticks API"
    ADMIN = "admin", "Admin"


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

    def search(self, text: str) -> Self:
        """Select events whose name or venue contains every word of the text. Words match by prefix."""
        return self.filter(contains(EVENT_WORDS, text))

    def upcoming(self, at: datetime) -> Self:
        """Select events that are not over. Without an end, an event is over a day after its start."""
        return self.filter(self._upcoming(at))

    def past(self, at: datetime) -> Self:
        return self.exclude(self._upcoming(at))

    @staticmethod
    def _upcoming(at: datetime) -> Q:
        return Q(starts_at__gte=at - timedelta(days=1), ends_at=None) | Q(ends_at__isnull=False, ends_at__gte=at)

    def with_inventory(self) -> Self:
        """Fetch each event's inventory in the same query."""
        return self.select_related("inventory")


class Event(Versioned):
    """Something that people book seats for. The seats are counted in its `inventory`."""

    name = models.CharField(max_length=255)
    description = models.TextField(blank=True, max_length=20_000)
    venue = models.CharField(max_length=255, blank=True)
    # Where the event takes place. Mail and pages show its times there.
    time_zone = models.CharField(max_length=64, default=site_time_zone, validators=[validate_time_zone])
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True, help_text="Optional.")
    # Moves with the start while it equals it.
    bookings_close_at = models.DateTimeField(null=True, blank=True, help_text="Leave empty to keep bookings open.")
    price = models.DecimalField(
        max_digits=12, decimal_places=2, validators=[MinValueValidator(0), MaxValueValidator(MAX_PRICE)]
    )
    # Currency of the price and of the ledger, so it cannot change once the event has been booked.
    currency = models.CharField(max_length=3, default=site_currency, validators=[validate_currency])
    max_per_booking = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="Leave empty for no limit."
    )
    status = models.CharField(max_length=10, choices=EventStatus.choices, default=EventStatus.PUBLISHED)
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.API, editable=False)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="events", editable=False)
    created_at = models.DateTimeField(editable=False)
    updated_at = models.DateTimeField(editable=False)
    # Also moves with the inventory's capacity and withheld seats, but not with sales. Mail about a change refers to it.
    version = models.PositiveBigIntegerField(default=1, editable=False)
    # Hidden from everyone; the rows are kept for the ledger.
    deleted_at = models.DateTimeField(null=True, editable=False)

    # For searches of bookings.
    name_words = models.GeneratedField(
        expression=SearchVector("name"), output_field=SearchVectorField(), db_persist=True
    )

    objects = EventQuerySet.as_manager()
    versioned_fields = (*VERSIONED_COLUMNS, "capacity", "withheld")

    class Meta:
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="event_created_at"),
            models.Index(fields=["starts_at", "id"], name="event_starts_at"),
            GinIndex(fields=["name_words"], fastupdate=False, name="event_name_words"),
            GinIndex(EVENT_WORDS, fastupdate=False, name="event_search"),
        ]
        constraints = [
            models.CheckConstraint(condition=~Exact(Trim("name"), ""), name="event_name"),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")), name="event_ends_after_start"
            ),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="event_currency"),
            composed_constraint("name", name="event_name_composed"),
            composed_constraint("venue", name="event_venue_composed"),
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
                "events/refuse_time_zone",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("time_zone"),
                # Skip the check for the default: reading PostgreSQL's list takes 20 ms.
                condition=pgtrigger.Condition("NEW.time_zone <> 'UTC'"),
            ),
            trigger(
                "events/follow_start",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "NEW.starts_at <> OLD.starts_at AND OLD.bookings_close_at = OLD.starts_at"
                    " AND NEW.bookings_close_at = OLD.bookings_close_at"
                ),
            ),
            trigger(
                "events/keep_currency",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("NEW.currency <> OLD.currency"),
            ),
            *version_triggers(*VERSIONED_COLUMNS),
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
