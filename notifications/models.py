"""Mail to people: one `Delivery` per person and occasion, from its creation until it is sent or given up.

`services.notify` creates deliveries; triggers (sql/triggers) create them for changes of tickets, comments and bookings.
"""

from datetime import datetime
from typing import Self

import pgtrigger
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now, Upper

from accounts.models import User
from events.models import IS_NOT_ENTERED, Booking, BookingEntry, Event
from kit import email_addresses
from kit.db.triggers import trigger
from notifications import backoff
from tickets.models import AssignmentEvent, Comment, Ticket, TicketEvent


class Kind(models.TextChoices):
    """What a mail is about. The wording of each kind is in templates/emails."""

    TICKET_UPDATED = "ticket-updated", "Ticket updated"
    BOOKING_CONFIRMED = "booking-confirmed", "Booking confirmed"
    BOOKING_WAITING = "booking-waiting", "Booking on waiting list"
    BOOKING_PROMOTED = "booking-promoted", "Booking promoted"
    BOOKING_CANCELLED = "booking-cancelled", "Booking cancelled"
    EVENT_CANCELLED = "event-cancelled", "Event cancelled"
    EVENT_CHANGED = "event-changed", "Event changed"
    SLA_AT_RISK = "sla-at-risk", "SLA at risk"
    SLA_BREACHED = "sla-breached", "SLA breached"
    COMMENT_ADDED = "comment-added", "Comment added"
    TICKET_SUMMARY = "ticket-summary", "Summary of ticket mail"
    SET_PASSWORD = "set-password", "Set password"
    RESET_PASSWORD = "reset-password", "Reset password"
    ADDRESS_CHANGED = "address-changed", "Address changed"
    WEEKLY_REPORT = "weekly-report", "Weekly report"
    WEBHOOK_STOPPED = "webhook-stopped", "Webhook stopped"


ABOUT_BOOKINGS = [kind for kind in Kind if kind.startswith(("booking-", "event-"))]


# Users wait for these at the screen.
URGENT = (Kind.SET_PASSWORD, Kind.RESET_PASSWORD)


class State(models.TextChoices):
    PENDING = "pending", "Pending"
    SENT = "sent", "Sent"
    # The server rejected the message for good, or its recipient is gone.
    FAILED = "failed", "Rejected"
    DEAD = "dead", "Gave up after retries"
    # Replaced by a summary, a delivery of its own (sql/functions/admit.sql).
    SUMMARISED = "summarised", "In a summary"


GIVEN_UP = (State.FAILED, State.DEAD)


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def visible_to(self, user: User) -> Self:
        """Select the mail that a member of staff may see: mail about bookings is for admins."""
        return self if user.is_admin else self.filter(booking__isnull=True)

    def due(self, at: datetime) -> Self:
        return self.filter(state=State.PENDING, next_attempt_at__lte=at)

    def about(self, ticket: Ticket) -> Self:
        """Return the mail about a ticket, and the summaries that replace some of it."""
        replaced = self.filter(ticket=ticket, summary__isnull=False)
        return self.filter(Q(ticket=ticket) | Q(pk__in=replaced.values("summary")))

    def given_up(self) -> Self:
        return self.filter(state__in=GIVEN_UP)


