"""The page at the door, and what other pages of the admin show of check-ins and e-tickets."""

import csv
import io
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from events import services
from events.admin import check_in
from events.models import Booking, CheckIn, Event, Outcome
from events.tests.factories import GUEST, Guest, book, make_event
from events.tests.test_check_ins import code_of, scan
from kit.tests.browser import Browser

pytestmark = pytest.mark.django_db


@pytest.fixture
def booking(event: Event) -> Booking:
    return book(event, guest=GUEST, quantity=3)


def page_of(event: Event) -> str:
    return f"/admin/events/event/{event.pk}/check-in/"


def text_of(page: Any) -> str:
    return " ".join(page.content.decode().split())


def result_of(page: Any) -> tuple[str, str, str]:
    result = page.context["result"]
    return result.title, result.colour, " / ".join([result.who, *result.facts])


def send(user: User, event: Event, **values: Any) -> Any:
    """Send one of the page's forms, and return the page that shows the result."""
    return Browser(user).post(page_of(event), values, follow=True)


class TestCode:
    def test_checks_in(self, booking: Booking, agent: User) -> None:
        page = send(agent, booking.event, code=code_of(booking, 2).lower(), door="North door")

        assert result_of(page) == ("Checked in", "success", f"Greta Guest / Seat 2 of 3, booking #{booking.pk}")
        row = CheckIn.objects.get()
        assert (row.by, row.device, row.outcome) == (agent, "North door", Outcome.ADMITTED)
        assert page.context["title"] == f"Checked in: {booking.event.name}"
        assert "Checked in 1 of 3 expected" in text_of(page)
        # Ready for the next one, at the same door.
        assert 'value="North door"' in text_of(page)
        assert code_of(booking, 2).lower() not in text_of(page)

    def test_says_who_was_let_in_before(self, booking: Booking, agent: User, admin: User) -> None:
        scan(booking, by=admin, device="South door")

        page = send(agent, booking.event, code=code_of(booking))

        title, colour, facts = result_of(page)
        assert (title, colour) == ("Already checked in", "danger")
        assert facts.startswith(f"Greta Guest / Seat 1 of 3, booking #{booking.pk} / Just now, at ")
        assert facts.endswith(f"by {admin.name}, South door")
        assert CheckIn.objects.count() == 2

    def test_says_what_is_wrong_and_goes_on(self, booking: Booking, admin: User, agent: User) -> None:
        other = make_event(admin)
        services.cancel(booking_id=booking.pk, by=admin, seats=1)
        for event, code, message in (
            (booking.event, "", "Enter or scan a ticket code"),
            (booking.event, "rubbish", "Ticket not found"),
            (booking.event, code_of(booking, 3), "This ticket has been cancelled"),
            (other, code_of(booking), "This ticket is for another event"),
        ):
            page = send(agent, event, code=code)
            assert result_of(page) == (message, "danger", "")
            assert page.status_code == 200
            assert "autofocus" in str(page.context["form"]["code"])
        assert not CheckIn.objects.exists()

    def test_sent_twice_acts_once(self, booking: Booking, agent: User) -> None:
        """As by a scanner that presses Enter twice."""
        browser = Browser(agent)
        token = browser.get(page_of(booking.event)).context["csrf_token"]
        values = {"code": code_of(booking), "csrfmiddlewaretoken": str(token)}

        pages = [browser.post(page_of(booking.event), values, follow=True) for _ in range(2)]

        assert [result_of(page)[0] for page in pages] == ["Checked in"] * 2
        assert CheckIn.objects.count() == 1


