"""Macros: replies with placeholders, and changes of a ticket that go with them."""

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Trim, Upper
from django.db.models.lookups import Exact

from accounts.models import User
from kit.db.text import composed_constraint
from kit.search.expressions import SortKey
from sla.models import Priority
from tickets.models.clock import Status
from tickets.models.comment import MAX_MESSAGE


class MacroQuerySet(models.QuerySet["Macro"]):
    def usable_by(self, user: User) -> Self:
        """Select shared macros and the user's own."""
        return self.filter(Q(owner__isnull=True) | Q(owner=user))


class Macro(models.Model):
    """What a member of staff does with one choice. A macro that has only a text is a canned reply."""

    name = models.CharField(max_length=100)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, null=True, editable=False, help_text="null: shared.")
    text = models.TextField(blank=True, max_length=MAX_MESSAGE)
    is_internal = models.BooleanField("internal note (staff only)", default=False)
    # Empty fields leave the ticket as it is.
    status = models.CharField(max_length=12, blank=True, choices=Status.choices)
    priority = models.CharField(max_length=10, blank=True, choices=Priority.choices)
    labels = ArrayField(models.TextField(), default=list, blank=True)
    assigns_me = models.BooleanField("assign to me", default=False)
    puts_on_hold = models.BooleanField("put on hold", default=False)
    hold_reason = models.CharField("reason for hold", max_length=255, blank=True)

    objects = MacroQuerySet.as_manager()

    class Meta:
        ordering = [SortKey("name"), "id"]
        constraints = [
            models.UniqueConstraint("owner", Upper("name"), name="macro_name_unique", nulls_distinct=False),
            models.CheckConstraint(condition=~Exact(Trim("name"), ""), name="macro_name"),
            composed_constraint("name", name="macro_name_composed"),
            models.CheckConstraint(condition=Q(status__in=["", *Status.values]), name="macro_status"),
            models.CheckConstraint(condition=Q(priority__in=["", *Priority.values]), name="macro_priority"),
            models.CheckConstraint(
                condition=Q(Func(F("labels"), function="labels_are_valid", output_field=models.BooleanField())),
                name="macro_labels",
            ),
            models.CheckConstraint(
                condition=Q(puts_on_hold=False) | ~Q(status=Status.CLOSED), name="macro_hold_or_close"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_shared(self) -> bool:
        return self.owner_id is None

    def may_be_changed_by(self, user: User) -> bool:
        """Return whether it is the user's own, or shared and the user is an admin."""
        return user.is_admin if self.is_shared else self.owner_id == user.pk
