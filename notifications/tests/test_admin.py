"""Deliveries in the admin, as staff sees them."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from events.tests.factories import book, make_event
from kit.tests.browser import Browser
from notifications import services
from notifications.models import Delivery, Kind, State
from notifications.tests.factories import make_delivery, queued_ids
from tickets.models import Ticket

pytestmark = pytest.mark.django_db

LIST = "/admin/notifications/delivery/"


class TestList:
    def test_shows_what_became_of_each(self, agent: User, team: list[User], ticket: Ticket) -> None:
        make_delivery(
            team[0], kind=Kind.TICKET_UPDATED, ticket=ticket, state=State.FAILED, last_error="550 No such user"
        )

        page = Browser(agent).get(LIST).content.decode()

        assert "550 No such user" in page
        assert team[0].email in page
        assert reverse("admin:tickets_ticket_change", args=[ticket.pk]) in page

    def test_tells_of_an_outage(self, agent: User, owner: User) -> None:
        services._note_outage("ConnectionRefusedError: no", at=timezone.now())

        page = Browser(agent).get(LIST).content.decode()

        assert "ConnectionRefusedError: no" in page
        assert "Nothing is lost" in page

    def test_finds_by_ticket_and_by_address(self, agent: User, team: list[User], ticket: Ticket) -> None:
        make_delivery(team[0], ticket=ticket)
        make_delivery(team[1])
        browser = Browser(agent)

        found = {
            term: {str(delivery.user) for delivery in browser.get(LIST, {"q": term}).context["cl"].queryset}
            for term in (f"#{ticket.pk}", team[1].email[:8])
        }

        assert found == {f"#{ticket.pk}": {str(team[0])}, team[1].email[:8]: {str(team[1])}}

    def test_shows_the_booking_and_finds_by_its_number(self, agent: User, admin: User, team: list[User]) -> None:
        event = make_event(admin)
        bookings = [book(event, user) for user in team[:2]]

        page = Browser(agent).get(LIST, {"q": f"#{bookings[0].pk}"})

        assert [delivery.booking for delivery in page.context["cl"].queryset] == bookings[:1]
        assert f">#{bookings[0].pk}<" in page.content.decode()
        delivery = Delivery.objects.get(booking=bookings[0])
        assert f"#{bookings[0].pk}" in Browser(agent).get(f"{LIST}{delivery.pk}/change/").content.decode()

    def test_takes_a_fixed_number_of_queries(
        self, agent: User, team: list[User], django_assert_max_num_queries: Any
    ) -> None:
        for user in team * 5:
            make_delivery(user)
        browser = Browser(agent)

        with django_assert_max_num_queries(8):
            browser.get(LIST)

    def test_is_not_for_customers(self, owner: User) -> None:
        assert Browser(owner).get(LIST).status_code == 302


class TestDelivery:
    def test_is_looked_at_and_not_edited(self, admin: User, owner: User) -> None:
        delivery = make_delivery(owner, last_error="451 Later")
        browser = Browser(admin)

        page = browser.get(f"{LIST}{delivery.pk}/change/")

        assert "451 Later" in page.content.decode()
        assert not page.context["has_change_permission"]
        assert browser.post(f"{LIST}{delivery.pk}/change/", {"state": "sent"}).status_code == 403


class TestSendAgain:
    def test_sends_the_chosen_again(self, agent: User, team: list[User]) -> None:
        chosen, left = (make_delivery(user, state=State.DEAD) for user in team[:2])

        Browser(agent).post(LIST, {"action": "send_again", "_selected_action": [chosen.pk]})

        assert queued_ids() == [chosen.pk]
        assert Delivery.objects.get(pk=left.pk).state == State.DEAD

    def test_sends_all_again_since_a_time(self, agent: User, team: list[User]) -> None:
        now = timezone.now()
        old = make_delivery(team[0], state=State.DEAD, created_at=now - timedelta(days=9))
        new = make_delivery(team[1], state=State.DEAD, created_at=now - timedelta(days=1))
        browser = Browser(agent)
        listed = browser.get(LIST).context["cl"]
        choices = [choice for each in listed.filter_specs for choice in each.choices(listed)]
        (past_seven_days,) = [choice["query_string"] for choice in choices if choice["display"] == "Past 7 days"]

        sent = {"action": "send_again", "_selected_action": [new.pk], "select_across": "1"}
        browser.post(f"{LIST}{past_seven_days}", sent)

        assert queued_ids() == [new.pk]
        assert Delivery.objects.get(pk=old.pk).state == State.DEAD
