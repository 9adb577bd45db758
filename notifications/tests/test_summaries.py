"""The mail that replaces others beyond the limits: when it is sent, and what it says."""

from datetime import timedelta
from typing import Any, cast

import pytest
from django.core import mail
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.utils import timezone

from accounts.models import User, UserType
from kit.tests.browser import Browser
from notifications import attempts, services, transport
from notifications.mails import summaries
from notifications.models import Delivery, Kind, State
from notifications.tests.factories import end_of_transaction, html
from notifications.tests.test_admin import LIST, resend_url, text, ticket_page
from notifications.tests.test_limits import AT, run, update
from tickets import services as tickets
from tickets.models import Ticket
from tickets.tests.factories import assign, make_comment, make_ticket

pytestmark = pytest.mark.django_db

TEN_MINUTES = timedelta(minutes=10)


@pytest.fixture(autouse=True)
def limits(settings: Any) -> None:
    """Summarise all mail about tickets."""
    settings.MAIL_PER_RECIPIENT = 0


@pytest.fixture
def ticket(owner: User, outsider: User) -> Ticket:
    """The owner's ticket, assigned to the outsider. The mail about that has been removed."""
    return assigned(owner, outsider)


def assigned(owner: User, user: User, **fields: Any) -> Ticket:
    ticket = make_ticket(owner, **fields)
    assign(ticket, user)
    end_of_transaction()
    Delivery.objects.filter(ticket=ticket).delete()
    return ticket


def summaries_of(user: User) -> list[Delivery]:
    return list(Delivery.objects.filter(kind=Kind.TICKET_SUMMARY, user=user).order_by("id"))


def html_of(message: EmailMessage) -> str:
    return html(cast(EmailMultiAlternatives, message))


class TestSchedule:
    def test_waits_ten_minutes_for_more(self, ticket: Ticket) -> None:
        update(ticket, None)
        run()
        update(ticket, None)
        run(AT + timedelta(minutes=9))

        assert mail.outbox == []
        assert run(AT + TEN_MINUTES) == [f"Updates on ticket #{ticket.pk}"]
        assert "(Open): 2 updates" in mail.outbox[0].body

    def test_is_once_an_hour_at_most(self, ticket: Ticket) -> None:
        for minute in range(0, 180, 5):
            update(ticket, None)
            run(AT + timedelta(minutes=minute))

        assert len(mail.outbox) == 3
        assert run(AT + timedelta(minutes=190)) == [f"Updates on ticket #{ticket.pk}"]
        assert [
            delivery.summarised.count() for delivery in summaries_of(User.objects.get(assignments__isnull=False))
        ] == [*(3, 12, 12, 9)]

    def test_is_apart_for_each_recipient(self, ticket: Ticket, owner: User, agent: User) -> None:
        assign(ticket, agent)
        end_of_transaction()

        run()
        run(AT + TEN_MINUTES)

        assert sorted(message.to[0].split()[0] for message in mail.outbox) == ['"Agnes', '"Otto']


class TestRetry:
    @pytest.fixture
    def failing(self, ticket: Ticket, monkeypatch: pytest.MonkeyPatch) -> Any:
        """A summary that the mail server has deferred."""

        def fail(*_: Any) -> None:
            raise OSError("451 Later")

        update(ticket, None)
        run()
        with monkeypatch.context() as patched:
            patched.setattr(transport.Connection, "send", fail)
            run(AT + TEN_MINUTES)

    def test_sends_what_it_listed_at_first(self, failing: None, ticket: Ticket) -> None:
        update(ticket, None)
        run(AT + TEN_MINUTES)

        run(AT + timedelta(minutes=11))

        assert ["(Open): 1 update\n" in message.body for message in mail.outbox] == [True]
        assert run(AT + timedelta(minutes=70)) == [f"Updates on ticket #{ticket.pk}"]

    def test_is_offered_on_the_page_of_a_ticket(
        self, failing: None, ticket: Ticket, agent: User, outsider: User
    ) -> None:
        Delivery.objects.filter(kind=Kind.TICKET_SUMMARY).update(state=State.DEAD)
        browser = Browser(agent)
        page = text(browser.get(ticket_page(ticket)))

        browser.post(resend_url(ticket))

        assert "some could not be delivered" in page
        assert resend_url(ticket) in page
        assert [delivery.state for delivery in summaries_of(outsider)] == [State.PENDING]
        run(timezone.now())
        assert "(Open): 1 update\n" in mail.outbox[0].body


