"""The form of an event. Its times are local times in the event's time zone."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from events import services
from events.models import MAX_CAPACITY, EventStatus
from events.models.event import site_currency, site_time_zone
from kit.admin.forms import ServiceForm, changed_values
from kit.admin.stale import SeenForm
from kit.money import currencies
from kit.zones import NoSuchTime, instant, local, time_zones

TIMES = ("starts_at", "ends_at", "bookings_close_at")


class EventForm(SeenForm, ServiceForm):
    time_zone = forms.ChoiceField(
        choices=time_zones,
        initial=site_time_zone,
        widget=UnfoldAdminSelectWidget,
        help_text="The times below are in this zone. If you change it, they stay as shown and apply in the new zone.",
    )
    currency = forms.ChoiceField(
        choices=currencies,
        initial=site_currency,
        widget=UnfoldAdminSelectWidget,
        help_text="Cannot be changed once the event has bookings.",
    )
    capacity = forms.IntegerField(min_value=1, max_value=MAX_CAPACITY, widget=UnfoldAdminIntegerFieldWidget)
    withheld = forms.IntegerField(
        min_value=0,
        max_value=MAX_CAPACITY,
        initial=0,
        label="Held back",
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="Seats that are not for sale.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What the form shows; `instance` gets the new values while the form is validated.
        if not self.instance.pk:
            self.initial.setdefault("status", EventStatus.DRAFT)
        self.shown = {name: getattr(self.instance, name) for name in ("time_zone", "currency", *TIMES)}
        if "status" in self.fields:
            self.fields["status"].help_text = "Only admins see drafts. A published event takes bookings."
            # Cancelling has its own page, which shows who is affected.
            self.fields["status"].choices = [  # type: ignore[attr-defined]
                (status.value, status.label) for status in (EventStatus.DRAFT, EventStatus.PUBLISHED)
            ]
        for name in ("time_zone", "currency"):
            if name in self.fields:
                self._offer_present_value(name)
        for name in TIMES:
            if name in self.fields:
                self._show_local_time(name)
        if self.instance.pk:
            self.seats_before = {name: getattr(self.instance.inventory, name) for name in services.SEATS}
            for name in services.SEATS:
                if name in self.fields:
                    self.fields[name].initial = self.seats_before[name]

    def _offer_present_value(self, name: str) -> None:
        """Add the event's own value to the choices: a legacy alias such as `EST`, or one that has been removed."""
        choices: Any = self.fields[name]
        if self.shown[name] not in dict(choices.choices):
            choices.choices = [*choices.choices, (self.shown[name], self.shown[name])]

    def _show_local_time(self, name: str) -> None:
        zone, moment = self.shown["time_zone"], self.shown[name]
        if moment:
            self.initial[name] = local(moment, zone).replace(tzinfo=None)
        field = self.fields[name]
        field.help_text = f"{field.help_text} In the time zone above (now {self._chosen_zone()}).".strip()

    def _chosen_zone(self) -> str:
        """Return the time zone that the form shows as chosen: after an error, the one that was sent."""
        field: Any = self.fields.get("time_zone")
        sent = self.data.get(self.add_prefix("time_zone"), "")
        return sent if field and field.valid_value(sent) else self.shown["time_zone"]

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        for name in TIMES:
            if self.cleaned_data.get(name):
                self._read_local_time(name)
        return cleaned

    def _read_local_time(self, name: str) -> None:
        zone = self.cleaned_data.get("time_zone")
        if zone is None:
            del self.cleaned_data[name]
        elif zone == self.shown["time_zone"] and name not in self.changed_data:
            # The stored time is exact: the form shows no fractions of seconds, and some local times occur twice.
            self.cleaned_data[name] = self.shown[name]
        else:
            try:
                self.cleaned_data[name] = instant(self.cleaned_data[name], zone)
            except NoSuchTime as error:
                self.add_error(name, str(error))

    def changes(self) -> dict[str, Any]:
        """Return the new values. A new time zone changes all times; a closing time equal to the start stays equal."""
        values = changed_values(self)
        if "time_zone" in values:
            values |= {name: self.cleaned_data[name] for name in TIMES if name in self.cleaned_data}
            if "bookings_close_at" not in self.changed_data and (
                self.shown["bookings_close_at"] == self.shown["starts_at"]
            ):
                values.pop("bookings_close_at", None)
        return values
