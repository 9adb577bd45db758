"""Bookings, confirmed and waiting."""

from typing import Self

import pgtrigger
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Case, F, Func, Q, TextField, Value, When
from django.db.models.functions import Cast, Lower

from accounts.models import User
from events.models.event import Event, Origin
from events.models.inventory import IS_NOT_ENTERED
from events.models.search import concerns, concerns_holder, few_concern
from kit import email_addresses
from kit.db.checks import RowConstraint
from kit.db.text import composed_constraint
from kit.db.triggers import refuse_truncate, trigger
from kit.search.expressions import SearchVector
from kit.versions import Versioned, version_triggers

# The fields that the trigger keep_terms lets change.
VERSIONED_FIELDS = ("guest_first_name", "guest_last_name", "guest_email", "cancelled", "status", "code_revision")


class BookingStatus(models.TextChoices):
    CONFIRMED = "confirmed"
    WAITING = "waiting"
    CANCELLED = "cancelled"


class BookingQuerySet(models.QuerySet["Booking"]):
    def visible_to(self, user: User) -> Self:
        """Select the bookings that the user may see: their own, or all for an admin. The only definition of it."""
        return self if user.is_admin else self.filter(user=user)

    def search(self, text: str) -> Self:
        """Select bookings in which every word of the text occurs in the holder's name or address or the event's name.

        Words match by prefix.
        """
        return self.filter(concerns(text))

    def search_few(self, text: str) -> Self:
        """Select the same as `search`, newest first, fast if few bookings match. Runs one query of its own."""
        # GREATEST of one value is that value, but has no index, so PostgreSQL finds all matches and sorts them.
        return self.filter(few_concern(text)).order_by(Func(F("pk"), function="GREATEST").desc())

    def search_holders(self, text: str) -> Self:
        """Select bookings in whose holder's name or address every word of the text occurs. Words match by prefix."""
        return self.filter(concerns_holder(text))

    def live(self) -> Self:
        return self.exclude(status=BookingStatus.CANCELLED)

    def queue(self) -> Self:
        """Select waiting bookings in the order in which they are promoted, like the SQL function `events_queue`."""
        return self.filter(status=BookingStatus.WAITING).order_by("queue_number")

    def with_position(self) -> Self:
        """Annotate waiting bookings with the number of bookings `ahead`. Reads all of those, for each booking."""
        return self.annotate(
            ahead=Case(When(status=BookingStatus.WAITING, then=CountAhead("event_id", "queue_number")))
        )


class CountAhead(Func):
    """The number of waiting bookings of an event that are ahead of a queue number."""

    template = "(SELECT count(*) FROM events_queue_ahead(%(expressions)s))"
    output_field = models.BigIntegerField()


