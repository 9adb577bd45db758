"""What people are told: one row a person and event, from its writing until it is delivered or given up.

Rows are written by `services.notify` and, for changes of tickets, comments and bookings, by triggers (migrations/0002,
0004 and 0005). The same SQL function defers the jobs of all.
"""

from datetime import datetime, timedelta
from typing import Self

import pgtrigger
from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import User
from events.models import Booking, BookingEntry
from kit.db.triggers import trigger
from tickets.models import AssignmentEvent, Comment, Ticket, TicketEvent


class Kind(models.TextChoices):
    """What a delivery tells. Each has its texts in templates/emails."""

    TICKET_UPDATED = "ticket-updated"
    BOOKING_CONFIRMED = "booking-confirmed"
    BOOKING_WAITING = "booking-waiting"
    BOOKING_PROMOTED = "booking-promoted"
    BOOKING_CANCELLED = "booking-cancelled"
    EVENT_CANCELLED = "event-cancelled"
    SLA_AT_RISK = "sla-at-risk"
    SLA_BREACHED = "sla-breached"
    COMMENT_ADDED = "comment-added"
    SET_PASSWORD = "set-password"  # noqa: S105
    RESET_PASSWORD = "reset-password"  # noqa: S105


class State(models.TextChoices):
    PENDING = "pending"
    SENT = "sent"
    # The server refused this very message for good, or there is nobody to send it to any more.
    FAILED = "failed"
    # It was put off until patience ran out.
    DEAD = "dead"


GIVEN_UP = (State.FAILED, State.DEAD)


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def due(self, at: datetime) -> Self:
        return self.filter(state=State.PENDING, next_attempt_at__lte=at)

    def given_up(self) -> Self:
        return self.filter(state__in=GIVEN_UP)


class Delivery(models.Model):
    kind = models.CharField(max_length=40, choices=Kind.choices)
    about = models.CharField(max_length=200, help_text="What it tells of; the same person hears of it once.")
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="deliveries")
    # Of the user; on sending as they are then, so that who mended an address is reached at the new one. Or of a guest.
    address = models.CharField(max_length=254)
    # A guest has two, of 150 each.
    name = models.CharField(max_length=301)
    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, null=True, related_name="deliveries")
    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, null=True, related_name="deliveries", db_index=False)
    payload = models.JSONField(db_default={}, help_text="What the texts need to know and could not look up later.")
    state = models.CharField(max_length=10, choices=State.choices, db_default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(db_default=0)
    last_error = models.TextField(blank=True, db_default="")
    next_attempt_at = models.DateTimeField(db_default=Now())
    created_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["about", "user"], name="delivery_once"),
            # Users with bookings are not deleted, so this one is a guest's.
            models.UniqueConstraint(
                fields=["about"], condition=Q(user__isnull=True, booking__isnull=False), name="delivery_once_guest"
            ),
            models.CheckConstraint(condition=Q(state__in=State.values), name="delivery_state"),
            models.CheckConstraint(
                condition=Q(state=State.SENT, sent_at__isnull=False) | (~Q(state=State.SENT) & Q(sent_at__isnull=True)),
                name="delivery_sent_at",
            ),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at", "id"], name="delivery_due", condition=Q(state=State.PENDING)),
            models.Index(fields=["booking", "-id"], name="delivery_booking", condition=Q(booking__isnull=False)),
            models.Index(F("id").desc(), name="delivery_given_up", condition=Q(state__in=GIVEN_UP)),
            BrinIndex(fields=["created_at"], name="delivery_created_at"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} to {self.address}"

    @property
    def is_to_guest(self) -> bool:
        """Whether it goes to somebody without an account: who has one and a booking is never deleted."""
        return self.user_id is None and self.booking_id is not None

    def mark_sent(self, *, at: datetime) -> None:
        self.attempts += 1
        self.state = State.SENT
        self.sent_at = at
        self._keep()

    def fail(self, *, error: str) -> None:
        self.attempts += 1
        self.state = State.FAILED
        self.last_error = error
        self._keep()

    def put_off(self, *, at: datetime, error: str) -> None:
        """Try again later, unless the waits so far add up to settings.MAIL_RETRY_HOURS.

        An outage of the server costs no attempt, so it costs no patience either.
        """
        self.attempts += 1
        self.last_error = error
        if sum(map(wait_seconds, range(1, self.attempts))) >= settings.MAIL_RETRY_HOURS * 3600:
            self.state = State.DEAD
        else:
            # Those that were refused together do not all come back together.
            spread = 0.9 + self.pk % 21 / 100
            self.next_attempt_at = at + timedelta(seconds=wait_seconds(self.attempts) * spread)
        self._keep()

    def _keep(self) -> None:
        fields = ["address", "name", "state", "attempts", "last_error", "next_attempt_at", "sent_at"]
        self.save(update_fields=fields)


def wait_seconds(attempts: int) -> float:
    """How long to wait after so many attempts: 30 s, doubled each time, at most an hour (settings)."""
    longest = settings.MAIL_RETRY_MAX_SECONDS
    # Beyond some twenty doublings only the bound matters.
    return float(min(longest, settings.MAIL_RETRY_SECONDS * 2 ** min(attempts - 1, 20)))


class Outage(models.Model):
    """The mail server cannot be used. At most one row, there while that lasts."""

    began_at = models.DateTimeField()
    # Until then nobody tries; the first who does so afterwards finds out.
    until = models.DateTimeField()
    failures = models.PositiveIntegerField()
    last_error = models.TextField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="outage_single")]

    def __str__(self) -> str:
        return f"since {self.began_at:%Y-%m-%d %H:%M} UTC: {self.last_error}"


def _announces(path: str, condition: str) -> pgtrigger.Trigger:
    """At the end of the transaction, unless it is quiet (`services.hush`)."""
    is_loud = "current_setting('ticketing.quiet', true) IS DISTINCT FROM 'on'"
    return trigger(
        path,
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        timing=pgtrigger.Deferred,
        condition=pgtrigger.Condition(f"{condition} AND {is_loud}" if condition else is_loud),
    )


class AnnouncedChange(TicketEvent):
    class Meta:
        proxy = True
        default_permissions = ()
        triggers = [_announces("notifications/announce_change", "NEW.pgh_label = 'update'")]


class AnnouncedAssignment(AssignmentEvent):
    class Meta:
        proxy = True
        default_permissions = ()
        triggers = [_announces("notifications/announce_assignment", "")]


class AnnouncedComment(Comment):
    class Meta:
        proxy = True
        default_permissions = ()
        triggers = [_announces("notifications/announce_comment", "")]


class AnnouncedEntry(BookingEntry):
    class Meta:
        proxy = True
        default_permissions = ()
        triggers = [
            trigger(
                "notifications/announce_bookings",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="entries"),
            )
        ]
