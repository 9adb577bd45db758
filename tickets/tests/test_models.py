"""What the database enforces about tickets whatever code writes to it, and the QuerySet methods."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.db import InternalError, ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.errors import CheckViolation, ForeignKeyViolation, RaiseException, UniqueViolation

from accounts.models import User, UserType
from accounts.tests.factories import make_user
from projects.models import Project, Visibility
from projects.tests.factories import make_project
from projects.tests.psql import psql
from sla.models import Priority
from tickets import services
from tickets.models import Assignment, Status, Ticket
from tickets.tests.factories import assign, make_ticket

pytestmark = [pytest.mark.django_db, pytest.mark.database]

ASSIGN = """
    INSERT INTO tickets_assignment (ticket_id, user_id, slot, assigned_at)
    VALUES (%(ticket)s, %(user)s, %(slot)s, now())
"""


def constraint_of(refusal: pytest.ExceptionInfo[psycopg.Error]) -> str | None:
    return refusal.value.diag.constraint_name


class TestDelete:
    def test_is_refused_in_sql(self, ticket: Ticket) -> None:
        with pytest.raises(RaiseException, match="Cannot delete rows from tickets_ticket"):
            psql("DELETE FROM tickets_ticket")

        assert Ticket.objects.filter(pk=ticket.pk).exists()

    def test_is_refused_in_python(self, ticket: Ticket, assignee: User) -> None:
        assign(ticket, assignee)

        for delete in (ticket.delete, Ticket.objects.all().delete):
            with pytest.raises((InternalError, ProgrammingError), match="Cannot delete rows"), transaction.atomic():
                delete()

        assert list(Ticket.objects.get().assignees.all()) == [assignee]


class TestColumns:
    @pytest.mark.parametrize(
        ("column", "value", "constraint"),
        [
            ("title", "", "ticket_title"),
            ("title", "   ", "ticket_title"),
            ("type", "", "ticket_type"),
            ("type", " ", "ticket_type"),
            ("status", "resolved", "ticket_status"),
            ("status", "", "ticket_status"),
            ("status", "Open", "ticket_status"),
            ("priority", "urgent", "ticket_priority"),
            ("price", Decimal("-0.01"), "ticket_price"),
            ("price", Decimal("100000000"), "ticket_price"),
            ("price", Decimal("NaN"), "ticket_price"),
        ],
    )
    def test_refuse_impossible_values(self, ticket: Ticket, column: str, value: Any, constraint: str) -> None:
        with pytest.raises(CheckViolation) as refusal:
            psql(f"UPDATE tickets_ticket SET {column} = %(value)s", value=value)

        assert constraint_of(refusal) == constraint

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            *(("status", status.value) for status in Status),
            *(("priority", priority.value) for priority in Priority),
            ("price", None),
            ("price", Decimal("0.00")),
            ("price", Decimal("99999999.99")),
            ("title", "t" * 255),
            ("type", "t" * 50),
        ],
    )
    def test_accept_all_allowed_values(self, ticket: Ticket, column: str, value: Any) -> None:
        psql(f"UPDATE tickets_ticket SET {column} = %(value)s", value=value)

        assert Ticket.objects.values_list(column, flat=True).get() == value


class TestVersion:
    def test_starts_at_one(self, ticket: Ticket) -> None:
        ticket.refresh_from_db()

        assert (ticket.version, ticket.updated_at) == (1, None)

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("title", "Another"),
            ("description", "More"),
            ("status", "closed"),
            ("type", "bug"),
            ("venue", "Town hall"),
            ("price", Decimal("0.00")),
            ("priority", "high"),
            ("due_at", datetime(2031, 1, 1, tzinfo=UTC)),
            ("sla_due_at", datetime(2031, 1, 1, tzinfo=UTC)),
        ],
    )
    def test_moves_with_each_column(self, ticket: Ticket, column: str, value: Any) -> None:
        psql(f"UPDATE tickets_ticket SET {column} = %(value)s", value=value)

        ticket.refresh_from_db()
        assert ticket.version == 2
        assert ticket.updated_at is not None

    def test_moves_with_the_project_and_the_creator(self, ticket: Ticket, outsider: User) -> None:
        psql("UPDATE tickets_ticket SET project_id = %(project)s", project=make_project().pk)
        psql("UPDATE tickets_ticket SET created_by_id = %(user)s", user=outsider.pk)

        ticket.refresh_from_db()
        assert ticket.version == 3

    @pytest.mark.parametrize("column", ["price", "due_at"])
    def test_moves_from_null_and_back(self, ticket: Ticket, column: str) -> None:
        value = {"price": Decimal("5.00"), "due_at": datetime(2031, 1, 1, tzinfo=UTC)}[column]

        psql(f"UPDATE tickets_ticket SET {column} = %(value)s", value=value)
        psql(f"UPDATE tickets_ticket SET {column} = NULL")

        ticket.refresh_from_db()
        assert ticket.version == 3

    def test_moves_on_save(self, ticket: Ticket) -> None:
        ticket.title = "Another"

        ticket.save()

        ticket.refresh_from_db()
        assert ticket.version == 2

    def test_moves_for_each_ticket_that_a_bulk_update_changes(self, owner: User, ticket: Ticket) -> None:
        other = make_ticket(owner, title="Other", status=Status.CLOSED)

        Ticket.objects.update(status=Status.CLOSED)

        assert dict(Ticket.objects.values_list("pk", "version")) == {ticket.pk: 2, other.pk: 1}

    @pytest.mark.parametrize("assignment", ["title = title", "price = NULL", "price = price + 0", "due_at = due_at"])
    def test_stays_when_nothing_changes(self, ticket: Ticket, assignment: str) -> None:
        psql(f"UPDATE tickets_ticket SET {assignment}")

        ticket.refresh_from_db()
        assert (ticket.version, ticket.updated_at) == (1, None)

    def test_stays_when_a_price_is_written_with_more_digits(self, owner: User) -> None:
        ticket = make_ticket(owner, price=Decimal("5.00"))

        psql("UPDATE tickets_ticket SET price = 5.000")

        ticket.refresh_from_db()
        assert ticket.version == 1

    def test_stays_when_saved_unchanged(self, ticket: Ticket) -> None:
        ticket.save()

        ticket.refresh_from_db()
        assert (ticket.version, ticket.updated_at) == (1, None)

    @pytest.mark.parametrize("assignment", ["version = 99", "updated_at = now()", "version = 0, updated_at = now()"])
    def test_cannot_be_set(self, ticket: Ticket, assignment: str) -> None:
        psql(f"UPDATE tickets_ticket SET {assignment}")

        ticket.refresh_from_db()
        assert (ticket.version, ticket.updated_at) == (1, None)

    def test_cannot_be_set_along_with_a_change(self, ticket: Ticket) -> None:
        psql("UPDATE tickets_ticket SET title = 'Another', version = 99, updated_at = '2001-01-01Z'")

        ticket.refresh_from_db()
        assert ticket.version == 2
        assert ticket.updated_at is not None
        assert ticket.updated_at > ticket.created_at

    def test_moves_with_an_assignment_and_its_removal(self, ticket: Ticket, assignee: User) -> None:
        psql(ASSIGN, ticket=ticket.pk, user=assignee.pk, slot=1)
        psql("DELETE FROM tickets_assignment")

        ticket.refresh_from_db()
        assert ticket.version == 3
        assert ticket.updated_at is not None

    def test_moves_when_an_assignment_changes_its_user(self, ticket: Ticket, assignee: User, outsider: User) -> None:
        assign(ticket, assignee)

        psql("UPDATE tickets_assignment SET user_id = %(user)s", user=outsider.pk)

        ticket.refresh_from_db()
        assert ticket.version == 3

    def test_moves_on_both_tickets_when_an_assignment_changes_its_ticket(self, owner: User, assignee: User) -> None:
        former, latter = make_ticket(owner), make_ticket(owner)
        assign(former, assignee)

        psql("UPDATE tickets_assignment SET ticket_id = %(ticket)s", ticket=latter.pk)

        assert dict(Ticket.objects.values_list("pk", "version")) == {former.pk: 3, latter.pk: 2}

    @pytest.mark.parametrize("assignment", ["slot = 4", "user_id = user_id", "assigned_at = '2001-01-01Z'"])
    def test_stays_when_an_assignment_keeps_its_user_and_ticket(
        self, ticket: Ticket, assignee: User, assignment: str
    ) -> None:
        assign(ticket, assignee)

        psql(f"UPDATE tickets_assignment SET {assignment}")

        ticket.refresh_from_db()
        assert ticket.version == 2

    def test_does_not_count_assignees_given_on_creation(self, ticket: Ticket, assignee: User) -> None:
        Assignment.objects.create(ticket=ticket, user=assignee, slot=1, assigned_at=ticket.created_at)

        ticket.refresh_from_db()
        assert (ticket.version, ticket.updated_at) == (1, None)


class TestAssignment:
    def test_allows_five(self, ticket: Ticket) -> None:
        for slot in range(1, 6):
            psql(ASSIGN, ticket=ticket.pk, user=make_user().pk, slot=slot)

        assert ticket.assignments.count() == 5

    @pytest.mark.parametrize(
        ("slot", "constraint"),
        [(0, "assignment_limit"), (6, "assignment_limit"), *((slot, "assignment_slot_once") for slot in range(1, 6))],
    )
    def test_refuses_a_sixth(self, ticket: Ticket, slot: int, constraint: str) -> None:
        assign(ticket, *(make_user() for _ in range(5)))

        with pytest.raises((CheckViolation, UniqueViolation)) as refusal:
            psql(ASSIGN, ticket=ticket.pk, user=make_user().pk, slot=slot)

        assert constraint_of(refusal) == constraint

    def test_refuses_the_same_user_twice(self, ticket: Ticket, assignee: User) -> None:
        assign(ticket, assignee)

        with pytest.raises(UniqueViolation) as refusal:
            psql(ASSIGN, ticket=ticket.pk, user=assignee.pk, slot=2)

        assert constraint_of(refusal) == "assignment_once"

    def test_refuses_a_closed_ticket(self, closed_ticket: Ticket, assignee: User) -> None:
        with pytest.raises(CheckViolation) as refusal:
            psql(ASSIGN, ticket=closed_ticket.pk, user=assignee.pk, slot=1)

        assert constraint_of(refusal) == "assignment_open_ticket"

    def test_refuses_an_admin(self, ticket: Ticket, admin: User) -> None:
        with pytest.raises(CheckViolation) as refusal:
            psql(ASSIGN, ticket=ticket.pk, user=admin.pk, slot=1)

        assert constraint_of(refusal) == "assignment_no_admin"

    def test_refuses_a_deactivated_user(self, ticket: Ticket, deactivated_user: User) -> None:
        with pytest.raises(CheckViolation) as refusal:
            psql(ASSIGN, ticket=ticket.pk, user=deactivated_user.pk, slot=1)

        assert constraint_of(refusal) == "assignment_active_user"

    def test_refuses_a_user_who_does_not_exist(self, ticket: Ticket) -> None:
        with pytest.raises(CheckViolation) as refusal:
            psql(ASSIGN, ticket=ticket.pk, user=0, slot=1)

        assert constraint_of(refusal) == "assignment_active_user"

    def test_refuses_a_ticket_that_does_not_exist(self, assignee: User) -> None:
        psql("SET CONSTRAINTS ALL IMMEDIATE")

        with pytest.raises(ForeignKeyViolation):
            psql(ASSIGN, ticket=0, user=assignee.pk, slot=1)

    def test_cannot_change_to_an_admin(self, ticket: Ticket, assignee: User, admin: User) -> None:
        assign(ticket, assignee)

        with pytest.raises(CheckViolation) as refusal:
            psql("UPDATE tickets_assignment SET user_id = %(user)s", user=admin.pk)

        assert constraint_of(refusal) == "assignment_no_admin"

    def test_cannot_move_to_a_closed_ticket(self, ticket: Ticket, closed_ticket: Ticket, assignee: User) -> None:
        assign(ticket, assignee)

        with pytest.raises(CheckViolation) as refusal:
            psql("UPDATE tickets_assignment SET ticket_id = %(ticket)s", ticket=closed_ticket.pk)

        assert constraint_of(refusal) == "assignment_open_ticket"

    def test_outlives_the_user_who_made_it(self, ticket: Ticket, assignee: User, agent: User) -> None:
        services.assign(ticket_id=ticket.pk, user_id=assignee.pk, by=agent)

        agent.delete()

        assert ticket.assignments.get().assigned_by is None


class TestBecomingAnAdmin:
    PROMOTE = "UPDATE accounts_user SET type = 'admin' WHERE id = %(user)s"

    def test_is_refused_to_an_assignee(self, ticket: Ticket, assignee: User) -> None:
        assign(ticket, assignee)

        with pytest.raises(CheckViolation) as refusal:
            psql(self.PROMOTE, user=assignee.pk)

        assert constraint_of(refusal) == "user_holds_assignments"

    def test_is_refused_to_an_assignee_of_a_closed_ticket(self, ticket: Ticket, assignee: User) -> None:
        assign(ticket, assignee)
        Ticket.objects.update(status=Status.CLOSED)

        with pytest.raises(CheckViolation) as refusal:
            psql(self.PROMOTE, user=assignee.pk)

        assert constraint_of(refusal) == "user_holds_assignments"

    def test_is_allowed_without_assignments(self, ticket: Ticket, assignee: User, outsider: User) -> None:
        assign(ticket, assignee)

        psql(self.PROMOTE, user=outsider.pk)

        outsider.refresh_from_db()
        assert outsider.is_admin

    def test_is_allowed_after_the_last_assignment_is_removed(self, ticket: Ticket, assignee: User) -> None:
        assign(ticket, assignee)
        psql("DELETE FROM tickets_assignment")

        psql(self.PROMOTE, user=assignee.pk)

        assignee.refresh_from_db()
        assert assignee.is_admin

    def test_does_not_apply_to_becoming_an_agent(self, ticket: Ticket, assignee: User) -> None:
        assign(ticket, assignee)

        psql("UPDATE accounts_user SET type = 'agent' WHERE id = %(user)s", user=assignee.pk)

        assignee.refresh_from_db()
        assert assignee.type == UserType.AGENT


class TestMayBeAssignedBy:
    def test_allows_the_creator_and_staff(self, ticket: Ticket, owner: User, agent: User, admin: User) -> None:
        assert all(ticket.may_be_assigned_by(user) for user in (owner, agent, admin))

    def test_refuses_assignees_and_outsiders(self, ticket: Ticket, assignee: User, outsider: User) -> None:
        assign(ticket, assignee)

        assert not any(ticket.may_be_assigned_by(user) for user in (assignee, outsider))


class TestWithAssignees:
    def test_orders_them_by_assignment(self, ticket: Ticket) -> None:
        first, second, third, fourth = (make_user() for _ in range(4))
        assign(ticket, first, second, third)
        services.unassign(ticket_id=ticket.pk, user_id=first.pk, by=ticket.created_by)
        assign(ticket, fourth)

        assignments = Ticket.objects.with_assignees().get().assignments.all()

        assert [assignment.user for assignment in assignments] == [second, third, fourth]

    def test_adds_one_query_for_any_number_of_tickets(self, owner: User) -> None:
        for _ in range(3):
            assign(make_ticket(owner), *(make_user() for _ in range(5)))

        with CaptureQueriesContext(connection) as queries:
            tickets = list(Ticket.objects.with_assignees())
            names = [assignment.user.name for ticket in tickets for assignment in ticket.assignments.all()]

        assert len(names) == 15
        assert len(queries) == 2


class TestLocked:
    def test_locks_only_tickets_and_allows_references_to_them(self, owner: User) -> None:
        with CaptureQueriesContext(connection) as queries:
            list(Ticket.objects.visible_to(owner).locked())

        assert queries[0]["sql"].endswith('FOR NO KEY UPDATE OF "tickets_ticket"')


@dataclass(frozen=True)
class World:
    """Users by type, projects by visibility, tickets as (project, creator), and assignments as (ticket, user)."""

    people: list[UserType]
    projects: list[Visibility]
    tickets: list[tuple[int, int]]
    assignments: set[tuple[int, int]]

    def may_see(self, person: int, ticket: int) -> bool:
        """Apply the documented rule in plain Python."""
        project, creator = self.tickets[ticket]
        if self.people[person] in ("agent", "admin"):
            return True
        if self.projects[project] == "everyone":
            return True
        return creator == person or (ticket, person) in self.assignments


@st.composite
def worlds(draw: st.DrawFn) -> World:
    people = draw(st.lists(st.sampled_from(list(UserType)), min_size=1, max_size=5))
    projects = draw(st.lists(st.sampled_from(list(Visibility)), min_size=1, max_size=3))
    creators = st.integers(0, len(people) - 1)
    tickets = draw(st.lists(st.tuples(st.integers(0, len(projects) - 1), creators), max_size=6))
    assignable = [person for person, type_ in enumerate(people) if type_ != UserType.ADMIN]
    pairs = [(ticket, person) for ticket in range(len(tickets)) for person in assignable]
    return World(people, projects, tickets, draw(st.sets(st.sampled_from(pairs))) if pairs else set())


class TestVisibleTo:
    def test_hides_an_involved_project_from_outsiders(
        self, hidden_ticket: Ticket, owner: User, assignee: User, outsider: User, agent: User, admin: User
    ) -> None:
        assign(hidden_ticket, assignee)

        viewers = [
            user for user in (owner, assignee, outsider, agent, admin) if Ticket.objects.visible_to(user).exists()
        ]

        assert viewers == [owner, assignee, agent, admin]

    def test_hides_the_ticket_again_from_a_removed_assignee(
        self, hidden_ticket: Ticket, owner: User, assignee: User
    ) -> None:
        assign(hidden_ticket, assignee)

        services.unassign(ticket_id=hidden_ticket.pk, user_id=assignee.pk, by=owner)

        assert not Ticket.objects.visible_to(assignee).exists()

    @settings(max_examples=60)
    @given(world=worlds())
    def test_follows_the_documented_rule_in_any_world(self, db: None, world: World) -> None:
        with transaction.atomic():
            people = [make_user(type=type_) for type_ in world.people]
            projects = [make_project(visibility=visibility) for visibility in world.projects]
            tickets = [make_ticket(people[who], project=projects[where]) for where, who in world.tickets]
            for ticket, person in sorted(world.assignments):
                assign(tickets[ticket], people[person])

            seen = [set(Ticket.objects.visible_to(user).values_list("pk", flat=True)) for user in people]

            transaction.set_rollback(True)
        assert seen == [
            {ticket.pk for number, ticket in enumerate(tickets) if world.may_see(person, number)}
            for person in range(len(people))
        ]

    def test_lists_a_ticket_once_for_any_number_of_assignees(self, owner: User) -> None:
        ticket = make_ticket(owner, project=Project.objects.get(system_name="helpdesk"))
        assign(ticket, *(make_user() for _ in range(5)))

        assert list(Ticket.objects.visible_to(owner)) == [ticket]
