"""Merging tickets."""

from collections.abc import Callable

import pgtrigger.installation
import pytest
from django.db import IntegrityError
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.api import wrong_fields
from accounts.tests.factories import make_user
from kit.tests.browser import Browser, fields
from kit.tests.races import during, together
from projects.tests.psql import psql
from tickets import queries, services
from tickets.models import Comment, Status, Ticket, TicketQuerySet, Watch
from tickets.queries import Change
from tickets.tests.factories import assign, make_comment, make_ticket

pytestmark = pytest.mark.django_db

SignedIn = Callable[[User], APIClient]
COMMITS = [pytest.mark.django_db(transaction=True, serialized_rollback=True), pytest.mark.database]


@pytest.fixture
def target(owner: User) -> Ticket:
    return make_ticket(owner, title="Replace the database")


def merge(ticket: Ticket, target: Ticket, by: User) -> Ticket:
    return services.merge(ticket_id=ticket.pk, into_id=target.pk, by=by, at=timezone.now())


def people(ticket: Ticket) -> list[str]:
    return list(ticket.assignments.order_by("pk").values_list("user__name", flat=True))


class TestMerge:
    def test_closes_the_ticket_and_returns_the_other(
        self, ticket: Ticket, target: Ticket, staff_api: APIClient
    ) -> None:
        response = staff_api.post(f"/tickets/{ticket.pk}/merge", {"into": target.pk})

        assert response.status_code == 200
        assert response["ETag"].startswith('"2-')
        body = response.json()
        assert [body[key] for key in ("id", "status", "mergedInto", "mergedFrom")] == [
            *(target.pk, "open", None, [ticket.pk])
        ]
        merged = staff_api.get(f"/tickets/{ticket.pk}").json()
        assert [merged[key] for key in ("status", "mergedInto", "mergedFrom")] == ["closed", target.pk, []]

    def test_moves_comments_in_the_order_of_writing(
        self, ticket: Ticket, target: Ticket, owner: User, agent: User
    ) -> None:
        for on, message in ((ticket, "1"), (target, "2"), (ticket, "3")):
            make_comment(on, owner, message=message)
        make_comment(ticket, agent, message="4", is_internal=True)

        merge(ticket, target, agent)

        moved = queries.comments(ticket_id=target.pk, viewer=agent, limit=9)
        assert [comment["message"] for comment in moved or []] == ["1", "2", "3", "4"]
        assert queries.comments(ticket_id=ticket.pk, viewer=agent, limit=9) == []

    def test_moves_assignees_as_far_as_the_limit_allows(self, ticket: Ticket, target: Ticket, agent: User) -> None:
        common, *team = (make_user(f"Person {number}") for number in range(7))
        assign(ticket, common, *team[:3])
        assign(target, *team[3:], common)

        merge(ticket, target, agent)

        assert people(target) == ["Person 4", "Person 5", "Person 6", "Person 0", "Person 1"]
        assert people(ticket) == ["Person 2", "Person 3"]

    def test_leaves_assignees_where_the_other_ticket_is_closed(
        self, ticket: Ticket, closed_ticket: Ticket, assignee: User, agent: User
    ) -> None:
        assign(ticket, assignee)

        merge(ticket, closed_ticket, agent)

        assert (people(ticket), people(closed_ticket)) == (["Axel Assignee"], [])

    def test_leaves_assignees_who_were_deactivated(
        self, ticket: Ticket, target: Ticket, assignee: User, agent: User
    ) -> None:
        assign(ticket, assignee)
        services.update(ticket_id=ticket.pk, by=agent, at=timezone.now(), status=Status.CLOSED)
        User.objects.filter(pk=assignee.pk).update(is_active=False)

        merge(ticket, target, agent)

        assert (people(ticket), people(target)) == (["Axel Assignee"], [])

    def test_moves_watchers_and_makes_the_creator_one(self, target: Ticket, outsider: User, agent: User) -> None:
        ticket = make_ticket(make_user("Carla Creator"))
        for user in (outsider, agent, target.created_by):
            services.watch(ticket_id=ticket.pk, by=user)
        services.watch(ticket_id=target.pk, by=agent)

        merge(ticket, target, agent)

        watchers = Watch.objects.values_list("ticket", "user__name").order_by("user__name")
        assert list(watchers) == [(target.pk, name) for name in ("Agnes Agent", "Carla Creator", "Otto Outsider")]

    def test_ends_a_hold_and_keeps_the_outcome_of_a_closed_ticket(
        self, ticket: Ticket, closed_ticket: Ticket, target: Ticket, agent: User
    ) -> None:
        services.hold(ticket_id=ticket.pk, by=agent, at=timezone.now())
        closed_at = Ticket.objects.get(pk=closed_ticket.pk).closed_at

        merge(ticket, target, agent)
        merge(closed_ticket, target, agent)

        ticket.refresh_from_db()
        closed_ticket.refresh_from_db()
        target.refresh_from_db()
        assert (ticket.held_at, ticket.status) == (None, "closed")
        assert closed_ticket.closed_at == closed_at
        assert target.merged_from == [ticket.pk, closed_ticket.pk]

    def test_is_in_both_histories(self, ticket: Ticket, target: Ticket, agent: User) -> None:
        merge(ticket, target, agent)

        (of_source, *_), (of_target, *_) = (queries.history(ticket_id=each.pk, limit=5) for each in (ticket, target))
        assert of_source.changes == [
            Change("status", "open", "closed"),
            Change("merged_into_id", None, target.pk),
        ]
        assert of_target.changes == [Change("merged_from", [], [ticket.pk])]

    def test_runs_12_statements_for_any_number_of_comments_and_watchers(
        self, ticket: Ticket, target: Ticket, agent: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for _ in range(3):
            make_comment(ticket, agent)
            services.watch(ticket_id=ticket.pk, by=make_user())

        with django_assert_num_queries(12):
            merge(ticket, target, agent)

    def test_can_be_repeated_with_a_key(self, ticket: Ticket, target: Ticket, staff_api: APIClient) -> None:
        calls = [
            staff_api.post(f"/tickets/{ticket.pk}/merge", {"into": target.pk}, headers={"Idempotency-Key": "1"})
            for _ in range(2)
        ]

        assert [call.status_code for call in calls] == [200, 200]
        assert calls[0].json() == calls[1].json()


class TestRefusals:
    def code(self, api: APIClient, ticket: Ticket, body: dict[str, object], **headers: str) -> tuple[int, str]:
        response = api.post(f"/tickets/{ticket.pk}/merge", body, headers=headers)
        return response.status_code, response.json()["code"]

    def test_are_of_the_ticket_itself_a_merged_one_and_a_cycle(
        self, ticket: Ticket, target: Ticket, owner: User, staff_api: APIClient
    ) -> None:
        third = make_ticket(owner)
        staff_api.post(f"/tickets/{ticket.pk}/merge", {"into": target.pk})

        assert self.code(staff_api, target, {"into": target.pk}) == (409, "merged_into_itself")
        assert self.code(staff_api, ticket, {"into": third.pk}) == (409, "already_merged")
        assert self.code(staff_api, third, {"into": ticket.pk}) == (409, "target_merged")
        assert self.code(staff_api, target, {"into": ticket.pk}) == (409, "target_merged")

    def test_are_of_customers(self, ticket: Ticket, target: Ticket, api: APIClient) -> None:
        assert self.code(api, ticket, {"into": target.pk}) == (403, "not_allowed")

    def test_are_of_a_ticket_one_cannot_see(
        self, hidden_ticket: Ticket, target: Ticket, outsider: User, signed_in: SignedIn
    ) -> None:
        assert self.code(signed_in(outsider), hidden_ticket, {"into": target.pk})[0] == 404

    def test_name_a_merge_that_a_stale_edit_does_not_know(
        self, ticket: Ticket, target: Ticket, agent: User, staff_api: APIClient
    ) -> None:
        merge(ticket, target, agent)

        for each, names in ((ticket, ["mergedInto", "status"]), (target, ["mergedFrom"])):
            response = staff_api.patch(f"/tickets/{each.pk}", {"title": "Other", "version": 1})
            assert sorted(wrong_fields(response)) == names

    def test_are_of_another_version(self, ticket: Ticket, target: Ticket, staff_api: APIClient) -> None:
        assert self.code(staff_api, ticket, {"into": target.pk}, **{"If-Match": '"7"'})[0] == 412
        assert self.code(staff_api, ticket, {"into": target.pk, "version": 7})[0] == 409

    @pytest.mark.parametrize("into", [None, "", "x", 0, -1, 2**62, 2**63, 2**80, [], True])
    def test_are_of_a_ticket_that_does_not_exist(self, ticket: Ticket, staff_api: APIClient, into: object) -> None:
        response = staff_api.post(f"/tickets/{ticket.pk}/merge", {"into": into})

        assert response.status_code == 400
        assert wrong_fields(response) == ["into"]

    def test_are_of_reopening_a_merged_ticket(
        self, ticket: Ticket, target: Ticket, agent: User, staff_api: APIClient
    ) -> None:
        merge(ticket, target, agent)

        response = staff_api.patch(f"/tickets/{ticket.pk}", {"status": "open"})

        assert (response.status_code, response.json()["code"]) == (409, "merged_stays_closed")
        assert staff_api.patch(f"/tickets/{ticket.pk}", {"priority": "high"}).status_code == 200

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ("merged_into_id = {third}", "already merged"),
            ("merged_into_id = NULL", "already merged"),
            ("status = 'open'", "ticket_merged"),
        ],
    )
    def test_are_those_of_the_database_too(
        self, ticket: Ticket, target: Ticket, agent: User, change: str, message: str
    ) -> None:
        merge(ticket, target, agent)
        third = make_ticket(agent)

        with pytest.raises(Exception, match=message):
            psql(f"UPDATE tickets_ticket SET {change.format(third=third.pk)} WHERE id = {ticket.pk}")

    def test_of_the_database_rule_out_cycles(self, ticket: Ticket, target: Ticket, agent: User) -> None:
        merge(ticket, target, agent)
        values = {"status": Status.CLOSED, "closed_at": timezone.now(), "sla_met": True}

        with pytest.raises(IntegrityError, match="merged itself"):
            Ticket.objects.filter(pk=target.pk).update(merged_into=ticket, **values)

    def test_of_the_database_keep_comments_in_place(self, ticket: Ticket, target: Ticket, owner: User) -> None:
        make_comment(ticket, owner)

        with pytest.raises(Exception, match="Cannot update"):
            psql(f"UPDATE tickets_comment SET ticket_id = {target.pk}")


