"""The page of a person: tickets, bookings, mail and notes above the form."""

from typing import Any

import pytest
from django.db import ProgrammingError, transaction
from django.utils import timezone
from django.utils.html import escape
from pytest_django import DjangoAssertNumQueries

from accounts import services as accounts
from accounts.models import Note, User
from accounts.tests.factories import make_user
from events.tests.factories import book, make_event
from kit.errors import Forbidden, Invalid
from kit.tests.browser import Browser
from notifications.models import Kind
from notifications.tests.factories import make_delivery
from tickets import queries
from tickets.models import Status
from tickets.tests.factories import assign, make_ticket

pytestmark = pytest.mark.django_db


def page_of(person: User, name: str = "change") -> str:
    return f"/admin/accounts/user/{person.pk}/{name}/"


def text_of(page: Any) -> str:
    return " ".join(page.content.decode().split())


class TestPage:
    def test_shows_tickets_bookings_mail_and_notes(self, admin: User, owner: User) -> None:
        ticket = make_ticket(owner, title="My door squeaks")
        booking = book(make_event(admin, name="Jazz in the barn"), owner)
        make_delivery(owner, ticket=ticket, kind=Kind.COMMENT_ADDED)
        accounts.add_note(user_id=owner.pk, by=admin, at=timezone.now(), text="Prefers <b>letters</b>.")

        text = text_of(Browser(admin).get(page_of(owner)))

        assert f"#{ticket.pk} My door squeaks" in text
        assert f"#{booking.pk} Jazz in the barn" in text
        assert f"Comment added: #{ticket.pk} My door squeaks" in text
        assert "Prefers &lt;b&gt;letters&lt;/b&gt;." in text

    def test_can_be_read_by_agents(self, agent: User, admin: User, owner: User) -> None:
        make_ticket(owner, title="My door squeaks")
        book(make_event(admin, name="Jazz in the barn"), owner)

        text = text_of(Browser(agent).get(page_of(owner)))

        assert "My door squeaks" in text
        assert ("Jazz in the barn" in text) == agent.has_perm("events.view_booking")

    def test_lists_open_tickets_first_and_links_to_the_rest(self, agent: User, owner: User) -> None:
        waiting = make_ticket(owner, title="Still waiting")
        for _ in range(9):
            make_ticket(owner, status=Status.CLOSED)
        assign(waiting, owner)

        created = queries.created_by(user_id=owner.pk, limit=8)
        page = Browser(agent).get(page_of(owner))
        list_url = f"/admin/tickets/ticket/?queue=all&created_by__id__exact={owner.pk}"
        everything = Browser(agent).get(list_url)

        assert (created[0]["id"], created[0]["unclosed"], created[0]["total"]) == (waiting.pk, 1, 10)
        assert f'href="{escape(list_url)}"' in text_of(page)
        assert len(everything.context["cl"].result_list) == 10
        assigned = Browser(agent).get(f"/admin/tickets/ticket/?assignees__id__exact={owner.pk}")
        assert [ticket.pk for ticket in assigned.context["cl"].result_list] == [waiting.pk]

    def test_of_anyone_runs_the_same_queries(
        self, admin: User, owner: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        event = make_event(admin)
        for _ in range(12):
            ticket = make_ticket(owner)
            assign(ticket, owner)
            make_delivery(owner, ticket=ticket)
            accounts.add_note(user_id=owner.pk, by=make_user(type="agent"), at=timezone.now(), text="Hello")
        book(event, owner)
        browser = Browser(admin)
        browser.get(page_of(owner))

        # The session, the user, two for permissions, and the person, whom each button reads; then whether there are
        # tickets to hand over, notes, tickets created and assigned, bookings, and mail.
        with django_assert_num_queries(15):
            browser.get(page_of(owner))


class TestNotes:
    def test_are_added_by_agents(self, agent: User, owner: User) -> None:
        answer = Browser(agent).post(page_of(owner, "note"), {"text": " Call before noon.\r\nNot on Fridays. "})

        note = Note.objects.get()
        assert answer["Location"] == page_of(owner)
        assert (note.user, note.author, note.text) == (owner, agent, "Call before noon.\nNot on Fridays.")

    @pytest.mark.parametrize("text", ["", "  \n ", "x" * 5_001])
    def test_that_are_refused_are_shown_again(self, agent: User, owner: User, text: str) -> None:
        page = Browser(agent).post(page_of(owner, "note"), {"text": text})

        assert page.status_code == 200
        assert text.strip() in page.content.decode()
        assert not Note.objects.exists()

    def test_are_paged(self, agent: User, owner: User) -> None:
        for number in range(10):
            accounts.add_note(user_id=owner.pk, by=agent, at=timezone.now(), text=f"Note {number}.")
        browser = Browser(agent)

        first = browser.get(page_of(owner))
        second = browser.get(page_of(owner), {"notes": first.context["earlier_notes"]})

        assert [note.text for note in first.context["notes"]] == [f"Note {n}." for n in range(9, 1, -1)]
        assert [note.text for note in second.context["notes"]] == ["Note 1.", "Note 0."]

    @pytest.mark.parametrize("cursor", ["x", "-1", "9" * 40, "²"])
    def test_after_a_malformed_cursor_are_shown_all_the_same(self, agent: User, owner: User, cursor: str) -> None:
        assert Browser(agent).get(page_of(owner), {"notes": cursor}).status_code == 200

    def test_are_for_staff_only_and_never_change(self, agent: User, owner: User) -> None:
        now = timezone.now()
        note = accounts.add_note(user_id=owner.pk, by=agent, at=now, text="Careful.")

        with pytest.raises(Forbidden):
            accounts.add_note(user_id=owner.pk, by=owner, at=now, text="I am nice.")
        with pytest.raises(Invalid):
            accounts.add_note(user_id=owner.pk, by=agent, at=now, text=" ")
        with pytest.raises(ProgrammingError), transaction.atomic():
            Note.objects.filter(pk=note.pk).update(text="Nice.")

    def test_keep_their_author_from_being_deleted(self, admin: User, agent: User, owner: User) -> None:
        accounts.add_note(user_id=owner.pk, by=agent, at=timezone.now(), text="Careful.")

        with pytest.raises(accounts.HasRecords):
            accounts.delete(user_id=agent.pk, by=admin)
        accounts.delete(user_id=owner.pk, by=admin)


class TestTelephone:
    @pytest.mark.parametrize(
        ("typed", "stored"), [("+49 (0)30 / 123-4567", "+49301234567"), ("030.1234567", "0301234567"), ("", "")]
    )
    def test_is_stored_as_digits(self, admin: User, owner: User, typed: str, stored: str) -> None:
        Browser(admin).submit(page_of(owner), phone=typed)

        assert User.objects.get(pk=owner.pk).phone == stored

    @pytest.mark.parametrize("typed", ["1234", "call me", "+49+30", "1" * 16, "١٢٣٤٥٦"])
    def test_is_refused_next_to_its_field(self, admin: User, owner: User, typed: str) -> None:
        page = Browser(admin).submit(page_of(owner), phone=typed)

        assert "phone" in page.context["adminform"].form.errors
        assert User.objects.get(pk=owner.pk).phone == ""

    def test_finds_a_person_in_the_list(self, admin: User, owner: User) -> None:
        User.objects.filter(pk=owner.pk).update(phone="+49301234567")

        page = Browser(admin).get("/admin/accounts/user/?q=030+123+4567")

        assert list(page.context["cl"].result_list) == [owner]
