"""The history of tickets and assignments, written by triggers."""

from typing import Any

import pghistory
import pgtrigger
from django.db import models
from django.db.models import Func, Value
from pghistory.models import Event

from kit.db.triggers import refuse_truncate
from tickets.models.assignment import Assignment
from tickets.models.ticket import DERIVED, Ticket


class HistoryEvent(Event):
    """A change of a ticket, with its actor if the transaction named one (`pgh_context`).

    Both kinds of event draw their ids from one sequence while the transaction holds the lock on the ticket's row, so
    the events of a ticket are in order by id.
    """

    pgh_id = models.BigIntegerField(
        primary_key=True, db_default=Func(Value("tickets_history_id"), function="nextval"), editable=False
    )

    class Meta:
        abstract = True
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            refuse_truncate("keep_all"),
        ]


# Typed as Any because mypy cannot type a base class that is built at runtime.
_TicketSnapshot: Any = pghistory.create_event_model(
    Ticket,
    pghistory.InsertEvent(trigger_name="record_creation"),
    pghistory.UpdateEvent(trigger_name="record_change", condition=pgtrigger.AnyChange(exclude=DERIVED)),
    fields=[
        *("title", "description", "project", "status", "type", "venue", "price", "priority"),
        *("due_at", "sla_due_at", "held_at", "hold_reason", "created_by", "created_at", "version"),
        *("labels", "merged_into", "merged_from"),
    ],
    obj_field=pghistory.ObjForeignKey(db_index=False, related_name="+"),
    base_model=HistoryEvent,
)
# Step 1, the trigger of assignments that moves the ticket's version, takes the lock on the ticket's row.
_AssignmentSnapshot: Any = pghistory.create_event_model(
    Assignment,
    pghistory.InsertEvent(trigger_name="step_2_record_assignment"),
    pghistory.DeleteEvent(trigger_name="step_2_record_removal"),
    # Handing over many tickets moves assignments to another user; plain SQL can as well.
    pghistory.UpdateEvent(
        "delete", trigger_name="step_2_record_replaced", row="OLD", condition=pgtrigger.AnyChange("ticket", "user")
    ),
    pghistory.UpdateEvent(
        "insert", trigger_name="step_3_record_replacing", condition=pgtrigger.AnyChange("ticket", "user")
    ),
    fields=["ticket", "user", "assigned_at", "assigned_by"],
    obj_field=None,  # type: ignore[arg-type]  # pghistory documents None: no reference to the assignment.
    base_model=HistoryEvent,
)


class TicketEvent(_TicketSnapshot):
    """A ticket as it was after its creation (`insert`) or a change (`update`)."""

    class Meta(HistoryEvent.Meta):
        indexes = [models.Index(fields=["pgh_obj", "-pgh_id"], name="ticket_event_order")]

    def __str__(self) -> str:
        return f"{self.pgh_label} of #{self.pgh_obj_id}"


class AssignmentEvent(_AssignmentSnapshot):
    """An assignment that was added to a ticket (`insert`) or removed from it (`delete`)."""

    class Meta(HistoryEvent.Meta):
        indexes = [models.Index(fields=["ticket", "-pgh_id"], name="assignment_event_order")]

    def __str__(self) -> str:
        return f"{self.pgh_label} of user {self.user_id} on #{self.ticket_id}"
