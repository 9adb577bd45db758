"""Cancelling seats of a booking: the form on the booking's page, and the page that asks for confirmation.

The refund is shown before anything is cancelled. The form says which refund the reader has seen: a script fills it in
while they type, and without it the page shows the refund and asks again.
"""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from accounts.models import User
from accounts.permissions import staff_user
from events import services
from events.admin.display import SHOWN_BOOKINGS, holder_of, person_of, seats_of
from events.admin.promoted import last_entry, promoted_after
from events.models import Booking, BookingStatus, CheckIn
from kit.admin.refusals import refusals_as_form_errors
from kit.money import DECIMAL_PLACES, readable
from kit.text import counted
from kit.versions import Expected, VersionConflict

NOTHING_TO_REFUND = "Nothing to refund: the booking is still waiting."


class CancelForm(forms.Form):
    seats = forms.IntegerField(min_value=1, label="Seats to cancel", widget=UnfoldAdminIntegerFieldWidget)
    # The version and the refund that the page shows.
    seen_version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    seen_refund = forms.DecimalField(required=False, widget=forms.HiddenInput)

    class Media:
        js = ["kit/refund.js"]
        css = {"all": ["kit/events.css"]}

    def __init__(self, *args: Any, booking: Booking, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.booking = booking
        self.initial["seen_version"] = booking.version
        self.fields["seats"].widget.attrs |= {"max": booking.left, "autocomplete": "off"}

    def clean_seats(self) -> int:
        seats: int = self.cleaned_data["seats"]
        if seats > self.booking.left:
            raise forms.ValidationError(f"{services.MoreThanBooked(self.booking.left).message}.")
        return seats

    @property
    def is_ready(self) -> bool:
        """Return whether the form is valid and its sender has seen the refund."""
        return self.is_valid() and self.cleaned_data["seen_refund"] == refund(self.booking, self.cleaned_data["seats"])

    @property
    def price(self) -> str:
        """Return the refund for one seat as the script reads it."""
        return f"{refund(self.booking, 1):.2f}"

    @property
    def decimals(self) -> int:
        """Return how many decimal places amounts are shown with, as `readable` does."""
        is_whole = not DECIMAL_PLACES.get(self.booking.event.currency) and self.booking.unit_price % 1 == 0
        return 0 if is_whole else 2

    @property
    def situation(self) -> str:
        booking = self.booking
        price = readable(booking.unit_price, booking.event.currency)
        seats = counted(booking.left, "seat") if not booking.cancelled else f"{seats_of(booking)} seats"
        return f"{booking.event.name}: {seats} {booking.status} for {holder_of(booking)}, at {price} each."

    @property
    def checked_in(self) -> str:
        """Return a warning if seats are checked in, or an empty text."""
        taken = list(CheckIn.objects.valid().filter(event=self.booking.event_id, booking=self.booking).order_by("seat"))
        if not taken:
            return ""
        seats, are = ", ".join(str(scan.seat) for scan in taken[:SHOWN_BOOKINGS]), "is" if len(taken) == 1 else "are"
        more = " and others" if len(taken) > SHOWN_BOOKINGS else ""
        return (
            f"Seat{'s' * (len(taken) > 1)} {seats}{more} {are} checked in. The highest numbers are cancelled first, "
            "and check-ins of cancelled seats are undone."
        )


def refund(booking: Booking, seats: int) -> Decimal:
    """Return what cancelling these seats takes off the ledger: waiting bookings have paid nothing."""
    return booking.unit_price * seats if booking.status == BookingStatus.CONFIRMED else Decimal(0)


def refund_sentence(booking: Booking, seats: int) -> str:
    if booking.status != BookingStatus.CONFIRMED:
        return NOTHING_TO_REFUND
    return f"Refund: {readable(refund(booking, seats), booking.event.currency)}."


def may_cancel(request: HttpRequest, booking: Booking) -> bool:
    """Return whether the user can cancel seats of this booking now; the service decides."""
    user = staff_user(request)
    is_open = user.is_admin or not booking.event.has_started(timezone.now())
    return is_open and booking.left > 0 and user.has_perm("events.change_booking")


def cancel_seats_page(model_admin: ModelAdmin, request: HttpRequest, booking: Booking) -> HttpResponse:
    page = reverse("admin:events_booking_change", args=[booking.pk])
    if not booking.left:
        model_admin.message_user(request, f"{services.AlreadyCancelled.message}.", messages.ERROR)
        return HttpResponseRedirect(page)
    form = CancelForm(request.POST or None, booking=booking)
    if form.is_ready:
        with refusals_as_form_errors(form):
            done = _cancel(booking, form, by=staff_user(request))
            model_admin.log_change(request, booking, f"Cancelled {counted(form.cleaned_data['seats'], 'seat')}.")
            model_admin.message_user(request, done)
            return HttpResponseRedirect(page)
    # Whether all that is left to do is to confirm the refund.
    is_last_step = form.is_valid()
    if form.is_bound:
        # The page now shows the current state.
        seen_refund = str(refund(booking, form.cleaned_data["seats"])) if is_last_step else ""
        form.data = {**request.POST.dict(), "seen_version": str(booking.version), "seen_refund": seen_refund}
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "original": booking,
        "title": f"Cancel seats of booking #{booking.pk}",
        "form": form,
        "media": form.media,
        "refund": refund_sentence(booking, form.cleaned_data["seats"]) if is_last_step else "",
        "submit": f"Cancel {counted(form.cleaned_data['seats'], 'seat')}" if is_last_step else "Cancel seats",
        "back": page,
    }
    return TemplateResponse(request, "admin/events/booking/cancel_seats.html", context)


def _cancel(booking: Booking, form: CancelForm, *, by: User) -> str:
    """Cancel the seats, and return what to tell the user."""
    seats, seen = form.cleaned_data["seats"], form.cleaned_data["seen_version"]
    expected = None if seen is None else Expected({seen})
    before = last_entry(booking.event_id)
    try:
        services.cancel(booking_id=booking.pk, by=by, seats=seats, for_holder=True, expected=expected)
    except VersionConflict as conflict:
        # The fields that changed are not in the form.
        raise VersionConflict(conflict.message) from conflict
    return format_html(
        "{} cancelled. {} {} will be notified. {}",
        counted(seats, "seat"),
        refund_sentence(booking, seats),
        person_of(booking),
        promoted_after(before, booking.event_id),
    )
