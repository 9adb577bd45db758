"""The page on which an admin books for a user or a guest."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from accounts.models import User
from accounts.permissions import staff_user
from events import services
from events.admin.display import event_page
from events.models import MAX_CAPACITY, Booking, Event, Origin
from events.services import Guest, Joins
from kit import email_addresses
from kit.admin.forms import Autocomplete, without_related_buttons
from kit.admin.pages import form_page
from kit.admin.refusals import refusals_as_form_errors
from kit.text import counted
from kit.web.fields import NO_CONTROL_CHARACTERS


class NewBookingForm(forms.Form):
    """A booking for either a user or a guest."""

    first_name = forms.CharField(
        max_length=150, required=False, widget=UnfoldAdminTextInputWidget, validators=[NO_CONTROL_CHARACTERS]
    )
    last_name = forms.CharField(
        max_length=150, required=False, widget=UnfoldAdminTextInputWidget, validators=[NO_CONTROL_CHARACTERS]
    )
    email = email_addresses.FormField(
        max_length=254, required=False, label="E-mail address", widget=UnfoldAdminEmailInputWidget
    )
    quantity = forms.IntegerField(
        min_value=1, max_value=MAX_CAPACITY, initial=1, label="Seats", widget=UnfoldAdminIntegerFieldWidget
    )
    may_wait = forms.BooleanField(
        required=False,
        initial=True,
        label="Join the waiting list if there is not enough room",
        widget=UnfoldBooleanSwitchWidget,
    )

    def __init__(self, *args: Any, user_field: forms.Field, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        user_field.required = False
        user_field.label = "User"
        user_field.help_text = "For a guest, leave this empty and fill in the next three fields."
        self.fields = {"user": user_field, **self.fields}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        guest = [cleaned.get(name) for name in ("first_name", "last_name", "email")]
        if cleaned.get("user") and any(guest):
            raise forms.ValidationError("Choose either a user or a guest, not both.")
        if not cleaned.get("user") and not all(guest):
            raise forms.ValidationError("Choose a user, or enter the guest's names and e-mail address.")
        return cleaned

    def guest(self) -> Guest | None:
        if self.cleaned_data["user"]:
            return None
        return Guest(*(self.cleaned_data[name] for name in ("first_name", "last_name", "email")))


def new_booking_page(model_admin: ModelAdmin, request: HttpRequest, event: Event) -> HttpResponse:
    form = NewBookingForm(request.POST or None, user_field=_user_field(request))
    if form.is_valid():
        with refusals_as_form_errors(form):
            booking = services.book(
                event_id=event.pk,
                quantity=form.cleaned_data["quantity"],
                by=staff_user(request),
                user=form.cleaned_data["user"],
                guest=form.guest(),
                joins=Joins.ALWAYS if form.cleaned_data["may_wait"] else Joins.NEVER,
                origin=Origin.ADMIN,
                at=timezone.now(),
            )
            place = f"on the waiting list, at position {booking.position:,}" if booking.position else "confirmed"
            model_admin.message_user(request, f"Booking #{booking.pk} is {place}.")
            return HttpResponseRedirect(event_page(event))
    inventory = event.inventory
    seats = f"{inventory.available:,} of {inventory.for_sale:,} seats left"
    return form_page(
        model_admin,
        request,
        form,
        title=f"New booking: {event.name}",
        notes=[f"{seats}; {counted(inventory.waiting, 'booking')} waiting."],
        submit="Book",
        back=event_page(event),
        row=event,
    )


def _user_field(request: HttpRequest) -> Any:
    """Return the field of the booking's own page, with autocomplete, limited to active users."""
    field = Booking._meta.get_field("user")
    return without_related_buttons(
        admin.site.get_model_admin(Booking).formfield_for_dbfield(
            field, request, widget=Autocomplete(field, admin.site), queryset=User.objects.filter(is_active=True)
        )
    )
