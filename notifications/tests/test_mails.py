"""The texts and headers of mail."""

from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives
from django.core.mail.message import sanitize_address
from django.utils import timezone

from accounts import password_codes
from accounts.models import User, UserType
from accounts.tests.factories import make_user
from notifications import attempts, mails, services
from notifications.mails import templates
from notifications.models import Delivery, Kind, State
from notifications.tests.factories import code_in, end_of_transaction, html, make_delivery, run_worker
from projects.tests.factories import make_project
from tickets import services as tickets
from tickets.models import Comment, Ticket
from tickets.tests.factories import make_comment

pytestmark = pytest.mark.django_db

DOCUMENT_001 = """\
Ticket #123 updated:
Title: "Fix the database"
Status: "In progress"

Current assignees: Max, Dave, Yaris.
"""


def change(ticket: Ticket, **changes: Any) -> EmailMultiAlternatives:
    """Change a ticket, and return the mail to its first assignee."""
    tickets.update(ticket_id=ticket.pk, by=ticket.created_by, at=timezone.now(), **changes)
    end_of_transaction()
    return newest(ticket)


def newest(ticket: Ticket) -> EmailMultiAlternatives:
    delivery = Delivery.objects.filter(ticket=ticket).order_by("-about", "id").select_related("user")[0]
    return mails.compose(delivery)


class TestTicketUpdated:
    def test_begins_like_document_001(self, owner: User, team: list[User]) -> None:
        fields = {"title": "Fix the database", "project_id": 1, "created_by": owner}
        now = timezone.now()
        ticket = Ticket.objects.create(pk=123, created_at=now, sla_due_at=now, **fields)
        for user in team:
            tickets.assign(ticket_id=123, user_id=user.pk, by=owner)

        mail = change(ticket, status="in-progress")

        assert mail.body.startswith(DOCUMENT_001)
        assert mail.subject == "Ticket #123 updated"

    def test_lists_assignees_in_order_of_assignment(self, ticket: Ticket, team: list[User]) -> None:
        tickets.unassign(ticket_id=ticket.pk, user_id=team[0].pk, by=ticket.created_by)
        tickets.assign(ticket_id=ticket.pk, user_id=team[0].pk, by=ticket.created_by)

        mail = change(ticket, status="closed")

        assert "\nCurrent assignees: Dave, Yaris, Max.\n" in mail.body

    def test_lists_old_and_new_values(self, ticket: Ticket) -> None:
        project = make_project("Summer Festival")

        mail = change(
            ticket, status="closed", venue="Old Theatre", price="1250.5", project_id=project.pk, priority="high"
        )

        for line in (
            "- Status: Open → Closed",
            "- Venue: (nothing) → Old Theatre",
            "- Price: (nothing) → 1,250.50 EUR",
            "- Project: General → Summer Festival",
            "- Priority: Medium → High",
        ):
            assert f"\n{line}\n" in mail.body

    def test_shows_long_texts_in_full(self, ticket: Ticket) -> None:
        mail = change(ticket, description="First line\nSecond <b>line</b>")

        assert "\n- Description (new):\n    First line\n    Second <b>line</b>\n" in mail.body
        assert "Second &lt;b&gt;line&lt;/b&gt;" in html(mail)

    def test_lists_people_assigned_and_unassigned(self, ticket: Ticket, team: list[User], outsider: User) -> None:
        tickets.assign(ticket_id=ticket.pk, user_id=outsider.pk, by=ticket.created_by)
        tickets.unassign(ticket_id=ticket.pk, user_id=team[1].pk, by=ticket.created_by)
        end_of_transaction()

        mail = newest(ticket)

        assert "\n- Assigned: Otto Outsider\n- Unassigned: Dave\n" in mail.body
        assert "\nCurrent assignees: Max, Yaris, Otto Outsider.\n" in mail.body

    def test_leaves_out_later_changes(self, ticket: Ticket) -> None:
        tickets.update(ticket_id=ticket.pk, by=ticket.created_by, at=timezone.now(), venue="First")
        end_of_transaction()
        delivery = Delivery.objects.filter(ticket=ticket).order_by("id")[0]
        tickets.update(ticket_id=ticket.pk, by=ticket.created_by, at=timezone.now(), venue="Second", status="closed")
        end_of_transaction()

        mail = mails.compose(delivery)

        assert "- Venue: (nothing) → First\n" in mail.body
        assert "Second" not in mail.body
        assert 'Status: "Open"' in mail.body

    def test_escapes_markup_in_html_only(self, ticket: Ticket) -> None:
        mail = change(ticket, title='<img src=x> & "quotes"')

        assert '\nTitle: "<img src=x> & "quotes""\n' in mail.body
        assert "<img" not in html(mail)
        assert "&lt;img src=x&gt; &amp; &#34;quotes&#34;" in html(mail)

    def test_links_to_the_admin_for_staff_only(self, ticket: Ticket, agent: User, settings: Any) -> None:
        settings.SITE_URL = "https://tickets.example.com"
        tickets.assign(ticket_id=ticket.pk, user_id=agent.pk, by=ticket.created_by)
        end_of_transaction()
        bodies = {delivery.user: mails.compose(delivery).body for delivery in Delivery.objects.filter(ticket=ticket)}

        links = [user for user, body in bodies.items() if "https://tickets.example.com/admin/tickets/ticket/" in body]

        assert links == [agent]

    def test_shortens_long_texts(self, ticket: Ticket) -> None:
        change(ticket, description="old " * 5_000)

        mail = change(ticket, description="new " * 5_000)

        title, people = 'Title: "Fix the database"\nStatus: "Open"', "Current assignees: Max, Dave, Yaris."
        assert mail.body.startswith(f"Ticket #{ticket.pk} updated:\n{title}\n\n{people}\n")
        assert "- Description (old):\n    " + ("old " * 500).rstrip() + " …\n" in mail.body
        assert "- Description (new):\n    " + ("new " * 500).rstrip() + " …\n" in mail.body
        assert "\nLong texts are shortened here. The ticket shows them in full.\n" in mail.body
        assert "Long texts are shortened here." in html(mail)
        assert len(mail.message().as_bytes()) < 20_000

    def test_shows_texts_of_2000_characters_in_full(self, ticket: Ticket) -> None:
        mail = change(ticket, description="x" * 2_000)

        assert "x" * 2_000 + "\n" in mail.body
        assert "shortened" not in mail.body + html(mail)

    def test_runs_one_query(self, ticket: Ticket, django_assert_num_queries: Any) -> None:
        change(ticket, status="closed", venue="Hall", title="Another")
        delivery = Delivery.objects.filter(ticket=ticket).select_related("user")[0]

        with django_assert_num_queries(1):
            mails.compose(delivery)


