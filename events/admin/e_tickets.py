"""The e-tickets of a booking: its seats with their state, and the page that replaces the codes."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.admin import ModelAdmin

from accounts.permissions import staff_user
from events import queries, services
from events.admin.display import holder_of
from events.models import Booking, BookingStatus, CheckIn
from kit.admin.pages import form_page
from kit.admin.refusals import refusals_as_messages
from kit.text import counted
from kit.zones import compact

# How many seats the page lists.
SHOWN_SEATS = 50


def seats(request: HttpRequest, booking: Booking) -> dict[str, Any]:
    """Return the context of the panel of seats. Only admins see codes, as in the API."""
    viewer = staff_user(request)
    if booking.status != BookingStatus.CONFIRMED:
        return {}
    tickets = queries.tickets(booking_id=booking.pk, viewer=None, is_proven=True, limit=SHOWN_SEATS) or []
    scans = {
        scan.seat: scan
        for scan in CheckIn.objects.valid().filter(event=booking.event_id, booking=booking).select_related("by")
    }
    rows = [
        {
            "seat": ticket["seat"],
            "code": ticket["code"] if viewer.is_admin else "",
            "state": _state(scans.get(ticket["seat"]), booking.event.time_zone),
            "is_in": ticket["seat"] in scans,
        }
        for ticket in tickets
    ]
    return {"seats": rows, "more_seats": booking.left - len(rows), "shows_codes": viewer.is_admin, "in": len(scans)}


def _state(scan: CheckIn | None, time_zone: str) -> str:
    if scan is None:
        return "Not checked in"
    device = f", {scan.device}" if scan.device else ""
    return f"Checked in at {compact(scan.at, time_zone)} by {scan.by.name}{device}"


def reissue_page(model_admin: ModelAdmin, request: HttpRequest, booking: Booking) -> HttpResponse:
    page = reverse("admin:events_booking_change", args=[booking.pk])
    if request.method == "POST":
        with refusals_as_messages(request):
            services.reissue_tickets(booking_id=booking.pk, by=staff_user(request))
            model_admin.log_change(request, booking, "Reissued the tickets.")
            model_admin.message_user(request, "Tickets reissued. Their earlier codes are no longer valid.")
        return HttpResponseRedirect(page)
    return form_page(
        model_admin,
        request,
        forms.Form(),
        title=f"Reissue the tickets of booking #{booking.pk}?",
        notes=[
            f"{booking.event.name}: {counted(booking.left, 'seat')} for {holder_of(booking)}.",
            "The codes of its tickets are replaced. The earlier ones are refused at the door from now on, for example "
            "because somebody has published or copied them. Seats that are checked in stay so.",
        ],
        submit="Reissue tickets",
        back=page,
        row=booking,
        is_destructive=True,
    )
