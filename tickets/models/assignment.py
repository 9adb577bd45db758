"""Assignments of users to tickets."""

import pgtrigger
from django.db import models
from django.db.models import Prefetch, Q
from django.utils import timezone

from accounts.models import User
from kit.db.triggers import trigger

# Document 000: "a defined limit (e.g., 5 users per ticket)". A table constraint states the same number.
MAX_ASSIGNEES = 5


class Assignment(models.Model):
    """A user who works on a ticket.

    `slot` is unique per ticket and at most MAX_ASSIGNEES, so that no race can add a sixth user.
    """

    ticket = models.ForeignKey("Ticket", on_delete=models.CASCADE, related_name="assignments", db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="assignments", db_index=False)
    slot = models.PositiveSmallIntegerField(editable=False)
    # Equal to the ticket's own created_at for users who were assigned on its creation.
    assigned_at = models.DateTimeField(default=timezone.now, editable=False)
    assigned_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, editable=False, related_name="+")

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["user", "ticket"], name="assignment_user")]
        constraints = [
            models.UniqueConstraint(fields=["ticket", "user"], name="assignment_once"),
            models.UniqueConstraint(fields=["ticket", "slot"], name="assignment_slot_once"),
            models.CheckConstraint(condition=Q(slot__range=(1, MAX_ASSIGNEES)), name="assignment_limit"),
        ]
        triggers = [
            trigger(
                "tickets/refuse_assignment",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("ticket_id", "user_id"),
            ),
            # Step 2 is the history of assignments, in history.py.
            trigger(
                "tickets/step_1_move_ticket_version",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("ticket_id", "user_id") | pgtrigger.Delete,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user.name} on #{self.ticket_id}"


class Assignee(User):
    """A proxy of User that declares the triggers that assignments need on the users table."""

    class Meta:
        proxy = True
        default_permissions = ()
        triggers = [
            trigger(
                "tickets/user_holds_assignments",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("type"),
                condition=pgtrigger.Condition("NEW.type = 'admin' AND OLD.type <> 'admin'"),
            ),
            trigger(
                "tickets/release_assignments",
                when=pgtrigger.After,
                operation=pgtrigger.UpdateOf("is_active"),
                condition=pgtrigger.Q(old__is_active=True, new__is_active=False),
            ),
        ]


ASSIGNMENTS = Prefetch("assignments", Assignment.objects.select_related("user").defer("user__search"))
