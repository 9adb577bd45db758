"""Replacing assignees, handing tickets over, and undoing it."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User, UserType
from accounts.tests.factories import make_user
from kit.tests.browser import Browser, fields
from tickets import queries, services
from tickets.models import MAX_ASSIGNEES, Status, Ticket, Undo
from tickets.services import reassignments
from tickets.tests.factories import assign, make_ticket

pytestmark = pytest.mark.django_db

TICKETS = "/admin/tickets/ticket/"


@pytest.fixture
def colleague(db: None) -> User:
    return make_user("Carla Colleague", type=UserType.AGENT)


def submit(by: User, name: str, *tickets: Ticket, **values: Any) -> Any:
    sent = {"tickets": ",".join(str(ticket.pk) for ticket in tickets), **values}
    return Browser(by).post(f"{TICKETS}bulk/{name}/", sent, follow=True)


def said(page: Any) -> list[str]:
    return [str(message) for message in page.context["messages"]]


def undo_link(page: Any) -> str:
    (link,) = re.findall(r'<form method="post" action="(/admin/tickets/ticket/undo/\d+/)"', page.content.decode())
    return link


def names(ticket: Ticket) -> list[str]:
    return sorted(user.name for user in ticket.assignees.all())


class TestReplace:
    def test_leaves_one_assignee_and_names_them(
        self, agent: User, owner: User, assignee: User, outsider: User, colleague: User
    ) -> None:
        first, second = make_ticket(owner), make_ticket(owner)
        assign(first, assignee, outsider)

        page = submit(agent, "replace", first, second, user=colleague.pk)

        assert names(first) == names(second) == ["Carla Colleague"]
        assert said(page) == [f"2 tickets assigned to Carla Colleague only (#{first.pk}, #{second.pk})."]

    def test_makes_room_on_a_full_ticket(self, agent: User, owner: User, colleague: User) -> None:
        ticket = make_ticket(owner)
        assign(ticket, *(make_user() for _ in range(MAX_ASSIGNEES)))

        submit(agent, "replace", ticket, user=colleague.pk)

        assert names(ticket) == ["Carla Colleague"]

    def test_without_anyone_leaves_tickets_unassigned(self, agent: User, owner: User, assignee: User) -> None:
        ticket = make_ticket(owner)
        assign(ticket, assignee)

        page = submit(agent, "replace", ticket)

        assert names(ticket) == []
        assert said(page) == [f"1 ticket left unassigned (#{ticket.pk})."]


class TestHandOver:
    def test_replaces_one_assignee_and_keeps_the_others(
        self, agent: User, owner: User, assignee: User, outsider: User, colleague: User
    ) -> None:
        ticket, other = make_ticket(owner), make_ticket(owner)
        assign(ticket, assignee, outsider)

        page = submit(agent, "hand-over", ticket, other, giver=assignee.pk, user=colleague.pk)

        assert names(ticket) == ["Carla Colleague", "Otto Outsider"]
        assert names(other) == []
        assert said(page) == [
            f"1 ticket handed over from Axel Assignee to Carla Colleague (#{ticket.pk}).",
            f"1 ticket not changed: {services.NotAssigned.message} (#{other.pk}).",
        ]

    def test_refuses_the_same_person(self, agent: User, owner: User, assignee: User) -> None:
        ticket = make_ticket(owner)
        assign(ticket, assignee)

        page = submit(agent, "hand-over", ticket, giver=assignee.pk, user=assignee.pk)

        assert f"{services.SamePerson.message}." in page.content.decode()
        assert names(ticket) == ["Axel Assignee"]


def offers(page: Any, name: str) -> str:
    """Return what the picker of a field asks for."""
    (select,) = re.findall(rf'<select name="{name}"[^>]*>', page.content.decode())
    return re.findall(r'data-field-name="([^"]*)"', select)[0]


class TestMenu:
    @pytest.mark.parametrize("page", ["hand-over", "deactivate"])
    def test_highlights_users_on_pages_about_who_leaves(self, admin: User, assignee: User, page: str) -> None:
        shown = Browser(admin).get(f"{TICKETS}of/{assignee.pk}/{page}/")

        entries = [entry for section in shown.context["sidebar_navigation"] for entry in section["items"]]
        assert [entry["title"] for entry in entries if entry["active"]] == ["Users"]


class TestPickers:
    @pytest.mark.parametrize("page", ["hand-over", "deactivate"])
    def test_leave_out_who_leaves(self, admin: User, owner: User, assignee: User, page: str) -> None:
        assign(make_ticket(owner), assignee)

        shown = Browser(admin).get(f"{TICKETS}of/{assignee.pk}/{page}/")

        assert offers(shown, "user") == f"agents-{assignee.pk}"

    def test_leave_out_who_is_assigned(self, agent: User, owner: User, assignee: User, outsider: User) -> None:
        ticket = make_ticket(owner)
        assign(ticket, assignee, outsider)

        shown = Browser(agent).get(f"{TICKETS}{ticket.pk}/change/")

        assert offers(shown, "assignments-2-user") == f"agents-{assignee.pk}-{outsider.pk}"

    def test_offer_agents_customers_to_create_tickets_for(self, agent: User, admin: User) -> None:
        assert offers(Browser(agent).get(f"{TICKETS}add/"), "created_by") == "customers"
        assert offers(Browser(admin).get(f"{TICKETS}add/"), "created_by") == "created_by"

    def test_of_the_list_offer_agents(self, agent: User) -> None:
        assert offers(Browser(agent).get(TICKETS), "assignees__id__exact") == "agents"


class TestAssignToMe:
    def test_assigns_one_ticket(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner)

        page = Browser(agent).post(f"{TICKETS}{ticket.pk}/assign-me/", follow=True)

        assert page.redirect_chain == [(f"{TICKETS}{ticket.pk}/change/", 302)]
        assert said(page) == [f"1 ticket assigned to Agnes Agent (#{ticket.pk})."]
        assert names(ticket) == ["Agnes Agent"]

    @pytest.mark.parametrize(("following", "page"), [("/admin/?x=1", "/admin/?x=1"), ("//evil.example", None)])
    def test_returns_to_the_page_of_this_site(self, agent: User, owner: User, following: str, page: str) -> None:
        ticket = make_ticket(owner)

        answer = Browser(agent).post(f"{TICKETS}{ticket.pk}/assign-me/", {"next": following})

        assert answer["Location"] == (page or f"{TICKETS}{ticket.pk}/change/")

    def test_is_refused_to_admins_with_a_reason(self, admin: User, owner: User) -> None:
        ticket = make_ticket(owner)

        page = Browser(admin).post(f"{TICKETS}{ticket.pk}/assign-me/", follow=True)

        assert said(page) == [f"1 ticket not changed: {services.AdminNotAssignable.message} (#{ticket.pk})."]

    def test_assigns_selected_tickets(self, agent: User, owner: User) -> None:
        tickets = [make_ticket(owner), make_ticket(owner)]

        sent = {"action": "assign_to_me", "_selected_action": [ticket.pk for ticket in tickets]}
        Browser(agent).post(TICKETS, sent)

        assert all(names(ticket) == ["Agnes Agent"] for ticket in tickets)


class TestUndo:
    def test_restores_the_assignees_once(
        self, agent: User, owner: User, assignee: User, outsider: User, colleague: User
    ) -> None:
        ticket = make_ticket(owner)
        assign(ticket, assignee, outsider)
        link = undo_link(submit(agent, "replace", ticket, user=colleague.pk))
        browser = Browser(agent)

        asked = browser.get(link)
        assert names(ticket) == ["Carla Colleague"]
        undone = browser.post(link, fields(asked), follow=True)

        assert names(ticket) == ["Axel Assignee", "Otto Outsider"]
        assert said(undone) == [f"1 ticket assigned as before (#{ticket.pk})."]
        assert said(browser.post(link, follow=True)) == [f"{services.NothingToUndo.message}."]

    def test_leaves_tickets_alone_that_changed_since(
        self, agent: User, owner: User, assignee: User, colleague: User
    ) -> None:
        changed, kept = make_ticket(owner), make_ticket(owner)
        assign(changed, assignee)
        link = undo_link(submit(agent, "replace", changed, kept, user=colleague.pk))
        services.update(ticket_id=changed.pk, by=owner, at=timezone.now(), title="Something else")

        page = Browser(agent).post(link, follow=True)

        assert (names(changed), names(kept)) == (["Carla Colleague"], [])
        assert said(page)[0] == f"1 ticket assigned as before (#{kept.pk})."
        assert said(page)[1].startswith("1 ticket not changed: ")

    def test_ends_after_some_minutes(self, agent: User, owner: User, colleague: User) -> None:
        ticket = make_ticket(owner)
        link = undo_link(submit(agent, "replace", ticket, user=colleague.pk))
        Undo.objects.update(made_at=timezone.now() - services.UNDO_TIME - timedelta(seconds=1))

        page = Browser(agent).post(link, follow=True)

        assert said(page) == [f"{services.NothingToUndo.message}."]
        assert names(ticket) == ["Carla Colleague"]

    def test_is_only_for_the_one_who_made_the_change(self, agent: User, owner: User, colleague: User) -> None:
        ticket = make_ticket(owner)
        link = undo_link(submit(agent, "replace", ticket, user=colleague.pk))

        Browser(colleague).post(link)

        assert names(ticket) == ["Carla Colleague"]

    def test_is_kept_for_the_last_change_only(self, agent: User, owner: User, colleague: User) -> None:
        for _ in range(3):
            submit(agent, "replace", make_ticket(owner), user=colleague.pk)

        assert Undo.objects.count() == 1

    def test_of_nothing_is_not_offered(self, agent: User, owner: User) -> None:
        page = submit(agent, "replace", make_ticket(owner))

        assert said(page) == ["1 ticket already had this value."]
        assert not Undo.objects.exists()


class TestHandOverAll:
    def test_hands_over_what_is_not_closed(self, agent: User, owner: User, assignee: User, colleague: User) -> None:
        mine, shared, done = make_ticket(owner), make_ticket(owner), make_ticket(owner)
        assign(shared, colleague)
        for ticket in (mine, shared, done):
            assign(ticket, assignee)
        services.update(ticket_id=done.pk, by=owner, at=timezone.now(), status=Status.CLOSED)

        handed = services.hand_over_all(user_id=assignee.pk, to_id=colleague.pk, by=agent, at=timezone.now())

        assert [each.ticket_id for each in handed] == [mine.pk, shared.pk]
        assert names(mine) == names(shared) == ["Carla Colleague"]
        assert names(done) == ["Axel Assignee"]

    def test_is_in_the_history_and_can_be_undone(
        self, agent: User, owner: User, assignee: User, outsider: User, colleague: User
    ) -> None:
        ticket, shared = make_ticket(owner), make_ticket(owner)
        assign(ticket, assignee, outsider)
        assign(shared, assignee, colleague)
        now = timezone.now()

        handed = services.hand_over_all(user_id=assignee.pk, to_id=colleague.pk, by=agent, at=now)

        assert names(ticket) == ["Carla Colleague", "Otto Outsider"]
        assert ticket.assignments.get(user=colleague).assigned_by == agent
        history = queries.history(ticket_id=ticket.pk, limit=9)
        people = [
            (each.before and each.before.id, each.after and each.after.id)
            for item in history[:2]
            for each in item.changes
        ]
        assert set(people) == {(assignee.pk, None), (None, colleague.pk)}
        assert all(each.is_changed for each in handed)
        for change in handed:
            services.undo(change, by=agent, at=now)
        assert (names(ticket), names(shared)) == (
            ["Axel Assignee", "Otto Outsider"],
            ["Axel Assignee", "Carla Colleague"],
        )

    def test_runs_as_many_queries_for_any_number(
        self,
        agent: User,
        owner: User,
        assignee: User,
        colleague: User,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        for _ in range(12):
            assign(make_ticket(owner), assignee)

        # The savepoint and its end; the tickets, their assignees, the receiver and the receiver's tickets, moving the
        # assignments; the assignees and the versions afterwards.
        with django_assert_num_queries(9):
            services.hand_over_all(user_id=assignee.pk, to_id=colleague.pk, by=agent, at=timezone.now())

    def test_refuses_admins_and_deactivated_users(self, agent: User, admin: User, owner: User, assignee: User) -> None:
        assign(make_ticket(owner), assignee)
        away = make_user("Anton Away", is_active=False)

        for user, refusal in ((admin, services.AdminNotAssignable), (away, services.UserNotFound)):
            with pytest.raises(refusal):
                services.hand_over_all(user_id=assignee.pk, to_id=user.pk, by=agent, at=timezone.now())

    def test_refuses_more_than_a_transaction_can_take(
        self, agent: User, owner: User, assignee: User, colleague: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reassignments, "MAX_HANDED_OVER", 1)
        oldest, newest = make_ticket(owner), make_ticket(owner)
        for ticket in (oldest, newest):
            assign(ticket, assignee)

        with pytest.raises(services.TooManyToHandOver):
            services.hand_over_all(user_id=assignee.pk, to_id=colleague.pk, by=agent, at=timezone.now())
        page = Browser(agent).post(f"{TICKETS}of/{assignee.pk}/hand-over/", {"user": colleague.pk}, follow=True)
        assert said(page) == [f"1 ticket handed over from Axel Assignee to Carla Colleague (#{oldest.pk})."]

    def test_refuses_customers_and_the_same_person(self, owner: User, agent: User, assignee: User) -> None:
        now = timezone.now()
        with pytest.raises(services.NotAllowed):
            services.hand_over_all(user_id=assignee.pk, to_id=None, by=owner, at=now)
        with pytest.raises(services.SamePerson):
            services.hand_over_all(user_id=assignee.pk, to_id=assignee.pk, by=agent, at=now)
