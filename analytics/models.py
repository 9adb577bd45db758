"""What the figures are counted from: a derived table that triggers keep. The tickets know nothing of it."""

import pgtrigger
from django.db import models

from accounts.models import User
from kit.db.triggers import trigger
from tickets.models import Ticket


class DailyCount(models.Model):
    """A change in how many tickets of a kind were created on a UTC day; the sum of a kind's rows is its count.

    Every statement that writes tickets appends its own rows here, in its own transaction (migrations/0001). Nothing is
    ever updated, so writers neither wait for each other nor deadlock; `services.fold_daily_counts` keeps the rows few.
    """

    day = models.DateField()
    # No reference: it would cost a check on each write of a ticket, and a project that is gone has counts of zero.
    project_id = models.BigIntegerField()
    status = models.CharField(max_length=12)
    priority = models.CharField(max_length=10)
    type = models.CharField(max_length=50)
    tickets = models.IntegerField()
    spent = models.DecimalField(
        max_digits=20, decimal_places=2, help_text="The prices of those of the tickets that customers created."
    )

    class Meta:
        indexes = [models.Index(fields=["day"], name="daily_count_day")]

    def __str__(self) -> str:
        return f"{self.day}: {self.tickets:+} {self.status} {self.priority} {self.type}"


class CountedTicket(Ticket):
    """A ticket, for the triggers that count them."""

    class Meta:
        proxy = True
        default_permissions = ()
        triggers = [
            trigger(
                "analytics/count_inserted",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="now_there"),
            ),
            trigger(
                "analytics/count_updated",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Update,
                referencing=pgtrigger.Referencing(old="once_there", new="now_there"),
            ),
        ]


class Customer(User):
    """A user, for the triggers that count what customers spend."""

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
