"""The weekly report: who gets it, when, and what it says."""

from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any, cast

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.core.management import CommandError, call_command
from django.db import transaction
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import User, UserType
from accounts.tests.factories import make_user
from analytics import reports, services
from analytics.models import ReportSubscription
from analytics.tests.test_times import close, respond
from analytics.tests.threads import start_thread
from events.tests.factories import book, make_event
from kit.errors import Forbidden
from kit.tests.browser import Browser
from notifications.models import Delivery, Kind
from notifications.tests.factories import html, run_worker
from tickets.tests.factories import assign, make_ticket

WEDNESDAY = datetime(2026, 3, 4, 12, tzinfo=UTC)
MONDAY = datetime(2026, 3, 9, 7, tzinfo=UTC)


def reported(user: User) -> int:
    return Delivery.objects.filter(kind=Kind.WEEKLY_REPORT, user=user).count()


@pytest.fixture
def subscriber(admin: User) -> User:
    services.subscribe(by=admin, at=WEDNESDAY)
    return admin


@pytest.mark.django_db
class TestSchedule:
    @pytest.mark.parametrize(
        ("zone", "hour", "number"),
        [("UTC", 6, 0), ("UTC", 7, 1), ("Europe/Berlin", 5, 0), ("Europe/Berlin", 6, 1), ("America/New_York", 10, 0)],
    )
    def test_starts_on_monday_at_seven_in_the_sites_zone(
        self, subscriber: User, settings: Any, zone: str, hour: int, number: int
    ) -> None:
        settings.TIME_ZONE = zone

        services.send_weekly_report(at=MONDAY.replace(hour=hour))

        assert reported(subscriber) == number

    def test_sends_one_report_a_week(self, subscriber: User) -> None:
        for hours in range(0, 14 * 24, 5):
            services.send_weekly_report(at=MONDAY + timedelta(hours=hours))

        assert reported(subscriber) == 2

    def test_makes_up_for_a_missed_monday(self, subscriber: User) -> None:
        services.send_weekly_report(at=MONDAY + timedelta(days=2))

        assert reported(subscriber) == 1

    def test_survives_the_deletion_of_old_mail(self, subscriber: User) -> None:
        services.send_weekly_report(at=MONDAY)
        Delivery.objects.all().delete()

        assert services.send_weekly_report(at=MONDAY + timedelta(days=1)) == 0

    def test_begins_on_the_monday_after_subscribing(self, admin: User) -> None:
        services.subscribe(by=admin, at=MONDAY + timedelta(hours=3))
        services.send_weekly_report(at=MONDAY + timedelta(hours=4))
        assert reported(admin) == 0

        services.send_weekly_report(at=MONDAY + timedelta(days=7))
        assert reported(admin) == 1

    def test_leaves_out_everyone_else(self, subscriber: User, agent: User) -> None:
        former, gone, stopped = (make_user(name, type=UserType.ADMIN) for name in ("Former", "Gone", "Stopped"))
        for user in (former, gone, stopped):
            services.subscribe(by=user, at=WEDNESDAY)
        User.objects.filter(pk=former.pk).update(type=UserType.AGENT)
        User.objects.filter(pk=gone.pk).update(is_active=False)
        services.unsubscribe(by=stopped)

        assert services.send_weekly_report(at=MONDAY) == 1
        assert [delivery.user for delivery in Delivery.objects.filter(kind=Kind.WEEKLY_REPORT)] == [subscriber]

    def test_costs_one_query_if_nobody_is_due(
        self, subscriber: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        services.send_weekly_report(at=MONDAY)

        # Between the savepoint of the transaction and its release.
        with django_assert_num_queries(3):
            services.send_weekly_report(at=MONDAY)

    def test_costs_as_many_queries_for_many(
        self, subscriber: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(3):
            services.subscribe(by=make_user(f"Admin {number}", type=UserType.ADMIN), at=WEDNESDAY)

        # Two savepoints' statements; subscriptions, six for the figures, deliveries, subscriptions.
        with django_assert_num_queries(11):
            assert services.send_weekly_report(at=MONDAY) == 4


@pytest.mark.django_db
class TestSubscription:
    def test_is_for_admins(self, agent: User, owner: User) -> None:
        for user in (agent, owner):
            with pytest.raises(Forbidden):
                services.subscribe(by=user, at=WEDNESDAY)

    def test_twice_is_once(self, subscriber: User) -> None:
        services.subscribe(by=subscriber, at=MONDAY)

        assert ReportSubscription.objects.get().reported_on == date(2026, 3, 2)

    def test_is_a_button_on_the_overview(self, admin: User) -> None:
        browser, page = Browser(admin), reverse("weekly_report")

        assert "E-mail me the weekly report" in browser.get("/admin/").content.decode()
        answer = browser.post(page, follow=True)
        assert ReportSubscription.objects.filter(user=admin).exists()
        assert f"will be sent to {admin.email} every Monday" in answer.content.decode()
        assert "Stop the weekly report" in answer.content.decode()
        browser.post(page, {"stop": "1"})
        assert not ReportSubscription.objects.exists()

    def test_is_not_offered_to_agents(self, agent: User) -> None:
        browser = Browser(agent)

        assert "weekly report" not in browser.get("/admin/").content.decode()
        assert browser.post(reverse("weekly_report")).status_code == 403

    def test_ends_with_the_user(self, subscriber: User) -> None:
        subscriber.delete()

        assert not ReportSubscription.objects.exists()


@pytest.mark.django_db
class TestContent:
    @pytest.fixture(autouse=True)
    def week(self, admin: User, agent: User, owner: User) -> None:
        """Two tickets of the week, one of the week before, and one of this week."""
        for days_ago, hours in ((10, 8), (6, 2), (1, 4)):
            ticket = make_ticket(owner, created_at=MONDAY - timedelta(days=days_ago, hours=7), priority="high")
            assign(ticket, agent)
            respond(ticket, agent, hours=hours / 2)
            close(ticket, hours=hours)
        make_ticket(owner, created_at=MONDAY - timedelta(hours=1), title="<b>New</b>")
        event = make_event(admin, name="Tom & <i>Jerry</i>", capacity=4, starts_at=MONDAY + timedelta(days=2000))
        for quantity in (4, 2):
            book(event, quantity=quantity)

    def test_is_the_week_before_compared_with_the_one_before(self) -> None:
        report = reports.weekly(monday=MONDAY.date(), at=MONDAY)

        desk, _ = ({label: (value, note) for label, value, note in each["figures"]} for each in report["sections"])
        assert report["days"] == "2 to 8 March 2026"
        assert desk["Created"] == ("2", "1 the week before")
        assert desk["Closed"] == ("2", "1 the week before")
        assert desk["Closed within SLA"] == ("100%", "100% the week before")
        assert desk["First response, median"] == ("1 h 30 min", "4 h the week before")
        assert desk["Resolution, median"] == ("3 h", "8 h the week before")
        assert desk["Created with priority high"] == ("2", "")
        assert desk["Open now"] == ("1", "")
        assert desk["Resolution, 90% within"] == ("3 h 48 min", "8 h the week before")
        teams, people, events = (each["rows"] for each in report["lists"])
        text = "2 closed (100% within SLA, median 3 h, 90% within 3 h 48 min), "
        text += "2 answered (median 1 h 30 min, 90% within 1 h 54 min)"
        assert (teams, people) == ([["General", text]], [["Agnes Agent", text]])
        starts = "2031-08-30 07:00 UTC"
        assert events == [["Tom & <i>Jerry</i>", f"{starts}, 4 of 4 seats sold (100%), 1 booking waiting"]]

    def test_is_mailed_as_text_and_html(self, subscriber: User, settings: Any) -> None:
        settings.SITE_URL = "https://tickets.example.com"
        services.send_weekly_report(at=MONDAY)

        run_worker(at=datetime.now(UTC) + timedelta(minutes=1))

        (message,) = (message for message in mail.outbox if message.subject.startswith("Weekly"))
        assert message.subject == "Weekly report: 2 to 8 March 2026"
        body = str(message.body)
        assert "- Created: 2 (1 the week before)" in body
        assert "- General: 2 closed (100% within SLA, median 3 h, 90% within" in body
        assert "Tom & <i>Jerry</i>" in body
        assert "https://tickets.example.com/admin/?start=2026-03-02&end=2026-03-08" in body
        rich = html(cast(EmailMultiAlternatives, message))
        assert "Tom &amp; &lt;i&gt;Jerry&lt;/i&gt;" in rich
        assert "https://tickets.example.com/admin/?start=2026-03-02&amp;end=2026-03-08" in rich

    def test_is_not_sent_to_former_admins(self, subscriber: User) -> None:
        services.send_weekly_report(at=MONDAY)
        User.objects.filter(pk=subscriber.pk).update(type=UserType.AGENT)

        run_worker(at=datetime.now(UTC) + timedelta(minutes=1))

        assert Delivery.objects.get(kind=Kind.WEEKLY_REPORT).state == "failed"


@pytest.mark.django_db
class TestCommand:
    def test_prints_the_report(self) -> None:
        output = StringIO()

        call_command("weekly_report", stdout=output)

        assert output.getvalue().startswith("Weekly report: ")
        assert "- Created: 0 (0 the week before)" in output.getvalue()
        assert not Delivery.objects.exists()

    def test_sends_it_now_and_leaves_monday_alone(self, subscriber: User) -> None:
        for _ in range(2):
            call_command("weekly_report", to=subscriber.email.upper(), stdout=StringIO())

        assert reported(subscriber) == 2
        assert services.send_weekly_report(at=MONDAY) == 1

    @pytest.mark.parametrize("to", ["nobody@example.com", "agent", ""])
    def test_refuses_everyone_but_admins(self, agent: User, to: str) -> None:
        with pytest.raises(CommandError, match="is not the address of an active admin"):
            call_command("weekly_report", to=agent.email if to == "agent" else to, stdout=StringIO())


@pytest.mark.database
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestTwoWorkers:
    def test_send_each_report_once(self, subscriber: User) -> None:
        second: list[int] = []

        with transaction.atomic():
            first = services.send_weekly_report(at=MONDAY)
            start_thread(lambda: second.append(services.send_weekly_report(at=MONDAY))).join()
        services.send_weekly_report(at=MONDAY)

        assert (first, second, reported(subscriber)) == (1, [0], 1)
