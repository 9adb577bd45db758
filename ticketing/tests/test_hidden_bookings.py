"""What agents see of bookings: the box office's own pages, but neither mail about bookings nor drafts of events."""

from typing import Any

import pytest
from django.db import transaction

from accounts.models import User
from events.models import Booking, Event
from events.services import Guest
from events.tests.factories import book, make_event
from kit.tests.browser import Browser
from notifications.models import Delivery, State
from notifications.services import announce_bookings
from ticketing.tests.pages import Try, everything, make_examples

# Long enough not to be part of a random CSRF token.
MARK = "zyxwvuts"
GUEST = Guest("Zyxwvutsgreta", "Zyxwvutsguest", "zyxwvutsgreta@example.com")


def shows(user: User, page: Try) -> bool:
    """Return whether the page or the answer of the action mentions the booking."""
    with transaction.atomic():
        browser = Browser(user)
        answer: Any = (
            browser.post(page.url, page.action, follow=True) if page.action else browser.get(page.url, page.query)
        )
        transaction.set_rollback(True)
    return MARK in answer.getvalue().decode().lower()


@pytest.mark.slow
@pytest.mark.django_db
class TestHiddenBookings:
    @pytest.fixture
    def pages(self, admin: User) -> list[Try]:
        """Return all pages and actions, about a booking and mail that can be told by their words."""
        examples = make_examples()
        event = make_event(admin, name="Zyxwvutsevent", status="published")
        booking = book(event, guest=GUEST)
        announce_bookings()
        Delivery.objects.filter(booking=booking).update(state=State.FAILED, last_error="550 zyxwvutsgreta")
        examples |= {Event: event, Booking: booking, Delivery: Delivery.objects.get(booking=booking)}
        return everything(examples)

    def test_are_only_on_the_overview_and_the_box_office_for_agents(self, agent: User, pages: list[Try]) -> None:
        found = {page.key for page in pages if shows(agent, page)}

        assert {"events_event_change", "events_booking_change", "events_booking_cancel_seats"} <= found
        # The overview lists upcoming events.
        assert [key for key in found if not key.startswith(("events_", "autocomplete events."))] == ["index"]

    def test_draft_is_on_no_page_for_agents(self, admin: User, agent: User) -> None:
        draft = make_event(admin, name="Zyxwvutsevent", status="draft")

        assert [page.key for page in everything(make_examples() | {Event: draft}) if shows(agent, page)] == []

    def test_are_on_these_pages_for_admins(self, admin: User, pages: list[Try]) -> None:
        found = {page.key for page in pages if shows(admin, page)}

        assert {"index", "events_event_changelist", "events_event_change", "events_booking_change"} <= found
        assert {"notifications_delivery_changelist", "notifications_delivery_change"} <= found
        assert {"autocomplete events.booking", "autocomplete events.event"} & found
