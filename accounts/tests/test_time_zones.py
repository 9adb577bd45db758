"""Each member of staff reads and enters times in their own zone."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone

from accounts import services
from accounts.models import User
from kit.errors import Invalid
from kit.tests.browser import Browser
from kit.zones import UNKNOWN_TIME_ZONE
from projects.models import Project
from projects.tests.factories import make_project
from tickets.models import Ticket
from tickets.tests.factories import make_ticket

pytestmark = pytest.mark.django_db

ACCOUNT = "/admin/accounts/user/me/"
NOON = datetime(2031, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def project() -> Project:
    return make_project("Website")


def page_of(project: Project, *, reader: User) -> str:
    content: bytes = Browser(reader).get(f"/admin/projects/project/{project.pk}/change/").content
    return content.decode()


class TestMyAccount:
    def test_sets_the_time_zone(self, agent: User) -> None:
        answer = Browser(agent).submit(ACCOUNT, time_zone="Asia/Kolkata")

        assert answer.status_code == 302
        assert User.objects.get(pk=agent.pk).time_zone == "Asia/Kolkata"

    def test_returns_to_the_site_s(self, agent: User) -> None:
        services.set_time_zone(by=agent, time_zone="Asia/Kolkata")

        Browser(agent).submit(ACCOUNT, time_zone="")

        assert User.objects.get(pk=agent.pk).time_zone == ""

    def test_refuses_an_unknown_zone(self, agent: User) -> None:
        answer = Browser(agent).submit(ACCOUNT, time_zone="Mars/Olympus")

        assert answer.status_code == 200
        assert "time_zone" in answer.context["form"].errors
        assert User.objects.get(pk=agent.pk).time_zone == ""

    def test_runs_a_fixed_number_of_queries(self, agent: User, django_assert_num_queries: Any) -> None:
        browser = Browser(agent)

        with django_assert_num_queries(4):
            browser.get(ACCOUNT)


class TestSetTimeZone:
    def test_refuses_an_unknown_zone(self, agent: User) -> None:
        with pytest.raises(Invalid) as refusal:
            services.set_time_zone(by=agent, time_zone="Mars/Olympus")

        assert refusal.value.fields == {"time_zone": [UNKNOWN_TIME_ZONE]}

    def test_makes_no_version(self, agent: User) -> None:
        services.set_time_zone(by=agent, time_zone="Asia/Kolkata")

        assert User.objects.get(pk=agent.pk).version == agent.version


class TestPages:
    def test_show_the_site_s_zone_by_default(self, agent: User, project: Project) -> None:
        Project.objects.filter(pk=project.pk).update(created_at=NOON)

        assert "2031-01-31 12:00 UTC" in page_of(project, reader=agent)

    def test_show_the_viewer_s_zone(self, agent: User, project: Project) -> None:
        services.set_time_zone(by=agent, time_zone="Asia/Kolkata")
        Project.objects.filter(pk=project.pk).update(created_at=NOON)

        assert "2031-01-31 17:30 IST" in page_of(project, reader=agent)

    def test_leave_the_zone_of_other_requests_alone(self, agent: User, project: Project) -> None:
        services.set_time_zone(by=agent, time_zone="Asia/Kolkata")

        page_of(project, reader=agent)

        assert timezone.get_current_timezone_name() == "UTC"

    def test_survive_a_zone_that_no_longer_exists(self, agent: User, project: Project) -> None:
        User.objects.filter(pk=agent.pk).update(time_zone="US/Pacific-New")
        Project.objects.filter(pk=project.pk).update(created_at=NOON)

        assert "2031-01-31 12:00 UTC" in page_of(project, reader=agent)


class TestForms:
    def test_read_the_viewer_s_zone(self, agent: User) -> None:
        services.set_time_zone(by=agent, time_zone="Asia/Kolkata")
        ticket = make_ticket(agent)

        Browser(agent).submit(f"/admin/tickets/ticket/{ticket.pk}/change/", due_at_0="2031-01-31", due_at_1="17:30:00")

        assert Ticket.objects.get(pk=ticket.pk).due_at == NOON

    def test_keep_a_time_that_nobody_changes(self, agent: User) -> None:
        services.set_time_zone(by=agent, time_zone="Europe/Berlin")
        # Berlin's clocks show 02:30 twice on that day.
        ticket = make_ticket(agent, due_at=datetime(2031, 10, 26, 1, 30, tzinfo=UTC))

        Browser(agent).submit(f"/admin/tickets/ticket/{ticket.pk}/change/", title="Another title")

        assert Ticket.objects.get(pk=ticket.pk).due_at == ticket.due_at