class TestName:
    def test_finds_guests_of_the_event(self, booking: Booking, admin: User, agent: User) -> None:
        book(make_event(admin), guest=GUEST)
        scan(booking, by=agent)

        page = Browser(agent).get(page_of(booking.event), {"q": "greta"})

        (row,) = page.context["found"]
        assert (row.name, row.state, row.free) == ("Greta Guest", "1 of 3 seats checked in", 2)
        by_number = Browser(agent).get(page_of(booking.event), {"q": f"#{booking.pk}"}).context["found"]
        assert [each.booking for each in by_number] == [booking]

    def test_checks_in_some_seats(self, booking: Booking, agent: User) -> None:
        scan(booking, 2, by=agent)

        page = send(agent, booking.event, booking=booking.pk, seats=2)

        assert result_of(page) == ("Checked in", "success", f"Greta Guest / Seats 1 and 3 of 3, booking #{booking.pk}")
        assert "Checked in 3 of 3 expected" in text_of(page)

    def test_checks_in_all_seats(self, booking: Booking, agent: User) -> None:
        assert result_of(send(agent, booking.event, booking=booking.pk, seats=3))[2].startswith(
            "Greta Guest / Seats 1 to 3 of 3"
        )

    def test_offers_nothing_to_who_is_waiting(self, admin: User, agent: User) -> None:
        event = make_event(admin, capacity=1)
        book(event, guest=GUEST)
        waiting = book(event, guest=Guest("Wanda", "Waiting", "wanda@example.com"))

        (row,) = Browser(agent).get(page_of(event), {"q": "wanda"}).context["found"]

        assert (row.state, row.free) == ("Waiting", 0)
        page = send(agent, event, booking=waiting.pk, seats=1)
        assert result_of(page) == ("This booking is on the waiting list", "danger", "")

    @pytest.mark.parametrize("seats", ["", "0", "101", "x"])
    def test_refuses_bad_numbers(self, booking: Booking, agent: User, seats: str) -> None:
        page = send(agent, booking.event, booking=booking.pk, seats=seats)

        assert result_of(page)[0] == "Enter a number of seats from 1 to 100"

    def test_says_if_nobody_is_found(self, event: Event, agent: User) -> None:
        page = text_of(Browser(agent).get(page_of(event), {"q": "nobody"}))

        assert "No booking of this event matches “nobody”" in page


class TestUndo:
    def test_makes_the_ticket_good_again(self, booking: Booking, agent: User) -> None:
        first = scan(booking, by=agent)

        page = send(agent, booking.event, undo=first.id)

        assert result_of(page)[:2] == ("Check-in undone", "warning")
        assert "Checked in 0 of 3 expected" in text_of(page)

    def test_says_that_it_was_undone_already(self, booking: Booking, agent: User) -> None:
        first = scan(booking, by=agent)
        send(agent, booking.event, undo=first.id)

        assert result_of(send(agent, booking.event, undo=first.id))[0] == "Check-in not found"

    def test_is_offered_for_who_is_in(self, booking: Booking, agent: User) -> None:
        for _ in range(2):
            scan(booking, by=agent)

        rows = Browser(agent).get(page_of(booking.event)).context["latest"]

        assert [(row.label, row.can_be_undone) for row in rows] == [
            ("Already checked in", False),
            ("Checked in", True),
        ]


