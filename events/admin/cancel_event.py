"""The page that shows what cancelling an event affects, and asks for confirmation."""

from decimal import Decimal

from django import forms
from django.db.models import F, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from unfold.admin import ModelAdmin

from accounts.permissions import staff_user
from events import services
from events.admin.display import SHOWN_BOOKINGS, event_page, holder_of
from events.models import BookingStatus, Event
from kit.admin.pages import form_page
from kit.admin.refusals import long_task_refusals_as_messages, refusals_as_messages
from kit.long_tasks.leases import long_task
from kit.money import readable
from kit.text import counted


def cancel_event_page(model_admin: ModelAdmin, request: HttpRequest, event: Event) -> HttpResponse:
    if request.method == "POST":
        user = staff_user(request)
        with long_task_refusals_as_messages(request), long_task(user.pk), refusals_as_messages(request):
            services.cancel_event(event_id=event.pk, by=user, at=timezone.now())
            message = f"{event.name} has been cancelled. Everyone with a booking will be notified."
            model_admin.message_user(request, message)
        return HttpResponseRedirect(event_page(event))
    return form_page(
        model_admin,
        request,
        forms.Form(),
        title=f"Cancel {event.name}?",
        notes=[*_consequences(event), "A cancelled event cannot be reopened."],
        submit="Cancel event",
        back=event_page(event),
        row=event,
        is_destructive=True,
    )


def _consequences(event: Event) -> list[str]:
    bookings = event.bookings.live()
    refund = bookings.aggregate(total=Sum(F("seats") * F("unit_price")))["total"] or Decimal(0)
    inventory = event.inventory
    confirmed = bookings.filter(status=BookingStatus.CONFIRMED).count()
    named = list(bookings.select_related("user").order_by("id")[:SHOWN_BOOKINGS])
    names = ", ".join(holder_of(booking) for booking in named)
    unnamed = confirmed + inventory.waiting - len(named)
    others = f" and {counted(unnamed, 'other')}" if unnamed > 0 else ""
    return [
        f"This also cancels {counted(confirmed, 'confirmed booking')} of {counted(inventory.confirmed, 'seat')}, worth "
        f"{readable(refund, event.currency)}, and {counted(inventory.waiting, 'waiting booking')}.",
        f"These people will be notified by e-mail: {names}{others}." if named else "Nobody has booked it.",
    ]