class Booking(Versioned):
    """Seats for a user or a guest. Only a `confirmed` booking holds them; a `waiting` one may be promoted."""

    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="bookings", db_index=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="bookings", db_index=False)
    guest_first_name = models.CharField(max_length=150, blank=True, db_default="")
    guest_last_name = models.CharField(max_length=150, blank=True, db_default="")
    guest_email = email_addresses.ModelField(blank=True, db_default="")
    # Seats requested, and how many of them were cancelled.
    quantity = models.IntegerField()
    cancelled = models.IntegerField(db_default=0)
    status = models.CharField(max_length=10, choices=BookingStatus.choices)
    # Order on the event's waiting list, for bookings that had to wait. The numbers only increase.
    queue_number = models.BigIntegerField(null=True)
    # The event's price at the time of booking.
    unit_price = models.DecimalField(max_digits=12, decimal_places=2)
    origin = models.CharField(max_length=10, choices=Origin.choices)
    created_at = models.DateTimeField()
    # Part of the codes of its e-tickets (events/ticket_codes.py), so that a higher one makes earlier codes invalid.
    code_revision = models.PositiveIntegerField(db_default=1, editable=False)
    # Seats that the booking has now.
    seats = models.GeneratedField(
        expression=Case(When(status="confirmed", then=F("quantity") - F("cancelled")), default=0),
        output_field=models.IntegerField(),
        db_persist=True,
    )

    # For searches; NULL if a user holds the booking.
    guest_words = models.GeneratedField(
        expression=Case(
            When(user__isnull=True, then=SearchVector("guest_first_name", "guest_last_name", "guest_email"))
        ),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    # Number of bookings ahead on the waiting list, None unless waiting. Only set by queries that ask for it.
    ahead: int | None
    # Whether a retry with the same idempotency key returned an earlier booking. Only set by `services.book`.
    is_repeated: bool

    objects = BookingQuerySet.as_manager()
    versioned_fields = VERSIONED_FIELDS

    class Meta:
        indexes = [
            # Guests' bookings are spared the indexes on users.
            models.Index(fields=["user", "-id"], condition=Q(user__isnull=False), name="booking_user"),
            # Among many confirmed bookings, others are far apart. Booking a seat writes neither index.
            models.Index(fields=["status", "-id"], condition=~Q(status="confirmed"), name="booking_unconfirmed"),
            models.Index(
                fields=["event", "status", "-id"], condition=~Q(status="confirmed"), name="booking_event_unconfirmed"
            ),
            # New words wait in a list of at most 64 kB, which searches read as well.
            GinIndex(
                fields=["guest_words"],
                condition=Q(user__isnull=True),
                fastupdate=True,
                gin_pending_list_limit=64,
                name="booking_guest",
            ),
            # The index behind `events_guest_bookings`.
            models.Index(
                Func(
                    *(Cast("event", TextField()), Value(" "), Lower("guest_email")),
                    # In the order of the alphabet, as in migrations, which otherwise see a change.
                    arg_joiner=" || ",
                    output_field=TextField(),
                    template="(%(expressions)s)",
                ),
                condition=~Q(guest_email="") & ~Q(status="cancelled"),
                name="booking_guest_address",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(guest_email="") | email_addresses.is_usable("guest_email"), name="booking_guest_email"
            ),
            composed_constraint("guest_first_name", name="booking_first_name_composed"),
            composed_constraint("guest_last_name", name="booking_last_name_composed"),
            RowConstraint(function="events_booking_is_valid", table="events_booking", name="booking_valid"),
            # The target of the ledger's foreign key, and the index of an event's bookings.
            models.UniqueConstraint("event", F("id").desc(), name="booking_event"),
            models.UniqueConstraint(
                fields=["event", "user"],
                condition=~Q(status="cancelled") & Q(user__isnull=False),
                name="booking_once",
            ),
            # The index behind `events_queue`.
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
            *version_triggers(*VERSIONED_FIELDS),
            trigger(
                "events/enter_new",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Condition(IS_NOT_ENTERED),
                referencing=pgtrigger.Referencing(new="booked"),
            ),
            trigger(
                "events/enter_changes",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Update,
                referencing=pgtrigger.Referencing(old="before", new="after"),
            ),
            trigger(
                "events/void_check_ins",
                when=pgtrigger.After,
                operation=pgtrigger.UpdateOf("cancelled"),
                condition=pgtrigger.Condition("NEW.cancelled > OLD.cancelled AND OLD.status = 'confirmed'"),
            ),
            trigger(
                "events/keep_code_revision",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("code_revision"),
                condition=pgtrigger.Condition("NEW.code_revision < OLD.code_revision"),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"

    @property
    def position(self) -> int | None:
        """Return the position on the waiting list, starting at 1; None unless waiting. Needs `ahead`."""
        return None if self.ahead is None else self.ahead + 1

    @property
    def left(self) -> int:
        """Return the number of seats not cancelled, whether confirmed or waiting."""
        return self.quantity - self.cancelled


class Holder(User):
    """A proxy of User that declares the trigger that bookings need on the users table."""

    class Meta:
        proxy = True
        default_permissions = ()
        triggers = [
            trigger(
                "events/cancel_waiting",
                when=pgtrigger.After,
                operation=pgtrigger.UpdateOf("is_active"),
                condition=pgtrigger.Q(old__is_active=True, new__is_active=False),
            )
        ]
