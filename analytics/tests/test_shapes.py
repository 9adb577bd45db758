"""The JSON of the analytics has the keys that the schema promises, in order."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from analytics import serializers, shapes
from analytics.queries import BoxOffice, Dashboard, History, ListedTicket, Money, Position, SoldDay, SoldEvent

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
FIGURES: dict[str, Any] = {
    "tickets": 8,
    "open": 3,
    "in_progress": 0,
    "closed": 5,
    "low": 1,
    "medium": 1,
    "high": 6,
    "types": {"bug": 8},
}
EUROS = Money("EUR", Decimal("12.50"), Decimal(0))


def keys(serializer: Any) -> list[str]:
    return list(serializer().fields)


def test_history() -> None:
    ticket = ListedTicket(1, "Fix it", "open", "low", "bug", "", NOON, 2)
    body = shapes.history(History(**FIGURES, page=[ticket], next=Position(NOON, 1)))

    assert list(body) == keys(serializers.HistorySerializer)
    assert list(body["priorityDistribution"]) == keys(serializers.PriorityCountsSerializer)
    assert [list(item) for item in body["tickets"]] == [keys(serializers.ListedTicketSerializer)]


def test_dashboard() -> None:
    body = shapes.dashboard(Dashboard(**FIGURES, days=3, spent=Decimal(10), customers=3))

    assert list(body) == keys(serializers.DashboardSerializer)
    assert list(body["priorityDistribution"]) == keys(serializers.PriorityAveragesSerializer)
    assert body["typeDistribution"] == {"concert": 0, "conference": 0, "sports": 0, "bug": 8}
    assert (body["averageCustomerSpending"], body["AverageTicketsBookedPerDay"]) == (3.33, 2.67)


def test_box_office() -> None:
    counts = {"sold": 2, "cancelled": 1, "held": 1, "waiting": 0}
    day = SoldDay(**counts, day=date(2026, 1, 1), money=[EUROS])
    event = SoldEvent(
        currency="EUR",
        revenue=Decimal("12.50"),
        refunded=Decimal(0),
        **counts,
        id=1,
        name="Concert",
        starts_at=NOON,
        capacity=10,
        for_sale=4,
    )
    body = shapes.box_office(BoxOffice(**counts, money=[EUROS], days=[day], events=[event], next_id=None))

    assert list(body) == keys(serializers.BoxOfficeSerializer)
    assert [list(money) for money in body["money"]] == [keys(serializers.MoneySerializer)]
    assert [list(day) for day in body["days"]] == [keys(serializers.SoldDaySerializer)]
    assert [list(event) for event in body["events"]] == [keys(serializers.SoldEventSerializer)]
    assert body["events"][0]["fill"] == 0.25
