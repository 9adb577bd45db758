"""The list of tickets that were first answered on some days, to which the overview's first responses link."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.models import User
from analytics.days import Days
from analytics.models import FirstResponse
from kit.dates import Span
from projects.models import Project
from tickets.models import Ticket

# UTC days, both included, and perhaps who answered or the project: "2026-11-01..2026-11-30 person 7".
ANSWERED = re.compile(r"(\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)(?: (person|team) (\d{1,18}))?", re.ASCII)
NAMED = {"person": User, "team": Project}
COLUMNS = {"person": "author_id", "team": "project_id"}


@dataclass(frozen=True)
class Answered:
    """First responses on some days: all, or those of a person or of a team, as `sql/times.sql` counts them."""

    days: Days
    kind: str = ""
    number: int | None = None

    def __str__(self) -> str:
        days = f"{self.days.first}..{self.days.last}"
        return f"{days} {self.kind} {self.number}" if self.kind else days

    @property
    def readable(self) -> str:
        """Return what people read. For a person or a team, this runs one query."""
        days = f"{self.days.first} to {self.days.last} (UTC)"
        if not self.kind:
            return days
        return f"{days}, {NAMED[self.kind]._default_manager.filter(pk=self.number).first() or 'nobody'}"

    @property
    def responses(self) -> QuerySet[FirstResponse]:
        span = Span.between(self.days.first, self.days.last)
        found = FirstResponse.objects.filter(responded_at__gte=span.starts_at, responded_at__lt=span.ends_at)
        return found.filter(**{COLUMNS[self.kind]: self.number}) if self.kind else found


def answered(text: str | None) -> Answered | None:
    """Return what a query string asks for, or None if it is malformed."""
    if not (match := ANSWERED.fullmatch(text or "")):
        return None
    try:
        first, last = date.fromisoformat(match[1]), date.fromisoformat(match[2])
    except ValueError:
        return None
    number = int(match[4]) if match[4] else None
    return Answered(Days(first, last), match[3] or "", number) if first <= last else None


class AnsweredFilter(admin.SimpleListFilter):
    """Only links lead to it (analytics/admin/figures.py)."""

    title = "first response"
    parameter_name = "answered"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        asked = answered(self.value())
        return [(str(asked), asked.readable)] if asked else []

    def queryset(self, request: HttpRequest, tickets: QuerySet[Ticket]) -> QuerySet[Ticket]:
        asked = answered(self.value())
        return tickets.filter(pk__in=asked.responses.values("ticket_id")) if asked else tickets


def chip(text: str) -> str:
    """Return what the list's chip of this filter says."""
    asked = answered(text)
    return asked.readable if asked else text
