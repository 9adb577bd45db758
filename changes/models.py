"""The log of changes: what changed, in commit order, for `GET /changes`, webhooks and mail about new bookings.

Triggers note each change in an inbox, within its own transaction, whatever made it. `changes_sequence` moves what is
committed to the log and gives it positions. It is the only one to do so, one transaction at a time, so nobody who
reads the log by position skips anything (docs/decisions.md).
"""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import User
from events.models import Booking, BookingEntry, Event
from kit.db.triggers import refuse_truncate, trigger
from projects.models import Project
from tickets.models import Comment, Ticket


class ChangeType(models.TextChoices):
    TICKET = "ticket"
    BOOKING = "booking"
    EVENT = "event"
    PROJECT = "project"
    USER = "user"


class Action(models.TextChoices):
    CREATED = "created"
    UPDATED = "updated"
    COMMENTED = "commented"
    MERGED = "merged"
    CONFIRMED = "confirmed"
    WAITING = "waiting"
    PROMOTED = "promoted"
    CHANGED = "changed"
    CANCELLED = "cancelled"
    DEACTIVATED = "deactivated"
    DELETED = "deleted"


class Noted(models.Model):
    """What is known about a change when it is made."""

    type = models.TextField(choices=ChangeType.choices)
    object_id = models.BigIntegerField()
    action = models.TextField(choices=Action.choices)
    # The object's version after the change. NULL for comments, which do not move it, and for what was deleted.
    version = models.BigIntegerField(null=True)
    # The comment, the booking's ledger entry, or the ticket that the object was merged into.
    detail_id = models.BigIntegerField(null=True)
    at = models.DateTimeField()
    # Not a foreign key: the log outlives users, and writing to it must not lock their rows.
    by_id = models.BigIntegerField(null=True)
    door = models.TextField()
    # Made by a bulk load that announces nothing (`notifications.services.mute`). Clients that keep a copy need it;
    # nobody is to be notified of it.
    is_quiet = models.BooleanField()

    class Meta:
        abstract = True


class InboxRow(Noted):
    """A change whose transaction may still be running.

    The transaction holds the lock on the object's row when it draws the id, so the ids of an object's changes are in
    commit order.
    """

    # Changes of the same kind that one transaction makes to an object are one in the log.
    transaction_id = models.BigIntegerField()

    class Meta:
        db_table = "changes_inbox"
        default_permissions = ()
        # With RESTART IDENTITY, it would make the sequencer skip new rows.
        triggers = [refuse_truncate("keep_inbox")]

    def __str__(self) -> str:
        return f"{self.type} #{self.object_id} {self.action}"


class Change(Noted):
    """A committed change. Positions follow the order of commits, without gaps."""

    position = models.BigIntegerField(primary_key=True)

    class Meta:
        default_permissions = ()
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update),
            refuse_truncate("keep_log"),
        ]

    def __str__(self) -> str:
        return f"{self.position}: {self.type} #{self.object_id} {self.action}"


class Log(models.Model):
    """The state of the log, in the table's only row."""

    # Of the newest change, and of the newest one that was deleted for its age.
    position = models.BigIntegerField(db_default=0)
    purged = models.BigIntegerField(db_default=0)
    # When the newest changes got their positions. Never goes back, whatever the clock does.
    sequenced_at = models.DateTimeField(db_default=Now())
    # The inbox has no row with this id or a smaller one, and never will. So the sequencer skips the remains of deleted
    # rows, which PostgreSQL keeps during a long backup.
    settled_id = models.BigIntegerField(db_default=0)
    # The same will be true of this id once all transactions before this one have ended.
    settling_id = models.BigIntegerField(db_default=0)
    settling_transaction = models.BigIntegerField(db_default=0)

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="changes_log_single")]
        triggers = [pgtrigger.Protect(name="keep_state", operation=pgtrigger.Delete), refuse_truncate("keep_state_row")]

    def __str__(self) -> str:
        return f"{self.purged + 1} to {self.position}"


# An update that changes nothing has no version, and is not in the log.
MOVED = "OLD.version <> NEW.version"


def _notes(path: str, operation: pgtrigger.Operation, condition: str = "") -> pgtrigger.Trigger:
    return trigger(
        f"changes/{path}",
        when=pgtrigger.After,
        operation=operation,
        condition=pgtrigger.Condition(condition) if condition else None,
    )


class NotedTicket(Ticket):
    class Meta:
        proxy = True
        default_permissions = ()
        # New and removed assignees move the ticket's version.
        triggers = [
            _notes("note_new_ticket", pgtrigger.Insert),
            _notes("note_ticket", pgtrigger.Update, MOVED),
        ]


class NotedComment(Comment):
    class Meta:
        proxy = True
        default_permissions = ()
        triggers = [_notes("note_comment", pgtrigger.Insert)]


class NotedEntry(BookingEntry):
    class Meta:
        proxy = True
        default_permissions = ()
        triggers = [_notes("note_entry", pgtrigger.Insert)]


class NotedBooking(Booking):
    class Meta:
        proxy = True
        default_permissions = ()
        # Changes of seats have a ledger entry. This is for the rest, such as a guest's name.
        triggers = [
            _notes(
                "note_booking",
                pgtrigger.Update,
                f"{MOVED} AND NEW.status = OLD.status AND NEW.cancelled = OLD.cancelled",
            )
        ]


class NotedEvent(Event):
    class Meta:
        proxy = True
        default_permissions = ()
        triggers = [
            _notes("note_new_event", pgtrigger.Insert),
            _notes("note_event", pgtrigger.Update, f"{MOVED} OR OLD.deleted_at IS DISTINCT FROM NEW.deleted_at"),
            _notes("note_deleted_event", pgtrigger.Delete),
        ]


class NotedProject(Project):
    class Meta:
        proxy = True
        default_permissions = ()
        triggers = [
            _notes("note_new_project", pgtrigger.Insert),
            _notes("note_project", pgtrigger.Update, MOVED),
            _notes("note_deleted_project", pgtrigger.Delete),
        ]


class NotedUser(User):
    class Meta:
        proxy = True
        default_permissions = ()
        triggers = [
            _notes("note_new_user", pgtrigger.Insert),
            _notes("note_user", pgtrigger.Update, MOVED),
            _notes("note_deleted_user", pgtrigger.Delete),
        ]