class TestPage:
    def test_runs_nine_queries_however_many_scans(
        self, event: Event, agent: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        bookings = [book(event, guest=GUEST) for _ in range(4)]
        for booking in bookings:
            scan(booking, by=agent)
        browser, last = Browser(agent), CheckIn.objects.latest("pk")

        # Session, user, permissions (2), event; the scan, the latest ones, the number; the bookings that are found.
        with django_assert_num_queries(9):
            browser.get(f"{page_of(event)}?scan={last.pk}&q=greta")

    @pytest.mark.parametrize("query", ["scan=x", "scan=1,2", "scan=" + "9" * 40, "door=x%00", "q=%00", "q=" + "9" * 30])
    def test_survives_any_query(self, event: Event, agent: User, query: str) -> None:
        assert Browser(agent).get(f"{page_of(event)}?{query}").status_code in (200, 400)

    def test_shows_no_scans_of_other_events(self, event: Event, admin: User, agent: User) -> None:
        first = scan(book(make_event(admin)), by=agent)

        assert Browser(agent).get(page_of(event), {"scan": first.id}).context["result"] is None

    def test_has_a_limit(self, event: Event, agent: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(check_in, "LATEST", 1)
        monkeypatch.setattr(check_in, "FOUND", 1)
        for _ in range(2):
            scan(book(event, guest=GUEST), by=agent)

        page = text_of(Browser(agent).get(page_of(event), {"q": "greta"}))

        assert "All scans" in page
        assert "There are more." in page

    def test_is_not_for_customers(self, event: Event, owner: User) -> None:
        assert Browser(owner).get(page_of(event)).status_code == 302


class TestGuestList:
    def test_shows_who_is_in(self, event: Event, booking: Booking, agent: User, owner: User) -> None:
        own = book(event, owner)
        for each in (booking, own):
            scan(each, by=agent)
        guests, browser = f"/admin/events/event/{event.pk}/guests/", Browser(agent)

        rows = browser.get(guests).context["rows"]
        printed = text_of(browser.get(guests, {"as": "print"}))
        answer: Any = browser.get(guests, {"as": "csv"})
        table = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
        answer.close()

        assert [(row.name, row.checked_in) for row in rows] == [("Greta Guest", "1 of 3 in"), (owner.name, "in")]
        assert '<span class="box"></span> 1 of 3 in</td>' in printed
        assert "<td>in</td>" in printed
        assert [(row["name"], row["checkedIn"]) for row in table] == [("Greta Guest", "1"), (owner.name, "1")]


class TestBookingPage:
    def page(self, user: User, booking: Booking) -> str:
        return text_of(Browser(user).get(f"/admin/events/booking/{booking.pk}/change/"))

    def test_shows_seats_with_their_state(self, booking: Booking, agent: User) -> None:
        scan(booking, 2, by=agent, device="North door")

        page = self.page(agent, booking)

        assert '<th scope="row">1</th><td>Not checked in</td>' in page
        assert f"by {agent.name}, North door</td>" in page
        assert "Seat 2 is checked in. The highest numbers are cancelled first" in page

    @pytest.mark.parametrize("taken", [0, 3])
    def test_runs_20_queries_and_one_for_the_scans(
        self, booking: Booking, agent: User, taken: int, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for seat in range(1, taken + 1):
            scan(booking, seat, by=agent)
        browser = Browser(agent)

        with django_assert_num_queries(21 + bool(taken)):
            browser.get(f"/admin/events/booking/{booking.pk}/change/")

    def test_shows_codes_to_admins_only(self, booking: Booking, agent: User, admin: User) -> None:
        assert code_of(booking) in self.page(admin, booking)
        assert code_of(booking) not in self.page(agent, booking)

    def test_shows_no_seats_of_who_is_waiting(self, admin: User) -> None:
        event = make_event(admin, capacity=1)
        book(event)

        assert "Ticket code" not in self.page(admin, book(event))

    def test_reissues_tickets(self, booking: Booking, agent: User) -> None:
        page = Browser(agent).submit(f"/admin/events/booking/{booking.pk}/reissue/")

        booking.refresh_from_db()
        assert (page.status_code, booking.code_revision) == (302, 2)
        history = text_of(Browser(agent).get(f"/admin/events/booking/{booking.pk}/history/"))
        assert "Reissued the tickets." in history

    def test_says_why_there_is_nothing_to_reissue(self, booking: Booking, admin: User) -> None:
        services.cancel(booking_id=booking.pk, by=admin)

        page = Browser(admin).post(f"/admin/events/booking/{booking.pk}/reissue/", follow=True)

        assert "This booking has already been cancelled." in text_of(page)

    def test_is_found_by_the_code_of_a_ticket(self, booking: Booking, agent: User) -> None:
        """Even by one that was replaced, such as on a picture that somebody has posted."""
        services.reissue_tickets(booking_id=booking.pk, by=agent)
        book(booking.event, guest=GUEST)

        page = Browser(agent).get("/admin/events/booking/", {"q": code_of(booking).lower()})

        assert list(page.context["cl"].result_list) == [booking]


class TestAudit:
    def test_shows_who_checked_in_whom(self, booking: Booking, agent: User, admin: User) -> None:
        first = scan(booking, by=agent, device="North door")
        services.undo_check_in(event_id=booking.event_id, check_in_id=first.id, by=admin, at=first.checked_in_at)

        for path in (f"event/{booking.event_id}", f"booking/{booking.pk}"):
            page = text_of(Browser(admin).get(f"/admin/events/{path}/change/"))
            assert all(word in page for word in ("North door", agent.name, admin.name, "undone"))
