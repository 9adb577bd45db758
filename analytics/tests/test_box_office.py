"""Box office sales: compared with sums in plain Python over random bookings, and over HTTP."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pgtrigger
import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from analytics import queries
from analytics.serializers import DEFAULT_DAYS, MAX_DAYS
from events import services
from events.models import BookingEntry, Event
from events.tests.factories import GUEST, book, make_event, make_guest
from kit.dates import Span

pytestmark = pytest.mark.django_db

SignedIn = Callable[[User], APIClient]
PATH = "/events/analytics"
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)


def backdate(at: datetime) -> None:
    """Move the ledger entries just written to this time."""
    latest = BookingEntry.objects.filter(at__gte=timezone.now() - timedelta(hours=1))
    with pgtrigger.ignore("events.BookingEntry:append_only"):
        latest.update(at=at)


@pytest.fixture
def march(admin: User) -> Event:
    """Three seats at 25.00, sold on the 1st. On the 3rd, one is returned and goes to a guest waiting since the 2nd."""
    event = make_event(admin, capacity=4, withheld=1)
    first = book(event, quantity=3)
    backdate(MIDNIGHT)
    book(event, guest=GUEST)
    backdate(MIDNIGHT + timedelta(days=1))
    services.cancel(booking_id=first.pk, by=admin, seats=1)
    backdate(MIDNIGHT + timedelta(days=2, hours=23, minutes=59))
    return event


def span(first: int, last: int) -> Span:
    """Whole days in March."""
    return Span.between(date(2026, 3, first), date(2026, 3, last))


def row_of(day: queries.SoldDay) -> tuple[int, int, int, Decimal, Decimal, int, int]:
    revenue, refunded = sums(day.money)
    return day.day.day, day.sold, day.cancelled, revenue, refunded, day.held, day.waiting


def sums(money: list[queries.Money]) -> tuple[Decimal, Decimal]:
    """Return revenue and refunds, which must be in euros."""
    assert {each.currency for each in money} <= {"EUR"}
    return sum((each.revenue for each in money), Decimal(0)), sum((each.refunded for each in money), Decimal(0))


class TestBoxOffice:
    def test_lists_each_day_of_the_span(self, march: Event) -> None:
        figures = queries.box_office(span=span(1, 4), page_size=10)

        assert [row_of(day) for day in figures.days] == [
            (1, 3, 0, 75, 0, 3, 0),
            (2, 0, 0, 0, 0, 3, 1),
            (3, 1, 1, 0, 25, 3, 0),
            (4, 0, 0, 0, 0, 3, 0),
        ]
        assert (figures.sold, figures.cancelled, *sums(figures.money)) == (4, 1, 75, 25)
        assert (figures.held, figures.waiting) == (3, 0)

    def test_reports_seats_and_queue_at_the_end_of_the_span(self, march: Event) -> None:
        figures = queries.box_office(span=span(2, 2), page_size=10)

        assert (figures.sold, figures.money, figures.held, figures.waiting) == (0, [], 3, 1)
        (event,) = figures.events
        assert (event.id, event.for_sale, event.held, event.waiting, event.fill) == (march.pk, 3, 3, 1, 1)

    def test_keeps_past_revenue_when_the_price_changes(self, march: Event, admin: User) -> None:
        services.update(event_id=march.pk, by=admin, at=timezone.now(), price=99, name="Jazz indoors")

        assert sums(queries.box_office(span=span(1, 3), page_size=10).money) == (75, 25)

    def test_keeps_currencies_apart(self, march: Event, admin: User) -> None:
        swiss, free = make_event(admin, currency="CHF", price=40), make_event(admin, currency="USD", price=0)
        for event in (swiss, free):
            book(event, quantity=2)
        backdate(MIDNIGHT)

        figures = queries.box_office(span=span(1, 3), page_size=10)

        chf, eur = queries.Money("CHF", Decimal(80), Decimal(0)), queries.Money("EUR", Decimal(75), Decimal(25))
        assert figures.money == [chf, eur]
        assert figures.days[0].money == [chf, queries.Money("EUR", Decimal(75), Decimal(0))]
        assert [(event.currency, event.revenue) for event in figures.events] == [("USD", 0), ("CHF", 80), ("EUR", 75)]

    def test_can_be_limited_to_one_event(self, march: Event, admin: User) -> None:
        other = make_event(admin)
        book(other, quantity=5)
        backdate(MIDNIGHT)

        assert queries.box_office(span=span(1, 1), page_size=10).sold == 8
        assert queries.box_office(span=span(1, 1), event_id=other.pk, page_size=10).sold == 5
        assert queries.box_office(span=span(1, 1), event_id=other.pk, page_size=10).held == 5

    def test_pages_the_events(self, admin: User) -> None:
        events = [make_event(admin) for _ in range(3)]
        for event in events:
            book(event)
        backdate(MIDNIGHT)

        first = queries.box_office(span=span(1, 1), page_size=2)
        second = queries.box_office(span=span(1, 1), page_size=2, before_id=first.next_id)

        assert [event.id for event in first.events + second.events] == [event.pk for event in reversed(events)]
        assert second.next_id is None

    @pytest.mark.slow
    @given(
        actions=st.lists(
            st.tuples(
                st.sampled_from(["book", "cancel", "grow"]), st.integers(0, 1), st.integers(1, 3), st.integers(0, 30)
            ),
            max_size=12,
        ),
        first_hour=st.integers(0, 200),
        hours=st.integers(1, 200),
    )
    @settings(max_examples=30)
    def test_matches_sums_in_plain_python(
        self, admin: User, actions: list[tuple[str, int, int, int]], first_hour: int, hours: int
    ) -> None:
        events = [make_event(admin, capacity=4), make_event(admin, capacity=2, price=Decimal("9.99"))]
        moment = MIDNIGHT
        for action, index, number, wait in actions:
            moment += timedelta(hours=wait)
            perform(action, events[index], number, by=admin)
            backdate(moment)
        start, end = MIDNIGHT + timedelta(hours=first_hour), MIDNIGHT + timedelta(hours=first_hour + hours)

        figures = queries.box_office(span=Span.between(start, end - timedelta(milliseconds=1)), page_size=1000)

        # Includes the entries of earlier examples.
        entries = list(BookingEntry.objects.all())
        inside = [entry for entry in entries if start <= entry.at < end]
        assert figures.sold == sum(entry.seats for entry in inside if entry.seats > 0)
        assert figures.cancelled == -sum(entry.seats for entry in inside if entry.seats < 0)
        assert sums(figures.money) == (
            sum(entry.amount for entry in inside),
            -sum(entry.amount for entry in inside if entry.amount < 0),
        )
        for day in figures.days:
            midnight = min(datetime(day.day.year, day.day.month, day.day.day, tzinfo=UTC) + timedelta(days=1), end)
            assert day.held == sum(entry.seats for entry in entries if entry.at < midnight)
            assert day.waiting == sum(entry.waiting for entry in entries if entry.at < midnight)
        assert (figures.held, figures.waiting) == (figures.days[-1].held, figures.days[-1].waiting)
        assert {event.id: event.held for event in figures.events} == {
            event_id: sum(entry.seats for entry in entries if entry.event_id == event_id and entry.at < end)
            for event_id in {entry.event_id for entry in inside}
        }


def perform(action: str, event: Event, number: int, *, by: User) -> None:
    event.inventory.refresh_from_db()
    if action == "book":
        # An address can have only a few bookings.
        book(event, quantity=min(number, event.inventory.for_sale), guest=make_guest())
    elif action == "cancel" and (booking := event.bookings.live().first()):
        services.cancel(booking_id=booking.pk, by=by, seats=min(number, booking.left))
    elif action == "grow":
        services.update(event_id=event.pk, by=by, at=timezone.now(), capacity=event.inventory.capacity + number)


class TestBoxOfficeView:
    def test_returns_totals_days_and_events(
        self,
        march: Event,
        admin: User,
        signed_in: SignedIn,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        api = signed_in(admin)

        with django_assert_num_queries(2):
            response = api.get(PATH, {"startDate": "2026-03-03", "endDate": "2026-03-03"})

        counts = {"sold": 1, "cancelled": 1, "held": 3, "waiting": 0}
        money = {"currency": "EUR", "revenue": 0, "refunded": 25}
        assert response.status_code == 200
        assert response.json() == counts | {
            "money": [money],
            "days": [counts | {"money": [money], "date": "2026-03-03"}],
            "events": [
                counts
                | money
                | {
                    "event": march.pk,
                    "name": "Jazz in the park",
                    "startsAt": response.json()["events"][0]["startsAt"],
                    "capacity": 4,
                    "forSale": 3,
                    "fill": 1,
                }
            ],
            "nextCursor": None,
        }

    def test_defaults_to_the_last_30_days(self, admin: User, signed_in: SignedIn) -> None:
        days = [day["date"] for day in signed_in(admin).get(PATH).json()["days"]]

        assert len(days) == DEFAULT_DAYS
        assert days[-1] == timezone.now().date().isoformat()

    def test_counts_days_in_the_offset_of_the_given_times(self, admin: User, signed_in: SignedIn) -> None:
        api = signed_in(admin)
        book(make_event(admin), quantity=2)
        backdate(MIDNIGHT + timedelta(days=2, hours=22))

        def days(**query: str) -> list[tuple[str, int]]:
            return [(day["date"], day["sold"]) for day in api.get(PATH, query).json()["days"]]

        assert days(startDate="2026-03-03", endDate="2026-03-03") == [("2026-03-03", 2)]
        assert days(startDate="2026-03-03T00:00:00+02:00", endDate="2026-03-04T23:59:59+02:00") == [
            ("2026-03-03", 0),
            ("2026-03-04", 2),
        ]
        # The clocks go back: the day's last hour has another offset.
        assert days(startDate="2026-03-03T00:00:00+02:00", endDate="2026-03-03T23:59:59+01:00") == [("2026-03-03", 2)]
        by_default = days(endDate="2026-03-04T12:00:00+02:00")
        assert (len(by_default), by_default[-1]) == (DEFAULT_DAYS, ("2026-03-04", 2))

    @pytest.mark.parametrize("offset", ["%2B14:00", "-10:00"])
    def test_accepts_the_first_and_last_dates_in_any_offset(
        self, offset: str, admin: User, signed_in: SignedIn
    ) -> None:
        for day in ("0001-01-02T00:00:00", "9999-12-30T23:59:59"):
            response = signed_in(admin).get(f"{PATH}?endDate={day}{offset}")

            assert response.status_code == 200

    def test_is_for_admins_only(self, owner: User, agent: User, anonymous: APIClient, signed_in: SignedIn) -> None:
        assert [api.get(PATH).status_code for api in (anonymous, signed_in(owner), signed_in(agent))] == [401, 403, 403]

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"startDate": "2020-01-01"}, "startDate"),
            ({"startDate": "2026-03-02", "endDate": "2026-03-01"}, "startDate"),
            ({"startDate": "soon"}, "startDate"),
            ({"event": "x"}, "event"),
            ({"event": "1.0"}, "event"),
            ({"limit": 0}, "limit"),
            ({"cursor": "x"}, "cursor"),
        ],
    )
    def test_refuses_invalid_parameters(
        self, admin: User, signed_in: SignedIn, query: dict[str, Any], field: str
    ) -> None:
        response = signed_in(admin).get(PATH, query)

        assert response.status_code == 400
        assert [error["field"] for error in response.json()["errors"]] == [field]

    @pytest.mark.parametrize("edge", ["0001-01-01", "9999-12-31", "9999-12-31T23:59:59.999Z"])
    def test_accepts_the_first_and_last_dates(self, admin: User, signed_in: SignedIn, edge: str) -> None:
        assert signed_in(admin).get(PATH, {"startDate": edge[:10], "endDate": edge}).status_code == 200
        assert signed_in(admin).get(PATH, {"endDate": edge}).status_code == 200

    def test_limits_the_length_of_the_period(self, admin: User, signed_in: SignedIn) -> None:
        start = date(2026, 3, 1) - timedelta(days=MAX_DAYS - 1)

        assert signed_in(admin).get(PATH, {"startDate": str(start), "endDate": "2026-03-01"}).status_code == 200
        assert signed_in(admin).get(PATH, {"startDate": str(start), "endDate": "2026-03-02"}).status_code == 400
