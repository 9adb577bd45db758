"""How events and bookings are shown on every page."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from events.models import Booking, BookingStatus, Event, EventStatus
from kit.admin.pages import LINK_CLASSES
from kit.money import readable

STATUS_COLOURS = {
    EventStatus.DRAFT: "warning",
    EventStatus.PUBLISHED: "success",
    EventStatus.CANCELLED: "danger",
    BookingStatus.CONFIRMED: "success",
    BookingStatus.WAITING: "warning",
}
# How many bookings a page lists where there may be many.
SHOWN_BOOKINGS = 10


def event_page(event: Event) -> str:
    return reverse("admin:events_event_change", args=[event.pk])


def booking_link(booking: Booking) -> str:
    url = reverse("admin:events_booking_change", args=[booking.pk])
    return format_html('<a href="{}" class="{}">#{}</a>', url, LINK_CLASSES, booking.pk)


def person_of(booking: Booking) -> str:
    """Return the name of the user or guest."""
    return booking.user.name if booking.user else f"{booking.guest_first_name} {booking.guest_last_name}"


def person_link(booking: Booking) -> str:
    """Return a link for messages, in their colour."""
    url = reverse("admin:events_booking_change", args=[booking.pk])
    return format_html('<a href="{}" class="underline">{}</a>', url, person_of(booking))


def address_of(booking: Booking) -> str:
    """Return the e-mail address of the user or guest."""
    return booking.user.email if booking.user else booking.guest_email


def holder_of(booking: Booking) -> str:
    return person_of(booking) if booking.user else f"{person_of(booking)} (guest, {booking.guest_email})"


def holder_cell(booking: Booking) -> str:
    """Return the holder for a column, with the address of a guest below the name."""
    if booking.user:
        return person_of(booking)
    return format_html('{} (guest) <span class="second-line">{}</span>', person_of(booking), booking.guest_email)


def seats_of(booking: Booking) -> str:
    """Return the seats that are left, as in "1 of 2" if some were cancelled."""
    return f"{booking.left}" if not booking.cancelled else f"{booking.left} of {booking.quantity}"


def fill_bar(event: Event) -> str:
    """Return how full the event is, as a bar and in words."""
    inventory = event.inventory
    words = f"{inventory.confirmed:,} of {inventory.for_sale:,} sold"
    if event.status != EventStatus.CANCELLED:
        words += f", {inventory.available:,} left" if inventory.available else ", sold out"
    words += f", {inventory.waiting:,} waiting" if inventory.waiting else ""
    return format_html(
        '<span class="fill"><progress aria-hidden="true" max="{}" value="{}"></progress>{}</span>',
        max(inventory.for_sale, 1),
        inventory.confirmed,
        words,
    )


class BookingColumns:
    """Columns of bookings, in their own list and on the pages of events."""

    @admin.display(description="for")
    def holder(self, booking: Booking) -> str:
        return holder_cell(booking)

    @admin.display(description="seats")
    def left(self, booking: Booking) -> str:
        return seats_of(booking)

    @admin.display(description="unit price")
    def price(self, booking: Booking) -> str:
        return readable(booking.unit_price, booking.event.currency)