class TestText:
    def test_lists_each_ticket_and_what_happened(self, ticket: Ticket, owner: User, outsider: User) -> None:
        other = assigned(owner, outsider, title="Replace\nthe <b>printer</b>")
        update(ticket, None, times=3)
        make_comment(ticket, owner)
        tickets.update(ticket_id=other.pk, by=owner, at=AT, status="closed")
        end_of_transaction()
        run()

        run(AT + TEN_MINUTES)

        (message,) = mail.outbox
        assert message.subject == "Updates on 2 tickets"
        assert message.body == (
            "Updates on 2 tickets:\n\n"
            f'- #{ticket.pk} "Fix the database" (Open): 3 updates, 1 comment\n'
            f'- #{other.pk} "Replace the <b>printer</b>" (Closed): 1 update\n\n'
            "A lot happened within an hour, so this message replaces 5 separate messages.\n\n"
            "-- \nYou are receiving this e-mail because you created these tickets, are assigned to them, "
            "watch them, or are an admin.\n"
        )
        assert "Replace the &lt;b&gt;printer&lt;/b&gt;" in html_of(message)

    def test_links_to_the_admin_for_staff(self, owner: User, agent: User, settings: Any) -> None:
        settings.SITE_URL = "https://tickets.example.com"
        ticket = assigned(owner, agent)
        update(ticket, None)
        run()

        run(AT + TEN_MINUTES)

        link = f"https://tickets.example.com/admin/tickets/ticket/{ticket.pk}/change/"
        assert f"1 update\n  {link}\n" in mail.outbox[0].body
        assert link in html_of(mail.outbox[0])

    def test_names_deadlines(self, ticket: Ticket) -> None:
        for due in (AT + timedelta(hours=1), AT - timedelta(hours=1)):
            Ticket.objects.update(sla_due_at=due, sla_alarm_at=AT - timedelta(hours=1))
            services.announce_deadlines(at=AT)
        run()

        run(AT + TEN_MINUTES)

        assert "(Open): SLA deadline near, SLA deadline missed\n" in mail.outbox[0].body

    def test_shows_further_tickets_by_number_only(
        self, owner: User, outsider: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(summaries, "MAX_LISTED", 1)
        monkeypatch.setattr(summaries, "MAX_NUMBERED", 2)
        numbers = [assigned(owner, outsider).pk for _ in range(5)]
        for number in numbers:
            update(Ticket.objects.get(pk=number), None)
        run()

        run(AT + TEN_MINUTES)

        body = mail.outbox[0].body
        assert body.count('"Fix the database"') == 1
        assert f"\nAlso updated: #{numbers[1]}, #{numbers[2]}, and 2 more tickets.\n" in body
        assert f"Also updated: #{numbers[1]}, #{numbers[2]}, and 2 more tickets." in html_of(mail.outbox[0])

    def test_hides_internal_comments_from_former_staff(self, owner: User, agent: User, admin: User) -> None:
        ticket, other = assigned(owner, agent), assigned(owner, agent)
        make_comment(ticket, admin, is_internal=True)
        make_comment(other, admin)
        end_of_transaction()
        run()
        User.objects.filter(pk=agent.pk).update(type=UserType.CUSTOMER)

        run(AT + TEN_MINUTES)

        (message,) = [message for message in mail.outbox if "Agnes" in message.to[0]]
        assert f"#{other.pk} " in message.body
        assert f"#{ticket.pk} " not in message.body

    def test_is_not_sent_if_everything_is_internal(self, owner: User, agent: User, admin: User) -> None:
        make_comment(assigned(owner, agent), admin, is_internal=True)
        end_of_transaction()
        run()
        User.objects.filter(pk=agent.pk).update(type=UserType.CUSTOMER)

        run(AT + TEN_MINUTES)

        (summary,) = summaries_of(agent)
        assert (summary.state, summary.last_error) == (State.FAILED, attempts.STAFF_ONLY)

    def test_runs_one_query_for_any_number_of_tickets(
        self, owner: User, outsider: User, django_assert_num_queries: Any
    ) -> None:
        for _ in range(5):
            update(assigned(owner, outsider), None)
        run()
        summary = Delivery.objects.select_related("user").get(kind=Kind.TICKET_SUMMARY)

        with django_assert_num_queries(1):
            summaries.ticket_summary(summary)


class TestAdmin:
    def test_shows_the_summary_that_a_message_went_into(self, ticket: Ticket, agent: User, outsider: User) -> None:
        update(ticket, agent)
        run()
        (summary,), browser = summaries_of(outsider), Browser(agent)
        message = summary.summarised.get()

        page = text(browser.get(f"{LIST}{message.pk}/change/"))

        assert "In a summary" in page
        assert f'href="{LIST}{summary.pk}/change/"' in page
        assert "Agnes Agent" in page

    def test_lists_the_messages_of_a_summary(self, ticket: Ticket, agent: User, outsider: User) -> None:
        update(ticket, None, times=2)
        run()
        (summary,), browser = summaries_of(outsider), Browser(agent)

        page = text(browser.get(f"{LIST}{summary.pk}/change/"))
        listed = browser.get(LIST, {"summary": summary.pk})

        assert f'href="{LIST}?summary={summary.pk}"' in page
        assert "2 messages" in page
        assert set(listed.context["cl"].queryset) == set(summary.summarised.all())


class TestPurge:
    def test_keeps_what_a_pending_summary_replaces(self, ticket: Ticket, outsider: User) -> None:
        update(ticket, None)
        run()

        services.purge(older_than=timedelta(0), at=timezone.now() + timedelta(minutes=1))

        assert [delivery.summarised.count() for delivery in summaries_of(outsider)] == [1]

    def test_deletes_a_summary_that_was_sent_and_what_it_replaced(self, ticket: Ticket) -> None:
        update(ticket, None)
        run()
        run(AT + TEN_MINUTES)

        services.purge(older_than=timedelta(0), at=timezone.now() + timedelta(minutes=1))

        assert not Delivery.objects.exists()

    def test_deletes_a_summary_before_what_it_replaced(self, ticket: Ticket, outsider: User) -> None:
        update(ticket, None)
        run()
        run(AT + TEN_MINUTES)
        (summary,) = summaries_of(outsider)
        Delivery.objects.filter(pk=summary.pk).update(created_at=AT - timedelta(days=2))

        services.purge(older_than=timedelta(days=1), at=AT)
        end_of_transaction()

        (message,) = Delivery.objects.all()
        assert (message.state, message.summary) == (State.SUMMARISED, None)
