"""Events and bookings in the admin."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from events import services
from events.admin import BookingAdmin
from events.models import Booking, BookingStatus, Event, EventStatus, Origin
from events.tests.factories import GUEST, Guest, book, make_event
from kit.admin.stale import CONFLICT, STALE, Difference
from kit.tests.browser import Browser, errors, fields
from notifications.services import announce_bookings
from projects.tests.psql import psql

pytestmark = pytest.mark.django_db

EVENTS = "/admin/events/event/"
BOOKINGS = "/admin/events/booking/"


def page_of(event: Event, page: str = "change") -> str:
    return f"{EVENTS}{event.pk}/{page}/"


def cancel(user: User, booking: Booking, seats: int) -> Any:
    """Cancel seats as somebody does without scripts: first the refund is shown, then it is confirmed."""
    page, browser = f"{BOOKINGS}{booking.pk}/cancel/", Browser(user)
    return browser.post(page, fields(browser.submit(page, seats=str(seats))), follow=True)


def text_of(page: Any) -> str:
    return " ".join(page.content.decode().split())


class TestEventList:
    def test_shows_sales_and_revenue_in_five_queries(
        self, admin: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for _ in range(5):
            event = make_event(admin, capacity=4, withheld=1)
            book(event, quantity=2)
            book(event, quantity=3)
        browser = Browser(admin)

        # Session, user, group permissions, user permissions; then the page.
        with django_assert_num_queries(5):
            page = text_of(browser.get(EVENTS))

        assert page.count("2 of 3") == 5
        assert page.count("50.00") == 5

    def test_shows_upcoming_events_soonest_first(self, admin: User) -> None:
        now, day = timezone.now(), timedelta(days=1)
        for name, starts_at in [("Late", 9), ("Soon", 1), ("Long ago", -9), ("Tonight", -0.1), ("Yesterday", -2)]:
            make_event(admin, name=name, starts_at=now + starts_at * day)
        make_event(admin, name="Festival", starts_at=now - 5 * day, ends_at=now + day)
        browser = Browser(admin)

        def names(**query: str) -> list[str]:
            return [event.name for event in browser.get(EVENTS, query).context["cl"].result_list]

        assert names() == ["Festival", "Tonight", "Soon", "Late"]
        assert names(when="past") == ["Yesterday", "Long ago"]
        assert names(when="all") == ["Late", "Soon", "Tonight", "Yesterday", "Festival", "Long ago"]
        assert names(q="long") == ["Long ago"]
        assert names(q="long", when="upcoming") == []
        assert names(when="x") == ["Festival", "Tonight", "Soon", "Late"]

    def test_shows_how_full_they_are_in_words(self, admin: User) -> None:
        event = make_event(admin, capacity=4, withheld=1)
        book(event, quantity=2)

        page = text_of(Browser(admin).get(EVENTS))

        assert '<progress aria-hidden="true" max="3" value="2"></progress>2 of 3 sold, 1 left' in page
        book(event, quantity=2)
        book(make_event(admin, capacity=1))
        page = text_of(Browser(admin).get(EVENTS))
        assert "2 of 3 sold, 1 left, 1 waiting" in page
        assert "1 of 1 sold, sold out" in page

    def test_hides_drafts_from_agents(self, agent: User, admin: User) -> None:
        draft = make_event(admin, name="Secret show", status=EventStatus.DRAFT)
        shown = make_event(admin, name="Open air")

        page = text_of(Browser(agent).get(EVENTS))

        assert ("Open air" in page, "Secret show" in page) == (True, False)
        assert Browser(agent).get(page_of(draft)).status_code == 302
        assert Browser(agent).get(page_of(shown)).status_code == 200


class TestEventPage:
    def test_creates_an_event(self, admin: User) -> None:
        response = Browser(admin).submit(
            f"{EVENTS}add/",
            name="Jazz in the park",
            starts_at_0="2030-05-01",
            starts_at_1="20:00:00",
            price="25",
            capacity="50",
        )

        event = Event.objects.with_inventory().get()
        assert response["Location"] == page_of(event)
        assert (event.name, event.inventory.capacity, event.created_by, event.origin) == (
            "Jazz in the park",
            50,
            admin,
            Origin.ADMIN,
        )
        assert event.status == EventStatus.DRAFT

    def test_shows_the_status_of_its_bookings_by_name(self, admin: User) -> None:
        event = make_event(admin, capacity=1)
        book(event)
        book(event)

        page = Browser(admin).get(page_of(event)).content.decode()

        assert "(&#x27;" not in page
        assert "Confirmed" in page
        assert "Waiting" in page

    def test_gives_additional_seats_to_the_waiting_list(self, admin: User) -> None:
        event = make_event(admin, capacity=1)
        book(event)
        waiting = book(event)

        Browser(admin).submit(page_of(event), capacity="2")

        waiting.refresh_from_db()
        assert waiting.status == BookingStatus.CONFIRMED

    def saved(self, admin: User, event: Event, **changes: str) -> str:
        """Save the event, and return the page that follows."""
        response = Browser(admin).submit(page_of(event), **changes)
        assert response["Location"] == page_of(event)
        (message,) = get_messages(response.wsgi_request)
        return str(message)

    def test_stays_and_names_who_was_promoted(self, admin: User, owner: User) -> None:
        event = make_event(admin, capacity=1)
        # Promoted before, by another change.
        book(event)
        services.cancel(booking_id=book(event).pk, by=admin)
        waiting = [book(event, owner), *(book(event) for _ in range(11))]

        said = self.saved(admin, event, capacity="14", withheld="1")

        assert said.startswith("Capacity raised to 14. 1 seat held back. 12 bookings promoted: <a href=")
        assert f'{BOOKINGS}{waiting[0].pk}/change/" class="underline">Olga Owner</a>' in said
        link = re.search(r'<a href="([^"]+)" class="[^"]+">and 2 more</a>.', said)
        assert link
        listed = Browser(admin).get(unescape(link[1])).context["cl"].result_list
        assert {booking.pk for booking in listed} == {booking.pk for booking in waiting}

    def test_says_what_else_a_change_did(self, admin: User) -> None:
        event = make_event(admin, capacity=5, status=EventStatus.DRAFT)

        assert self.saved(admin, event) == "Nothing changed. "
        assert self.saved(admin, event, status="published", venue="Park") == "Published. Venue changed. "
        assert self.saved(admin, event, capacity="4", name="Jazz <3") == "Capacity lowered to 4. Name changed. "
        book(event)
        assert self.saved(admin, event, venue="Hall") == "Venue changed. Everyone with a booking will be notified. "

    def test_shows_places_in_line(self, admin: User) -> None:
        event = make_event(admin, capacity=1)
        book(event)
        waiting = [book(event) for _ in range(3)]
        services.cancel(booking_id=waiting[0].pk, by=admin)

        page = Browser(admin).get(page_of(event))

        queue = page.context["inline_admin_formsets"][1].formset.forms
        assert [(form.instance.pk, form.instance.place) for form in queue] == [(waiting[1].pk, 1), (waiting[2].pk, 2)]

    @pytest.mark.parametrize(
        ("changes", "refusal"),
        [
            ({"capacity": "2"}, "Capacity cannot be lower than the 3 tickets already sold"),
            ({"withheld": "2"}, "Capacity minus the 2 withheld cannot be lower than the 3 tickets already sold"),
            ({"withheld": "9"}, "Cannot be greater than the capacity."),
        ],
    )
    def test_shows_refusals_in_the_form(self, admin: User, changes: dict[str, str], refusal: str) -> None:
        event = make_event(admin, capacity=4)
        book(event, quantity=3)

        page = Browser(admin).submit(page_of(event), **changes)

        assert [refusal] in errors(page).values()
        event.inventory.refresh_from_db()
        assert (event.inventory.capacity, event.inventory.withheld) == (4, 0)

    def test_refuses_to_overwrite_a_newer_version(self, admin: User) -> None:
        event = make_event(admin)
        browser = Browser(admin)
        opened = fields(browser.get(page_of(event)))
        services.update(event_id=event.pk, by=admin, at=timezone.now(), name="Jazz indoors", capacity=70)

        page = browser.post(page_of(event), {**opened, "name": "Jazz outdoors", "_save": "Save"})

        assert errors(page) == {
            "__all__": [STALE.format("Name and Capacity")],
            "name": [CONFLICT.format("Jazz indoors")],
        }
        event.refresh_from_db()
        assert (event.name, event.inventory.capacity) == ("Jazz indoors", 70)
        assert page.context["stale"].differences == [
            Difference("Name", "Jazz indoors", "Jazz outdoors"),
            Difference("Capacity", "70", None),
        ]
        assert "Changed while you were editing" in text_of(page)
        assert fields(page)["name"] == "Jazz outdoors"

    def test_shows_both_versions_of_a_price_with_their_currency(self, admin: User) -> None:
        event = make_event(admin, currency="CHF")
        browser = Browser(admin)
        opened = fields(browser.get(page_of(event)))
        services.update(event_id=event.pk, by=admin, at=timezone.now(), price=1200)

        page = browser.post(page_of(event), {**opened, "price": "15.5", "_save": "Save"})

        assert page.context["stale"].differences == [Difference("Price", "1,200.00 CHF", "15.50 CHF")]

    def test_shows_what_was_typed_if_the_event_was_cancelled(self, admin: User) -> None:
        event = make_event(admin)
        browser = Browser(admin)
        opened = fields(browser.get(page_of(event)))
        services.cancel_event(event_id=event.pk, by=admin, at=timezone.now())

        page = browser.post(page_of(event), {**opened, "description": "Bring\numbrellas", "_save": "Save"})

        assert page.status_code == 403
        assert "Bring\numbrellas" in page.content.decode()

    def test_is_not_stale_after_a_booking(self, admin: User) -> None:
        event = make_event(admin)
        browser = Browser(admin)
        opened = fields(browser.get(page_of(event)))
        book(event)

        page = browser.post(page_of(event), {**opened, "name": "Jazz outdoors", "_save": "Save"})

        assert page.status_code == 302

    @pytest.mark.parametrize("waiting", [1, 8])
    def test_shows_bookings_waiting_list_and_ledger(
        self,
        admin: User,
        owner: User,
        waiting: int,
        settings: Any,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        settings.MAX_GUEST_BOOKINGS = waiting
        event = make_event(admin, capacity=1)
        book(event, owner)
        for _ in range(waiting):
            book(event, guest=GUEST)
        browser = Browser(admin)

        # Session, user, permissions, event and its status; then two counts and one page for each of four tables.
        with django_assert_num_queries(22):
            page = text_of(browser.get(page_of(event)))

        assert "Olga Owner" in page
        # Among the bookings, on the waiting list and in the ledger.
        assert page.count("Greta Guest (guest) <span") == 3 * waiting

    def test_deletes_only_events_that_were_never_booked(self, admin: User) -> None:
        booked, free = make_event(admin), make_event(admin)
        book(booked)
        browser = Browser(admin)

        for event in (booked, free):
            browser.post(page_of(event, "delete"), {"post": "yes"})

        assert list(Event.objects.all()) == [booked]

    def test_is_read_only_for_cancelled_events(self, admin: User) -> None:
        event = make_event(admin)
        services.cancel_event(event_id=event.pk, by=admin, at=timezone.now())
        browser = Browser(admin)

        assert browser.get(page_of(event)).status_code == 200
        assert browser.post(page_of(event), {"name": "Alive"}).status_code == 403

    def test_shows_agents_the_seats(self, admin: User, agent: User) -> None:
        event = make_event(admin, capacity=4321, withheld=1234)

        page = text_of(Browser(agent).get(page_of(event)))

        assert ("4321" in page, "1234" in page, 'name="capacity"' in page) == (True, True, False)

    def test_shows_no_help_for_fields_that_agents_cannot_edit(self, admin: User, agent: User) -> None:
        event = make_event(admin)

        assert "Leave empty" in text_of(Browser(admin).get(page_of(event)))
        assert "Leave empty" not in text_of(Browser(agent).get(page_of(event)))

    def test_says_where_the_event_was_made(self, admin: User) -> None:
        event = make_event(admin, origin=Origin.BOX_OFFICE)

        assert "Box-office API" in text_of(Browser(admin).get(page_of(event)))

    def test_shows_revenue_to_admins_only(self, admin: User, agent: User) -> None:
        event = make_event(admin)
        book(event, quantity=3)

        for user, is_shown in ((admin, True), (agent, False)):
            pages = [text_of(Browser(user).get(page)) for page in (EVENTS, page_of(event))]
            assert ["evenue" in page for page in pages] == [is_shown] * 2


class TestActionsOfAnEvent:
    @pytest.mark.parametrize(
        ("status", "offered"),
        [
            (EventStatus.DRAFT, ["guests", "cancel"]),
            (EventStatus.PUBLISHED, ["book", "check-in", "guests", "cancel"]),
            (EventStatus.CANCELLED, ["guests"]),
        ],
    )
    def test_are_what_its_status_allows(self, admin: User, status: EventStatus, offered: list[str]) -> None:
        event = make_event(admin, status=EventStatus.DRAFT if status == EventStatus.DRAFT else EventStatus.PUBLISHED)
        if status == EventStatus.CANCELLED:
            services.cancel_event(event_id=event.pk, by=admin, at=timezone.now())
        bar = Browser(admin).get(page_of(event)).content.decode().split('id="content"')[0]

        links = [name for name in ("book", "check-in", "guests", "cancel") if f'href="{page_of(event, name)}"' in bar]

        assert links == offered


class TestNewBooking:
    def test_books_for_a_user(self, admin: User, owner: User) -> None:
        event = make_event(admin)

        response = Browser(admin).submit(page_of(event, "book"), user=owner.pk, quantity="2")

        booking = Booking.objects.get()
        assert response.status_code == 302
        assert (booking.user, booking.quantity, booking.status, booking.origin) == (owner, 2, "confirmed", Origin.ADMIN)

    def test_books_for_a_guest(self, admin: User) -> None:
        event = make_event(admin)

        Browser(admin).submit(
            page_of(event, "book"), first_name="Greta", last_name="Guest", email="greta@example.com", quantity="1"
        )

        assert (Booking.objects.get().guest_email, Booking.objects.get().user) == ("greta@example.com", None)

    def test_does_not_jump_the_queue(self, admin: User, owner: User) -> None:
        event = make_event(admin, capacity=2)
        book(event)
        book(event, quantity=2)

        Browser(admin).submit(page_of(event, "book"), user=owner.pk, quantity="1", may_wait="on")

        assert Booking.objects.get(user=owner).status == BookingStatus.WAITING

    @pytest.mark.parametrize(
        ("sent", "sentence"),
        [
            ({}, "Choose a user"),
            ({"user": "{user}", "first_name": "Greta"}, "Choose either a user or a guest, not both."),
            ({"user": "{user}", "quantity": "11"}, "This event has only 10 tickets."),
            ({"user": "{user}", "quantity": "0"}, "greater than or equal to 1"),
            ({"user": "0"}, "Select a valid choice"),
            ({"user": "abc"}, "Select a valid choice"),
            ({"first_name": "Greta\r\nBcc: all", "last_name": "Guest", "email": "g@example.com"}, "Control characters"),
            ({"first_name": "Greta", "last_name": "Gu\x1best", "email": "g@example.com"}, "Control characters"),
        ],
    )
    def test_shows_what_is_wrong(self, admin: User, owner: User, sent: dict[str, str], sentence: str) -> None:
        event = make_event(admin, capacity=10)
        sent = {name: value.format(user=owner.pk) for name, value in sent.items()}

        page = Browser(admin).submit(page_of(event, "book"), **{"quantity": "1", **sent})

        assert page.status_code == 200
        assert sentence in text_of(page)
        assert not Booking.objects.exists()

    def test_refuses_deactivated_users(self, admin: User, owner: User) -> None:
        event, browser = make_event(admin), Browser(admin)
        User.objects.filter(pk=owner.pk).update(is_active=False)

        offered = browser.get(
            "/admin/autocomplete/",
            {"app_label": "events", "model_name": "booking", "field_name": "user", "term": owner.email},
        )
        page = browser.submit(page_of(event, "book"), user=owner.pk, quantity="1")

        assert offered.json()["results"] == []
        assert "Select a valid choice" in text_of(page)
        assert not Booking.objects.exists()


class TestCancelEvent:
    def test_shows_who_is_affected_first(self, admin: User, owner: User) -> None:
        event = make_event(admin, capacity=2)
        book(event, owner, quantity=2)
        book(event, guest=GUEST)

        page = text_of(Browser(admin).get(page_of(event, "cancel")))

        assert "This also cancels 1 confirmed booking of 2 seats, worth 50.00 EUR, and 1 waiting booking." in page
        assert "Olga Owner, Greta Guest (guest, greta@example.com)" in page
        event.refresh_from_db()
        assert event.status == EventStatus.PUBLISHED

    def test_cancels_on_confirmation(self, admin: User) -> None:
        event = make_event(admin)
        booking = book(event)

        response = Browser(admin).post(page_of(event, "cancel"))

        assert response.status_code == 302
        event.refresh_from_db()
        booking.refresh_from_db()
        assert (event.status, booking.status) == (EventStatus.CANCELLED, BookingStatus.CANCELLED)


class TestCancelSeats:
    def page_of(self, booking: Booking) -> str:
        return f"{BOOKINGS}{booking.pk}/cancel/"

    def test_starts_empty_and_shows_the_refund_before_cancelling(self, admin: User) -> None:
        booking = book(make_event(admin), guest=GUEST, quantity=3)
        browser = Browser(admin)

        shown = browser.get(self.page_of(booking))
        asked = browser.submit(self.page_of(booking), seats="2")

        booking.refresh_from_db()
        assert fields(shown)["seats"] == ""
        assert "Jazz in the park: 3 seats confirmed for Greta Guest (guest, greta@example.com), at 25.00 EUR each." in (
            text_of(shown)
        )
        assert "Refund: 50.00 EUR." in text_of(asked)
        assert booking.left == 3
        answer = text_of(browser.post(self.page_of(booking), fields(asked), follow=True))
        booking.refresh_from_db()
        assert (booking.status, booking.left) == (BookingStatus.CONFIRMED, 1)
        assert "2 seats cancelled. Refund: 50.00 EUR. Greta Guest will be notified." in answer

    def test_cancels_at_once_if_a_script_has_shown_the_refund(self, admin: User) -> None:
        booking = book(make_event(admin), quantity=3)

        Browser(admin).submit(self.page_of(booking), seats="2", seen_refund="50.00")

        booking.refresh_from_db()
        assert booking.left == 1

    @pytest.mark.parametrize("seen", ["", "25.00", "NaN", "x", "1e400"])
    def test_asks_again_if_another_refund_was_shown(self, admin: User, seen: str) -> None:
        booking = book(make_event(admin), quantity=3)

        page = Browser(admin).submit(self.page_of(booking), seats="2", seen_refund=seen)

        booking.refresh_from_db()
        assert (page.status_code, booking.left) == (200, 3)

    @pytest.mark.parametrize("seats", ["", "0", "-1", "x", "9" * 30, "9" * 5000])
    def test_refuses_what_is_no_number_of_seats(self, admin: User, seats: str) -> None:
        booking = book(make_event(admin), quantity=3)

        page = Browser(admin).submit(self.page_of(booking), seats=seats, seen_refund="25")

        booking.refresh_from_db()
        assert (page.status_code, booking.left) == (200, 3)

    def test_refunds_nothing_of_a_waiting_booking(self, admin: User) -> None:
        event = make_event(admin, capacity=2)
        book(event)
        waiting = book(event, quantity=2)

        answer = text_of(cancel(admin, waiting, 1))

        assert "1 seat cancelled. Nothing to refund: the booking is still waiting." in answer
        # It is small enough now.
        assert "1 booking promoted" in answer

    def test_refuses_a_cancelled_booking(self, admin: User) -> None:
        booking = book(make_event(admin))
        services.cancel(booking_id=booking.pk, by=admin)

        for send in (Browser(admin).get, Browser(admin).post):
            page = send(self.page_of(booking), {"seats": "1"}, follow=True)
            assert "This booking has already been cancelled." in text_of(page)

    def test_is_in_the_history(self, admin: User, agent: User) -> None:
        booking = book(make_event(admin), quantity=3)

        cancel(agent, booking, 2)

        history = text_of(Browser(admin).get(f"{BOOKINGS}{booking.pk}/history/"))
        assert "Cancelled 2 seats." in history
        assert agent.name in history

    def test_names_who_is_promoted(self, admin: User, owner: User) -> None:
        event = make_event(admin, capacity=2)
        booking = book(event, quantity=2)
        waiting = book(event, owner)

        answer = cancel(admin, booking, 1).content.decode()

        link = f'<a href="{BOOKINGS}{waiting.pk}/change/" class="underline">Olga Owner</a>'
        assert f"1 booking promoted: {link}." in answer

    def test_is_on_the_booking_page(self, admin: User) -> None:
        booking = book(make_event(admin), quantity=3)

        page = text_of(Browser(admin).get(f"{BOOKINGS}{booking.pk}/change/"))
        cancel(admin, booking, 3)
        after = text_of(Browser(admin).get(f"{BOOKINGS}{booking.pk}/change/"))

        assert ("Seats to cancel (of 3)" in page, "Seats to cancel" in after) == (True, False)

    def test_refuses_a_page_that_shows_another_state_until_it_is_sent_again(self, admin: User) -> None:
        booking, browser = book(make_event(admin), quantity=3), Browser(admin)
        page = f"{BOOKINGS}{booking.pk}/cancel/"
        shown = fields(browser.get(page))
        services.cancel(booking_id=booking.pk, by=admin, seats=1)

        refused = browser.post(page, shown | {"seats": "1", "seen_refund": "25.00"})

        booking.refresh_from_db()
        assert (refused.status_code, booking.left) == (200, 2)
        assert "The booking has changed since you read it" in text_of(refused)
        assert "2 of 3 seats confirmed" in text_of(refused)
        assert "Seen version" not in text_of(refused)
        browser.post(page, fields(browser.post(page, fields(refused))))
        booking.refresh_from_db()
        assert booking.left == 1

    def test_refuses_more_seats_than_are_left(self, admin: User) -> None:
        booking = book(make_event(admin), quantity=3)

        page = Browser(admin).submit(f"{BOOKINGS}{booking.pk}/cancel/", seats="4")

        assert "This booking has only 3 tickets left" in text_of(page)
        booking.refresh_from_db()
        assert booking.left == 3

    def test_is_for_agents_too(self, agent: User, admin: User) -> None:
        booking = book(make_event(admin), quantity=3)

        cancel(agent, booking, 2)

        booking.refresh_from_db()
        assert booking.left == 1
        assert Browser(agent).post(f"{BOOKINGS}{booking.pk}/promote/").status_code == 403


class TestBookingList:
    def test_finds_by_number_and_by_e_mail_address(self, admin: User, owner: User) -> None:
        event = make_event(admin)
        own, guests = book(event, owner), book(event, guest=GUEST)
        browser = Browser(admin)

        def found(term: str) -> list[Booking]:
            return list(browser.get(BOOKINGS, {"q": term}).context["cl"].result_list)

        assert found(f"#{own.pk}") == [own]
        assert found("greta@") == found("Guest gret") == [guests]
        assert found("olga own") == [own]
        assert found("jazz") == [guests, own]
        assert found("jazz nobody") == []
        assert found(owner.email[:6]) == [own]
        assert found("9" * 30) == []

    def test_search_is_paged(self, admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(BookingAdmin, "list_per_page", 2)
        event = make_event(admin)
        bookings = [book(event) for _ in range(5)]
        browser = Browser(admin)

        pages = [browser.get(BOOKINGS, {"q": "jazz", "p": page}).context["cl"].result_list for page in "123"]

        assert [booking for page in pages for booking in page] == bookings[::-1]

    def test_finds_what_moved_on_some_days(self, admin: User) -> None:
        day = timezone.now().date()
        event = make_event(admin, capacity=3)
        sold, returned, _waiting = (book(event, quantity=quantity) for quantity in (1, 2, 3))
        services.cancel(booking_id=returned.pk, by=admin, seats=1, for_holder=True)

        def found(**query: str) -> list[Booking]:
            return list(Browser(admin).get(BOOKINGS, query).context["cl"].result_list)

        assert found(sold=f"{day}..{day}") == [returned, sold]
        assert found(returned=f"{day}..{day}") == [returned]
        assert found(paid=f"{day}..{day} EUR") == [returned, sold]
        assert found(paid=f"{day}..{day} USD") == []
        assert found(sold="2020-01-01..2020-12-31") == []

    @pytest.mark.parametrize(
        "query",
        [
            *("p=0", "p=x", "p=999999999", "o=1", "promoted_after=x", "q=a&promoted_after=-1"),
            *(
                "sold=x",
                "sold=2020-02-31..2020-03-01",
                "paid=2020-03-02..2020-03-01",
                "returned=0001-01-01..9999-12-31",
            ),
        ],
    )
    def test_survives_any_query(self, admin: User, query: str) -> None:
        book(make_event(admin))

        assert Browser(admin).get(f"{BOOKINGS}?{query}").status_code in (200, 302, 400)


class TestBookingPage:
    @pytest.fixture
    def booking(self, admin: User) -> Booking:
        event = make_event(admin, capacity=2)
        book(event, guest=Guest("Gustav", "Other", "gustav@example.com"))
        return book(event, guest=GUEST, quantity=2)

    def page(self, admin: User, booking: Booking) -> str:
        return text_of(Browser(admin).get(f"{BOOKINGS}{booking.pk}/change/"))

    def test_shows_the_position_and_the_ledger(self, admin: User, booking: Booking) -> None:
        page = Browser(admin).get(f"{BOOKINGS}{booking.pk}/change/")

        _, ledger = page.context["inline_admin_formsets"]
        assert [entry.instance.kind for entry in ledger.formset.forms] == ["requested"]
        assert page.context["adminform"].model_admin.position(booking) == 1
        assert "Place in line" in text_of(page)

    @pytest.mark.parametrize(
        ("status", "offered"),
        [("waiting", ["promote", "cancel"]), ("confirmed", ["reissue", "cancel"]), ("cancelled", [])],
    )
    def test_offers_what_its_status_allows(
        self, admin: User, booking: Booking, status: str, offered: list[str]
    ) -> None:
        if status == "confirmed":
            booking = Booking.objects.get(status=BookingStatus.CONFIRMED)
        if status == "cancelled":
            services.cancel(booking_id=booking.pk, by=admin)
        url = f"{BOOKINGS}{booking.pk}/"
        page = Browser(admin).get(f"{url}change/").content.decode()

        links = [name for name in ("promote", "reissue", "cancel") if f'href="{url}{name}/"' in page]

        assert links == offered

    def test_shows_the_mail_of_this_booking_only(self, admin: User, booking: Booking) -> None:
        announce_bookings()
        (delivery,) = booking.deliveries.all()

        page = self.page(admin, booking)

        panel = page[page.index("E-mails for this booking") : page.index("</details>", page.index("E-mails for"))]
        assert f'href="/admin/notifications/delivery/{delivery.pk}/change/">{delivery.get_kind_display()}</a>' in panel
        assert panel.count("/change/") == 1
        assert "to Greta Guest &lt;greta@example.com&gt;" in panel
        assert delivery.get_state_display() in panel
        assert "gustav@example.com" not in page

    def test_shows_a_hint_without_mail(self, admin: User, booking: Booking) -> None:
        booking.deliveries.all().delete()

        assert "No e-mails yet" in self.page(admin, booking)

    def test_promotes_by_hand_after_naming_those_ahead(self, admin: User, booking: Booking) -> None:
        behind = book(booking.event, quantity=1)
        page = f"{BOOKINGS}{behind.pk}/promote/"

        asked = text_of(Browser(admin).get(page))
        answer = Browser(admin).post(page, follow=True)

        assert "1 booking has been waiting longer and will be passed over." in asked
        assert "1 seat left" in asked
        assert f"Booking #{behind.pk} is confirmed." in text_of(answer)
        behind.refresh_from_db()
        booking.refresh_from_db()
        assert (behind.status, booking.status) == ("confirmed", "waiting")
        assert "Promoted by hand." in text_of(Browser(admin).get(f"{BOOKINGS}{behind.pk}/history/"))

    def test_says_why_it_cannot_promote(self, admin: User, booking: Booking) -> None:
        answer = Browser(admin).post(f"{BOOKINGS}{booking.pk}/promote/", follow=True)

        assert "Only 1 ticket is left." in text_of(answer)

    def test_cancels_after_the_start(self, admin: User, booking: Booking) -> None:
        psql("UPDATE events_event SET starts_at = '2020-01-01Z', bookings_close_at = '2020-01-01Z'")

        cancel(admin, booking, 2)

        booking.refresh_from_db()
        assert booking.status == "cancelled"
