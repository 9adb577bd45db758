"""Concurrent changes of tickets, with real threads, connections and locks.

Each rule is tested three times: as it is, with the services' lock removed so that only the database enforces it, and
with the constraints removed as well. The last one must show the race, or the others would prove nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pgtrigger.installation
import pytest
from django.db import IntegrityError
from psycopg.errors import CheckViolation
from rest_framework.test import APIClient

from accounts.models import User, UserType
from accounts.tests.factories import make_user
from kit.tests.races import during
from projects.tests.psql import psql
from tickets import services
from tickets.models import Assignment, Status, Ticket, TicketQuerySet
from tickets.tests.factories import assign

pytestmark = [
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.database,
    pytest.mark.slow,
]

SignedIn = Callable[[User], APIClient]

UNIQUE_CONSTRAINTS = {"assignment_once": "(ticket_id, user_id)", "assignment_slot_once": "(ticket_id, slot)"}
REFUSING_TRIGGERS = ["tickets.Assignment:refuse_assignment", "tickets.Assignee:user_holds_assignments"]


@pytest.fixture
def without_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the lock that the services take."""
    monkeypatch.setattr(TicketQuerySet, "locked", lambda tickets: tickets)


@pytest.fixture
def without_constraints(db: None) -> Iterator[None]:
    """Remove the constraints and triggers that refuse assignments."""
    pgtrigger.installation.disable(*REFUSING_TRIGGERS)
    for name in UNIQUE_CONSTRAINTS:
        psql(f"ALTER TABLE tickets_assignment DROP CONSTRAINT {name}")
    yield
    psql("DELETE FROM tickets_assignment")
    for name, columns in UNIQUE_CONSTRAINTS.items():
        psql(f"ALTER TABLE tickets_assignment ADD CONSTRAINT {name} UNIQUE {columns}")
    pgtrigger.installation.enable(*REFUSING_TRIGGERS)


def lock_row(ticket: Ticket) -> Callable[[], Ticket]:
    return lambda: Ticket.objects.select_for_update(no_key=True).get(pk=ticket.pk)


class TestTwentyRequestsToAssignTenUsers:
    """Ten users, each assigned twice over HTTP, to a ticket that takes five."""

    ASSIGNED = "200 User assigned successfully"
    REFUSED = {"409 User assignment limit reached", "409 User already assigned"}

    def responses(self, ticket: Ticket, signed_in: SignedIn) -> Counter[str]:
        users = [make_user() for _ in range(10)]
        clients = [(signed_in(ticket.created_by), user) for user in users * 2]

        def call(client: APIClient, user: User) -> str:
            response = client.post(f"/tickets/{ticket.pk}/assign", {"userId": user.pk})
            return f"{response.status_code} {response.json()['message']}"

        return Counter(
            during(lock_row(ticket), *(lambda client=client, user=user: call(client, user) for client, user in clients))
        )

    def test_assign_five_users(self, ticket: Ticket, signed_in: SignedIn) -> None:
        responses = self.responses(ticket, signed_in)

        assert sorted(ticket.assignments.values_list("slot", flat=True)) == [1, 2, 3, 4, 5]
        assert responses.pop(self.ASSIGNED) == 5
        assert responses.total() == 15
        assert set(responses) <= self.REFUSED

    def test_assign_at_most_five_with_constraints_only(
        self, ticket: Ticket, signed_in: SignedIn, without_lock: None
    ) -> None:
        responses = self.responses(ticket, signed_in)

        # All of them see that slot 1 is free.
        assert list(ticket.assignments.values_list("slot", flat=True)) == [1]
        assert responses.pop(self.ASSIGNED) == 1
        assert responses.total() == 19
        assert set(responses) <= self.REFUSED

    def test_assign_more_than_five_without_lock_and_constraints(
        self, ticket: Ticket, signed_in: SignedIn, without_lock: None, without_constraints: None
    ) -> None:
        responses = self.responses(ticket, signed_in)

        assert responses[self.ASSIGNED] == 20
        assert ticket.assignments.count() == 20


