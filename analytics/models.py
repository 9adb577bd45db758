"""What the figures are counted from: a derived table that triggers keep. The tickets know nothing of it."""

from django.db import models


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
