"""What a delivery makes of an attempt, and who is told of a change whatever made it."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import make_user
from notifications.models import Delivery, Outage, State
from notifications.services import mute
from notifications.tests.factories import end_of_transaction, make_delivery, queued_ids
from projects.tests.psql import psql
from tickets import services
from tickets.models import Assignment, Ticket
from tickets.tests.factories import make_comment, make_ticket

pytestmark = [pytest.mark.django_db, pytest.mark.database]

TEAM = ["Dave", "Max", "Yaris"]


def told() -> list[str]:
    end_of_transaction()
    return sorted(Delivery.objects.values_list("name", flat=True))


class TestChange:
    """Told by the database, so these use SQL where they can."""

    def test_is_told_to_everybody_assigned(self, ticket: Ticket) -> None:
        psql("UPDATE tickets_ticket SET status = 'closed' WHERE id = %(id)s", id=ticket.pk)

        assert told() == TEAM
        assert len(queued_ids()) == 3

    def test_is_told_to_whoever_made_it(self, ticket: Ticket, team: list[User]) -> None:
        services.update(ticket_id=ticket.pk, by=team[0], at=timezone.now(), venue="Hall")

        assert told() == TEAM

    def test_is_told_once_when_one_transaction_makes_several(self, ticket: Ticket, team: list[User]) -> None:
        psql("UPDATE tickets_ticket SET status = 'closed' WHERE id = %(id)s", id=ticket.pk)
        psql("UPDATE tickets_ticket SET venue = 'Hall' WHERE id = %(id)s", id=ticket.pk)
        psql("DELETE FROM tickets_assignment WHERE user_id = %(id)s", id=team[0].pk)

        assert told() == ["Dave", "Yaris"]
        assert len(queued_ids()) == 2

    def test_is_told_to_nobody_when_nothing_changed(self, ticket: Ticket) -> None:
        psql("UPDATE tickets_ticket SET status = status, title = title WHERE id = %(id)s", id=ticket.pk)

        assert told() == []

    def test_is_told_to_nobody_without_assignees(self, owner: User) -> None:
        ticket = make_ticket(owner)
        services.update(ticket_id=ticket.pk, by=owner, at=timezone.now(), venue="Hall")

        assert told() == []

    def test_is_not_told_to_the_deactivated(self, ticket: Ticket, team: list[User]) -> None:
        psql("UPDATE accounts_user SET is_active = false WHERE id = %(id)s", id=team[0].pk)
        psql("UPDATE tickets_ticket SET status = 'closed' WHERE id = %(id)s", id=ticket.pk)

        assert told() == ["Dave", "Yaris"]

    def test_of_another_ticket_is_told_apart(self, ticket: Ticket, owner: User, team: list[User]) -> None:
        other = make_ticket(owner)
        services.assign(ticket_id=other.pk, user_id=team[0].pk, by=owner)
        services.update(ticket_id=ticket.pk, by=owner, at=timezone.now(), venue="Hall")

        assert told() == ["Dave", "Max", "Max", "Yaris"]

    def test_is_not_told_while_muted(self, ticket: Ticket) -> None:
        mute()
        psql("UPDATE tickets_ticket SET status = 'closed' WHERE id = %(id)s", id=ticket.pk)
        psql("DELETE FROM tickets_assignment WHERE ticket_id = %(id)s", id=ticket.pk)

        assert told() == []


class TestAssigning:
    def test_is_told_to_all_who_are_assigned_then(self, ticket: Ticket, outsider: User) -> None:
        services.assign(ticket_id=ticket.pk, user_id=outsider.pk, by=ticket.created_by)

        assert told() == ["Dave", "Max", "Otto Outsider", "Yaris"]

    def test_is_told_when_sql_puts_one_in_anothers_place(
        self, ticket: Ticket, outsider: User, team: list[User]
    ) -> None:
        Assignment.objects.filter(user=team[0]).update(user=outsider)

        assert told() == ["Dave", "Otto Outsider", "Yaris"]

    def test_removal_is_told_to_those_who_remain(self, ticket: Ticket, team: list[User]) -> None:
        services.unassign(ticket_id=ticket.pk, user_id=team[1].pk, by=ticket.created_by)

        assert told() == ["Max", "Yaris"]


class TestComment:
    def test_is_told_to_the_assignees_and_the_creator(self, ticket: Ticket, outsider: User) -> None:
        make_comment(ticket, outsider)

        assert told() == ["Dave", "Max", "Olga Owner", "Yaris"]
        assert len(queued_ids()) == 4

    def test_is_not_told_to_its_author(self, ticket: Ticket, owner: User, team: list[User]) -> None:
        make_comment(ticket, owner)
        make_comment(ticket, team[0])

        assert told() == ["Dave", "Dave", "Max", "Olga Owner", "Yaris", "Yaris"]

    def test_is_told_once_to_a_creator_who_is_assigned(self, ticket: Ticket, owner: User, outsider: User) -> None:
        services.assign(ticket_id=ticket.pk, user_id=owner.pk, by=owner)
        end_of_transaction()
        Delivery.objects.all().delete()
        make_comment(ticket, outsider)

        assert told() == ["Dave", "Max", "Olga Owner", "Yaris"]

    def test_that_is_internal_is_told_to_staff_among_them(self, ticket: Ticket, agent: User, admin: User) -> None:
        services.assign(ticket_id=ticket.pk, user_id=agent.pk, by=ticket.created_by)
        end_of_transaction()
        Delivery.objects.all().delete()
        make_comment(ticket, admin, is_internal=True)

        assert told() == ["Agnes Agent"]

    def test_is_told_when_psql_makes_it(self, ticket: Ticket, owner: User) -> None:
        psql(
            "INSERT INTO tickets_comment (ticket_id, author_id, message, is_internal, created_at)"
            " VALUES (%(ticket)s, %(author)s, 'Any news?', false, now())",
            ticket=ticket.pk,
            author=owner.pk,
        )

        assert told() == TEAM

    def test_is_told_to_whoever_is_assigned_with_it(self, ticket: Ticket, owner: User, outsider: User) -> None:
        make_comment(ticket, owner)
        services.assign(ticket_id=ticket.pk, user_id=outsider.pk, by=owner)
        end_of_transaction()

        assert Delivery.objects.filter(kind="comment-added", user=outsider).exists()

    def test_is_told_to_nobody_where_nobody_else_is(self, owner: User) -> None:
        make_comment(make_ticket(owner), owner)

        assert told() == []

    def test_is_not_told_while_muted(self, ticket: Ticket, outsider: User) -> None:
        mute()
        make_comment(ticket, outsider)

        assert told() == []


class TestCreation:
    def test_is_told_to_nobody(self, owner: User, team: list[User]) -> None:
        ids = [user.pk for user in team]
        services.create(by=owner, at=timezone.now(), title="New", assigned_user_ids=ids)

        assert told() == []

    def test_does_not_silence_a_change_right_after_it(self, owner: User, team: list[User]) -> None:
        ids = [user.pk for user in team]
        ticket = services.create(by=owner, at=timezone.now(), title="New", assigned_user_ids=ids)
        services.update(ticket_id=ticket.pk, by=owner, at=timezone.now(), venue="Hall")

        assert told() == TEAM


class TestWait:
    def test_ends_after_three_days_of_waiting(self, owner: User) -> None:
        delivery = make_delivery(owner)
        began = at = timezone.now()

        while delivery.state == State.PENDING:
            delivery.retry_later(at=at, error="451 Later")
            at = max(at, delivery.next_attempt_at)

        assert delivery.state == State.DEAD
        assert timedelta(hours=64) < at - began < timedelta(hours=80)

    def test_is_spread_so_that_those_put_off_together_do_not_return_together(self, team: list[User]) -> None:
        at = timezone.now()
        deliveries = [make_delivery(user) for user in team]

        for delivery in deliveries:
            delivery.retry_later(at=at, error="451 Later")

        waits = {(delivery.next_attempt_at - at).total_seconds() for delivery in deliveries}
        assert len(waits) == 3
        assert all(27 <= wait <= 33 for wait in waits)


class TestDatabase:
    def test_keeps_one_delivery_a_person_and_event(self, owner: User) -> None:
        make_delivery(owner, about="the same")

        with pytest.raises(IntegrityError, match="delivery_once"), transaction.atomic():
            make_delivery(owner, about="the same")

    def test_knows_when_what_was_sent_was_sent(self, owner: User) -> None:
        delivery = make_delivery(owner)

        with pytest.raises(IntegrityError, match="delivery_sent_at"), transaction.atomic():
            Delivery.objects.filter(pk=delivery.pk).update(state=State.SENT)

    def test_keeps_a_delivery_when_its_user_is_deleted(self) -> None:
        user = make_user("Short Timer")
        delivery = make_delivery(user)

        user.delete()

        delivery.refresh_from_db()
        assert (delivery.user, delivery.name) == (None, "Short Timer")

    def test_knows_of_one_outage(self) -> None:
        at = timezone.now()

        with pytest.raises(IntegrityError, match="outage_single"), transaction.atomic():
            Outage.objects.create(pk=2, began_at=at, until=at, failures=1, last_error="")