class TestLaterReplies:
    def test_go_to_the_last_ticket(
        self, ticket: Ticket, target: Ticket, owner: User, agent: User, api: APIClient
    ) -> None:
        last = make_ticket(owner)
        merge(ticket, target, agent)
        merge(target, last, agent)

        response = api.post(f"/tickets/{ticket.pk}/comments", {"message": "Any news?"})

        assert response.status_code == 201
        assert Comment.objects.get().ticket == last

    def test_set_the_status_there(self, ticket: Ticket, target: Ticket, agent: User) -> None:
        merge(ticket, target, agent)

        services.reply(ticket_id=ticket.pk, by=agent, at=timezone.now(), message="Working on it", status="in-progress")

        target.refresh_from_db()
        assert (target.status, Comment.objects.get().ticket) == ("in-progress", target)

    def test_of_plain_sql_go_there_too(self, ticket: Ticket, target: Ticket, agent: User) -> None:
        merge(ticket, target, agent)

        psql(
            "INSERT INTO tickets_comment (ticket_id, author_id, message, is_internal, created_at) "
            f"VALUES ({ticket.pk}, {agent.pk}, 'Hello', false, now())"
        )

        assert Comment.objects.get().ticket == target


class TestInTheAdmin:
    def test_merges_into_the_chosen_ticket(self, agent: User, ticket: Ticket, target: Ticket) -> None:
        browser, url = Browser(agent), f"/admin/tickets/ticket/{ticket.pk}/merge/"
        page = browser.get(url)

        answer = browser.post(url, fields(page) | {"into": target.pk})

        assert answer["Location"] == f"/admin/tickets/ticket/{target.pk}/change/"
        ticket.refresh_from_db()
        assert ticket.merged_into_id == target.pk
        assert f"#{target.pk}</a>, where replies go" in browser.get(url.replace("merge", "change")).content.decode()

    def test_says_why_not(self, agent: User, ticket: Ticket) -> None:
        browser, url = Browser(agent), f"/admin/tickets/ticket/{ticket.pk}/merge/"

        for into, message in ((ticket.pk, services.MergedIntoItself.message), ("x", "Select a valid choice")):
            answer = browser.post(url, fields(browser.get(url)) | {"into": into})
            assert message in answer.content.decode()

    def test_merges_many(self, agent: User, owner: User, target: Ticket) -> None:
        tickets = [make_ticket(owner) for _ in range(2)]
        ids = ",".join(str(ticket.pk) for ticket in (*tickets, target))

        answer = Browser(agent).post(
            "/admin/tickets/ticket/bulk/merge/", {"tickets": ids, "into": target.pk}, follow=True
        )

        target.refresh_from_db()
        assert target.merged_from == [ticket.pk for ticket in tickets]
        shown = answer.content.decode()
        merged = ", ".join(f"#{ticket.pk}" for ticket in tickets)
        assert f"2 tickets merged into #{target.pk} ({merged})." in shown
        assert f"1 ticket not changed: {services.MergedIntoItself.message} (#{target.pk})." in shown


