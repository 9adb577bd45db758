"""Daily ticket counts, a table derived from the tickets and maintained by triggers on proxy models.

The tickets app does not know about it.
"""

import pgtrigger
from django.db import models

from accounts.models import User
from kit.db.triggers import trigger
from tickets.models import Ticket


class DailyCount(models.Model):
    """A change to the number of tickets of one kind created on one UTC day. The sum of a kind's rows is its count.

    Each statement that writes tickets appends rows here in its own transaction. Rows are never updated, so writers do
    not block each other or deadlock; `services.fold_daily_counts` keeps the table small.
    """

    day = models.DateField()
    # Not a foreign key: that would add a check to every ticket write, and a deleted project's counts add up to zero.
    project_id = models.BigIntegerField()
    status = models.CharField(max_length=12)
    priority = models.CharField(max_length=10)
    type = models.CharField(max_length=50)
    tickets = models.IntegerField()
    spent = models.DecimalField(
        max_digits=20, decimal_places=2, help_text="Total price of the tickets that customers created."
    )

    class Meta:
        indexes = [models.Index(fields=["day"], name="daily_count_day")]

    def __str__(self) -> str:
        return f"{self.day}: {self.tickets:+} {self.status} {self.priority} {self.type}"


class CountedTicket(Ticket):
    """Declares the triggers on `tickets_ticket` that maintain the counts."""

    class Meta:
        proxy = True
        default_permissions = ()
        triggers = [
            trigger(
                "analytics/count_inserted",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="new_tickets"),
            ),
            trigger(
                "analytics/count_updated",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Update,
                referencing=pgtrigger.Referencing(old="old_tickets", new="new_tickets"),
            ),
        ]


class Customer(User):
    """Declares the triggers on `accounts_user` that maintain what customers have spent."""

    class Meta:
        proxy = True
        default_permissions = ()
        triggers = [
            trigger(
                "analytics/count_customer",
                when=pgtrigger.After,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("((OLD.type = 'customer') <> (NEW.type = 'customer'))"),
            ),
            trigger(
                "analytics/count_customer",
                name="count_new_customer",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Condition("NEW.type = 'customer'"),
            ),
        ]
