"""The admin's search over tickets, people, bookings and events."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.tests.factories import make_user
from events.tests.factories import Guest, book, make_event
from kit.tests.browser import Browser
from tickets.models import Status
from tickets.tests.factories import make_ticket

pytestmark = pytest.mark.django_db

SEARCH = "/admin/search/"


def found(user: User, text: str) -> dict[str, list[str]]:
    """Return the titles of the hits by group, as the box shows them."""
    page = Browser(user).get(SEARCH, {"q": text}, headers={"HX-Request": "true"})
    return {group.title: [hit.title for hit in group.results] for group in page.context["groups"]}


class TestSearch:
    def test_finds_every_kind(self, admin: User, owner: User) -> None:
        ticket = make_ticket(owner, title="Olga cannot sign in")
        event = make_event(admin, name="An evening with Olga")
        booking = book(event, guest=Guest("Olga", "Guest", "guest@example.com"))

        assert found(admin, "olga") == {
            "People": ["Olga Owner"],
            "Tickets": [f"#{ticket.pk} Olga cannot sign in"],
            "Bookings": [f"#{booking.pk} Olga Guest (guest, guest@example.com)"],
            "Events": ["An evening with Olga"],
        }

    def test_shows_only_what_the_role_may_view(self, agent: User, admin: User, owner: User) -> None:
        book(make_event(admin, name="An evening with Olga"), guest=Guest("Olga", "Guest", "guest@example.com"))
        make_event(admin, name="Olga in rehearsal", status="draft")

        groups = found(agent, "olga")

        assert "People" in groups
        assert ("Bookings" in groups) == agent.has_perm("events.view_booking")
        assert ("Events" in groups) == agent.has_perm("events.view_event")
        assert "Olga in rehearsal" not in groups.get("Events", [])

    def test_finds_a_number_first(self, admin: User, owner: User) -> None:
        ticket = make_ticket(owner)

        assert next(iter(found(admin, f"#{ticket.pk}"))) == "Tickets"
        assert found(admin, str(2**70)) == {}

    def test_finds_people_by_telephone(self, admin: User, owner: User) -> None:
        User.objects.filter(pk=owner.pk).update(phone="+49301234567")

        assert found(admin, "030 123 4567") == {"People": ["Olga Owner"]}

    def test_ranks_tickets_with_the_words_in_the_title_first(self, admin: User, owner: User) -> None:
        described = make_ticket(owner, title="Help", description="The printer is broken")
        closed = make_ticket(owner, title="Printer jam", status=Status.CLOSED)
        titled = make_ticket(owner, title="Printer on fire")
        make_ticket(owner, title="Something else")

        (titles,) = found(admin, "print").values()

        assert [title.split()[0] for title in titles] == [f"#{t.pk}" for t in (titled, closed, described)]

    def test_looks_up_what_is_far_down(self, admin: User, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        """Complete words, and the beginning of the last one, or of words in other scripts."""
        monkeypatch.setattr("tickets.queries.reads.LIKELY_WALK", 1)
        monkeypatch.setattr("events.queries.WALK", 1)
        old = make_ticket(owner, title="Printer in room 145, 東京都")
        booking = book(make_event(admin), guest=Guest("Gudrun", "Guest", "gudrun@example.com"))
        for _ in range(2):
            make_ticket(owner)
            book(make_event(admin))

        tickets = {text: list(found(admin, text)) for text in ("printer room 14", "room", "prin", "東京", "prin room")}

        hit = ["Tickets"]
        assert tickets == {"printer room 14": hit, "room": hit, "prin": hit, "東京": hit, "prin room": []}
        assert found(admin, "printer")["Tickets"] == [f"#{old.pk} Printer in room 145, 東京都"]
        assert found(admin, "gudrun gu")["Bookings"][0].startswith(f"#{booking.pk} ")

    def test_finds_next_events_first(self, admin: User) -> None:
        now = timezone.now()
        for days in (-1, 30, 2):
            make_event(admin, name=f"Jazz {days}", starts_at=now + timedelta(days=days))

        assert found(admin, "jazz") == {"Events": ["Jazz 2", "Jazz 30", "Jazz -1"]}

    @pytest.mark.parametrize("text", ["'", "& | ! (", "\\", "%", "\x00", "東京", "a" * 5_000, "-- ", "٣", "²", "1e5"])
    def test_survives_any_text(self, admin: User, text: str) -> None:
        assert Browser(admin).get(SEARCH, {"q": text}).status_code == 200

    def test_leads_to_the_only_hit(self, admin: User, owner: User) -> None:
        answer = Browser(admin).get(SEARCH, {"q": "olga own"})

        assert answer["Location"] == f"/admin/accounts/user/{owner.pk}/change/"

    def test_page_shows_the_hits_and_the_lists(self, admin: User) -> None:
        for _ in range(7):
            make_user("Olga Other")

        text = Browser(admin).get(SEARCH, {"q": "olga"}).content.decode()

        assert text.count("<strong>Olga Other</strong>") == 6
        assert 'href="/admin/accounts/user/?q=olga"' in text

    def test_without_a_text_or_hits_says_what_to_do(self, admin: User) -> None:
        assert Browser(admin).get(SEARCH).status_code == 200
        assert "Nothing found for “zzz”." in Browser(admin).get(SEARCH, {"q": "zzz"}).content.decode()

    def test_runs_eight_queries(
        self, admin: User, owner: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for _ in range(10):
            make_ticket(owner, title="Olga needs help")
        browser = Browser(admin)
        partial: dict[str, Any] = {"headers": {"HX-Request": "true"}}
        browser.get(SEARCH, {"q": "olga"}, **partial)

        # The session, the user, two for permissions, and one for each kind.
        with django_assert_num_queries(8):
            browser.get(SEARCH, {"q": "olga"}, **partial)