class TestTwentyChangesOfOneVersion:
    """Twenty PATCH requests with the same `If-Match`."""

    def responses(self, ticket: Ticket, signed_in: SignedIn) -> Counter[int]:
        clients = [signed_in(ticket.created_by) for _ in range(20)]

        def call(client: APIClient, number: int) -> int:
            response = client.patch(f"/tickets/{ticket.pk}", {"title": f"Title {number}"}, headers={"If-Match": '"1"'})
            return int(response.status_code)

        calls = (lambda client=client, number=number: call(client, number) for number, client in enumerate(clients))
        return Counter(during(lock_row(ticket), *calls))

    def test_succeed_once(self, ticket: Ticket, signed_in: SignedIn) -> None:
        assert self.responses(ticket, signed_in) == {200: 1, 412: 19}

        ticket.refresh_from_db()
        assert ticket.version == 2

    def test_all_succeed_without_the_lock(self, ticket: Ticket, signed_in: SignedIn, without_lock: None) -> None:
        assert self.responses(ticket, signed_in) == {200: 20}

        ticket.refresh_from_db()
        assert ticket.version == 21


class TestTwentyAssignmentsOfOneUser:
    def outcomes(self, ticket: Ticket, user: User) -> list[Any]:
        def call() -> Any:
            return services.assign(ticket_id=ticket.pk, user_id=user.pk, by=ticket.created_by)

        return during(lock_row(ticket), *[call] * 20)

    def test_succeed_once(self, ticket: Ticket, assignee: User) -> None:
        outcomes = self.outcomes(ticket, assignee)

        assert outcomes.count(services.AlreadyAssigned) == 19
        assert ticket.assignments.get() in outcomes

    def test_succeed_once_with_constraints_only(self, ticket: Ticket, assignee: User, without_lock: None) -> None:
        outcomes = self.outcomes(ticket, assignee)

        assert outcomes.count(services.AlreadyAssigned) == 19
        assert ticket.assignments.get() in outcomes

    def test_all_succeed_without_lock_and_constraints(
        self, ticket: Ticket, assignee: User, without_lock: None, without_constraints: None
    ) -> None:
        self.outcomes(ticket, assignee)

        assert ticket.assignments.filter(user=assignee).count() == 20


class TestAssignWhileTheTicketIsClosed:
    def outcome(self, ticket: Ticket, user: User) -> Any:
        (outcome,) = during(
            lambda: psql("UPDATE tickets_ticket SET status = 'closed'"),
            lambda: services.assign(ticket_id=ticket.pk, user_id=user.pk, by=ticket.created_by),
        )
        return outcome

    def test_is_refused(self, ticket: Ticket, assignee: User) -> None:
        assert self.outcome(ticket, assignee) is services.TicketClosed
        assert not Assignment.objects.exists()

    def test_is_refused_with_the_trigger_only(self, ticket: Ticket, assignee: User, without_lock: None) -> None:
        assert self.outcome(ticket, assignee) is services.TicketClosed
        assert not Assignment.objects.exists()

    def test_succeeds_without_lock_and_constraints(
        self, ticket: Ticket, assignee: User, without_lock: None, without_constraints: None
    ) -> None:
        self.outcome(ticket, assignee)

        ticket.refresh_from_db()
        assert ticket.status == Status.CLOSED
        assert ticket.assignments.count() == 1


class TestAssignWhileTheLastSlotIsTaken:
    def outcome(self, ticket: Ticket) -> Any:
        assign(ticket, *(make_user() for _ in range(4)))
        first, second = make_user(), make_user()
        (outcome,) = during(
            lambda: services.assign(ticket_id=ticket.pk, user_id=first.pk, by=ticket.created_by),
            lambda: services.assign(ticket_id=ticket.pk, user_id=second.pk, by=ticket.created_by),
        )
        return outcome

    def test_is_refused(self, ticket: Ticket) -> None:
        assert self.outcome(ticket) is services.AssignmentLimitReached
        assert ticket.assignments.count() == 5

    def test_is_refused_with_constraints_only(self, ticket: Ticket, without_lock: None) -> None:
        assert self.outcome(ticket) is services.AssignmentLimitReached
        assert ticket.assignments.count() == 5

    def test_succeeds_without_lock_and_constraints(
        self, ticket: Ticket, without_lock: None, without_constraints: None
    ) -> None:
        self.outcome(ticket)

        assert ticket.assignments.count() == 6


