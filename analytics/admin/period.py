"""The days that the overview covers: a preset or a range of dates."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from analytics.days import Days
from kit.dates import START_AFTER_END

PRESETS = {1: "Today", 7: "7 days", 30: "30 days", 90: "90 days", 365: "1 year"}
DEFAULT_DAYS = 30
MAX_DAYS = 366


class RangeForm(forms.Form):
    """Two dates, both inclusive."""

    start = forms.DateField(label="From", widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"))
    end = forms.DateField(label="To", widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"))

    use_required_attribute = False

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today

    def clean_end(self) -> date:
        end: date = self.cleaned_data["end"]
        if end > self.today:
            raise ValidationError("Choose today or an earlier day.")
        return end

    def clean(self) -> None:
        start, end = self.cleaned_data.get("start"), self.cleaned_data.get("end")
        if not (start and end):
            return
        if start > end:
            self.add_error("start", START_AFTER_END)
        elif Days(start, end).number > MAX_DAYS:
            self.add_error("start", f"Choose at most {MAX_DAYS} days.")


@dataclass(frozen=True)
class Period:
    """UTC days. `preset` is None for a range of dates; `form` has the errors of one that is not possible."""

    days: Days
    preset: int | None
    form: RangeForm

    @property
    def query(self) -> dict[str, Any]:
        """Return the query parameters that choose this period."""
        if self.preset:
            return {"days": self.preset}
        return {"start": self.days.first, "end": self.days.last}

    def url(self, **more: int) -> str:
        """Return a link to the overview of this period, with more parameters."""
        return f"?{urlencode(self.query | more)}"


def chosen(request: HttpRequest, at: datetime) -> Period:
    """Return the period that the query string asks for: 30 days without one, or if it is not possible."""
    today = at.date()
    asked = request.GET
    if asked.get("start") or asked.get("end"):
        form = RangeForm(asked, today=today)
        if form.is_valid():
            return Period(Days(form.cleaned_data["start"], form.cleaned_data["end"]), None, form)
        return Period(Days.up_to(today, number=DEFAULT_DAYS), DEFAULT_DAYS, form)
    preset = {str(number): number for number in PRESETS}.get(asked.get("days", ""), DEFAULT_DAYS)
    days = Days.up_to(today, number=preset)
    return Period(days, preset, RangeForm(initial={"start": days.first, "end": days.last}, today=today))
