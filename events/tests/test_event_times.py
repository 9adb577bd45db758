"""An event's start, end, time zone and closing of bookings, and its currency, on every path that changes them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings as configured
from django.db import IntegrityError
from django.utils import timezone
from psycopg.errors import CheckViolation
from rest_framework.test import APIClient

from accounts.models import User
from events import services
from events.models import Event, Origin
from events.tests.factories import book, make_event
from kit import zones
from kit.errors import Invalid
from kit.tests.browser import Browser, errors, fields
from projects.tests.psql import psql

pytestmark = pytest.mark.django_db

SignedIn = Callable[[User], APIClient]
STARTS_AT = datetime(2031, 12, 31, 19, tzinfo=UTC)
LATER, EARLIER = STARTS_AT + timedelta(days=7), STARTS_AT - timedelta(days=7)
NEW_EVENT = {"name": "Jazz", "startsAt": "2031-12-31T20:00:00+01:00", "capacity": 10, "price": 25}


@pytest.fixture
def event(admin: User) -> Event:
    """Bookings close at the start, 20:00 in Berlin."""
    return make_event(admin, starts_at=STARTS_AT, bookings_close_at=STARTS_AT, time_zone="Europe/Berlin")


@pytest.fixture
def api(admin: User, signed_in: SignedIn) -> APIClient:
    return signed_in(admin)


def page_of(event: Event) -> str:
    return f"/admin/events/event/{event.pk}/change/"


def times_of(event: Event) -> tuple[datetime, datetime | None, datetime | None]:
    event.refresh_from_db()
    return event.starts_at, event.ends_at, event.bookings_close_at


class TestClosing:
    @pytest.mark.parametrize("moved_to", [LATER, EARLIER])
    def test_follows_the_start(self, event: Event, api: APIClient, moved_to: datetime) -> None:
        answer = api.patch(f"/events/{event.pk}", {"startsAt": moved_to.isoformat()}).json()

        assert answer["bookingsCloseAt"] == answer["startsAt"]
        assert times_of(event) == (moved_to, None, moved_to)

    def test_follows_the_start_in_put(self, event: Event, api: APIClient) -> None:
        api.put(f"/events/{event.pk}", NEW_EVENT | {"startsAt": LATER.isoformat()})

        assert times_of(event) == (LATER, None, LATER)

    def test_follows_the_start_in_psql(self, event: Event) -> None:
        psql(f"UPDATE events_event SET starts_at = '{LATER}' WHERE id = {event.pk}")

        assert times_of(event) == (LATER, None, LATER)

    def test_follows_the_start_in_the_admin(self, event: Event, admin: User) -> None:
        Browser(admin).submit(page_of(event), starts_at_0="2032-01-07")

        assert times_of(event) == (LATER, None, LATER)

    @pytest.mark.parametrize("closes_at", [STARTS_AT, EARLIER, LATER, None])
    def test_stays_as_sent_in_the_same_request(self, event: Event, api: APIClient, closes_at: datetime | None) -> None:
        sent = closes_at and closes_at.isoformat()

        answer = api.patch(f"/events/{event.pk}", {"startsAt": LATER.isoformat(), "bookingsCloseAt": sent}).json()

        assert times_of(event) == (LATER, None, closes_at)
        assert answer["bookingsCloseAt"] == (closes_at and closes_at.isoformat().replace("+00:00", "Z"))

    def test_stays_as_set_in_psql_and_the_admin(self, event: Event, admin: User) -> None:
        psql(f"UPDATE events_event SET starts_at = '{LATER}', bookings_close_at = '{EARLIER}' WHERE id = {event.pk}")
        assert times_of(event) == (LATER, None, EARLIER)

        event.bookings_close_at = LATER
        event.save()
        Browser(admin).submit(page_of(event), starts_at_0="2032-02-01", bookings_close_at_0="2032-01-15")

        assert event.bookings_close_at == LATER
        assert times_of(event)[2] == datetime(2032, 1, 15, 19, tzinfo=UTC)

    @pytest.mark.parametrize("closes_at", [EARLIER, None])
    def test_stays_unless_equal_to_the_start(self, event: Event, api: APIClient, closes_at: datetime | None) -> None:
        Event.objects.filter(pk=event.pk).update(bookings_close_at=closes_at)

        api.patch(f"/events/{event.pk}", {"startsAt": LATER.isoformat()})

        assert times_of(event) == (LATER, None, closes_at)

    def test_lets_people_book_a_postponed_event_until_its_new_start(self, admin: User, owner: User) -> None:
        yesterday, tomorrow = (timezone.now() + timedelta(days=days) for days in (-1, 1))
        event = make_event(admin, starts_at=yesterday, bookings_close_at=yesterday)

        services.update(event_id=event.pk, by=admin, at=timezone.now(), starts_at=tomorrow)
        book(event, owner)
        services.update(event_id=event.pk, by=admin, at=timezone.now(), starts_at=yesterday)

        with pytest.raises(services.BookingsClosed):
            book(event)


class TestEnd:
    def test_is_shown_and_cleared(self, api: APIClient) -> None:
        created = api.post("/events", NEW_EVENT | {"endsAt": "2031-12-31T23:00:00+01:00"}).json()
        cleared = api.patch(f"/events/{created['id']}", {"endsAt": None}).json()

        assert created["endsAt"] == "2031-12-31T22:00:00Z"
        assert cleared["endsAt"] is None

    @pytest.mark.parametrize("ends_at", ["2031-12-31T20:00:00+01:00", "2031-12-31T19:00:00+01:00"])
    def test_must_be_after_the_start(self, api: APIClient, ends_at: str) -> None:
        response = api.post("/events", NEW_EVENT | {"endsAt": ends_at, "withheld": 11})

        assert response.status_code == 400
        assert response.json()["errors"] == [
            {"field": "withheld", "message": "Cannot be greater than the capacity."},
            {"field": "endsAt", "message": "Must be after the start."},
        ]

    def test_must_be_sent_when_the_start_moves_past_it(self, event: Event, api: APIClient, admin: User) -> None:
        ends_at = STARTS_AT + timedelta(hours=3)
        services.update(event_id=event.pk, by=admin, at=timezone.now(), ends_at=ends_at)

        refused = api.patch(f"/events/{event.pk}", {"startsAt": LATER.isoformat()})
        moved = api.patch(
            f"/events/{event.pk}",
            {"startsAt": LATER.isoformat(), "endsAt": (LATER + timedelta(hours=3)).isoformat()},
        )

        assert refused.status_code == 400
        assert [error["field"] for error in refused.json()["errors"]] == ["endsAt"]
        assert moved.status_code == 200

    def test_is_checked_in_the_admin(self, event: Event, admin: User) -> None:
        page = Browser(admin).submit(page_of(event), ends_at_0="2031-12-31", ends_at_1="19:30:00")

        assert errors(page) == {"ends_at": ["Must be after the start."]}

    def test_is_checked_by_the_database(self, event: Event) -> None:
        with pytest.raises(CheckViolation) as refusal:
            psql(f"UPDATE events_event SET ends_at = starts_at WHERE id = {event.pk}")

        assert refusal.value.diag.constraint_name == "event_ends_after_start"


class TestTimeZone:
    def test_defaults_to_the_sites(self, api: APIClient, admin: User, settings: Any) -> None:
        settings.TIME_ZONE, settings.CURRENCY = "Europe/Zurich", "CHF"

        ours = api.post("/events", NEW_EVENT).json()
        others = [make_event(admin, origin=origin) for origin in (Origin.BOX_OFFICE, Origin.TICKS)]

        assert (ours["timezone"], ours["currency"]) == ("Europe/Zurich", "CHF")
        assert ours["startsAt"] == "2031-12-31T19:00:00Z"
        assert {(event.time_zone, event.currency) for event in others} == {("Europe/Zurich", "CHF")}

    @pytest.mark.parametrize("name", ["Mars/Olympus", "europe/berlin", "CEST", "localtime", "", 1])
    def test_must_be_an_iana_name(self, event: Event, api: APIClient, name: Any) -> None:
        for response in (
            api.post("/events", NEW_EVENT | {"timezone": name}),
            api.patch(f"/events/{event.pk}", {"timezone": name}),
        ):
            assert response.status_code == 400
            assert [error["field"] for error in response.json()["errors"]] == ["timezone"]

    @pytest.mark.parametrize("name", ["Mars/Olympus", "europe/berlin", "CEST", "Foo/Bar5"])
    def test_is_checked_by_the_database(self, event: Event, name: str) -> None:
        with pytest.raises(CheckViolation) as refusal:
            psql(f"UPDATE events_event SET time_zone = '{name}' WHERE id = {event.pk}")

        assert refusal.value.diag.constraint_name == "event_time_zone"

    def test_that_postgresql_does_not_know_is_refused(self, admin: User) -> None:
        """Python's list can be newer."""
        with pytest.raises(Invalid) as refusal:
            make_event(admin, time_zone="Mars/Olympus")

        assert refusal.value.fields == {"time_zone": [zones.UNKNOWN_TIME_ZONE]}

    def test_that_python_does_not_know_is_shown_in_utc(
        self, event: Event, admin: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """PostgreSQL's list can be newer, or older and still have a name that was removed."""
        monkeypatch.setattr(zones, "ZoneInfo", _unknown)

        pages = [Browser(admin).get(page) for page in (page_of(event), "/admin/events/event/", "/admin/")]

        assert [page.status_code for page in pages] == [200, 200, 200]
        assert "2031-12-31 19:00 UTC" in pages[1].content.decode()


def _unknown(name: str) -> None:
    raise KeyError(name)


class TestCurrency:
    @pytest.mark.parametrize("code", ["eur", "DEM", "XXX", "EURO", ""])
    def test_must_be_in_circulation(self, api: APIClient, code: Any) -> None:
        response = api.post("/events", NEW_EVENT | {"currency": code})

        assert response.status_code == 400
        assert [error["field"] for error in response.json()["errors"]] == ["currency"]

    def test_can_change_until_the_event_is_booked(self, event: Event, api: APIClient, admin: User) -> None:
        changed = api.patch(f"/events/{event.pk}", {"currency": "CHF"})
        services.cancel(booking_id=book(event).pk, by=admin)
        refused = api.patch(f"/events/{event.pk}", {"currency": "EUR"})
        same = api.patch(f"/events/{event.pk}", {"currency": "CHF", "price": 30})

        assert (changed.status_code, changed.json()["currency"]) == (200, "CHF")
        assert (refused.status_code, refused.json()["code"]) == (409, "currency_is_fixed")
        assert same.status_code == 200

    def test_is_kept_by_the_database(self, event: Event) -> None:
        psql(f"UPDATE events_event SET currency = 'CHF' WHERE id = {event.pk}")
        book(event)

        for code, constraint in (("USD", "event_currency_stays"), ("usd", "event_currency_stays")):
            with pytest.raises(CheckViolation) as refusal:
                psql(f"UPDATE events_event SET currency = '{code}' WHERE id = {event.pk}")
            assert refusal.value.diag.constraint_name == constraint

    def test_has_three_capital_letters(self, admin: User) -> None:
        with pytest.raises(IntegrityError, match="event_currency"):
            make_event(admin, currency="eur")


class TestVersion:
    def test_moves_with_every_change_of_the_row(self, event: Event) -> None:
        for change in ("venue = 'Jazz Cellar'", "venue = venue", "version = 9, venue = 'Opera House'"):
            psql(f"UPDATE events_event SET {change} WHERE id = {event.pk}")

        event.refresh_from_db()
        assert event.version == 3


class TestForm:
    def test_shows_and_reads_times_in_the_events_zone(self, event: Event, admin: User) -> None:
        browser = Browser(admin)
        page = browser.get(page_of(event))
        shown = fields(page)

        browser.submit(
            page_of(event),
            starts_at_1="21:15:00",
            ends_at_0="2032-01-01",
            ends_at_1="01:00",
            bookings_close_at_0="2031-07-01",
            bookings_close_at_1="12:00",
        )

        assert (shown["starts_at_0"], shown["starts_at_1"]) == ("2031-12-31", "20:00:00")
        assert "In the time zone above (now Europe/Berlin)." in page.content.decode()
        assert times_of(event) == (
            datetime(2031, 12, 31, 20, 15, tzinfo=UTC),
            datetime(2032, 1, 1, 0, 0, tzinfo=UTC),
            datetime(2031, 7, 1, 10, 0, tzinfo=UTC),
        )

    def test_names_the_chosen_zone_after_an_error(self, admin: User) -> None:
        url = "/admin/events/event/add/"

        refused = Browser(admin).post(url, {"time_zone": "America/New_York"}).content.decode()
        unknown = Browser(admin).post(url, {"time_zone": "<b>Mars</b>"}).content.decode()

        assert "In the time zone above (now America/New_York)." in refused
        assert "In the time zone above (now UTC)." in unknown

    def test_creates_in_the_chosen_zone(self, admin: User) -> None:
        Browser(admin).submit(
            "/admin/events/event/add/",
            name="Jazz",
            time_zone="America/New_York",
            currency="USD",
            starts_at_0="2031-12-31",
            starts_at_1="20:00",
            price="25",
            capacity="50",
        )

        event = Event.objects.get()
        assert (event.time_zone, event.currency) == ("America/New_York", "USD")
        assert event.starts_at == datetime(2032, 1, 1, 1, tzinfo=UTC)

    def test_reads_all_times_in_a_new_zone(self, event: Event, admin: User) -> None:
        Event.objects.filter(pk=event.pk).update(ends_at=STARTS_AT + timedelta(hours=3))

        Browser(admin).submit(page_of(event), time_zone="Europe/London")

        # Still 20:00 to 23:00, an hour later.
        moved = STARTS_AT + timedelta(hours=1)
        assert times_of(event) == (moved, moved + timedelta(hours=3), moved)

    def test_lets_the_closing_follow_into_a_new_zone(self, event: Event, admin: User) -> None:
        Browser(admin).submit(page_of(event), time_zone="Europe/London", starts_at_0="2032-01-07")

        moved = LATER + timedelta(hours=1)
        assert times_of(event) == (moved, None, moved)

    def test_keeps_times_that_were_not_touched(self, admin: User) -> None:
        """The second 02:30 of the night, to the millisecond."""
        starts_at = datetime(2031, 10, 26, 1, 30, 15, 123000, tzinfo=UTC)
        event = make_event(admin, starts_at=starts_at, time_zone="Europe/Berlin")

        response = Browser(admin).submit(page_of(event), name="Jazz indoors")

        assert response.status_code == 302
        assert times_of(event) == (starts_at, None, None)

    @pytest.mark.parametrize(
        ("day", "sentence"),
        [
            ("2031-03-30", "02:30 does not exist on 30 March 2031 in Europe/Berlin"),
            ("2031-10-26", "02:30 occurs twice on 26 October 2031 in Europe/Berlin"),
        ],
    )
    def test_refuses_times_that_clocks_skip_or_show_twice(
        self, event: Event, admin: User, day: str, sentence: str
    ) -> None:
        page = Browser(admin).submit(page_of(event), starts_at_0=day, starts_at_1="02:30")

        ((field, (message,)),) = errors(page).items()
        assert field == "starts_at"
        assert message.startswith(sentence)

    @pytest.mark.parametrize("values", [{"time_zone": "Mars/Olympus"}, {"currency": "XXX"}, {"starts_at_0": "soon"}])
    def test_shows_mistakes(self, event: Event, admin: User, values: dict[str, str]) -> None:
        page = Browser(admin).submit(page_of(event), **values)

        assert [name.removesuffix("_0") for name in values] == list(errors(page))

    def test_offers_a_legacy_name_that_the_event_has(self, event: Event, admin: User) -> None:
        Event.objects.filter(pk=event.pk).update(time_zone="Japan")

        response = Browser(admin).submit(page_of(event), name="Jazz indoors")

        event.refresh_from_db()
        assert response.status_code == 302
        assert (event.name, event.time_zone) == ("Jazz indoors", "Japan")

    def test_shows_a_cancelled_event_in_its_zone(self, event: Event, admin: User) -> None:
        services.cancel_event(event_id=event.pk, by=admin, at=timezone.now())

        page = Browser(admin).get(page_of(event)).content.decode()

        assert page.count("2031-12-31 20:00 CET") == 2

    def test_shows_the_currency_of_every_amount(self, admin: User, owner: User) -> None:
        event = make_event(admin, currency="CHF", price=40)
        booking = book(event, owner, quantity=2)
        browser = Browser(admin)

        pages = {
            page: browser.get(page).content.decode()
            for page in (
                "/admin/events/event/",
                page_of(event),
                f"/admin/events/event/{event.pk}/cancel/",
                "/admin/events/booking/",
                f"/admin/events/booking/{booking.pk}/change/",
                "/admin/",
            )
        }

        amounts = [("80.00 CHF",), ("80.00 CHF", "40.00 CHF"), ("80.00 CHF",), ("40.00 CHF",)]
        for (page, content), expected in zip(
            pages.items(), [*amounts, ("40.00 CHF", "80.00 CHF"), ("80.00 CHF",)], strict=True
        ):
            assert all(amount in content for amount in expected), page


class TestExport:
    def test_names_the_currency(self, admin: User, api: APIClient, owner: User) -> None:
        book(make_event(admin, currency="CHF"), owner)

        header, row = b"".join(api.get("/bookings/export")).decode().splitlines()

        assert header.endswith("unitPrice,currency,createdAt")
        assert ",25,CHF," in row


def test_settings_have_the_documented_defaults() -> None:
    assert (configured.TIME_ZONE, configured.CURRENCY) == ("UTC", "EUR")