class TestAssignWhileTheUserChanges:
    """The services do not lock users; the trigger does."""

    def outcome(self, ticket: Ticket, user: User, **changes: Any) -> Any:
        (outcome,) = during(
            lambda: User.objects.filter(pk=user.pk).update(**changes),
            lambda: services.assign(ticket_id=ticket.pk, user_id=user.pk, by=ticket.created_by),
        )
        return outcome

    def test_is_refused_for_a_new_admin(self, ticket: Ticket, assignee: User) -> None:
        assert self.outcome(ticket, assignee, type=UserType.ADMIN) is services.AdminNotAssignable
        assert not Assignment.objects.exists()

    def test_is_refused_for_a_user_being_deactivated(self, ticket: Ticket, assignee: User) -> None:
        assert self.outcome(ticket, assignee, is_active=False) is services.UserNotFound
        assert not Assignment.objects.exists()

    def test_is_allowed_for_a_new_agent(self, ticket: Ticket, assignee: User) -> None:
        assert self.outcome(ticket, assignee, type=UserType.AGENT) == ticket.assignments.get()

    @pytest.mark.parametrize("changes", [{"type": UserType.ADMIN}, {"is_active": False}])
    def test_succeeds_without_the_trigger(
        self, ticket: Ticket, assignee: User, changes: dict[str, Any], without_constraints: None
    ) -> None:
        self.outcome(ticket, assignee, **changes)

        assert ticket.assignees.filter(**changes).exists()


class TestAssignWhileTheUserIsDeleted:
    def test_is_refused(self, ticket: Ticket, assignee: User) -> None:
        (outcome,) = during(
            lambda: psql("DELETE FROM accounts_user WHERE id = %(user)s", user=assignee.pk),
            lambda: services.assign(ticket_id=ticket.pk, user_id=assignee.pk, by=ticket.created_by),
        )

        assert outcome is services.UserNotFound

    def test_fails_on_the_foreign_key_without_the_trigger(
        self, ticket: Ticket, assignee: User, without_constraints: None
    ) -> None:
        with pytest.raises(IntegrityError, match="violates foreign key constraint"):
            during(
                lambda: psql("DELETE FROM accounts_user WHERE id = %(user)s", user=assignee.pk),
                lambda: services.assign(ticket_id=ticket.pk, user_id=assignee.pk, by=ticket.created_by),
            )


class TestPromotionToAdminDuringAnAssignment:
    def outcome(self, ticket: Ticket, user: User) -> str | None:
        def promote() -> str | None:
            try:
                psql("UPDATE accounts_user SET type = 'admin' WHERE id = %(user)s", user=user.pk)
            except CheckViolation as violation:
                return violation.diag.constraint_name
            return "promoted"

        (outcome,) = during(
            lambda: services.assign(ticket_id=ticket.pk, user_id=user.pk, by=ticket.created_by), promote
        )
        return outcome

    def test_is_refused(self, ticket: Ticket, assignee: User) -> None:
        assert self.outcome(ticket, assignee) == "user_holds_assignments"
        assert not ticket.assignees.get().is_admin

    def test_succeeds_without_the_triggers(self, ticket: Ticket, assignee: User, without_constraints: None) -> None:
        assert self.outcome(ticket, assignee) == "promoted"
        assert ticket.assignees.get().is_admin


class TestConcurrentUpdates:
    """A change of the title does not write back an old priority or deadline, with or without the lock."""

    def sla_hours_after_both(self, ticket: Ticket) -> timedelta:
        by, at = ticket.created_by, ticket.created_at
        during(
            lambda: services.update(ticket_id=ticket.pk, priority="high", by=by, at=at),
            lambda: services.update(ticket_id=ticket.pk, title="Another", by=by, at=at),
        )
        ticket.refresh_from_db()
        assert (ticket.priority, ticket.title) == ("high", "Another")
        return ticket.sla_due_at - ticket.created_at

    def test_keep_both_changes(self, ticket: Ticket) -> None:
        assert self.sla_hours_after_both(ticket) == timedelta(hours=4)

    def test_keep_both_changes_without_the_lock(self, ticket: Ticket, without_lock: None) -> None:
        assert self.sla_hours_after_both(ticket) == timedelta(hours=4)
