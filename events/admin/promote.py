"""The page for promoting a booking from the waiting list by hand."""

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.admin import ModelAdmin

from accounts.permissions import staff_user
from events import services
from events.admin.display import holder_of
from events.models import Booking
from kit.admin.pages import form_page
from kit.admin.refusals import refusals_as_messages
from kit.text import counted


def promote_page(model_admin: ModelAdmin, request: HttpRequest, booking: Booking) -> HttpResponse:
    page = reverse("admin:events_booking_change", args=[booking.pk])
    if request.method == "POST":
        with refusals_as_messages(request):
            services.promote(booking_id=booking.pk, by=staff_user(request))
            model_admin.log_change(request, booking, "Promoted by hand.")
            message = f"Booking #{booking.pk} is confirmed. {holder_of(booking)} will be notified."
            model_admin.message_user(request, message)
        return HttpResponseRedirect(page)
    return form_page(
        model_admin,
        request,
        forms.Form(),
        title=f"Promote booking #{booking.pk}?",
        notes=_situation(booking),
        submit="Promote",
        back=page,
        row=booking,
    )


def _situation(booking: Booking) -> list[str]:
    seats, available = (counted(number, "seat") for number in (booking.left, booking.event.inventory.available))
    notes = [
        f"{booking.event.name}: {seats} for {holder_of(booking)}, {booking.status}. {available} left.",
        "While bookings are open, free seats go to the waiting list automatically.",
    ]
    if ahead := Booking.objects.with_position().get(pk=booking.pk).ahead:
        have = "has" if ahead == 1 else "have"
        notes.append(f"{counted(ahead, 'booking')} {have} been waiting longer and will be passed over.")
    return notes