class TestRaces:
    pytestmark = [*COMMITS, pytest.mark.slow]

    def test_two_tickets_merged_into_each_other_end_with_one_merge(
        self, ticket: Ticket, target: Ticket, agent: User
    ) -> None:
        for _ in range(3):
            one, other = make_ticket(agent), make_ticket(agent)
            outcomes = together(lambda: merge(one, other, agent), lambda: merge(other, one, agent))  # noqa: B023

            assert sum(isinstance(outcome, Ticket) for outcome in outcomes) == 1
            assert services.AlreadyMerged in outcomes or services.TargetMerged in outcomes

    def test_merging_one_ticket_twice_succeeds_once(self, ticket: Ticket, target: Ticket, agent: User) -> None:
        third = make_ticket(agent)

        def lock() -> object:
            return Ticket.objects.select_for_update().get(pk=ticket.pk)

        outcomes = during(lock, lambda: merge(ticket, target, agent), lambda: merge(ticket, third, agent))

        assert sum(isinstance(outcome, Ticket) for outcome in outcomes) == 1
        assert services.AlreadyMerged in outcomes

    def test_merging_one_ticket_twice_would_succeed_without_lock_and_trigger(
        self, ticket: Ticket, target: Ticket, agent: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        third = make_ticket(agent)
        monkeypatch.setattr(TicketQuerySet, "select_for_update", lambda tickets, **_: tickets)
        pgtrigger.installation.disable("tickets.Ticket:refuse_merge")

        def lock() -> object:
            return Ticket._base_manager.select_for_update().get(pk=ticket.pk)

        try:
            outcomes = during(lock, lambda: merge(ticket, target, agent), lambda: merge(ticket, third, agent))
        finally:
            pgtrigger.installation.enable("tickets.Ticket:refuse_merge")

        assert all(isinstance(outcome, Ticket) for outcome in outcomes)

    def test_a_comment_written_during_a_merge_goes_to_the_other_ticket(
        self, ticket: Ticket, target: Ticket, owner: User, agent: User
    ) -> None:
        during(lambda: merge(ticket, target, agent), lambda: make_comment(ticket, owner))

        assert Comment.objects.get().ticket == target

    def test_a_merge_waits_for_a_comment_that_is_being_written(
        self, ticket: Ticket, target: Ticket, owner: User, agent: User
    ) -> None:
        during(lambda: make_comment(ticket, owner), lambda: merge(ticket, target, agent))

        assert Comment.objects.get().ticket == target

    def test_a_comment_would_be_left_behind_without_the_lock(
        self, ticket: Ticket, target: Ticket, owner: User, agent: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(TicketQuerySet, "select_for_update", lambda tickets, **_: tickets)

        during(lambda: make_comment(ticket, owner), lambda: merge(ticket, target, agent))

        assert Comment.objects.get().ticket == ticket
