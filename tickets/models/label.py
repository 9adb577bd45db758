"""Labels of tickets, and how many tickets have each."""

from collections.abc import Iterable

import pgtrigger
from django.db import models

from kit.db.triggers import trigger
from kit.text import composed

MAX_LABELS = 20
MAX_LABEL = 50


def normalized(labels: Iterable[str]) -> list[str]:
    """Return labels as they are stored: in lower case, each once, sorted."""
    return sorted({composed(label.strip().lower()) for label in labels} - {""})


class LabelCount(models.Model):
    """A change of the number of tickets with a label in a project. The sum of a label's rows is its count.

    Triggers append rows, which are never updated, so that writers do not wait for each other;
    `services.fold_label_counts` keeps the table small.
    """

    label = models.CharField(max_length=MAX_LABEL)
    # Not a foreign key, which would be checked for each label of each ticket.
    project_id = models.BigIntegerField()
    tickets = models.IntegerField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.label}: {self.tickets:+}"


COUNTING_TRIGGERS = [
    trigger(
        "tickets/count_labels",
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        condition=pgtrigger.Condition("NEW.labels <> '{}'"),
    ),
    trigger(
        "tickets/recount_labels",
        when=pgtrigger.After,
        operation=pgtrigger.UpdateOf("labels", "project_id"),
        condition=pgtrigger.AnyChange("labels", "project"),
    ),
]
