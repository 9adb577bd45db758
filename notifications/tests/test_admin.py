"""Sent mail in the admin: the list, one delivery, and the panel on the pages of tickets and bookings."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from events.models import Booking
from events.tests.factories import GUEST, book, make_event
from kit.tests.browser import Browser
from notifications import sending, services
from notifications.models import Delivery, Kind, State
from notifications.tests.factories import due_ids, make_delivery
from tickets.models import Ticket
from tickets.tests.factories import make_ticket

pytestmark = pytest.mark.django_db

LIST = "/admin/notifications/delivery/"
RESEND = "Resend failed e-mails"


def ticket_page(ticket: Ticket) -> str:
    return reverse("admin:tickets_ticket_change", args=[ticket.pk])


def booking_page(booking: Booking) -> str:
    return reverse("admin:events_booking_change", args=[booking.pk])


def resend_url(ticket: Ticket) -> str:
    return reverse("admin:notifications_delivery_resend", args=[ticket.pk])


def text(page: Any) -> str:
    content: str = page.content.decode()
    return content


def without_menu(page: str) -> str:
    """Leave out the menu's entry for bookings, which agents have."""
    return page.replace("/admin/events/booking/", "").replace("Bookings", "")


class TestList:
    def test_shows_state_recipient_and_error(self, agent: User, team: list[User], ticket: Ticket) -> None:
        make_delivery(
            team[0], kind=Kind.TICKET_UPDATED, ticket=ticket, state=State.FAILED, last_error="550 No such user"
        )

        page = text(Browser(agent).get(LIST))

        assert "550 No such user" in page
        assert team[0].email in page
        assert "Rejected" in page
        assert ticket_page(ticket) in page

    @pytest.mark.parametrize(
        ("kind", "label"),
        [(Kind.SLA_BREACHED, "SLA breached"), (Kind.SLA_AT_RISK, "SLA at risk"), (Kind.SET_PASSWORD, "Set password")],
    )
    def test_shows_the_kind_in_words(self, agent: User, owner: User, kind: Kind, label: str) -> None:
        make_delivery(owner, kind=kind)

        assert label in text(Browser(agent).get(LIST))

    def test_is_titled_sent_mail(self, agent: User) -> None:
        assert "Sent mail" in text(Browser(agent).get(LIST))

    def test_reports_an_outage(self, agent: User, owner: User) -> None:
        at = timezone.now()
        sending._note_outage("ConnectionRefusedError: no", at=at)

        page = text(Browser(agent).get(LIST))

        assert f"Mail server unreachable since {at:%Y-%m-%d %H:%M} UTC: ConnectionRefusedError: no" in page
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

    def test_finds_and_shows_the_booking(self, admin: User, team: list[User]) -> None:
        event = make_event(admin)
        bookings = [book(event, user) for user in team[:2]]
        services.announce_bookings()

        page = Browser(admin).get(LIST, {"q": f"#{bookings[0].pk}"})

        assert [delivery.booking for delivery in page.context["cl"].queryset] == bookings[:1]
        assert f">#{bookings[0].pk}<" in text(page)
        delivery = Delivery.objects.get(booking=bookings[0])
        assert f"#{bookings[0].pk}" in text(Browser(admin).get(f"{LIST}{delivery.pk}/change/"))

    def test_can_show_everything_that_failed(self, agent: User, team: list[User]) -> None:
        failed = {make_delivery(team[0], state=State.FAILED), make_delivery(team[1], state=State.DEAD)}
        make_delivery(team[2])

        page = Browser(agent).get(LIST, {"state": "given-up"})

        assert set(page.context["cl"].queryset) == failed

    def test_runs_a_fixed_number_of_queries(
        self, agent: User, team: list[User], django_assert_max_num_queries: Any
    ) -> None:
        for user in team * 5:
            make_delivery(user)
        browser = Browser(agent)

        with django_assert_max_num_queries(8):
            browser.get(LIST)

    def test_is_closed_to_customers(self, owner: User) -> None:
        assert Browser(owner).get(LIST).status_code == 302


