"""Ticket counts by day and month, who created tickets last when, and first responses: derived from the tickets.

Triggers on proxy models maintain these tables, so the tickets app does not know about them. `ReportSubscription` is not
derived.
"""

import pgtrigger
from django.db import models
from django.db.models import Q

from accounts.models import User
from kit.db.sampling import IsSampled
from kit.db.triggers import trigger
from tickets.models import Comment, Ticket


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
    is_in_month = models.BooleanField(db_default=False, help_text="Whether the monthly counts include this row.")

    class Meta:
        indexes = [
            models.Index(fields=["day"], name="daily_count_day"),
            models.Index(fields=["day"], condition=Q(is_in_month=False), name="daily_count_new"),
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.tickets:+} {self.status} {self.priority} {self.type}"


class MonthlyCount(models.Model):
    """The sum of a month's daily counts of one kind, as far as they were folded. Only written by folding."""

    month = models.DateField(help_text="Its first day.")
    project_id = models.BigIntegerField()
    status = models.CharField(max_length=12)
    priority = models.CharField(max_length=10)
    type = models.CharField(max_length=50)
    tickets = models.BigIntegerField()
    spent = models.DecimalField(max_digits=20, decimal_places=2)

    class Meta:
        indexes = [models.Index(fields=["month"], name="monthly_count_month")]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}: {self.tickets} {self.status} {self.priority} {self.type}"


class LastDay(models.Model):
    """A UTC day after which a user has created no tickets, and a project in which they created one on that day.

    Lets the dashboard count most customers without looking up their tickets. A ticket adds a row if its day is later
    than its creator's other rows, so there is one row per user and day at most, apart from races. Folding keeps the
    last one. Rows are only updated if the ticket of that day moves to another project, user or day.
    """

    user_id = models.BigIntegerField()
    day = models.DateField()
    project_id = models.BigIntegerField(null=True, help_text="null: no project is known any more.")

    class Meta:
        indexes = [models.Index(fields=["user_id", "day"], name="last_day_of_user")]

    def __str__(self) -> str:
        return f"User {self.user_id}: {self.day}"


RESPONSE = ["ticket_id", "author_id", "project_id", "seconds"]


class FirstResponse(models.Model):
    """The first public comment on a ticket by staff other than its creator."""

    # Not foreign keys: those of the comment already hold, and each would add a check to it.
    ticket_id = models.BigIntegerField(primary_key=True)
    author_id = models.BigIntegerField()
    project_id = models.BigIntegerField(help_text="The ticket's project at that time.")
    responded_at = models.DateTimeField()
    seconds = models.FloatField(help_text="From the creation of the ticket to the response.")

    class Meta:
        indexes = [
            # sql/times.sql reads nothing but one of these.
            models.Index(fields=["responded_at"], include=RESPONSE, name="first_response_at"),
            models.Index(
                fields=["responded_at"],
                include=RESPONSE,
                condition=Q(IsSampled("ticket_id")),
                name="first_response_sample",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.ticket_id}: after {self.seconds:.0f} s"


class ReportSubscription(models.Model):
    """An admin's wish to get the weekly report by e-mail. Without effect while the user is not an active admin."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="+")
    reported_on = models.DateField(help_text="The Monday of the last report; at first, the one before subscribing.")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"weekly report for user {self.user_id}"


class CountedTicket(Ticket):
    """Declares the triggers on `tickets_ticket` that maintain the counts and last days."""

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
            trigger(
                "analytics/forget_last_day",
                when=pgtrigger.After,
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("project", "created_by", "created_at"),
            ),
        ]


class CountedComment(Comment):
    """Declares the trigger on `tickets_comment` that maintains the first responses."""

    class Meta:
        proxy = True
        default_permissions = ()
        triggers = [
            trigger(
                "analytics/note_first_response",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Q(new__is_internal=False),
            )
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
