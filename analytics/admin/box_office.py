"""The box office's part of the overview."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse

from analytics import queries
from analytics.admin.figures import BookingList, Card, Cell, Chart, Row, day_label
from analytics.admin.period import Period
from analytics.days import Days
from analytics.wording import share
from kit.money import readable
from kit.zones import compact

UPCOMING_EVENTS = 8


def sales(period: Period) -> dict[str, Any]:
    """Return what was sold in the period. For admins, as in the API. Runs one query."""
    figures = queries.box_office(span=period.days.span, page_size=1)
    bookings = BookingList()
    currencies = figures.money or [queries.Money(settings.CURRENCY, Decimal(0), Decimal(0))]
    return {
        "box_office_cards": [
            Card(
                label="Seats sold",
                value=f"{figures.sold:,}",
                url=bookings.sold(period.days),
                note=f"{figures.cancelled:,} returned",
            ),
            *(
                Card(
                    label="Revenue",
                    value=readable(money.revenue, money.currency),
                    url=bookings.paid(period.days, money.currency),
                    note=f"{readable(money.refunded, money.currency)} refunded",
                )
                for money in currencies
            ),
            Card(label="Bookings waiting", value=f"{figures.waiting:,}", url=bookings.where(status__exact="waiting")),
        ],
        "seats_per_day": Chart(
            "seats-per-day",
            "Seats per day",
            "bar",
            "Day",
            ["Sold", "Returned"],
            [_seats(day, bookings) for day in figures.days],
        ),
        "revenue_per_day": Chart(
            "revenue-per-day",
            "Revenue per day",
            "bar",
            "Day",
            [money.currency for money in currencies],
            [
                Row(day_label(day.day), [_revenue(day, money.currency, bookings) for money in currencies], day.day)
                for day in figures.days
            ],
        ),
    }


def _seats(day: queries.SoldDay, bookings: BookingList) -> Row:
    only = Days(day.day, day.day)
    cells = [Cell(day.sold, bookings.sold(only)), Cell(day.cancelled, bookings.returned(only))]
    return Row(day_label(day.day), cells, day.day)


def _revenue(day: queries.SoldDay, currency: str, bookings: BookingList) -> Cell:
    amount = next((money.revenue for money in day.money if money.currency == currency), Decimal(0))
    # The currency is in the heading.
    text = readable(amount, currency).removesuffix(f" {currency}")
    return Cell(float(amount), bookings.paid(Days(day.day, day.day), currency), text)


def upcoming(at: datetime) -> dict[str, Any]:
    """Return the next events with how full they are. Runs one query."""
    bookings = BookingList()
    events = [
        {
            "name": event.name,
            "starts_at": compact(event.starts_at, event.time_zone),
            "url": reverse("admin:events_event_change", args=[event.id]),
            "sold": f"{event.sold:,} of {event.for_sale:,}",
            "sold_url": bookings.where(event__id__exact=event.id, status__exact="confirmed"),
            "fill": share(event.sold, event.for_sale),
            "percent": round(100 * event.fill),
            "waiting": event.waiting,
            "waiting_url": bookings.where(event__id__exact=event.id, status__exact="waiting"),
        }
        for event in queries.upcoming_events(at=at, page_size=UPCOMING_EVENTS)
    ]
    later = urlencode({"status__exact": "published", "starts_at__gte": at.isoformat(timespec="minutes"), "o": "2"})
    return {"upcoming_events": events, "all_upcoming": f"{reverse('admin:events_event_changelist')}?{later}"}