COMMENT = """\
New comment on ticket #{number}:
Title: "Fix the database"
Status: "Open"

Otto Outsider wrote on {at}:

    We are working on this issue.
    It takes <b>a while</b>.

--\x20
You are receiving this e-mail because you created this ticket, are assigned to it or watch it.
"""


def comment_on(ticket: Ticket, by: User, **fields: Any) -> dict[User | None, EmailMultiAlternatives]:
    """Comment on a ticket, and return the mail to each user."""
    make_comment(ticket, by, **fields)
    end_of_transaction()
    found = Delivery.objects.filter(ticket=ticket, kind=Kind.COMMENT_ADDED).select_related("user")
    return {delivery.user: mails.compose(delivery) for delivery in found}


class TestCommentAdded:
    MESSAGE = "We are working on this issue.\nIt takes <b>a while</b>."

    def test_quotes_the_comment(self, ticket: Ticket, owner: User, outsider: User) -> None:
        mail = comment_on(ticket, outsider, message=self.MESSAGE)[owner]

        at = mails.readable("created_at", Comment.objects.get().created_at)
        assert mail.subject == f"Ticket #{ticket.pk}: new comment"
        assert mail.body == COMMENT.format(number=ticket.pk, at=at)

    def test_escapes_markup_in_html(self, ticket: Ticket, owner: User, outsider: User) -> None:
        mail = comment_on(ticket, outsider, message=self.MESSAGE)[owner]

        assert "It takes &lt;b&gt;a while&lt;/b&gt;." in html(mail)
        assert "<b>a while" not in html(mail)

    def test_shortens_a_long_comment(self, ticket: Ticket, owner: User, outsider: User) -> None:
        mail = comment_on(ticket, outsider, message="long " * 4_000)[owner]

        assert "\n    " + ("long " * 400).rstrip() + " …\n" in mail.body
        assert "\nThis comment is shortened here. The ticket shows it in full.\n" in mail.body
        assert "This comment is shortened here." in html(mail)
        assert len(mail.message().as_bytes()) < 20_000

    def test_marks_internal_notes(self, ticket: Ticket, agent: User, admin: User) -> None:
        tickets.assign(ticket_id=ticket.pk, user_id=agent.pk, by=ticket.created_by)

        (mail,) = comment_on(ticket, admin, is_internal=True).values()

        assert mail.subject == f"Ticket #{ticket.pk}: new internal note"
        assert mail.body.startswith(f"New internal note on ticket #{ticket.pk}:\n")
        assert "Internal notes are visible to staff only." in mail.body
        assert "Internal notes are visible to staff only." in html(mail)

    def test_links_to_the_admin_for_staff_only(self, ticket: Ticket, agent: User, owner: User, settings: Any) -> None:
        settings.SITE_URL = "https://tickets.example.com"
        tickets.assign(ticket_id=ticket.pk, user_id=agent.pk, by=owner)

        sent = comment_on(ticket, owner)

        links = [
            user for user, mail in sent.items() if "https://tickets.example.com/admin/tickets/ticket/" in mail.body
        ]
        assert links == [agent]

    def test_threads_with_other_mail_about_the_ticket(self, ticket: Ticket, team: list[User], outsider: User) -> None:
        other = change(ticket, status="closed").message()

        mail = comment_on(ticket, outsider)[team[0]].message()

        assert (mail["References"], mail["In-Reply-To"]) == (other["References"], other["In-Reply-To"])
        assert mail["Message-ID"] != other["Message-ID"]

    def test_is_not_sent_to_former_staff(self, ticket: Ticket, agent: User, admin: User) -> None:
        Ticket.objects.filter(pk=ticket.pk).update(created_by=agent)
        make_comment(ticket, admin, is_internal=True)
        end_of_transaction()
        delivery = Delivery.objects.get(kind=Kind.COMMENT_ADDED)
        User.objects.filter(pk=agent.pk).update(type=UserType.CUSTOMER)

        run_worker(at=timezone.now())

        delivery.refresh_from_db()
        assert (delivery.state, delivery.last_error) == (State.FAILED, attempts.STAFF_ONLY)

    def test_runs_one_query(self, ticket: Ticket, outsider: User, django_assert_num_queries: Any) -> None:
        make_comment(ticket, outsider)
        end_of_transaction()
        delivery = Delivery.objects.select_related("user")[0]

        with django_assert_num_queries(1):
            mails.compose(delivery)


