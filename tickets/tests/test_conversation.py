"""The conversation on a ticket's page in the admin: comments, changes, sent mail and the reply form."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from kit.tests.browser import Browser, fields
from notifications.models import Delivery, State
from notifications.tests.factories import end_of_transaction
from projects.tests.factories import make_project
from tickets import queries, services
from tickets.models import MAX_MESSAGE, Comment, Status, Ticket
from tickets.tests.factories import assign, make_comment, make_ticket

pytestmark = pytest.mark.django_db


def page_of(ticket: Ticket, page: str = "change") -> str:
    return f"/admin/tickets/ticket/{ticket.pk}/{page}/"


def resend_url(ticket_id: int) -> str:
    return reverse("admin:notifications_delivery_resend", args=[ticket_id])


def entries_of(page: Any) -> list[str]:
    """Return one string per entry: the comment, the first changed field, or "created"."""
    return [
        entry["comment"].message
        if "comment" in entry
        else "created"
        if entry["is_creation"]
        else entry["changes"][0]["label"]
        for entry in page.context["entries"]
    ]


def text_of(page: Any) -> str:
    return " ".join(page.content.decode().split())


class TestConversation:
    def test_merges_comments_and_changes_by_time(self, agent: User, owner: User) -> None:
        ticket, now = make_ticket(owner), timezone.now()
        services.comment(ticket_id=ticket.pk, by=owner, at=now - timedelta(days=1), message="Loaded from elsewhere")
        services.update(ticket_id=ticket.pk, by=agent, at=now, status=Status.IN_PROGRESS)
        services.comment(
            ticket_id=ticket.pk, by=agent, at=now + timedelta(minutes=1), message="Odd.\n<b>", is_internal=True
        )

        page = Browser(agent).get(page_of(ticket))

        assert entries_of(page) == ["Loaded from elsewhere", "created", "Status", "Odd.\n<b>"]
        assert "Odd.<br>&lt;b&gt;" in text_of(page)
        assert "Internal" in text_of(page)

    def test_shows_state_assignees_and_description(self, agent: User, owner: User, assignee: User) -> None:
        ticket = make_ticket(owner, description="It drips.", created_at=timezone.now() - timedelta(days=3))
        assign(ticket, assignee)

        page = Browser(agent).get(page_of(ticket))

        assert [text for text, _ in page.context["state"]] == ["Open", "Medium priority"]
        assert page.context["deadline"][:2] == ("Breached 2 d ago", "danger")
        assert "Assigned to Axel Assignee" in text_of(page)
        assert "It drips." in text_of(page)

    def test_says_how_long_ago_comments_were_written(self, agent: User, owner: User) -> None:
        """The exact time, with its zone, is the tooltip."""
        at = timezone.now() - timedelta(hours=3)
        ticket = make_ticket(owner, created_at=at - timedelta(days=2))
        services.comment(ticket_id=ticket.pk, by=owner, at=at, message="Any news?")

        page = Browser(agent).get(page_of(ticket, "change")).content.decode()

        assert f'title="{at:%Y-%m-%d %H:%M} UTC">3 hours ago</time>' in page

    def test_shows_prices_with_their_currency(self, agent: User, owner: User, settings: Any) -> None:
        settings.CURRENCY = "CHF"
        ticket = make_ticket(owner, price="1200")
        services.update(ticket_id=ticket.pk, by=agent, at=timezone.now(), price=Decimal("12.5"))
        browser = Browser(agent)

        page = browser.get(page_of(ticket, "change")).content.decode()
        history = browser.get(page_of(ticket, "history")).content.decode()

        assert "1,200.00 CHF → 12.50 CHF" in page
        assert "Price (CHF)" in page
        assert "Price (CHF)" in browser.get("/admin/tickets/ticket/add/").content.decode()
        assert "1,200.00 CHF" in history

    def test_shows_hints_for_a_new_ticket(self, agent: User, owner: User) -> None:
        page = text_of(Browser(agent).get(page_of(make_ticket(owner))))

        assert "Unassigned" in page
        assert "Assign to me" in page
        assert "No e-mails yet" in page

    def test_is_paginated_backwards(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner)
        for number in range(70):
            make_comment(ticket, owner, message=f"Comment {number}")
        browser, pages = Browser(agent), []
        query: dict[str, str] = {}

        while True:
            page = browser.get(page_of(ticket), query)
            pages.append(entries_of(page))
            if not page.context["earlier"]:
                break
            assert f"?cursor={page.context['earlier']}" in text_of(page)
            query = {"cursor": page.context["earlier"]}

        assert [len(entries) for entries in pages] == [30, 30, 11]
        oldest_first = [entry for entries in reversed(pages) for entry in entries]
        assert oldest_first == ["created", *(f"Comment {number}" for number in range(70))]

    @pytest.mark.parametrize("cursor", ["nonsense", "WzFd", ""])
    def test_invalid_cursor_shows_the_latest_entries(self, agent: User, owner: User, cursor: str) -> None:
        page = Browser(agent).get(page_of(make_ticket(owner)), {"cursor": cursor})

        assert entries_of(page) == ["created"]

    def test_long_conversation_runs_16_queries(
        self, agent: User, owner: User, assignee: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        ticket = make_ticket(owner)
        assign(ticket, assignee)
        for _ in range(20):
            services.update(ticket_id=ticket.pk, by=agent, at=timezone.now(), project_id=make_project().pk)
            make_comment(ticket, agent)
        end_of_transaction()
        browser = Browser(agent)

        # One less than for a new ticket: its creation, which names a user, is on an earlier page.
        with django_assert_num_queries(16):
            page = browser.get(page_of(ticket))

        assert len(page.context["entries"]) == 30
        assert len(page.context["deliveries"]) == 10

    def test_pages_are_complete_when_timestamps_are_out_of_order(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner)
        for number in range(6):
            at = timezone.now() + timedelta(hours=number % 2)
            services.comment(ticket_id=ticket.pk, by=owner, at=at, message=str(number))
            services.update(ticket_id=ticket.pk, by=agent, at=at, title=f"Title {number}")

        found: list[Any] = []
        before: tuple[int, int] | None = queries.NEWEST
        while before:
            entries, before = queries.conversation(ticket_id=ticket.pk, viewer=agent, before=before, limit=2)
            found += entries

        assert len(found) == 13
        assert len({(type(entry), entry.id) for entry in found}) == 13


class TestReply:
    def test_public_reply_notifies_the_creator(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner)

        page = Browser(agent).post(page_of(ticket, "comment"), {"message": "On our way.\r\nSoon."}, follow=True)

        comment = Comment.objects.get()
        assert (comment.message, comment.is_internal, comment.author) == ("On our way.\nSoon.", False, agent)
        assert "Reply sent." in text_of(page)
        end_of_transaction()
        assert list(Delivery.objects.values_list("user", flat=True)) == [owner.pk]

    def test_internal_note_notifies_no_customer(self, agent: User, owner: User) -> None:
        Browser(agent).post(page_of(make_ticket(owner), "comment"), {"message": "Again?", "is_internal": "on"})

        end_of_transaction()
        assert Comment.objects.get().is_internal
        assert not Delivery.objects.exists()

    def test_can_close_the_ticket(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner)

        page = Browser(agent).post(page_of(ticket, "comment"), {"message": "Mended.", "status": "closed"}, follow=True)

        assert "Reply sent. Ticket closed." in text_of(page)
        ticket.refresh_from_db()
        newest = queries.history(ticket_id=ticket.pk, limit=1)[0]
        assert (ticket.status, Comment.objects.get().message) == (Status.CLOSED, "Mended.")
        assert (newest.door, newest.by and newest.by.name) == ("admin", "Agnes Agent")

    @pytest.mark.parametrize(
        ("status", "statuses"),
        [
            ("open", ["closed", "in-progress"]),
            ("in-progress", ["closed"]),
            ("closed", ["open"]),
        ],
    )
    def test_has_buttons_for_the_next_status(self, agent: User, owner: User, status: str, statuses: list[str]) -> None:
        page = Browser(agent).get(page_of(make_ticket(owner, status=status)))

        assert [button for button, _ in page.context["status_buttons"]] == statuses

    @pytest.mark.parametrize(
        ("message", "sentence"),
        [
            ("  ", "This field is required."),
            ("x" * (MAX_MESSAGE + 1), f"Ensure this value has at most {MAX_MESSAGE} characters"),
            ("\x00", "Null characters are not allowed."),
        ],
    )
    def test_invalid_reply_changes_nothing_and_is_kept(
        self, agent: User, owner: User, message: str, sentence: str
    ) -> None:
        ticket = make_ticket(owner)

        page = Browser(agent).post(page_of(ticket, "comment"), {"message": message, "status": "closed"})

        ticket.refresh_from_db()
        assert sentence in text_of(page)
        assert fields(page)["message"].strip() == message.strip()
        assert "Reply and close" in text_of(page)
        assert (ticket.status, Comment.objects.exists()) == (Status.OPEN, False)

    def test_unknown_status_is_refused(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner)

        Browser(agent).post(page_of(ticket, "comment"), {"message": "Mended.", "status": "gone"})

        ticket.refresh_from_db()
        assert (ticket.version, Comment.objects.exists()) == (1, False)

    @pytest.mark.parametrize("page", ["comment", "hold", "resume"])
    def test_pages_are_for_staff_and_existing_tickets(self, agent: User, owner: User, page: str) -> None:
        ticket = make_ticket(owner)

        foreign = Browser(owner).post(page_of(ticket, page), {"message": "Me, too"})
        missing = Browser(agent).post(f"/admin/tickets/ticket/{2**62}/{page}/", {"message": "Hello?"})
        too_large = Browser(agent).post(f"/admin/tickets/ticket/{'9' * 40}/{page}/", {"message": "Hello?"})

        assert (foreign.status_code, foreign["Location"].split("?")[0]) == (302, "/admin/login/")
        assert (missing.status_code, too_large.status_code) == (404, 404)
        assert not Comment.objects.exists()


class TestSentMail:
    def test_failed_mail_can_be_resent(self, agent: User, owner: User, assignee: User) -> None:
        ticket = make_ticket(owner)
        assign(ticket, assignee)
        end_of_transaction()
        Delivery.objects.update(state=State.FAILED, last_error="550 No such mailbox")
        browser = Browser(agent)

        page = text_of(browser.get(page_of(ticket)))
        browser.post(resend_url(ticket.pk))

        assert "some could not be delivered" in page
        assert "550 No such mailbox" in page
        assert Delivery.objects.get().state == State.PENDING

    def test_resend_leaves_other_tickets_alone(self, agent: User, owner: User) -> None:
        ticket, other = make_ticket(owner), make_ticket(owner)
        make_comment(other, agent)
        end_of_transaction()
        Delivery.objects.update(state=State.DEAD)

        Browser(agent).post(resend_url(ticket.pk))

        assert Delivery.objects.get().state == State.DEAD

    def test_resend_is_for_staff_and_existing_tickets(self, agent: User, owner: User, ticket: Ticket) -> None:
        foreign = Browser(owner).post(resend_url(ticket.pk))
        missing = Browser(agent).post(resend_url(2**62))
        too_large = Browser(agent).post(resend_url(10**40))

        assert (foreign.status_code, foreign["Location"].split("?")[0]) == (302, "/admin/login/")
        assert (missing.status_code, too_large.status_code) == (404, 404)
