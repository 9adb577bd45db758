"""The triggers that create deliveries, and how a delivery records attempts."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import make_user
from notifications.models import Delivery, Outage, State
from notifications.services import mute
from notifications.tests.factories import due_ids, end_of_transaction, make_delivery
from projects.tests.psql import psql
from tickets import services
from tickets.models import Assignment, Ticket
from tickets.tests.factories import make_comment, make_ticket

pytestmark = [pytest.mark.django_db, pytest.mark.database]

TEAM = ["Dave", "Max", "Yaris"]


def notified() -> list[str]:
    """Return the names of those who get mail when the transaction commits."""
    end_of_transaction()
    return sorted(Delivery.objects.values_list("name", flat=True))


class TestChange:
    """The database announces changes, so these tests use SQL where they can."""

    def test_notifies_all_assignees(self, ticket: Ticket) -> None:
        psql("UPDATE tickets_ticket SET status = 'closed' WHERE id = %(id)s", id=ticket.pk)

        assert notified() == TEAM
        assert len(due_ids()) == 3

    def test_notifies_the_assignee_who_made_it(self, ticket: Ticket, team: list[User]) -> None:
        services.update(ticket_id=ticket.pk, by=team[0], at=timezone.now(), venue="Hall")

        assert notified() == TEAM

    def test_notifies_once_per_transaction(self, ticket: Ticket, team: list[User]) -> None:
        psql("UPDATE tickets_ticket SET status = 'closed' WHERE id = %(id)s", id=ticket.pk)
        psql("UPDATE tickets_ticket SET venue = 'Hall' WHERE id = %(id)s", id=ticket.pk)
        psql("DELETE FROM tickets_assignment WHERE user_id = %(id)s", id=team[0].pk)

        assert notified() == ["Dave", "Yaris"]
        assert len(due_ids()) == 2

    def test_notifies_nobody_if_nothing_changed(self, ticket: Ticket) -> None:
        psql("UPDATE tickets_ticket SET status = status, title = title WHERE id = %(id)s", id=ticket.pk)

        assert notified() == []

    def test_notifies_nobody_without_assignees(self, owner: User) -> None:
        ticket = make_ticket(owner)
        services.update(ticket_id=ticket.pk, by=owner, at=timezone.now(), venue="Hall")

        assert notified() == []

    def test_skips_deactivated_users(self, ticket: Ticket, team: list[User]) -> None:
        psql("UPDATE accounts_user SET is_active = false WHERE id = %(id)s", id=team[0].pk)
        psql("UPDATE tickets_ticket SET status = 'closed' WHERE id = %(id)s", id=ticket.pk)

        assert notified() == ["Dave", "Yaris"]

    def test_of_another_ticket_notifies_separately(self, ticket: Ticket, owner: User, team: list[User]) -> None:
        other = make_ticket(owner)
        services.assign(ticket_id=other.pk, user_id=team[0].pk, by=owner)
        services.update(ticket_id=ticket.pk, by=owner, at=timezone.now(), venue="Hall")

        assert notified() == ["Dave", "Max", "Max", "Yaris"]

    def test_notifies_nobody_while_muted(self, ticket: Ticket) -> None:
        mute()
        psql("UPDATE tickets_ticket SET status = 'closed' WHERE id = %(id)s", id=ticket.pk)
        psql("DELETE FROM tickets_assignment WHERE ticket_id = %(id)s", id=ticket.pk)

        assert notified() == []


class TestAssigning:
    def test_notifies_the_new_and_the_other_assignees(self, ticket: Ticket, outsider: User) -> None:
        services.assign(ticket_id=ticket.pk, user_id=outsider.pk, by=ticket.created_by)

        assert notified() == ["Dave", "Max", "Otto Outsider", "Yaris"]

    def test_notifies_when_sql_replaces_an_assignee(self, ticket: Ticket, outsider: User, team: list[User]) -> None:
        Assignment.objects.filter(user=team[0]).update(user=outsider)

        assert notified() == ["Dave", "Otto Outsider", "Yaris"]

    def test_removal_notifies_the_remaining_assignees(self, ticket: Ticket, team: list[User]) -> None:
        services.unassign(ticket_id=ticket.pk, user_id=team[1].pk, by=ticket.created_by)

        assert notified() == ["Max", "Yaris"]


class TestComment:
    def test_notifies_assignees_and_creator(self, ticket: Ticket, outsider: User) -> None:
        make_comment(ticket, outsider)

        assert notified() == ["Dave", "Max", "Olga Owner", "Yaris"]
        assert len(due_ids()) == 4

    def test_skips_its_author(self, ticket: Ticket, owner: User, team: list[User]) -> None:
        make_comment(ticket, owner)
        make_comment(ticket, team[0])

        assert notified() == ["Dave", "Dave", "Max", "Olga Owner", "Yaris", "Yaris"]

    def test_notifies_an_assigned_creator_once(self, ticket: Ticket, owner: User, outsider: User) -> None:
        services.assign(ticket_id=ticket.pk, user_id=owner.pk, by=owner)
        end_of_transaction()
        Delivery.objects.all().delete()
        make_comment(ticket, outsider)

        assert notified() == ["Dave", "Max", "Olga Owner", "Yaris"]

    def test_that_is_internal_notifies_only_staff(self, ticket: Ticket, agent: User, admin: User) -> None:
        services.assign(ticket_id=ticket.pk, user_id=agent.pk, by=ticket.created_by)
        end_of_transaction()
        Delivery.objects.all().delete()
        make_comment(ticket, admin, is_internal=True)

        assert notified() == ["Agnes Agent"]

    def test_inserted_by_sql_notifies(self, ticket: Ticket, owner: User) -> None:
        psql(
            "INSERT INTO tickets_comment (ticket_id, author_id, message, is_internal, created_at)"
            " VALUES (%(ticket)s, %(author)s, 'Any news?', false, now())",
            ticket=ticket.pk,
            author=owner.pk,
        )

        assert notified() == TEAM

    def test_notifies_people_assigned_in_its_transaction(self, ticket: Ticket, owner: User, outsider: User) -> None:
        make_comment(ticket, owner)
        services.assign(ticket_id=ticket.pk, user_id=outsider.pk, by=owner)
        end_of_transaction()

        assert Delivery.objects.filter(kind="comment-added", user=outsider).exists()

    def test_notifies_nobody_on_an_unassigned_ticket_of_the_author(self, owner: User) -> None:
        make_comment(make_ticket(owner), owner)

        assert notified() == []

    def test_notifies_nobody_while_muted(self, ticket: Ticket, outsider: User) -> None:
        mute()
        make_comment(ticket, outsider)

        assert notified() == []


class TestCreation:
    def test_notifies_nobody(self, owner: User, team: list[User]) -> None:
        ids = [user.pk for user in team]
        services.create(by=owner, at=timezone.now(), title="New", assigned_user_ids=ids)

        assert notified() == []

    def test_does_not_hide_a_change_right_after_it(self, owner: User, team: list[User]) -> None:
        ids = [user.pk for user in team]
        ticket = services.create(by=owner, at=timezone.now(), title="New", assigned_user_ids=ids)
        services.update(ticket_id=ticket.pk, by=owner, at=timezone.now(), venue="Hall")

        assert notified() == TEAM


class TestRetryLater:
    def test_gives_up_after_three_days(self, owner: User) -> None:
        delivery = make_delivery(owner)
        began = at = timezone.now()

        while delivery.state == State.PENDING:
            delivery.retry_later(at=at, error="451 Later")
            at = max(at, delivery.next_attempt_at)

        assert delivery.state == State.DEAD
        assert timedelta(hours=64) < at - began < timedelta(hours=80)

    def test_spreads_the_retries_of_deliveries_that_failed_together(self, team: list[User]) -> None:
        at = timezone.now()
        deliveries = [make_delivery(user) for user in team]

        for delivery in deliveries:
            delivery.retry_later(at=at, error="451 Later")

        waits = {(delivery.next_attempt_at - at).total_seconds() for delivery in deliveries}
        assert len(waits) == 3
        assert all(27 <= wait <= 33 for wait in waits)


class TestDatabase:
    def test_allows_one_delivery_per_user_and_occasion(self, owner: User) -> None:
        make_delivery(owner, about="the same")

        with pytest.raises(IntegrityError, match="delivery_once"), transaction.atomic():
            make_delivery(owner, about="the same")

    def test_requires_a_time_for_sent_deliveries(self, owner: User) -> None:
        delivery = make_delivery(owner)

        with pytest.raises(IntegrityError, match="delivery_sent_at"), transaction.atomic():
            Delivery.objects.filter(pk=delivery.pk).update(state=State.SENT)

    def test_keeps_deliveries_of_deleted_users(self) -> None:
        user = make_user("Short Timer")
        delivery = make_delivery(user)

        user.delete()

        delivery.refresh_from_db()
        assert (delivery.user, delivery.name) == (None, "Short Timer")

    def test_allows_one_outage(self) -> None:
        at = timezone.now()

        with pytest.raises(IntegrityError, match="outage_single"), transaction.atomic():
            Outage.objects.create(pk=2, began_at=at, until=at, failures=1, last_error="")
