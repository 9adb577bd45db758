"""The rules about creating, changing and assigning tickets."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest

from accounts.models import User, UserType
from accounts.tests.factories import make_user
from kit.errors import Forbidden, Invalid, Refused
from projects.models import Project, Visibility
from projects.tests.factories import make_project
from sla.models import SlaPolicy
from tickets import services
from tickets.models import Status, Ticket
from tickets.tests.factories import assign, make_ticket

NOON = datetime(2030, 5, 17, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(days=3)

# The refusals of an assignment, in the order in which they are checked.
CASES: dict[str, type[Refused]] = {
    "hidden": services.TicketNotFound,
    "unauthorized": services.NotAllowed,
    "closed": services.TicketClosed,
    "deactivated": services.UserNotFound,
    "admin": services.AdminNotAssignable,
    "assigned": services.AlreadyAssigned,
    "full": services.AssignmentLimitReached,
}
# An admin is never already assigned, and a deactivated user only to a closed ticket.
COMBINATIONS = [
    cases
    for size in range(1, len(CASES) + 1)
    for cases in combinations(CASES, size)
    if not {"admin", "assigned"} <= set(cases)
    if "closed" in cases or not {"deactivated", "assigned"} <= set(cases)
]


@pytest.fixture
def ticket(owner: User) -> Ticket:
    return make_ticket(owner, created_at=NOON)


def assignees(ticket: Ticket) -> list[User]:
    return [assignment.user for assignment in ticket.assignments.all()]


class TestAssign:
    @pytest.mark.parametrize("role", ["owner", "agent", "admin"])
    def test_allows_the_creator_and_staff(
        self, role: str, request: pytest.FixtureRequest, ticket: Ticket, assignee: User
    ) -> None:
        by = request.getfixturevalue(role)

        assignment = services.assign(ticket_id=ticket.pk, user_id=assignee.pk, by=by)

        assert assignees(ticket) == [assignee]
        assert assignment.assigned_by == by

    @pytest.mark.parametrize("role", ["owner", "outsider", "agent"])
    def test_assigns_anyone_except_admins(
        self, role: str, request: pytest.FixtureRequest, owner: User, ticket: Ticket
    ) -> None:
        user = request.getfixturevalue(role)

        services.assign(ticket_id=ticket.pk, user_id=user.pk, by=owner)

        assert assignees(ticket) == [user]

    @pytest.mark.parametrize("status", [Status.OPEN, Status.IN_PROGRESS])
    def test_accepts_a_ticket_that_is_not_closed(self, status: Status, owner: User, assignee: User) -> None:
        ticket = make_ticket(owner, status=status)

        services.assign(ticket_id=ticket.pk, user_id=assignee.pk, by=owner)

        assert assignees(ticket) == [assignee]

    @pytest.mark.parametrize("cases", COMBINATIONS, ids="+".join)
    def test_raises_the_first_of_several_refusals(self, cases: tuple[str, ...], owner: User) -> None:
        """Covers every combination of cases that can occur together."""
        visibility = Visibility.INVOLVED if "hidden" in cases else Visibility.EVERYONE
        ticket = make_ticket(owner, project=make_project(visibility=visibility))
        user = make_user(type=UserType.ADMIN if "admin" in cases else UserType.CUSTOMER)
        crowd = [user] if "assigned" in cases else []
        crowd += [make_user() for _ in range(5 - len(crowd))] if "full" in cases else []
        assign(ticket, *crowd)
        Ticket.objects.filter(pk=ticket.pk).update(status=Status.CLOSED if "closed" in cases else Status.OPEN)
        User.objects.filter(pk=user.pk).update(is_active="deactivated" not in cases)
        by = make_user("Otto Outsider") if {"hidden", "unauthorized"} & set(cases) else owner

        with pytest.raises(Refused) as refusal:
            services.assign(ticket_id=ticket.pk, user_id=user.pk, by=by)

        assert refusal.type is CASES[cases[0]]
        assert assignees(ticket) == crowd

    @pytest.mark.parametrize("user_id", [0, -1, 2**63 - 1, 2**63, 10**30])
    def test_refuses_a_user_who_does_not_exist(self, user_id: int, owner: User, ticket: Ticket) -> None:
        with pytest.raises(services.UserNotFound):
            services.assign(ticket_id=ticket.pk, user_id=user_id, by=owner)

    @pytest.mark.parametrize("ticket_id", [0, -1, 2**63, 10**30])
    def test_refuses_a_ticket_that_does_not_exist(self, ticket_id: int, owner: User, assignee: User) -> None:
        with pytest.raises(services.TicketNotFound):
            services.assign(ticket_id=ticket_id, user_id=assignee.pk, by=owner)

    def test_refuses_an_assignee_who_assigns_somebody_else(
        self, ticket: Ticket, assignee: User, outsider: User
    ) -> None:
        assign(ticket, assignee)

        with pytest.raises(services.NotAllowed):
            services.assign(ticket_id=ticket.pk, user_id=outsider.pk, by=assignee)

    def test_reuses_a_slot_that_became_free(self, owner: User, ticket: Ticket, assignee: User) -> None:
        crowd = [make_user() for _ in range(5)]
        assign(ticket, *crowd)
        services.unassign(ticket_id=ticket.pk, user_id=crowd[2].pk, by=owner)

        services.assign(ticket_id=ticket.pk, user_id=assignee.pk, by=owner)

        assert assignees(ticket) == [crowd[0], crowd[1], crowd[3], crowd[4], assignee]

    def test_moves_the_version(self, owner: User, ticket: Ticket, assignee: User) -> None:
        services.assign(ticket_id=ticket.pk, user_id=assignee.pk, by=owner)

        ticket.refresh_from_db()
        assert ticket.version == 2
        assert ticket.updated_at is not None

    def test_leaves_the_version_when_refused(self, owner: User, ticket: Ticket, admin: User) -> None:
        with pytest.raises(services.AdminNotAssignable):
            services.assign(ticket_id=ticket.pk, user_id=admin.pk, by=owner)

        ticket.refresh_from_db()
        assert (ticket.version, ticket.updated_at) == (1, None)


class TestUnassign:
    @pytest.mark.parametrize("role", ["owner", "agent", "admin", "assignee"])
    def test_allows_the_creator_staff_and_the_assignee(
        self, role: str, request: pytest.FixtureRequest, ticket: Ticket, assignee: User
    ) -> None:
        assign(ticket, assignee)

        services.unassign(ticket_id=ticket.pk, user_id=assignee.pk, by=request.getfixturevalue(role))

        assert assignees(ticket) == []

    def test_removes_a_user_from_a_closed_ticket(self, owner: User, ticket: Ticket, assignee: User) -> None:
        assign(ticket, assignee)
        Ticket.objects.update(status=Status.CLOSED)

        services.unassign(ticket_id=ticket.pk, user_id=assignee.pk, by=owner)

        assert assignees(ticket) == []

    def test_removes_a_deactivated_user(self, owner: User, ticket: Ticket, assignee: User) -> None:
        assign(ticket, assignee)
        Ticket.objects.update(status=Status.CLOSED)
        User.objects.filter(pk=assignee.pk).update(is_active=False)

        services.unassign(ticket_id=ticket.pk, user_id=assignee.pk, by=owner)

        assert assignees(ticket) == []

    def test_keeps_the_other_assignees(self, owner: User, ticket: Ticket, assignee: User, outsider: User) -> None:
        assign(ticket, assignee, outsider)

        services.unassign(ticket_id=ticket.pk, user_id=assignee.pk, by=owner)

        assert assignees(ticket) == [outsider]

    def test_refuses_an_outsider(self, ticket: Ticket, assignee: User, outsider: User) -> None:
        assign(ticket, assignee)

        with pytest.raises(services.NotAllowed):
            services.unassign(ticket_id=ticket.pk, user_id=assignee.pk, by=outsider)

    def test_refuses_an_assignee_who_removes_another(self, ticket: Ticket, assignee: User, outsider: User) -> None:
        assign(ticket, assignee, outsider)

        with pytest.raises(services.NotAllowed):
            services.unassign(ticket_id=ticket.pk, user_id=outsider.pk, by=assignee)

    @pytest.mark.parametrize("role", ["owner", "admin", "outsider"])
    def test_refuses_a_user_who_is_not_assigned(
        self, role: str, request: pytest.FixtureRequest, ticket: Ticket, outsider: User
    ) -> None:
        with pytest.raises(services.NotAssigned):
            services.unassign(ticket_id=ticket.pk, user_id=outsider.pk, by=request.getfixturevalue(role))

    def test_refuses_a_user_who_does_not_exist(self, owner: User, ticket: Ticket) -> None:
        with pytest.raises(services.NotAssigned):
            services.unassign(ticket_id=ticket.pk, user_id=10**30, by=owner)

    def test_does_not_reveal_a_hidden_ticket(self, hidden_ticket: Ticket, assignee: User, outsider: User) -> None:
        assign(hidden_ticket, assignee)

        with pytest.raises(services.TicketNotFound):
            services.unassign(ticket_id=hidden_ticket.pk, user_id=outsider.pk, by=outsider)

    def test_moves_the_version(self, owner: User, ticket: Ticket, assignee: User) -> None:
        assign(ticket, assignee)

        services.unassign(ticket_id=ticket.pk, user_id=assignee.pk, by=owner)

        ticket.refresh_from_db()
        assert ticket.version == 3


class TestCreate:
    def test_has_defaults(self, owner: User) -> None:
        ticket = services.create(title="Fix the database", by=owner, at=NOON)

        ticket = Ticket.objects.get(pk=ticket.pk)
        assert (ticket.status, ticket.priority, ticket.type) == ("open", "medium", "task")
        assert (ticket.description, ticket.venue, ticket.price, ticket.due_at) == ("", "", None, None)
        assert (ticket.project, ticket.created_by) == (Project.objects.general(), owner)
        assert (ticket.created_at, ticket.updated_at, ticket.version) == (NOON, None, 1)

    def test_stores_the_given_values(self, owner: User) -> None:
        values: dict[str, Any] = {
            "title": "Ticket Title",
            "description": "Ticket Description",
            "type": "concert",
            "venue": "Venue Name",
            "status": Status.IN_PROGRESS,
            "price": Decimal("223.50"),
            "priority": "high",
            "due_at": LATER,
            "project_id": make_project().pk,
        }

        ticket = services.create(**values, by=owner, at=NOON)

        assert Ticket.objects.filter(pk=ticket.pk).values(*values).get() == values

    @pytest.mark.parametrize(("priority", "hours"), [("high", 4), ("medium", 24), ("low", 48)])
    def test_sets_the_deadline_by_priority(self, priority: str, hours: int, owner: User) -> None:
        ticket = services.create(title="Fix the database", priority=priority, by=owner, at=NOON)

        assert ticket.sla_due_at == NOON + timedelta(hours=hours)

    def test_uses_the_hours_of_the_policy(self, owner: User) -> None:
        SlaPolicy.objects.filter(priority="high").update(hours=2)

        ticket = services.create(title="Fix the database", priority="high", by=owner, at=NOON)

        assert ticket.sla_due_at == NOON + timedelta(hours=2)

    def test_truncates_times_to_milliseconds(self, owner: User) -> None:
        fraction = timedelta(microseconds=123_456)

        ticket = services.create(title="Fix the database", due_at=LATER + fraction, by=owner, at=NOON + fraction)

        assert ticket.created_at == NOON + timedelta(milliseconds=123)
        assert ticket.due_at == LATER + timedelta(milliseconds=123)

    @pytest.mark.parametrize("late", [timedelta(0), timedelta(milliseconds=1), timedelta(days=9000)])
    def test_refuses_a_due_date_that_is_not_in_the_future(self, late: timedelta, owner: User) -> None:
        with pytest.raises(Invalid) as refusal:
            services.create(title="Fix the database", due_at=NOON - late, by=owner, at=NOON)

        assert refusal.value.fields == {"due_at": ["The due date must be in the future."]}
        assert not Ticket.objects.exists()

    def test_accepts_a_due_date_in_the_next_millisecond(self, owner: User) -> None:
        ticket = services.create(title="Fix it", due_at=NOON + timedelta(milliseconds=1), by=owner, at=NOON)

        assert ticket.due_at == NOON + timedelta(milliseconds=1)

    @pytest.mark.parametrize("project_id", [0, -1, 2**63, 10**30])
    def test_refuses_a_project_that_does_not_exist(self, project_id: int, owner: User) -> None:
        with pytest.raises(Invalid) as refusal:
            services.create(title="Fix the database", project_id=project_id, by=owner, at=NOON)

        assert list(refusal.value.fields) == ["project"]

    def test_lets_anyone_create_a_ticket_in_a_hidden_project(self, owner: User) -> None:
        helpdesk = Project.objects.get(system_name="helpdesk")

        ticket = services.create(title="Help me", project_id=helpdesk.pk, by=owner, at=NOON)

        assert list(Ticket.objects.visible_to(owner)) == [ticket]


class TestCreateForSomebodyElse:
    def test_defaults_to_the_caller(self, owner: User) -> None:
        default = services.create(title="Fix the database", by=owner, at=NOON)
        explicit = services.create(title="Fix the database", created_by_id=owner.pk, by=owner, at=NOON)

        assert (default.created_by, explicit.created_by) == (owner, owner)

    @pytest.mark.parametrize("role", ["outsider", "agent"])
    def test_is_refused_to_all_but_admins(self, role: str, request: pytest.FixtureRequest, owner: User) -> None:
        with pytest.raises(Forbidden):
            services.create(title="Fix it", created_by_id=owner.pk, by=request.getfixturevalue(role), at=NOON)

        assert not Ticket.objects.exists()

    def test_lets_agents_name_a_customer_who_asked(self, agent: User, owner: User, admin: User) -> None:
        ticket = services.create(title="Fix it", created_by_id=owner.pk, for_customer=True, by=agent, at=NOON)
        with pytest.raises(Invalid) as refusal:
            services.create(title="Fix it", created_by_id=admin.pk, for_customer=True, by=agent, at=NOON)

        assert ticket.created_by == owner
        assert refusal.value.fields == {"created_by": ["Choose a customer."]}

    def test_is_refused_to_customers_who_name_others(self, owner: User, outsider: User) -> None:
        with pytest.raises(Forbidden):
            services.create(title="Fix it", created_by_id=owner.pk, for_customer=True, by=outsider, at=NOON)

    def test_is_allowed_to_admins(self, owner: User, admin: User) -> None:
        ticket = services.create(title="Fix the database", created_by_id=owner.pk, by=admin, at=NOON)

        assert ticket.created_by == owner

    @pytest.mark.parametrize("role", ["owner", "admin"])
    @pytest.mark.parametrize("created_by_id", [0, -1, 2**63, 10**30])
    def test_requires_an_existing_user(self, role: str, created_by_id: int, request: pytest.FixtureRequest) -> None:
        by = request.getfixturevalue(role)

        with pytest.raises(Invalid) as refusal:
            services.create(title="Fix the database", created_by_id=created_by_id, by=by, at=NOON)

        assert list(refusal.value.fields) == ["created_by"]

    def test_refuses_a_deactivated_user(self, admin: User, deactivated_user: User) -> None:
        with pytest.raises(Invalid):
            services.create(title="Fix the database", created_by_id=deactivated_user.pk, by=admin, at=NOON)


class TestCreateWithAssignees:
    def test_assigns_them_in_the_order_given(self, owner: User) -> None:
        crowd = [make_user() for _ in range(5)]
        chosen = [crowd[index] for index in (3, 0, 4, 1, 2)]

        ticket = services.create(title="Fix it", assigned_user_ids=[user.pk for user in chosen], by=owner, at=NOON)

        assert assignees(ticket) == chosen

    def test_leaves_the_version_at_one(self, owner: User, assignee: User, outsider: User) -> None:
        ticket = services.create(title="Fix it", assigned_user_ids=[assignee.pk, outsider.pk], by=owner, at=NOON)

        ticket.refresh_from_db()
        assert (ticket.version, ticket.updated_at) == (1, None)

    def test_counts_later_assignments_as_changes(self, owner: User, assignee: User, outsider: User) -> None:
        ticket = services.create(title="Fix it", assigned_user_ids=[assignee.pk], by=owner, at=NOON)

        services.assign(ticket_id=ticket.pk, user_id=outsider.pk, by=owner)

        ticket.refresh_from_db()
        assert ticket.version == 2

    def test_lets_an_admin_assign_on_behalf_of_the_creator(self, owner: User, assignee: User, admin: User) -> None:
        ticket = services.create(
            title="Fix it", created_by_id=owner.pk, assigned_user_ids=[assignee.pk], by=admin, at=NOON
        )

        assert ticket.assignments.get().assigned_by == admin

    def test_refuses_a_closed_ticket(self, owner: User, assignee: User) -> None:
        with pytest.raises(services.TicketClosed):
            services.create(title="Fix it", status=Status.CLOSED, assigned_user_ids=[assignee.pk], by=owner, at=NOON)

        assert not Ticket.objects.exists()

    def test_creates_a_closed_ticket_without_assignees(self, owner: User) -> None:
        ticket = services.create(title="Fix it", status=Status.CLOSED, by=owner, at=NOON)

        assert ticket.status == Status.CLOSED

    def test_creates_nothing_if_one_is_an_admin(self, owner: User, assignee: User, admin: User) -> None:
        with pytest.raises(services.AdminNotAssignable):
            services.create(title="Fix it", assigned_user_ids=[assignee.pk, admin.pk], by=owner, at=NOON)

        assert not Ticket.objects.exists()

    def test_creates_nothing_if_one_does_not_exist(self, owner: User, assignee: User) -> None:
        with pytest.raises(services.UserNotFound):
            services.create(title="Fix it", assigned_user_ids=[assignee.pk, 10**30], by=owner, at=NOON)

        assert not Ticket.objects.exists()

    def test_creates_nothing_if_one_is_named_twice(self, owner: User, assignee: User) -> None:
        with pytest.raises(services.AlreadyAssigned):
            services.create(title="Fix it", assigned_user_ids=[assignee.pk, assignee.pk], by=owner, at=NOON)

        assert not Ticket.objects.exists()

    def test_creates_nothing_for_six(self, owner: User) -> None:
        with pytest.raises(services.AssignmentLimitReached):
            services.create(title="Fix it", assigned_user_ids=[make_user().pk for _ in range(6)], by=owner, at=NOON)

        assert not Ticket.objects.exists()


class TestUpdate:
    @pytest.mark.parametrize("role", ["owner", "assignee", "agent", "admin"])
    def test_allows_the_creator_assignees_and_staff(
        self, role: str, request: pytest.FixtureRequest, ticket: Ticket, assignee: User
    ) -> None:
        assign(ticket, assignee)

        changed = services.update(
            ticket_id=ticket.pk, title="Another", status=Status.IN_PROGRESS, by=request.getfixturevalue(role), at=NOON
        )

        assert Ticket.objects.values_list("title", "status", "version").get() == ("Another", "in-progress", 3)
        assert (changed.title, changed.version) == ("Another", 3)

    def test_refuses_an_outsider(self, ticket: Ticket, outsider: User) -> None:
        with pytest.raises(services.NotAllowed):
            services.update(ticket_id=ticket.pk, title="Another", by=outsider, at=NOON)

    def test_does_not_reveal_a_hidden_ticket(self, hidden_ticket: Ticket, outsider: User) -> None:
        with pytest.raises(services.TicketNotFound):
            services.update(ticket_id=hidden_ticket.pk, title="Another", by=outsider, at=NOON)

    def test_leaves_the_version_when_nothing_changes(self, owner: User, ticket: Ticket) -> None:
        same: dict[str, Any] = {
            "title": ticket.title,
            "status": ticket.status,
            "priority": ticket.priority,
            "price": None,
        }

        changed = services.update(ticket_id=ticket.pk, **same, by=owner, at=NOON)

        assert (changed.version, changed.updated_at) == (1, None)

    def test_without_fields_changes_nothing(self, owner: User, ticket: Ticket) -> None:
        assert services.update(ticket_id=ticket.pk, by=owner, at=NOON).version == 1

    def test_moves_the_version_once_for_many_fields(self, owner: User, ticket: Ticket) -> None:
        changed = services.update(ticket_id=ticket.pk, title="Another", venue="Town hall", price=5, by=owner, at=NOON)

        assert changed.version == 2
        assert changed.updated_at is not None

    def test_closes_and_reopens_a_ticket_with_assignees(self, owner: User, ticket: Ticket, assignee: User) -> None:
        assign(ticket, assignee)

        services.update(ticket_id=ticket.pk, status=Status.CLOSED, by=owner, at=NOON)
        changed = services.update(ticket_id=ticket.pk, status=Status.OPEN, by=assignee, at=NOON)

        assert changed.status == Status.OPEN
        assert assignees(ticket) == [assignee]

    def test_changes_a_closed_ticket(self, owner: User, closed_ticket: Ticket) -> None:
        changed = services.update(ticket_id=closed_ticket.pk, description="It was the disk.", by=owner, at=NOON)

        assert (changed.description, changed.status) == ("It was the disk.", "closed")


class TestUpdatePriority:
    def test_recomputes_the_deadline_from_the_creation(self, owner: User, ticket: Ticket) -> None:
        services.update(ticket_id=ticket.pk, priority="high", by=owner, at=NOON + timedelta(days=1))

        ticket.refresh_from_db()
        assert ticket.sla_due_at == NOON + timedelta(hours=4)
        assert ticket.version == 2

    def test_leaves_the_deadline_when_the_priority_stays(self, owner: User, ticket: Ticket) -> None:
        SlaPolicy.objects.filter(priority="medium").update(hours=1)

        services.update(ticket_id=ticket.pk, priority="medium", title="Another", by=owner, at=NOON)

        ticket.refresh_from_db()
        assert ticket.sla_due_at == NOON + timedelta(hours=24)


class TestUpdateDueDate:
    def test_accepts_a_future_date_and_none(self, owner: User, ticket: Ticket) -> None:
        assert services.update(ticket_id=ticket.pk, due_at=LATER, by=owner, at=NOON).due_at == LATER
        assert services.update(ticket_id=ticket.pk, due_at=None, by=owner, at=NOON).due_at is None

    def test_refuses_a_new_date_in_the_past(self, owner: User) -> None:
        ticket = make_ticket(owner, due_at=LATER)

        with pytest.raises(Invalid) as refusal:
            services.update(ticket_id=ticket.pk, due_at=NOON, by=owner, at=NOON)

        assert list(refusal.value.fields) == ["due_at"]

    def test_accepts_the_present_date_after_it_has_passed(self, owner: User) -> None:
        ticket = make_ticket(owner, due_at=NOON)

        changed = services.update(ticket_id=ticket.pk, due_at=NOON, title="Another", by=owner, at=LATER)

        assert (changed.due_at, changed.version) == (NOON, 2)

    def test_is_left_alone_when_omitted(self, owner: User) -> None:
        ticket = make_ticket(owner, due_at=NOON)

        changed = services.update(ticket_id=ticket.pk, title="Another", by=owner, at=LATER)

        assert changed.due_at == NOON


class TestUpdateProject:
    def test_moves_a_ticket(self, owner: User, ticket: Ticket, assignee: User) -> None:
        assign(ticket, assignee)
        project = make_project()

        changed = services.update(ticket_id=ticket.pk, project_id=project.pk, by=assignee, at=NOON)

        assert changed.project == project

    @pytest.mark.parametrize("role", ["owner", "agent", "admin"])
    def test_lets_the_creator_and_staff_hide_and_show_a_ticket(
        self, role: str, request: pytest.FixtureRequest, ticket: Ticket, hidden_ticket: Ticket
    ) -> None:
        by = request.getfixturevalue(role)

        services.update(ticket_id=ticket.pk, project_id=hidden_ticket.project_id, by=by, at=NOON)
        services.update(ticket_id=hidden_ticket.pk, project_id=Project.objects.general().pk, by=by, at=NOON)

        ticket.refresh_from_db()
        assert ticket.project == hidden_ticket.project

    def test_refuses_an_assignee_who_hides_or_shows_a_ticket(
        self, ticket: Ticket, hidden_ticket: Ticket, assignee: User
    ) -> None:
        assign(ticket, assignee)
        assign(hidden_ticket, assignee)

        with pytest.raises(services.NotAllowed):
            services.update(ticket_id=ticket.pk, project_id=hidden_ticket.project_id, by=assignee, at=NOON)
        with pytest.raises(services.NotAllowed):
            services.update(ticket_id=hidden_ticket.pk, project_id=ticket.project_id, by=assignee, at=NOON)

    def test_lets_an_assignee_change_a_hidden_ticket(self, hidden_ticket: Ticket, assignee: User) -> None:
        assign(hidden_ticket, assignee)

        changed = services.update(
            ticket_id=hidden_ticket.pk, project_id=hidden_ticket.project_id, title="Another", by=assignee, at=NOON
        )

        assert changed.title == "Another"

    def test_refuses_a_project_that_does_not_exist(self, owner: User, ticket: Ticket) -> None:
        with pytest.raises(Invalid) as refusal:
            services.update(ticket_id=ticket.pk, project_id=0, by=owner, at=NOON)

        assert list(refusal.value.fields) == ["project"]


class TestUpdateCreator:
    def test_can_be_changed_by_an_admin(self, ticket: Ticket, admin: User, outsider: User) -> None:
        changed = services.update(ticket_id=ticket.pk, created_by_id=outsider.pk, by=admin, at=NOON)

        assert changed.created_by == outsider

    @pytest.mark.parametrize("role", ["owner", "assignee", "agent"])
    def test_cannot_be_changed_by_anyone_else(
        self, role: str, request: pytest.FixtureRequest, ticket: Ticket, assignee: User, outsider: User
    ) -> None:
        assign(ticket, assignee)
        by = request.getfixturevalue(role)

        for created_by_id in {outsider.pk, by.pk} - {ticket.created_by_id}:
            with pytest.raises(Forbidden):
                services.update(ticket_id=ticket.pk, created_by_id=created_by_id, by=by, at=NOON)

    def test_must_exist(self, ticket: Ticket, admin: User) -> None:
        with pytest.raises(Invalid) as refusal:
            services.update(ticket_id=ticket.pk, created_by_id=0, by=admin, at=NOON)

        assert list(refusal.value.fields) == ["created_by"]

    def test_can_be_sent_unchanged(self, owner: User, ticket: Ticket) -> None:
        changed = services.update(ticket_id=ticket.pk, created_by_id=owner.pk, title="Another", by=owner, at=NOON)

        assert changed.title == "Another"