class TestHeaders:
    def test_stay_the_same_between_attempts(self, ticket: Ticket) -> None:
        change(ticket, status="closed")
        delivery = Delivery.objects.filter(ticket=ticket)[0]

        first, second = mails.compose(delivery).message(), mails.compose(delivery).message()

        assert first["Message-ID"] == second["Message-ID"]
        assert first["Date"] == second["Date"]

    def test_thread_mail_about_a_ticket(self, ticket: Ticket, settings: Any) -> None:
        settings.MAIL_FROM = "Ticketing <tickets@example.com>"

        messages = [change(ticket, venue=venue).message() for venue in ("One", "Two")]

        assert {mail["References"] for mail in messages} == {f"<ticket-{ticket.pk}@example.com>"}
        assert {mail["In-Reply-To"] for mail in messages} == {f"<ticket-{ticket.pk}@example.com>"}
        assert len({mail["Message-ID"] for mail in messages}) == 2

    def test_ask_auto_responders_not_to_reply(self, ticket: Ticket) -> None:
        mail = change(ticket, status="closed").message()

        assert mail["Auto-Submitted"] == "auto-generated"
        assert abs((parsedate_to_datetime(mail["Date"]) - timezone.now()).total_seconds()) < 60

    @pytest.mark.parametrize(
        "name", ["Max\r\nBcc: eve@example.com", 'Max "The Axe" Müller, Jr.', "=?utf-8?q?Max?=", "Max <eve@example.com>"]
    )
    def test_are_safe_with_any_name(self, name: str) -> None:
        user = make_user("Max", email="max@example.com")
        User.objects.filter(pk=user.pk).update(name=name)
        user.refresh_from_db()

        message = mails.compose(make_delivery(user))

        assert message.recipients()[0].endswith(" <max@example.com>")
        parsed = message.message()
        assert parsed.get_all("Bcc") is None
        assert len(parsed.get_all("To") or []) == 1
        assert "\n" not in sanitize_address(message.to[0], "utf-8")
        assert sanitize_address(message.to[0], "utf-8").endswith("<max@example.com>")

    def test_are_safe_with_line_breaks_in_titles(self, ticket: Ticket) -> None:
        mail = change(ticket, title="Fix\r\nBcc: eve@example.com")

        assert '\nTitle: "Fix Bcc: eve@example.com"\n' in mail.body
        assert mail.message()["Bcc"] is None


class TestPasswordMails:
    @pytest.mark.parametrize("kind", [Kind.SET_PASSWORD, Kind.RESET_PASSWORD])
    def test_contain_a_working_code(self, owner: User, kind: Kind) -> None:
        services.notify(kind=kind, about="test", users=[owner])
        delivery = Delivery.objects.get()

        mail = mails.compose(delivery)
        uid, code = code_in(str(mail.body))

        assert password_codes.owner(uid, code) == owner
        assert code in html(mail)

    def test_store_no_code_in_the_database(self, owner: User) -> None:
        services.notify(kind=Kind.RESET_PASSWORD, about="test", users=[owner])
        delivery = Delivery.objects.get()
        mails.compose(delivery)

        delivery.refresh_from_db()

        assert delivery.payload == {}


class TestTemplates:
    @pytest.mark.parametrize("kind", Kind)
    def test_exist_for_every_kind(self, kind: Kind) -> None:
        for form in ("subject.txt", "txt", "html"):
            assert templates.template(f"emails/{kind.value.replace('-', '_')}.{form}")
