"""How long tickets may take: a policy per priority, and calendars that say when the hours count.

What a policy means for the clock of one ticket is in clock.py.
"""

from datetime import datetime, time
from functools import cached_property
from itertools import groupby

import pgtrigger
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Trim, Upper
from django.db.models.lookups import Exact

from kit.db.text import composed_constraint
from kit.db.triggers import trigger
from kit.zones import time_zones
from sla.business_hours import ROUND_THE_CLOCK, BusinessHours
from sla.clock import Terms

DEFAULT_AT_RISK_SHARE = 0.8


class Priority(models.TextChoices):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class SlaState(models.TextChoices):
    """Where a ticket stands with its deadline."""

    OK = "ok", "OK"
    AT_RISK = "at-risk", "SLA at risk"
    BREACHED = "breached", "SLA breached"
    ON_HOLD = "on-hold", "On hold"
    MET = "met", "SLA met"
    MISSED = "missed", "SLA missed"


class Calendar(models.Model):
    """Business hours. The clock of a policy with a calendar stops outside them.

    A calendar without openings is open round the clock, except on its holidays.
    """

    name = models.CharField(max_length=150)
    time_zone = models.CharField(max_length=64, default="UTC", choices=time_zones)

    class Meta:
        constraints = [
            composed_constraint("name", name="calendar_name_composed"),
            models.UniqueConstraint(
                Upper("name"), name="calendar_name", violation_error_message="A calendar with this name already exists."
            ),
            models.CheckConstraint(condition=~Exact(Trim("name"), ""), name="calendar_has_name"),
        ]
        triggers = [
            trigger(
                "sla/refuse_time_zone",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("time_zone"),
            )
        ]

    def __str__(self) -> str:
        return self.name

    def business_hours(self) -> BusinessHours:
        """Return the openings and holidays of this calendar. This runs two queries."""
        by_weekday = groupby(self.openings.order_by("weekday"), lambda opening: opening.weekday)
        openings = {weekday: [(each.opens_at, each.closes_at) for each in day] for weekday, day in by_weekday}
        return BusinessHours(self.time_zone, openings, frozenset(self.holidays.values_list("day", flat=True)))


class Weekday(models.IntegerChoices):
    MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = range(7)


class Opening(models.Model):
    """Opening hours on a weekday, in the calendar's time zone. A day can have several."""

    calendar = models.ForeignKey(Calendar, on_delete=models.CASCADE, related_name="openings", db_index=False)
    weekday = models.PositiveSmallIntegerField(choices=Weekday.choices)
    opens_at = models.TimeField("opens")
    closes_at = models.TimeField("closes", help_text="00:00 means the end of the day.")

    class Meta:
        ordering = ["weekday", "opens_at"]
        constraints = [
            models.UniqueConstraint(fields=["calendar", "weekday", "opens_at"], name="opening_once"),
            models.CheckConstraint(condition=Q(weekday__range=(0, 6)), name="opening_weekday"),
            models.CheckConstraint(
                condition=Q(closes_at__gt=F("opens_at")) | Q(closes_at=time.min),
                name="opening_before_closing",
                violation_error_message="Must close after it opens; 00:00 means the end of the day.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()}, {self.opens_at:%H:%M} to {self.closes_at:%H:%M}"


class Holiday(models.Model):
    calendar = models.ForeignKey(Calendar, on_delete=models.CASCADE, related_name="holidays", db_index=False)
    day = models.DateField()
    name = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["day"]
        constraints = [models.UniqueConstraint(fields=["calendar", "day"], name="holiday_once")]

    def __str__(self) -> str:
        return f"{self.day} {self.name}".strip()


class SlaPolicy(models.Model):
    """How long tickets of one priority may take. Admins can change it in the admin."""

    priority = models.CharField(max_length=10, choices=Priority.choices, primary_key=True)
    hours = models.PositiveSmallIntegerField(validators=[MinValueValidator(1)])
    calendar = models.ForeignKey(
        Calendar,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="policies",
        help_text="When the hours count. Without a calendar, they count round the clock.",
    )
    # After this share of the time, the ticket is at risk and its assignees are warned.
    at_risk_share = models.FloatField(default=DEFAULT_AT_RISK_SHARE, db_default=DEFAULT_AT_RISK_SHARE, editable=False)

    class Meta:
        verbose_name = "SLA policy"
        verbose_name_plural = "SLA policies"
        constraints = [
            models.CheckConstraint(condition=Q(hours__gte=1), name="sla_policy_hours"),
            models.CheckConstraint(condition=Q(priority__in=Priority.values), name="sla_policy_priority"),
            models.CheckConstraint(
                condition=Q(at_risk_share__gt=0, at_risk_share__lt=1), name="sla_policy_at_risk_share"
            ),
        ]
        triggers = [pgtrigger.Protect(name="keep_sla_policies", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.get_priority_display()}: {self.hours} h"

    @cached_property
    def terms(self) -> Terms:
        """Return the terms for clock.py. This runs two queries if there is a calendar."""
        return Terms(
            hours=self.hours,
            at_risk_share=self.at_risk_share,
            calendar=self.calendar.name if self.calendar else "",
            business_hours=self.calendar.business_hours() if self.calendar else ROUND_THE_CLOCK,
        )

    def due(self, created_at: datetime, *, share: float = 1) -> datetime:
        """Return when `share` of the hours will have passed for a ticket whose clock never stopped."""
        return self.terms.deadline(created_at, share=share)