class TestMailAboutBookings:
    """It is for admins, like the bookings."""

    @pytest.fixture
    def hidden(self, admin: User) -> Delivery:
        booking = book(make_event(admin), guest=GUEST)
        services.announce_bookings()
        Delivery.objects.filter(booking=booking).update(state=State.DEAD, last_error="451 Later")
        return Delivery.objects.get(booking=booking)

    @pytest.mark.parametrize(
        "query", [{}, {"q": GUEST.email}, {"state": "given-up"}, {"kind": Kind.BOOKING_CONFIRMED}, {"o": "1"}]
    )
    def test_is_not_listed_for_agents(self, agent: User, admin: User, hidden: Delivery, query: dict[str, str]) -> None:
        shown = {user.type: list(Browser(user).get(LIST, query).context["cl"].queryset) for user in (agent, admin)}

        assert shown == {"agent": [], "admin": [hidden]}

    def test_is_not_found_by_number(self, agent: User, admin: User, owner: User, hidden: Delivery) -> None:
        ticket = make_ticket(owner, id=hidden.booking_id)
        about_ticket = make_delivery(owner, ticket=ticket)

        def found(user: User) -> set[Delivery]:
            return set(Browser(user).get(LIST, {"q": f"#{ticket.pk}"}).context["cl"].queryset)

        assert found(agent) == {about_ticket}
        assert found(admin) == {about_ticket, hidden}

    def test_has_no_column_filter_or_hint_for_agents(self, agent: User, hidden: Delivery) -> None:
        assert "ooking" not in without_menu(text(Browser(agent).get(LIST)))

    def test_has_column_filter_and_hint_for_admins(self, admin: User, hidden: Delivery) -> None:
        page = text(Browser(admin).get(LIST))

        for shown in ("column-booking_number", "?kind=booking-confirmed", "?kind=event-changed", "ticket or booking"):
            assert shown in page

    def test_is_missing_for_agents(self, agent: User, hidden: Delivery) -> None:
        for page in ("change", "history"):
            answer = Browser(agent).get(f"{LIST}{hidden.pk}/{page}/", follow=True)

            assert answer.redirect_chain == [("/admin/", 302)]
            assert GUEST.email not in text(answer)

    def test_has_no_field_on_the_page_of_other_mail_for_agents(self, agent: User, owner: User) -> None:
        page = text(Browser(agent).get(f"{LIST}{make_delivery(owner).pk}/change/"))

        assert "ooking" not in without_menu(page)

    @pytest.mark.parametrize("across", ["0", "1"])
    def test_is_not_resent_by_agents(self, agent: User, owner: User, hidden: Delivery, across: str) -> None:
        other = make_delivery(owner, state=State.DEAD)
        action = {"action": "resend", "_selected_action": [hidden.pk, other.pk], "select_across": across}

        page = Browser(agent).post(LIST, action, follow=True)

        assert due_ids() == [other.pk]
        assert "1 message queued for retry." in text(page)

    def test_is_not_counted_on_the_overview_of_agents(self, agent: User, admin: User, hidden: Delivery) -> None:
        counts = {user.type: Browser(user).get("/admin/").context["mail_card"].value for user in (agent, admin)}

        assert counts == {"agent": "0", "admin": "1"}


class TestDelivery:
    def test_is_read_only(self, admin: User, owner: User) -> None:
        delivery = make_delivery(owner, last_error="451 Later")
        browser = Browser(admin)

        page = browser.get(f"{LIST}{delivery.pk}/change/")

        assert "451 Later" in text(page)
        assert not page.context["has_change_permission"]
        assert browser.post(f"{LIST}{delivery.pk}/change/", {"state": "sent"}).status_code == 403

    @pytest.mark.parametrize("state", [State.FAILED, State.DEAD])
    def test_says_what_the_state_means(self, agent: User, owner: User, state: State) -> None:
        delivery = make_delivery(owner, state=state)

        page = text(Browser(agent).get(f"{LIST}{delivery.pk}/change/"))

        assert state.label in page
        assert f"(&#x27;{state}&#x27;" not in page
        assert "select the e-mail in the list and resend it" in page


class TestResendAction:
    def test_resends_the_selected_deliveries(self, agent: User, team: list[User]) -> None:
        selected, other = (make_delivery(user, state=State.DEAD) for user in team[:2])

        page = Browser(agent).post(LIST, {"action": "resend", "_selected_action": [selected.pk]}, follow=True)

        assert due_ids() == [selected.pk]
        assert Delivery.objects.get(pk=other.pk).state == State.DEAD
        assert "1 message queued for retry." in text(page)

    def test_resends_everything_that_the_filter_shows(self, agent: User, team: list[User]) -> None:
        now = timezone.now()
        old = make_delivery(team[0], state=State.DEAD, created_at=now - timedelta(days=9))
        new = make_delivery(team[1], state=State.DEAD, created_at=now - timedelta(days=1))
        browser = Browser(agent)
        listed = browser.get(LIST).context["cl"]
        choices = [choice for spec in listed.filter_specs for choice in spec.choices(listed)]
        (past_seven_days,) = [choice["query_string"] for choice in choices if choice["display"] == "Past 7 days"]

        action = {"action": "resend", "_selected_action": [new.pk], "select_across": "1"}
        browser.post(f"{LIST}{past_seven_days}", action)

        assert due_ids() == [new.pk]
        assert Delivery.objects.get(pk=old.pk).state == State.DEAD


