"""How long tickets may take: policies by priority, and the calendars by which their hours count."""

from datetime import datetime, time, timedelta
from functools import cached_property
from itertools import groupby
from zoneinfo import available_timezones

import pgtrigger
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Trim, Upper
from django.db.models.lookups import Exact

from kit.db.triggers import trigger
from sla.business_hours import ROUND_THE_CLOCK, BusinessHours

# When this much of the time is used, people are warned. The table's triggers say the same.
AT_RISK_SHARE = 0.8


class Priority(models.TextChoices):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class SlaState(models.TextChoices):
    """How a ticket stands to its deadline."""

    OK = "ok"
    AT_RISK = "at-risk"
    BREACHED = "breached"
    ON_HOLD = "on-hold"
    MET = "met"
    MISSED = "missed"


def time_zones() -> list[tuple[str, str]]:
    """Those of the IANA by their names; what else the machine has a file for are old names of the same."""
    return [(name, name) for name in sorted(available_timezones()) if "/" in name or name == "UTC"]


class Calendar(models.Model):
    """When people are at work: the clock of an SLA policy with a calendar stands still outside of it.

    Without any hours it is open round the clock, holidays apart.
    """

    name = models.CharField(max_length=150)
    time_zone = models.CharField(max_length=64, default="UTC", choices=time_zones)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Upper("name"), name="calendar_name", violation_error_message="There is a calendar of that name."
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
        """What its rows say. This causes two queries."""
        by_weekday = groupby(self.openings.order_by("weekday"), lambda opening: opening.weekday)
        openings = {weekday: [(each.opens_at, each.closes_at) for each in day] for weekday, day in by_weekday}
        return BusinessHours(self.time_zone, openings, frozenset(self.holidays.values_list("day", flat=True)))


class Weekday(models.IntegerChoices):
    MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = range(7)


class Opening(models.Model):
    """From when to when people are at work on a weekday, in the calendar's time zone. There may be several a day."""

    calendar = models.ForeignKey(Calendar, on_delete=models.CASCADE, related_name="openings", db_index=False)
    weekday = models.PositiveSmallIntegerField(choices=Weekday.choices)
    opens_at = models.TimeField("opens")
    closes_at = models.TimeField("closes", help_text="00:00 is the end of the day.")

    class Meta:
        ordering = ["weekday", "opens_at"]
        constraints = [
            models.UniqueConstraint(fields=["calendar", "weekday", "opens_at"], name="opening_once"),
            models.CheckConstraint(condition=Q(weekday__range=(0, 6)), name="opening_weekday"),
            models.CheckConstraint(
                condition=Q(closes_at__gt=F("opens_at")) | Q(closes_at=time.min),
                name="opening_before_closing",
                violation_error_message="It must close after it opens; 00:00 is the end of the day.",
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
    """How long a ticket of a priority may take. Rows, so that staff can change them."""

    priority = models.CharField(max_length=10, choices=Priority.choices, primary_key=True)
    hours = models.PositiveSmallIntegerField(validators=[MinValueValidator(1)])
    calendar = models.ForeignKey(
        Calendar,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="policies",
        help_text="When the hours count. Without a calendar they count round the clock.",
    )

    class Meta:
        verbose_name = "SLA policy"
        verbose_name_plural = "SLA policies"
        constraints = [
            models.CheckConstraint(condition=Q(hours__gte=1), name="sla_policy_hours"),
            models.CheckConstraint(condition=Q(priority__in=Priority.values), name="sla_policy_priority"),
        ]
        triggers = [pgtrigger.Protect(name="keep_sla_policies", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.priority}: {self.hours} h"

    @cached_property
    def business_hours(self) -> BusinessHours:
        return self.calendar.business_hours() if self.calendar else ROUND_THE_CLOCK

    def due(self, created_at: datetime, *, held_seconds: int = 0, share: float = 1) -> datetime:
        """When `share` of the hours have passed since the creation, and what the clock stood still besides."""
        return self.business_hours.add(
            created_at, share * timedelta(hours=self.hours) + timedelta(seconds=held_seconds)
        )
