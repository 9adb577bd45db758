"""Comments: who can write and see them, and that they cannot be changed. Also handing a ticket over."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pgtrigger
import pytest
from psycopg.errors import CheckViolation, RaiseException
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from kit.errors import Refused
from kit.versions import Expected, VersionConflict
from projects.tests.psql import psql
from tickets import queries, services
from tickets.models import Comment, Status, Ticket
from tickets.tests.factories import assign, make_comment

pytestmark = pytest.mark.django_db

SignedIn = Callable[[User], APIClient]
NOON = datetime(2030, 5, 17, 12, 0, 0, 123_456, tzinfo=UTC)
EVERYONE = ["owner", "assignee", "outsider", "agent", "admin"]
STAFF = ["agent", "admin"]


@pytest.fixture
def ticket(ticket: Ticket, assignee: User) -> Ticket:
    assign(ticket, assignee)
    return ticket


@pytest.fixture
def hidden_ticket(hidden_ticket: Ticket, assignee: User) -> Ticket:
    assign(hidden_ticket, assignee)
    return hidden_ticket


@pytest.fixture
def path(ticket: Ticket) -> str:
    return f"/tickets/{ticket.pk}/comments"


@pytest.fixture
def people(request: pytest.FixtureRequest) -> dict[str, User]:
    return {role: request.getfixturevalue(role) for role in EVERYONE}


def comment_on(ticket: Ticket, by: User, **fields: Any) -> Comment:
    return services.comment(ticket_id=ticket.pk, by=by, at=NOON, **{"message": "Any news?", **fields})


class TestComment:
    """services.comment."""

    @pytest.mark.parametrize("role", EVERYONE)
    def test_is_allowed_to_everyone_who_can_see_the_ticket(
        self, ticket: Ticket, people: dict[str, User], role: str
    ) -> None:
        comment = comment_on(ticket, people[role])

        assert (comment.author, comment.message, comment.is_internal) == (people[role], "Any news?", False)

    def test_does_not_find_a_hidden_ticket(self, hidden_ticket: Ticket, people: dict[str, User]) -> None:
        for role in ("owner", "assignee", *STAFF):
            comment_on(hidden_ticket, people[role])

        with pytest.raises(services.TicketNotFound):
            comment_on(hidden_ticket, people["outsider"])

    @pytest.mark.parametrize("role", STAFF)
    def test_staff_can_comment_internally(self, ticket: Ticket, people: dict[str, User], role: str) -> None:
        assert comment_on(ticket, people[role], is_internal=True).is_internal

    @pytest.mark.parametrize("role", ["owner", "assignee", "outsider"])
    def test_others_cannot_comment_internally(self, ticket: Ticket, people: dict[str, User], role: str) -> None:
        with pytest.raises(services.InternalForStaff):
            comment_on(ticket, people[role], is_internal=True)

        assert not Comment.objects.exists()

    @pytest.mark.parametrize("role", ["owner", "agent"])
    def test_missing_ticket_is_reported_first(self, people: dict[str, User], role: str) -> None:
        refusal: type[Refused] = services.TicketNotFound

        with pytest.raises(refusal):
            services.comment(ticket_id=0, by=people[role], at=NOON, message="?", is_internal=True)

    def test_keeps_the_version(self, ticket: Ticket, owner: User) -> None:
        ticket.refresh_from_db()
        before = (ticket.version, ticket.updated_at)

        comment_on(ticket, owner)

        ticket.refresh_from_db()
        assert (ticket.version, ticket.updated_at) == before

    def test_is_allowed_on_a_closed_ticket(self, ticket: Ticket, owner: User) -> None:
        Ticket.objects.filter(pk=ticket.pk).update(status=Status.CLOSED)

        assert comment_on(ticket, owner).pk

    def test_truncates_the_time_to_milliseconds(self, ticket: Ticket, owner: User) -> None:
        assert comment_on(ticket, owner).created_at == NOON.replace(microsecond=123_000)


class TestReply:
    def test_also_changes_the_status(self, ticket: Ticket, owner: User) -> None:
        services.reply(ticket_id=ticket.pk, by=owner, at=NOON, message="Thanks", status="closed")

        ticket.refresh_from_db()
        assert (ticket.status, ticket.comments.get().message) == ("closed", "Thanks")

    def test_refused_status_rolls_back_the_comment(self, ticket: Ticket, outsider: User) -> None:
        with pytest.raises(services.NotAllowed):
            services.reply(ticket_id=ticket.pk, by=outsider, at=NOON, message="Me, too", status="closed")

        assert not Comment.objects.exists()


class TestVisibleTo:
    def test_only_staff_see_internal_comments(self, ticket: Ticket, people: dict[str, User]) -> None:
        public = make_comment(ticket, people["owner"])
        internal = make_comment(ticket, people["agent"], is_internal=True)

        seen = {role: set(Comment.objects.visible_to(people[role])) for role in EVERYONE}

        assert seen == {role: {public, internal} if role in STAFF else {public} for role in EVERYONE}

    def test_excludes_comments_on_hidden_tickets(self, hidden_ticket: Ticket, people: dict[str, User]) -> None:
        public = make_comment(hidden_ticket, people["owner"])

        seen = {role: set(Comment.objects.visible_to(people[role])) for role in EVERYONE}

        assert seen == {role: set() if role == "outsider" else {public} for role in EVERYONE}


class TestLastComments:
    def test_returns_the_newest_oldest_first(self, ticket: Ticket, owner: User) -> None:
        public = [make_comment(ticket, owner) for _ in range(3)]

        found = queries.last_comments(ticket_id=ticket.pk, viewer=owner, limit=2, most_bytes=1_000)

        assert [comment["id"] for comment in found] == [comment.pk for comment in public[1:]]

    def test_stops_at_the_comment_that_exceeds_the_size(self, ticket: Ticket, owner: User) -> None:
        for length in (1, 3, 2):
            make_comment(ticket, owner, message="é" * length)

        def lengths(most_bytes: int) -> list[int]:
            found = queries.last_comments(ticket_id=ticket.pk, viewer=owner, limit=5, most_bytes=most_bytes)
            return [len(comment["message"]) for comment in found]

        assert {most: lengths(most) for most in (0, 3, 4, 9, 10)} == {
            0: [2],
            3: [2],
            4: [3, 2],
            9: [3, 2],
            10: [1, 3, 2],
        }


@pytest.mark.database
class TestTable:
    @pytest.mark.parametrize(
        "statement",
        ["UPDATE tickets_comment SET message = 'Other'", "UPDATE tickets_comment SET is_internal = true"],
    )
    def test_refuses_updates(self, ticket: Ticket, owner: User, statement: str) -> None:
        make_comment(ticket, owner)

        with pytest.raises(RaiseException, match="Cannot update"):
            psql(statement)

    def test_refuses_deletes(self, ticket: Ticket, owner: User) -> None:
        make_comment(ticket, owner)

        with pytest.raises(RaiseException, match="Cannot delete"):
            psql("DELETE FROM tickets_comment")

    def test_refuses_truncate(self) -> None:
        pgtrigger.enable("tickets.Comment:keep_all")

        with pytest.raises(RaiseException, match="tickets_comment must not be truncated"):
            psql("TRUNCATE tickets_comment")

    @pytest.mark.parametrize(
        ("message", "constraint"), [("", "comment_message"), ("  ", "comment_message"), ("a" * 20_001, "_length")]
    )
    def test_refuses_empty_and_too_long_messages(
        self, ticket: Ticket, owner: User, message: str, constraint: str
    ) -> None:
        insert = """
            INSERT INTO tickets_comment (ticket_id, author_id, message, is_internal, created_at)
            VALUES (%(ticket)s, %(author)s, %(message)s, false, now())
        """

        with pytest.raises(CheckViolation, match=constraint):
            psql(insert, ticket=ticket.pk, author=owner.pk, message=message)


class TestPost:
    def test_returns_the_comment(self, path: str, owner: User, signed_in: SignedIn) -> None:
        response = signed_in(owner).post(path, {"message": " Any news?\nOlga "})

        comment = Comment.objects.get()
        assert response.status_code == 201
        assert list(response.json().items()) == [
            ("id", comment.pk),
            ("message", "Any news?\nOlga"),
            ("internal", False),
            ("author", {"id": owner.pk, "name": "Olga Owner"}),
            ("createdDate", response.json()["createdDate"]),
        ]

    @pytest.mark.parametrize(
        "message", ["", "  ", "\n", None, 5, True, [], {}, "a" * 20_001, "a\x00b"], ids=lambda value: repr(value)[:12]
    )
    def test_refuses_an_invalid_message(self, path: str, owner: User, signed_in: SignedIn, message: Any) -> None:
        response = signed_in(owner).post(path, {"message": message})

        assert response.status_code == 400
        assert [fault["field"] for fault in response.json()["errors"]] == ["message"]
        assert not Comment.objects.exists()

    @pytest.mark.parametrize("internal", ["true", 1, []])
    def test_refuses_a_non_boolean_internal(self, path: str, agent: User, signed_in: SignedIn, internal: Any) -> None:
        response = signed_in(agent).post(path, {"message": "Hm", "internal": internal})

        assert response.status_code == 400
        assert [fault["field"] for fault in response.json()["errors"]] == ["internal"]

    def test_accepts_the_longest_message(self, path: str, owner: User, signed_in: SignedIn) -> None:
        assert signed_in(owner).post(path, {"message": "ü" * 20_000}).status_code == 201

    def test_staff_can_comment_internally(self, path: str, agent: User, signed_in: SignedIn) -> None:
        response = signed_in(agent).post(path, {"message": "Hm", "internal": True})

        assert (response.status_code, response.json()["internal"]) == (201, True)

    def test_customer_cannot_comment_internally(self, path: str, owner: User, signed_in: SignedIn) -> None:
        response = signed_in(owner).post(path, {"message": "Hm", "internal": True})

        assert (response.status_code, response.json()["code"]) == (403, "internal_for_staff")
        assert response.json()["message"] == "Only staff can write internal comments"

    def test_hidden_or_unknown_ticket_is_404(self, hidden_ticket: Ticket, outsider: User, signed_in: SignedIn) -> None:
        api = signed_in(outsider)

        for ticket_id in (hidden_ticket.pk, 0, 2**63, 10**30):
            response = api.post(f"/tickets/{ticket_id}/comments", {"message": "Hm"})
            assert (response.status_code, response.json()["message"]) == (404, "Ticket not found")

    def test_requires_a_token(self, path: str, anonymous: APIClient) -> None:
        assert anonymous.post(path, {"message": "Hm"}).status_code == 401

    def test_same_idempotency_key_creates_one_comment(self, path: str, owner: User, signed_in: SignedIn) -> None:
        api = signed_in(owner)

        first, second = (api.post(path, {"message": "Hm"}, headers={"Idempotency-Key": "k"}) for _ in range(2))

        assert (first.status_code, second.status_code) == (201, 201)
        assert first.json() == second.json()
        assert Comment.objects.count() == 1

    def test_runs_five_queries(
        self, path: str, owner: User, signed_in: SignedIn, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        api = signed_in(owner)

        # The user; BEGIN, the ticket, the comment, COMMIT.
        with django_assert_num_queries(5):
            api.post(path, {"message": "Hm"})


class TestGet:
    def test_lists_oldest_first(self, path: str, ticket: Ticket, people: dict[str, User], signed_in: SignedIn) -> None:
        public = [make_comment(ticket, people[role], message=f"I, {role}") for role in ("owner", "agent", "outsider")]

        response = signed_in(people["outsider"]).get(path)

        assert response.status_code == 200
        assert [item["id"] for item in response.json()["items"]] == [comment.pk for comment in public]
        assert [item["author"]["name"] for item in response.json()["items"]] == [
            "Olga Owner",
            "Agnes Agent",
            "Otto Outsider",
        ]
        assert response.json()["nextCursor"] is None

    @pytest.mark.parametrize("role", EVERYONE)
    def test_only_staff_see_internal_comments(
        self, path: str, ticket: Ticket, people: dict[str, User], signed_in: SignedIn, role: str
    ) -> None:
        make_comment(ticket, people["agent"], is_internal=True)

        shown = signed_in(people[role]).get(path).json()["items"]

        assert [item["internal"] for item in shown] == ([True] if role in STAFF else [])

    def test_is_paginated(self, path: str, ticket: Ticket, owner: User, agent: User, signed_in: SignedIn) -> None:
        """Internal comments in between leave no gaps."""
        public = [make_comment(ticket, agent, is_internal=number % 2 == 1) for number in range(8)]
        api = signed_in(owner)

        first = api.get(path, {"limit": 2}).json()
        second = api.get(path, {"limit": 2, "cursor": first["nextCursor"]}).json()

        pages = [[item["id"] for item in page["items"]] for page in (first, second)]
        assert second["nextCursor"] is None
        assert pages == [[public[0].pk, public[2].pk], [public[4].pk, public[6].pk]]

    @pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 101}, {"limit": "x"}, {"cursor": "x"}, {"cursor": "W1"}])
    def test_refuses_invalid_paging(self, path: str, owner: User, signed_in: SignedIn, query: dict[str, Any]) -> None:
        response = signed_in(owner).get(path, query)

        assert response.status_code == 400
        assert [fault["field"] for fault in response.json()["errors"]] == list(query)

    def test_hidden_or_unknown_ticket_is_404(self, hidden_ticket: Ticket, outsider: User, signed_in: SignedIn) -> None:
        api = signed_in(outsider)

        for ticket_id in (hidden_ticket.pk, 0, 2**63, 10**30):
            response = api.get(f"/tickets/{ticket_id}/comments")
            assert (response.status_code, response.json()["message"]) == (404, "Ticket not found")

    @pytest.mark.parametrize("number", [0, 1, 20])
    def test_runs_two_queries(
        self,
        path: str,
        ticket: Ticket,
        owner: User,
        signed_in: SignedIn,
        number: int,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        for _ in range(number):
            make_comment(ticket, owner)
        api = signed_in(owner)

        with django_assert_num_queries(2):
            response = api.get(path)

        assert len(response.json()["items"]) == number


class TestAuthor:
    def test_cannot_be_deleted(self, ticket: Ticket, outsider: User, admin: User, signed_in: SignedIn) -> None:
        make_comment(ticket, outsider)

        response = signed_in(admin).delete(f"/users/{outsider.pk}")

        assert (response.status_code, response.json()["code"]) == (409, "has_records")


@pytest.fixture
def ticket_of_two(ticket: Ticket, agent: User) -> Ticket:
    """A ticket with two assignees; the agent was assigned last."""
    services.assign(ticket_id=ticket.pk, user_id=agent.pk, by=agent)
    ticket.refresh_from_db()
    return ticket


class TestHandOver:
    """services.hand_over."""

    @staticmethod
    def hand_over(ticket: Ticket, by: User, to: User | None, **changes: Any) -> Ticket:
        assignee_id = None if to is None else to.pk
        return services.hand_over(ticket_id=ticket.pk, assignee_id=assignee_id, by=by, at=NOON, **changes)

    @pytest.mark.parametrize("role", ["outsider", "assignee", "agent"])
    def test_leaves_one_assignee(self, ticket_of_two: Ticket, people: dict[str, User], role: str) -> None:
        self.hand_over(ticket_of_two, people["admin"], people[role])

        assert list(ticket_of_two.assignees.all()) == [people[role]]

    def test_can_leave_no_assignee(self, ticket_of_two: Ticket, admin: User) -> None:
        self.hand_over(ticket_of_two, admin, None)

        assert not ticket_of_two.assignees.exists()

    def test_to_the_only_assignee_changes_nothing(self, ticket: Ticket, assignee: User, agent: User) -> None:
        ticket.refresh_from_db()

        assert self.hand_over(ticket, agent, assignee).version == ticket.version

    @pytest.mark.parametrize("role", ["owner", "assignee"])
    def test_is_for_staff(self, ticket_of_two: Ticket, people: dict[str, User], role: str) -> None:
        with pytest.raises(services.NotAllowed):
            self.hand_over(ticket_of_two, people[role], people[role])

    @pytest.mark.parametrize(("before", "after"), [("open", "closed"), ("closed", "open"), ("open", "in-progress")])
    def test_can_change_the_status_too(
        self, ticket: Ticket, agent: User, outsider: User, before: str, after: str
    ) -> None:
        Ticket.objects.filter(pk=ticket.pk).update(status=before)

        changed = self.hand_over(ticket, agent, outsider, status=after, priority="high")

        assert (changed.status, changed.priority) == (after, "high")
        assert list(ticket.assignees.all()) == [outsider]

    def test_is_all_or_nothing(self, ticket: Ticket, agent: User, admin: User, assignee: User) -> None:
        with pytest.raises(services.AdminNotAssignable):
            self.hand_over(ticket, agent, admin, priority="high")

        ticket.refresh_from_db()
        assert (ticket.priority, list(ticket.assignees.all())) == ("medium", [assignee])

    @pytest.mark.parametrize("status", ["closed", "in-progress"])
    def test_checks_the_version_first(
        self, ticket: Ticket, agent: User, outsider: User, assignee: User, status: str
    ) -> None:
        ticket.refresh_from_db()
        stale = Expected([ticket.version - 1])

        with pytest.raises(VersionConflict):
            self.hand_over(ticket, agent, outsider, status=status, expected=stale)
        changed = self.hand_over(ticket, agent, outsider, status=status, expected=Expected([ticket.version]))

        assert (changed.status, list(ticket.assignees.all())) == (status, [outsider])

    def test_refuses_a_new_assignee_on_a_closed_ticket(self, ticket: Ticket, agent: User, outsider: User) -> None:
        Ticket.objects.filter(pk=ticket.pk).update(status=Status.CLOSED)

        with pytest.raises(services.TicketClosed):
            self.hand_over(ticket, agent, outsider)

        assert ticket.assignees.exists()