class Delivery(models.Model):
    kind = models.CharField(max_length=40, choices=Kind.choices)
    about = models.CharField(max_length=200, help_text="Identifies the occasion; nobody is notified of it twice.")
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="deliveries", db_index=False)
    # The user's or guest's. `attempts.compose` refreshes it from the user, so a corrected address takes effect.
    address = models.CharField(max_length=254)
    # A guest's first and last name have up to 150 characters each.
    name = models.CharField(max_length=301)
    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, null=True, related_name="deliveries")
    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, null=True, related_name="deliveries", db_index=False)
    # The user whose change this mail is about. None for changes made in SQL and for mail that nobody else caused.
    caused_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False)
    # When it was last let through to be sent, if it is subject to limits per hour, which count these.
    admitted_at = models.DateTimeField(null=True)
    summary = models.ForeignKey(
        "self", on_delete=models.DO_NOTHING, null=True, related_name="summarised", db_index=False
    )
    payload = models.JSONField(db_default={}, help_text="Values for the templates that cannot be looked up later.")
    state = models.CharField(max_length=10, choices=State.choices, db_default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(db_default=0)
    last_error = models.TextField(blank=True, db_default="")
    next_attempt_at = models.DateTimeField(db_default=Now())
    created_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = "e-mail"
        verbose_name_plural = "sent mail"
        constraints = [
            models.UniqueConstraint(fields=["about", "user"], name="delivery_once"),
            # Users with bookings are never deleted, so without a user the booking is a guest's.
            models.UniqueConstraint(
                fields=["about"], condition=Q(user__isnull=True, booking__isnull=False), name="delivery_once_guest"
            ),
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(kind=Kind.TICKET_SUMMARY, state=State.PENDING, admitted_at__isnull=True),
                name="delivery_open_summary",
            ),
            models.CheckConstraint(
                condition=Q(state=State.SUMMARISED) | Q(summary__isnull=True), name="delivery_summary_state"
            ),
            models.CheckConstraint(condition=email_addresses.is_usable("address"), name="delivery_address"),
            models.CheckConstraint(condition=Q(state__in=State.values), name="delivery_state"),
            models.CheckConstraint(
                condition=Q(state=State.SENT, sent_at__isnull=False) | (~Q(state=State.SENT) & Q(sent_at__isnull=True)),
                name="delivery_sent_at",
            ),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at", "id"], name="delivery_due", condition=Q(state=State.PENDING)),
            models.Index(
                fields=["next_attempt_at", "id"],
                name="delivery_urgent",
                condition=Q(state=State.PENDING, kind__in=URGENT),
            ),
            models.Index(fields=["user", "-id"], name="delivery_user", condition=Q(user__isnull=False)),
            models.Index(fields=["booking", "-id"], name="delivery_booking", condition=Q(booking__isnull=False)),
            models.Index(F("id").desc(), name="delivery_given_up", condition=Q(state__in=GIVEN_UP)),
            models.Index(
                Upper("address"), "admitted_at", name="delivery_admitted", condition=Q(admitted_at__isnull=False)
            ),
            models.Index(
                fields=["caused_by", "admitted_at"], name="delivery_caused", condition=Q(caused_by__isnull=False)
            ),
            models.Index(fields=["summary"], name="delivery_summary", condition=Q(summary__isnull=False)),
            BrinIndex(fields=["created_at"], name="delivery_created_at"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} to {self.address}"

    @property
    def is_to_guest(self) -> bool:
        """Return whether the recipient has no account. Users with bookings are never deleted."""
        return self.user_id is None and self.booking_id is not None

    def mark_sent(self, *, at: datetime) -> None:
        self.attempts += 1
        self.state = State.SENT
        self.sent_at = at

    def fail(self, *, error: str) -> None:
        self.attempts += 1
        self.state = State.FAILED
        self.last_error = error

    def retry_later(self, *, at: datetime, error: str) -> None:
        """Schedule the next attempt, or give up after settings.MAIL_RETRY_HOURS."""
        self.attempts += 1
        self.last_error = error
        wait = backoff.next_wait(self.attempts)
        if wait is None:
            self.state = State.DEAD
        else:
            self.next_attempt_at = at + backoff.spread(wait, seed=self.pk)


class Outage(models.Model):
    """The mail server is unreachable. The table has one row during an outage, otherwise none."""

    began_at = models.DateTimeField()
    # Nothing is sent until then; afterwards the next delivery tests the server.
    until = models.DateTimeField()
    failures = models.PositiveIntegerField()
    last_error = models.TextField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="outage_single")]

    def __str__(self) -> str:
        return f"since {self.began_at:%Y-%m-%d %H:%M} UTC: {self.last_error}"


class Announced(models.Model):
    """How far the workers have read the log of changes for bookings that were confirmed at once. One row."""

    position = models.BigIntegerField(db_default=0)

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="announced_single")]

    def __str__(self) -> str:
        return f"until {self.position}"


# `services.mute` was not called in this transaction.
IS_NOT_MUTED = "current_setting('ticketing.quiet', true) IS DISTINCT FROM 'on'"


def _announces(path: str, condition: str) -> pgtrigger.Trigger:
    """Return a trigger that fires at the end of the transaction, unless `services.mute` was called in it."""
    return trigger(
        path,
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        timing=pgtrigger.Deferred,
        condition=pgtrigger.Condition(f"{condition} AND {IS_NOT_MUTED}" if condition else IS_NOT_MUTED),
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


class AnnouncedUser(User):
    class Meta:
        proxy = True
        default_permissions = ()
        triggers = [
            trigger(
                "notifications/announce_address",
                when=pgtrigger.After,
                operation=pgtrigger.UpdateOf("email"),
                condition=pgtrigger.Condition(f"OLD.email <> NEW.email AND {IS_NOT_MUTED}"),
            )
        ]


class AnnouncedEntry(BookingEntry):
    class Meta:
        proxy = True
        default_permissions = ()
        # Their bodies check whether mail is muted, which takes less time than a condition.
        triggers = [
            trigger(
                "notifications/announce_bookings",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Condition(IS_NOT_ENTERED),
                referencing=pgtrigger.Referencing(new="entries"),
            ),
        ]


# Mail shows minutes, so smaller changes are not announced.
WHEN_AND_WHERE = ", ".join(
    [
        "date_trunc('minute', {row}.starts_at)",
        "date_trunc('minute', {row}.ends_at)",
        "{row}.venue",
        "{row}.time_zone",
    ]
)


class AnnouncedEvent(Event):
    class Meta:
        proxy = True
        default_permissions = ()
        triggers = [
            trigger(
                "notifications/announce_event",
                when=pgtrigger.After,
                operation=pgtrigger.Update,
                # Cancelling an event has its own mail, even if other fields change with it.
                condition=pgtrigger.Condition(
                    f"NEW.status = 'published' AND {IS_NOT_MUTED} AND ({WHEN_AND_WHERE.format(row='OLD')})"
                    f" IS DISTINCT FROM ({WHEN_AND_WHERE.format(row='NEW')})"
                ),
            )
        ]