class TestPanel:
    """The panel "E-mails for this ticket", or booking, on their pages."""

    def test_shows_kind_recipient_state_and_error(self, agent: User, team: list[User], ticket: Ticket) -> None:
        delivery = make_delivery(
            team[0], kind=Kind.TICKET_UPDATED, ticket=ticket, state=State.FAILED, last_error="550 No such user"
        )

        page = text(Browser(agent).get(ticket_page(ticket)))

        assert "E-mails for this ticket: some could not be delivered" in page
        assert f"to Max &lt;{team[0].email}&gt;" in page
        for shown in ("Ticket updated", "Rejected", "550 No such user", f"{LIST}{delivery.pk}/change/"):
            assert shown in page

    def test_shows_the_ten_latest(self, agent: User, owner: User, ticket: Ticket) -> None:
        deliveries = [make_delivery(owner, ticket=ticket) for _ in range(11)]

        page = text(Browser(agent).get(ticket_page(ticket)))

        shown = [delivery for delivery in deliveries if f"{LIST}{delivery.pk}/change/" in page]
        assert shown == deliveries[1:]
        assert f"{LIST}?q=%23{ticket.pk}" in page

    def test_leaves_out_mail_about_others(self, agent: User, owner: User, ticket: Ticket) -> None:
        make_delivery(owner, ticket=make_ticket(owner))

        page = text(Browser(agent).get(ticket_page(ticket)))

        assert "No e-mails yet" in page
        assert f"{LIST}?q=" not in page

    def test_offers_to_resend_only_what_failed(self, agent: User, owner: User, ticket: Ticket) -> None:
        delivery = make_delivery(owner, ticket=ticket)
        browser = Browser(agent)
        pages = []
        for state in (State.PENDING, State.FAILED, State.DEAD):
            Delivery.objects.filter(pk=delivery.pk).update(state=state)
            pages.append(text(browser.get(ticket_page(ticket))))

        assert [RESEND in page for page in pages] == [False, True, True]
        assert [resend_url(ticket) in page for page in pages] == [False, True, True]

    def test_shows_the_mail_about_a_booking(self, admin: User) -> None:
        booking = book(make_event(admin), guest=GUEST)
        services.announce_bookings()
        Delivery.objects.filter(booking=booking).update(state=State.DEAD, last_error="451 Later")

        page = text(Browser(admin).get(booking_page(booking)))

        assert "E-mails for this booking: some could not be delivered" in page
        assert f"to Greta Guest &lt;{GUEST.email}&gt;" in page
        for shown in ("Booking confirmed", "Gave up after retries", "451 Later"):
            assert shown in page
        assert RESEND not in page

    def test_runs_one_query(self, admin: User, owner: User, ticket: Ticket) -> None:
        browser, booking = Browser(admin), book(make_event(admin), owner)
        pages = [ticket_page(ticket), booking_page(booking)]
        make_delivery(owner, ticket=ticket)
        services.announce_bookings()
        # The first request in a process also fills Django's cache of content types.
        for page in pages:
            browser.get(page)
        counts = [count_queries(browser, page) for page in pages]
        for state in (State.PENDING, State.FAILED, State.DEAD) * 5:
            make_delivery(owner, ticket=ticket, state=state)
            make_delivery(owner, booking=booking, state=state)

        assert [about_mail for about_mail, _ in counts] == [1, 1]
        assert [count_queries(browser, page) for page in pages] == counts


def count_queries(browser: Browser, page: str) -> tuple[int, int]:
    """Return how many queries a page runs on deliveries, and how many in total."""
    with CaptureQueriesContext(connection) as captured:
        browser.get(page)
    return sum("notifications_delivery" in query["sql"] for query in captured), len(captured)


class TestResendButton:
    @pytest.fixture
    def failed(self, owner: User, ticket: Ticket) -> Delivery:
        return make_delivery(owner, ticket=ticket, state=State.DEAD)

    def test_queues_the_failed_mail_about_the_ticket(
        self, agent: User, owner: User, ticket: Ticket, failed: Delivery
    ) -> None:
        other = make_delivery(owner, ticket=make_ticket(owner), state=State.DEAD)

        page = Browser(agent).post(resend_url(ticket), follow=True)

        assert page.redirect_chain == [(ticket_page(ticket), 302)]
        assert "1 message queued for retry." in text(page)
        assert due_ids() == [failed.pk]
        assert Delivery.objects.get(pk=other.pk).state == State.DEAD

    def test_does_nothing_on_get(self, agent: User, ticket: Ticket, failed: Delivery) -> None:
        page = Browser(agent).get(resend_url(ticket))

        assert page.status_code == 302
        assert due_ids() == []
        assert Delivery.objects.get(pk=failed.pk).state == State.DEAD

    def test_is_closed_to_customers_and_visitors(self, owner: User, ticket: Ticket, failed: Delivery) -> None:
        responses = [client.post(resend_url(ticket)) for client in (Browser(owner), Client())]

        assert [response.status_code for response in responses] == [302, 302]
        assert all(response["Location"].startswith("/admin/login/") for response in responses)
        assert due_ids() == []

    def test_is_404_for_an_unknown_ticket(self, agent: User) -> None:
        unknown = reverse("admin:notifications_delivery_resend", args=[999])

        assert Browser(agent).post(unknown).status_code == 404
