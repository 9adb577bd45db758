"""Mail to people who watch a ticket: what assignees get, as long as they can see the ticket."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from notifications import mails, services
from notifications.models import Delivery
from notifications.tests.factories import end_of_transaction
from projects.models import Project, Visibility
from projects.tests.factories import make_project
from tickets import services as tickets
from tickets.models import Ticket
from tickets.tests.factories import make_comment, make_ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def hidden_project() -> Project:
    return make_project(visibility=Visibility.INVOLVED)


@pytest.fixture
def unassigned(owner: User, outsider: User, agent: User) -> Ticket:
    """A ticket without assignees that a customer and an agent watch."""
    ticket = make_ticket(owner)
    for user in (outsider, agent):
        tickets.watch(ticket_id=ticket.pk, by=user)
    return ticket


def recipients() -> list[str]:
    end_of_transaction()
    return sorted(Delivery.objects.values_list("name", flat=True))


class TestWatchers:
    def test_are_told_of_changes(self, unassigned: Ticket, owner: User) -> None:
        tickets.update(ticket_id=unassigned.pk, by=owner, at=timezone.now(), labels=["vip", "urgent"], status="closed")

        assert recipients() == ["Agnes Agent", "Otto Outsider"]
        body = mails.compose(Delivery.objects.all()[0]).body
        assert "\nCurrent assignees: nobody.\n" in body
        assert "\n- Labels: (nothing) → urgent, vip\n" in body
        assert "because you are assigned to this ticket or watch it." in body

    def test_are_told_of_comments(self, unassigned: Ticket, owner: User) -> None:
        make_comment(unassigned, owner)

        assert recipients() == ["Agnes Agent", "Otto Outsider"]

    def test_are_told_of_internal_comments_only_if_they_are_staff(self, unassigned: Ticket, admin: User) -> None:
        make_comment(unassigned, admin, is_internal=True)

        assert recipients() == ["Agnes Agent"]

    def test_are_told_of_deadlines(self, unassigned: Ticket) -> None:
        services.announce_deadlines(at=unassigned.created_at + timedelta(hours=25))

        assert recipients() == ["Agnes Agent", "Otto Outsider"]

    def test_are_told_once_if_they_are_assigned_too(self, unassigned: Ticket, owner: User, outsider: User) -> None:
        tickets.assign(ticket_id=unassigned.pk, user_id=outsider.pk, by=owner)

        assert recipients() == ["Agnes Agent", "Otto Outsider"]

    def test_are_not_told_of_what_they_can_no_longer_see(
        self, unassigned: Ticket, owner: User, hidden_project: Project
    ) -> None:
        tickets.update(ticket_id=unassigned.pk, by=owner, at=timezone.now(), project_id=hidden_project.pk)
        make_comment(unassigned, owner)
        services.announce_deadlines(at=unassigned.created_at + timedelta(hours=25))

        assert set(recipients()) == {"Agnes Agent"}

    def test_are_told_nothing_after_they_stop(self, unassigned: Ticket, owner: User, outsider: User) -> None:
        tickets.unwatch(ticket_id=unassigned.pk, by=outsider)
        make_comment(unassigned, owner)

        assert recipients() == ["Agnes Agent"]


class TestMerge:
    def test_is_told_to_the_people_of_both_tickets(self, unassigned: Ticket, agent: User, assignee: User) -> None:
        target = make_ticket(assignee)
        tickets.assign(ticket_id=target.pk, user_id=assignee.pk, by=assignee)
        end_of_transaction()
        Delivery.objects.all().delete()

        tickets.merge(ticket_id=unassigned.pk, into_id=target.pk, by=agent, at=timezone.now())

        assert recipients() == ["Agnes Agent", "Axel Assignee", "Olga Owner", "Otto Outsider"]
        assert f"\n- Merged from: (nothing) → #{unassigned.pk}\n" in mails.compose(Delivery.objects.all()[0]).body
