"""The admin's first page: the state of the desk and the box office at a glance."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import cycle
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst

from accounts.models import User
from accounts.permissions import staff_user
from analytics import queries
from events.models import Event, EventStatus
from kit.dates import Span
from kit.money import readable
from kit.zones import compact
from notifications.models import Delivery, Outage

admin.site.index_title = "Overview"

PERIODS = {7: "7 days", 30: "30 days", 90: "90 days", 365: "1 year"}
DEFAULT_DAYS = 30
UPCOMING_EVENTS = 8

# The theme's own colours, which adapt to light and dark mode.
COLOURS = [f"var(--color-{name})" for name in ("primary-600", "primary-300", "base-500", "primary-900", "base-300")]
CHART_OPTIONS: dict[str, Any] = {
    # The page sets the height, on phones too.
    "maintainAspectRatio": False,
    "scales": {"y": {"beginAtZero": True, "ticks": {"precision": 0}}},
    "elements": {"point": {"radius": 0, "hitRadius": 8}},
}
NO_LEGEND = {"plugins": {"legend": {"display": False}}}


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Return the context of templates/admin/index.html, with what the user may view. Runs up to five queries.

    The theme calls it (`DASHBOARD_CALLBACK`).
    """
    days = chosen_days(request)
    at = timezone.now()
    context |= {
        "periods": PERIODS,
        "days": days,
        "with_legend": json.dumps(CHART_OPTIONS),
        "without_legend": json.dumps(CHART_OPTIONS | NO_LEGEND),
    }
    if request.user.has_perm("tickets.view_ticket"):
        context |= desk(days, at)
    if staff_user(request).is_admin:
        context |= box_office(days, at)
    if request.user.has_perm("notifications.view_delivery"):
        context |= mail(staff_user(request))
    return context


def chosen_days(request: HttpRequest) -> int:
    return {str(days): days for days in PERIODS}.get(request.GET.get("days", ""), DEFAULT_DAYS)


def desk(days: int, at: datetime) -> dict[str, Any]:
    figures = queries.desk(days=days, at=at)
    closed = figures.met + figures.missed
    tickets = reverse("admin:tickets_ticket_changelist")
    return {
        "desk_cards": [
            card("Open tickets", figures.open, f"{tickets}?queue=active"),
            card("SLA breached", figures.breached, f"{tickets}?sla=breached", is_alert=True),
            card("Unassigned", figures.unassigned, f"{tickets}?queue=unassigned", is_alert=True),
            {
                "label": "Closed within SLA",
                "value": f"{figures.met / closed:.0%}" if closed else "–",
                "note": f"{figures.met:,} of {closed:,}" if closed else "No tickets were closed in this period",
            },
        ],
        "tickets_per_day": chart(
            list(map(day_label, figures.days)), {"Created": figures.created, "Closed": figures.closed}
        ),
        "ticket_charts": [
            (title, chart(list(map(capfirst, numbers)), {"Tickets": list(numbers.values())}))
            for title, numbers in (
                ("Tickets by priority", figures.priorities),
                ("Tickets by type", figures.types),
                ("Tickets by project", figures.projects),
            )
            if numbers
        ],
    }


def box_office(days: int, at: datetime) -> dict[str, Any]:
    figures = queries.box_office(span=Span.between(at.date() - timedelta(days=days - 1), at.date()), page_size=1)
    bookings = reverse("admin:events_booking_changelist")
    labels = [day_label(day.day) for day in figures.days]
    return {
        "box_office_cards": [
            card("Seats sold", figures.sold, bookings, note=f"{figures.cancelled:,} returned"),
            *(
                revenue_card(each)
                for each in figures.money or [queries.Money(settings.CURRENCY, Decimal(0), Decimal(0))]
            ),
            card("Bookings waiting", figures.waiting, f"{bookings}?status__exact=waiting"),
        ],
        "seats_per_day": chart(
            labels,
            {"Sold": [day.sold for day in figures.days], "Returned": [day.cancelled for day in figures.days]},
        ),
        "revenue_per_day": chart(labels, revenue_series(figures)),
        "upcoming_events": upcoming_events(at),
    }


def revenue_card(money: queries.Money) -> dict[str, Any]:
    return {
        "label": "Revenue",
        "value": readable(money.revenue, money.currency),
        "note": f"{readable(money.refunded, money.currency)} refunded",
    }


def revenue_series(figures: queries.BoxOffice) -> dict[str, list[float]]:
    """Return the revenue of each day by currency."""
    by_day = [{money.currency: float(money.revenue) for money in day.money} for day in figures.days]
    currencies = [money.currency for money in figures.money] or [settings.CURRENCY]
    return {currency: [revenue.get(currency, 0.0) for revenue in by_day] for currency in currencies}


def upcoming_events(at: datetime) -> list[dict[str, Any]]:
    events = Event.objects.filter(status=EventStatus.PUBLISHED, starts_at__gte=at).with_inventory()
    return [
        {
            "name": event.name,
            "starts_at": compact(event.starts_at, event.time_zone),
            "url": reverse("admin:events_event_change", args=[event.pk]),
            "percent_sold": round(100 * event.inventory.confirmed / event.inventory.for_sale)
            if event.inventory.for_sale
            else 0,
            "seats": event.inventory,
        }
        for event in events.order_by("starts_at", "id")[:UPCOMING_EVENTS]
    ]


def mail(viewer: User) -> dict[str, Any]:
    given_up = Delivery.objects.visible_to(viewer).given_up()[: queries.COUNT_LIMIT].count()
    return {
        "mail_card": card(
            "E-mails not delivered",
            given_up,
            f"{reverse('admin:notifications_delivery_changelist')}?state=given-up",
            is_alert=True,
        ),
        "outage": Outage.objects.first(),
    }


def card(label: str, number: int, url: str, *, note: str = "", is_alert: bool = False) -> dict[str, Any]:
    """Return a number that links to what it counts. An alert is highlighted unless it is 0, and may be capped."""
    is_capped = number >= queries.COUNT_LIMIT and is_alert
    return {
        "label": label,
        "value": f"{number:,}" + ("+" if is_capped else ""),
        "url": url,
        "note": note,
        "is_alert": is_alert and number > 0,
    }


def chart(labels: Sequence[str], series: Mapping[str, Sequence[float]]) -> str:
    """Return the JSON that the theme's chart components expect."""
    return json.dumps(
        {
            "labels": labels,
            "datasets": [
                {"label": name, "data": numbers, "backgroundColor": colour, "borderColor": colour}
                for (name, numbers), colour in zip(series.items(), cycle(COLOURS), strict=False)
            ],
        }
    )


def day_label(day: date) -> str:
    return f"{day.day} {day:%b}"
