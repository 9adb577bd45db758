"""Assignees who are deactivated leave the tickets that are worked on, on every path that deactivates or reopens."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pgtrigger.installation
import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from kit.tests.browser import Browser
from kit.tests.races import during
from notifications.models import Delivery
from notifications.tests.factories import end_of_transaction
from projects.models import Project
from projects.tests.psql import psql
from tickets import bulk, queries, services
from tickets.models import Status, Ticket
from tickets.tests.factories import assign, make_ticket

pytestmark = pytest.mark.django_db

SignedIn = Callable[[User], APIClient]
Reopen = Callable[[Ticket, User, SignedIn], Any]


def over_http(ticket: Ticket, agent: User, signed_in: SignedIn) -> None:
    response = signed_in(agent).patch(f"/tickets/{ticket.pk}", {"status": "open"})
    assert [user["name"] for user in response.json()["assignedUsers"]] == ["Otto Outsider"]


def over_http_with_put(ticket: Ticket, agent: User, signed_in: SignedIn) -> None:
    body = {"title": ticket.title, "project": ticket.project_id, "status": "in-progress"}
    assert signed_in(agent).put(f"/tickets/{ticket.pk}", body).status_code == 200


def in_document_004(ticket: Ticket, agent: User, signed_in: SignedIn) -> None:
    assert signed_in(agent).patch(f"/api/tickets/{ticket.pk}", {"status": "open"}).status_code == 200


def in_the_admin(ticket: Ticket, agent: User, signed_in: SignedIn) -> None:
    Browser(agent).submit(f"/admin/tickets/ticket/{ticket.pk}/change/", status="open")


def in_bulk(ticket: Ticket, agent: User, signed_in: SignedIn) -> None:
    bulk.apply(bulk.CHANGES["status"], [ticket.pk], by=agent, status="open")


def with_a_reply(ticket: Ticket, agent: User, signed_in: SignedIn) -> None:
    services.reply(ticket_id=ticket.pk, by=agent, at=timezone.now(), message="Again.", status="open")


def in_psql(ticket: Ticket, agent: User, signed_in: SignedIn) -> None:
    psql("UPDATE tickets_ticket SET status = 'open' WHERE id = %(id)s", id=ticket.pk)


REOPEN = [over_http, over_http_with_put, in_document_004, in_the_admin, in_bulk, with_a_reply, in_psql]


def deactivate(user: User) -> None:
    psql("UPDATE accounts_user SET is_active = false WHERE id = %(id)s", id=user.pk)


def assignees(ticket: Ticket) -> list[User]:
    return list(ticket.assignees.order_by("id"))


@pytest.fixture
def closed(owner: User, assignee: User, outsider: User) -> Ticket:
    """A closed ticket with two assignees, one of them deactivated since."""
    ticket = make_ticket(owner, project=Project.objects.helpdesk())
    assign(ticket, assignee, outsider)
    services.update(ticket_id=ticket.pk, by=owner, at=timezone.now(), status="closed")
    deactivate(assignee)
    end_of_transaction()
    Delivery.objects.all().delete()
    return ticket


@pytest.mark.parametrize("reopen", REOPEN)
class TestReopening:
    def test_drops_assignees_who_were_deactivated(
        self, closed: Ticket, agent: User, outsider: User, signed_in: SignedIn, reopen: Reopen
    ) -> None:
        reopen(closed, agent, signed_in)

        closed.refresh_from_db()
        assert closed.status != Status.CLOSED
        assert assignees(closed) == [outsider]

    def test_is_followed_by_their_removal_in_the_history(
        self, closed: Ticket, agent: User, assignee: User, signed_in: SignedIn, reopen: Reopen
    ) -> None:
        reopen(closed, agent, signed_in)

        removed, reopened = queries.history(ticket_id=closed.pk, limit=2)
        ((who,), (what, *_)) = removed.changes, reopened.changes
        assert (who.field, who.after) == (queries.ASSIGNEE, None)
        assert (what.field, what.before) == ("status", "closed")

    def test_mails_the_others_once(
        self, closed: Ticket, agent: User, outsider: User, signed_in: SignedIn, reopen: Reopen
    ) -> None:
        reopen(closed, agent, signed_in)
        end_of_transaction()

        assert list(Delivery.objects.filter(kind="ticket-updated").values_list("user", flat=True)) == [outsider.pk]


class TestReopenedTicket:
    def test_has_a_free_slot(self, closed: Ticket, agent: User, owner: User) -> None:
        services.update(ticket_id=closed.pk, by=agent, at=timezone.now(), status="open")

        assert services.assign(ticket_id=closed.pk, user_id=owner.pk, by=agent).slot == 1

    def test_does_not_get_them_back_when_they_are_reactivated(
        self, closed: Ticket, agent: User, assignee: User, outsider: User
    ) -> None:
        services.update(ticket_id=closed.pk, by=agent, at=timezone.now(), status="open")
        psql("UPDATE accounts_user SET is_active = true")

        assert assignees(closed) == [outsider]

    def test_keeps_those_who_were_reactivated_before(
        self, closed: Ticket, agent: User, assignee: User, outsider: User
    ) -> None:
        psql("UPDATE accounts_user SET is_active = true")

        services.update(ticket_id=closed.pk, by=agent, at=timezone.now(), status="open")

        assert assignees(closed) == [assignee, outsider]

    def test_returns_the_version_after_their_removal(self, closed: Ticket, agent: User) -> None:
        changed = services.update(ticket_id=closed.pk, by=agent, at=timezone.now(), status="open")

        assert changed.version == Ticket.objects.get(pk=closed.pk).version

    def test_cannot_be_handed_to_them(self, closed: Ticket, agent: User, assignee: User) -> None:
        with pytest.raises(services.UserNotFound):
            services.hand_over(ticket_id=closed.pk, assignee_id=assignee.pk, by=agent, at=timezone.now(), status="open")


class TestDeactivationInPsql:
    def test_removes_the_user_from_tickets_that_are_not_closed(self, owner: User, assignee: User) -> None:
        tickets = [make_ticket(owner) for _ in range(3)]
        for ticket, status in zip(tickets, ("open", "in-progress", "closed"), strict=True):
            assign(ticket, assignee)
            services.update(ticket_id=ticket.pk, by=owner, at=timezone.now(), status=status)

        deactivate(assignee)

        assert [assignees(ticket) for ticket in tickets] == [[], [], [assignee]]


class TestMigration:
    def test_removes_deactivated_assignees_of_open_tickets(self, closed: Ticket, outsider: User) -> None:
        psql("SET session_replication_role = replica")
        psql("UPDATE tickets_ticket SET status = 'open', closed_at = NULL, sla_met = NULL")
        psql("SET session_replication_role = origin")

        psql(import_module("tickets.migrations.0008_drop_deactivated_assignees").DROP_DEACTIVATED)

        assert assignees(closed) == [outsider]


@pytest.mark.slow
@pytest.mark.database
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestReopeningDuringADeactivation:
    """Neither transaction sees the other's change."""

    @pytest.fixture
    def resolved(self, owner: User, assignee: User) -> Ticket:
        ticket = make_ticket(owner)
        assign(ticket, assignee)
        return services.update(ticket_id=ticket.pk, by=owner, at=timezone.now(), status="closed")

    def reopening(self, ticket: Ticket) -> Callable[[], Any]:
        return lambda: services.update(ticket_id=ticket.pk, by=ticket.created_by, at=timezone.now(), status="open")

    def test_drops_the_assignee_if_it_comes_second(self, resolved: Ticket, assignee: User) -> None:
        during(lambda: deactivate(assignee), self.reopening(resolved))

        assert assignees(resolved) == []

    def test_drops_the_assignee_if_it_comes_first(self, resolved: Ticket, assignee: User) -> None:
        during(self.reopening(resolved), lambda: deactivate(assignee))

        assert assignees(resolved) == []

    def test_keeps_the_assignee_without_the_trigger(self, resolved: Ticket, assignee: User) -> None:
        pgtrigger.installation.disable("tickets.Ticket:step_4_drop_deactivated")
        try:
            during(lambda: deactivate(assignee), self.reopening(resolved))
        finally:
            pgtrigger.installation.enable("tickets.Ticket:step_4_drop_deactivated")

        assert assignees(resolved) == [assignee]
