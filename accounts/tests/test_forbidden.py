"""What the admin says to staff who may not do something."""

from typing import Any

import pytest
from django.urls import reverse

from accounts.models import User
from events.models import Event, EventStatus
from events.tests.factories import book, make_event
from kit.tests.browser import Browser

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
        assert f'Your role is Agent, and this takes an admin. Ask {admin.name} (<a class="' in add
        assert f'href="mailto:{admin.email}"' in add
        assert "You are not allowed to use “New booking”" in book_
        assert "You are not allowed to open the list of access attempts" in users

    def test_has_the_menu(self, agent: User) -> None:
        page = Browser(agent).get("/admin/events/event/add/")

        assert reverse("admin:tickets_ticket_changelist") in text_of(page)
        assert page.wsgi_request.user == agent

    def test_explains_a_refused_form(self, agent: User, event: Event) -> None:
        booking = book(event)

        page = text_of(Browser(agent).post(f"/admin/events/booking/{booking.pk}/promote/"))

        assert "You are not allowed to use “Promote”" in page
        assert "Nothing was changed." in page

    def test_sends_admins_to_nobody(self, admin: User, event: Event) -> None:
        Event.objects.filter(pk=event.pk).update(status=EventStatus.CANCELLED)

        page = text_of(Browser(admin).post(f"/admin/events/event/{event.pk}/change/", {"name": "Alive"}))

        assert "You are not allowed to open or change this event" in page
        assert "Admins cannot do this either" in page
        assert "Ask " not in page

    def test_does_without_admins(self, agent: User, event: Event) -> None:
        User.objects.filter(type="admin").update(is_active=False)

        assert "this takes an admin." in text_of(Browser(agent).get("/admin/events/event/add/"))
