"""What the admin says to staff who may not do something."""

from typing import Any

import pytest
from django.urls import reverse

from accounts.models import User
from events.models import Event, EventStatus
from events.tests.factories import book, make_event
from kit.tests.browser import Browser
from tickets.tests.factories import make_ticket

pytestmark = pytest.mark.django_db


def text_of(page: Any) -> str:
    assert page.status_code == 403
    return " ".join(page.content.decode().split())


class TestForbiddenPage:
    @pytest.fixture
    def event(self, admin: User) -> Event:
        return make_event(admin)

    def test_says_what_was_refused_and_names_an_admin(self, agent: User, admin: User, event: Event) -> None:
        browser = Browser(agent)

        add = text_of(browser.get("/admin/events/event/add/"))
        book_ = text_of(browser.get(f"/admin/events/event/{event.pk}/book/"))
        users = text_of(browser.get("/admin/axes/accessattempt/"))

        assert "You are not allowed to add events" in add
        assert f'Your role is Agent, and only admins can do this. Ask {admin.name} (<a class="' in add
        assert f'href="mailto:{admin.email}"' in add
        assert "You are not allowed to use “New booking”" in book_
        assert "You are not allowed to open the list of failed sign-ins" in users

    def test_has_the_menu(self, agent: User) -> None:
        page = Browser(agent).get("/admin/events/event/add/")

        assert reverse("admin:tickets_ticket_changelist") in text_of(page)
        # There was nothing to change.
        assert "Nothing was changed." not in text_of(page)
        assert page.wsgi_request.user == agent

    def test_explains_a_refused_form(self, agent: User, event: Event) -> None:
        booking = book(event)

        page = text_of(Browser(agent).post(f"/admin/events/booking/{booking.pk}/promote/"))

        assert "You are not allowed to use “Promote”" in page
        assert "Nothing was changed." in page

    def test_sends_nobody_to_admins_for_what_they_cannot_do_either(
        self, agent: User, admin: User, owner: User, event: Event
    ) -> None:
        browser, ticket = Browser(agent), make_ticket(owner)
        Event.objects.filter(pk=event.pk).update(status=EventStatus.CANCELLED)

        delete = text_of(browser.get(f"/admin/tickets/ticket/{ticket.pk}/delete/"))
        change = text_of(browser.post(f"/admin/events/event/{event.pk}/change/", {"name": "Alive"}))

        assert "You are not allowed to delete this ticket" in delete
        assert "Tickets are never deleted. Close it, or merge it" in delete
        for page in (delete, change):
            assert "Admins cannot do this either." in page
            assert admin.email not in page

    @pytest.mark.parametrize("row", ["999999", "nonsense"])
    def test_copes_with_rows_that_do_not_exist(self, agent: User, admin: User, row: str) -> None:
        assert "You are not allowed to" in text_of(Browser(agent).get(f"/admin/accounts/user/{row}/delete/"))

    def test_sends_admins_to_nobody(self, admin: User, event: Event) -> None:
        Event.objects.filter(pk=event.pk).update(status=EventStatus.CANCELLED)

        page = text_of(Browser(admin).post(f"/admin/events/event/{event.pk}/change/", {"name": "Alive"}))

        assert "You are not allowed to open or change this event" in page
        assert "Admins cannot do this either" in page
        assert "Ask " not in page

    def test_does_without_admins(self, agent: User, event: Event) -> None:
        User.objects.filter(type="admin").update(is_active=False)

        assert "only admins can do this." in text_of(Browser(agent).get("/admin/events/event/add/"))
