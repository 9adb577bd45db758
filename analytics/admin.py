"""The admin's first page: how the desk and the box office stand, at a glance."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from analytics import queries
from events.models import Event, EventStatus
from kit.dates import Span
from notifications.models import Delivery, Outage

admin.site.index_title = "Overview"

SPANS = {7: "7 days", 30: "30 days", 90: "90 days", 365: "A year"}
DEFAULT_DAYS = 30
COMING_EVENTS = 8

# By the theme's own colours, which follow its light and dark.
PRIMARY, SECONDARY = "var(--color-primary-600)", "var(--color-primary-300)"
OPTIONS: dict[str, Any] = {
    # As high as the page says, on a phone too.
    "maintainAspectRatio": False,
    "scales": {"y": {"beginAtZero": True, "ticks": {"precision": 0}}},
    "elements": {"point": {"radius": 0, "hitRadius": 8}},
}
NO_LEGEND = {"plugins": {"legend": {"display": False}}}


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What templates/admin/index.html shows; the theme calls it. Five queries at most."""
    days = chosen_days(request)
    at = timezone.now()
    context |= {
        "spans": SPANS,
        "days": days,
        "with_legend": json.dumps(OPTIONS),
        "without_legend": json.dumps(OPTIONS | NO_LEGEND),
    }
    if request.user.has_perm("tickets.view_ticket"):
        context |= desk(days, at)
    if request.user.has_perm("events.view_event"):
        context |= box_office(days, at)
    if request.user.has_perm("notifications.view_delivery"):
        context |= mails()
    return context


def chosen_days(request: HttpRequest) -> int:
    return {str(days): days for days in SPANS}.get(request.GET.get("days", ""), DEFAULT_DAYS)


def desk(days: int, at: Any) -> dict[str, Any]:
    figures = queries.desk(days=days, at=at)
    closed = figures.met + figures.missed
    tickets = reverse("admin:tickets_ticket_changelist")
    return {
        "desk_cards": [
            card("Open tickets", figures.open, f"{tickets}?queue=active"),
            card("Breached", figures.breached, f"{tickets}?sla=breached", is_alarming=True),
            card("Unassigned", figures.unassigned, f"{tickets}?queue=unassigned", is_alarming=True),
            {
                "label": "Closed in time",
                "value": f"{figures.met / closed:.0%}" if closed else "–",
                "note": f"{figures.met:,} of {closed:,}" if closed else "Nothing was closed in this time.",
            },
        ],
        "tickets_by_day": chart(
            list(map(day_label, figures.days)), {"Created": figures.created, "Closed": figures.closed}
        ),
        "tickets_by": [
            (title, chart(list(map(str.capitalize, numbers)), {"Tickets": list(numbers.values())}))
            for title, numbers in (
                ("By priority", figures.priorities),
                ("By type", figures.types),
                ("By project", figures.projects),
            )
            if numbers
        ],
    }


def box_office(days: int, at: Any) -> dict[str, Any]:
    figures = queries.box_office(span=Span.between(at.date() - timedelta(days=days - 1), at.date()), page_size=1)
    coming = Event.objects.filter(status=EventStatus.PUBLISHED, starts_at__gte=at).with_inventory()
    labels = [day_label(day.day) for day in figures.days]
    return {
        "box_office_cards": [
            card(
                "Seats sold",
                figures.sold,
                reverse("admin:events_booking_changelist"),
                note=f"{figures.cancelled:,} given back",
            ),
            {"label": "Revenue", "value": f"{figures.revenue:,.2f}", "note": f"{figures.refunded:,.2f} refunded"},
            card("Waiting", figures.waiting, f"{reverse('admin:events_booking_changelist')}?status__exact=waiting"),
        ],
        "seats_by_day": chart(
            labels,
            {"Sold": [day.sold for day in figures.days], "Given back": [day.cancelled for day in figures.days]},
        ),
        "revenue_by_day": chart(labels, {"Revenue": [float(day.revenue) for day in figures.days]}),
        "coming_events": [
            {
                "name": event.name,
                "starts_at": event.starts_at,
                "url": reverse("admin:events_event_change", args=[event.pk]),
                "share": round(100 * event.inventory.confirmed / event.inventory.for_sale)
                if event.inventory.for_sale
                else 0,
                "seats": event.inventory,
            }
            for event in coming.order_by("starts_at", "id")[:COMING_EVENTS]
        ],
    }


def mails() -> dict[str, Any]:
    given_up = Delivery.objects.given_up()[: queries.MOST_COUNTED].count()
    return {
        "mail_card": card(
            "Mails not delivered",
            given_up,
            f"{reverse('admin:notifications_delivery_changelist')}?state=given-up",
            is_alarming=True,
        ),
        "outage": Outage.objects.first(),
    }


def card(label: str, number: int, url: str, *, note: str = "", is_alarming: bool = False) -> dict[str, Any]:
    """A figure and where it leads to; an alarming one stands out unless it is 0."""
    is_capped = number >= queries.MOST_COUNTED and is_alarming
    return {
        "label": label,
        "value": f"{number:,}" + ("+" if is_capped else ""),
        "url": url,
        "note": note,
        "is_alarming": is_alarming and number > 0,
    }


def chart(labels: Sequence[str], rows: Mapping[str, Sequence[float]]) -> str:
    """What the theme's charts read."""
    colours = [PRIMARY, SECONDARY]
    return json.dumps(
        {
            "labels": labels,
            "datasets": [
                {"label": name, "data": numbers, "backgroundColor": colour, "borderColor": colour}
                for (name, numbers), colour in zip(rows.items(), colours, strict=False)
            ],
        }
    )


def day_label(day: date) -> str:
    return f"{day.day} {day:%b}"
