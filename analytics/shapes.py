"""The JSON of the analytics: document 000's names and rounding. The keys are those of the serializers, in order."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from analytics.queries import BoxOffice, Dashboard, Figures, History, ListedTicket, Money, SeatCounts, SoldEvent
from kit.web.fields import plain_number, utc_text
from kit.web.paging import encode

# The types in document 000; always listed, even without tickets.
DOCUMENT_TYPES = ("concert", "conference", "sports")


def history(figures: History) -> dict[str, Any]:
    return {
        "totalTickets": figures.tickets,
        "closedTickets": figures.closed,
        "openTickets": figures.open,
        "inProgressTickets": figures.in_progress,
        "priorityDistribution": {"low": figures.low, "medium": figures.medium, "high": figures.high},
        "typeDistribution": type_distribution(figures.types),
        "tickets": [_listed_ticket(ticket) for ticket in figures.page],
        "nextCursor": encode(figures.next.created_at, figures.next.id) if figures.next else None,
    }


def dashboard(figures: Dashboard) -> dict[str, Any]:
    return {
        "totalTickets": figures.tickets,
        "closedTickets": figures.closed,
        "openTickets": figures.open,
        "averageCustomerSpending": average(figures.spent, figures.customers),
        "AverageTicketsBookedPerDay": average(figures.tickets, figures.days),
        "inProgressTickets": figures.in_progress,
        "priorityDistribution": _priority_averages(figures, days=figures.days),
        "typeDistribution": type_distribution(figures.types),
    }


def box_office(figures: BoxOffice) -> dict[str, Any]:
    return {
        **_seat_counts(figures),
        "money": [_money(money) for money in figures.money],
        "days": [
            {**_seat_counts(day), "money": [_money(money) for money in day.money], "date": day.day.isoformat()}
            for day in figures.days
        ],
        "events": [_sold_event(event) for event in figures.events],
        "nextCursor": encode(figures.next_id) if figures.next_id else None,
    }


def average(total: Decimal | int, number: int) -> int | float:
    """Divide and round half up to two decimals; return 0 if `number` is 0."""
    if not number:
        return 0
    return plain_number((Decimal(total) / number).quantize(Decimal("0.01"), ROUND_HALF_UP))


def type_distribution(types: Mapping[str, int]) -> dict[str, int]:
    return dict.fromkeys(DOCUMENT_TYPES, 0) | dict(types)


def _listed_ticket(ticket: ListedTicket) -> dict[str, Any]:
    return {
        "id": ticket.id,
        "title": ticket.title,
        "status": ticket.status,
        "priority": ticket.priority,
        "type": ticket.type,
        "venue": ticket.venue,
        "createdDate": utc_text(ticket.created_at),
        "createdBy": ticket.created_by_id,
    }


def _priority_averages(figures: Figures, *, days: int) -> dict[str, Any]:
    return {
        "low": figures.low,
        "averageLowTicketsBookedPerDay": average(figures.low, days),
        "medium": figures.medium,
        "averageMediumTicketsBookedPerDay": average(figures.medium, days),
        "high": figures.high,
        "AverageHighTicketsBookedPerDay": average(figures.high, days),
    }


def _seat_counts(counts: SeatCounts) -> dict[str, Any]:
    return {"sold": counts.sold, "cancelled": counts.cancelled, "held": counts.held, "waiting": counts.waiting}


def _money(money: Money) -> dict[str, Any]:
    return {
        "currency": money.currency,
        "revenue": plain_number(money.revenue),
        "refunded": plain_number(money.refunded),
    }


def _sold_event(event: SoldEvent) -> dict[str, Any]:
    return {
        **_seat_counts(event),
        **_money(event),
        "event": event.id,
        "name": event.name,
        "startsAt": utc_text(event.starts_at),
        "capacity": event.capacity,
        "forSale": event.for_sale,
        "fill": float(event.fill),
    }
