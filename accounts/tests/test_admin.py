"""The admin: signing in, and the pages for users and failed sign-ins."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.db import connection, transaction
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts import services
from accounts.models import User, UserType
from accounts.tests.api import in_capitals, login
from accounts.tests.factories import PASSWORD, make_user
from kit.admin.stale import CONFLICT, STALE, Difference
from kit.errors import Busy, Forbidden
from kit.tests.browser import Browser, errors, fields
from tickets.models import Status
from tickets.tests.factories import assign, make_comment, make_ticket

USERS = "/admin/accounts/user/"
NEW_USER = {
    "name": "Nora New",
    "email": "nora@example.com",
    "type": "agent",
    "password1": "long enough!",
    "password2": "long enough!",
}


def page_of(user: User, page: str = "change") -> str:
    return f"{USERS}{user.pk}/{page}/"


def deactivate_page(user: User) -> str:
    return f"/admin/tickets/ticket/of/{user.pk}/deactivate/"


class TestSignIn:
    @pytest.mark.parametrize("staff", [UserType.AGENT, UserType.ADMIN])
    @pytest.mark.parametrize("page", ["/admin/login/", "/admin/login/?next=/admin/"])
    def test_accepts_staff_ignoring_the_case_of_the_address(self, db: None, staff: UserType, page: str) -> None:
        user = make_user("Stan Staff", type=staff)

        answer = Client().post(page, {"username": user.email.upper(), "password": PASSWORD}, follow=True)

        assert answer.redirect_chain == [("/admin/", 302)]
        assert answer.status_code == 200

    def test_refuses_customers(self, owner: User) -> None:
        answer = Client().post("/admin/login/", {"username": owner.email, "password": PASSWORD})

        assert answer.status_code == 200
        assert "for a staff account" in answer.content.decode()

    def test_is_where_customers_with_a_session_are_redirected(self, owner: User) -> None:
        answer = Browser(owner).get("/admin/")

        assert answer.status_code == 302
        assert answer["Location"].startswith("/admin/login/")


class TestOwnPassword:
    def test_can_be_changed_by_an_agent_who_knows_the_old_one(self, agent: User) -> None:
        answer = Browser(agent).post(
            "/admin/password_change/",
            {"old_password": PASSWORD, "new_password1": "brand new!", "new_password2": "brand new!"},
        )

        agent.refresh_from_db()
        assert answer.status_code == 302
        assert agent.check_password("brand new!")


class TestPermissions:
    """All of them are listed in docs/roles.md and tested in ticketing/tests/test_roles.py."""

    def test_show_the_password_link_only_to_those_who_can_change_the_user(
        self, admin: User, agent: User, owner: User
    ) -> None:
        pages = {user: Browser(user).get(page_of(owner)).content.decode() for user in (admin, agent)}

        assert "../password/" in pages[admin]
        assert "../password/" not in pages[agent]
        assert not any("argon2" in page for page in pages.values())


class TestList:
    def test_runs_six_queries_for_any_number_of_users(
        self, admin: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        browser = Browser(admin)
        browser.get(USERS)
        for _ in range(12):
            make_user()

        # The session, the user, two for permissions, the number of users, and the page.
        with django_assert_num_queries(6):
            page = browser.get(USERS)

        assert page.context["cl"].result_count == 13

    @pytest.mark.parametrize("query", ["q=olga", "q=OLGA.", "q=ólga", "type__exact=customer", "is_active__exact=0"])
    def test_can_be_searched_and_filtered(self, admin: User, agent: User, query: str) -> None:
        olga = make_user("Olga Owner", is_active=False)

        page = Browser(admin).get(f"{USERS}?{query}")

        assert list(page.context["cl"].result_list) == [olga]

    def test_has_no_bulk_deletion(self, admin: User, owner: User) -> None:
        Browser(admin).post(USERS, {"action": "delete_selected", "_selected_action": [owner.pk], "post": "yes"})

        assert User.objects.filter(pk=owner.pk).exists()


class TestAdd:
    def test_creates_a_user_who_can_sign_in(self, admin: User) -> None:
        answer = Browser(admin).submit(f"{USERS}add/", **NEW_USER)

        user = User.objects.get(email="nora@example.com")
        assert answer["Location"] == page_of(user)
        assert (user.name, user.type, user.is_superuser) == ("Nora New", "agent", False)
        assert user.check_password("long enough!")

    @pytest.mark.parametrize(
        ("changes", "field", "sentence"),
        [
            ({"email": "TAKEN@example.com"}, "email", "Email already in use"),
            ({"email": "nobody"}, "email", "Enter a valid email address."),
            ({"name": " ab "}, "name", "Ensure this value has at least 3 characters (it has 2)."),
            ({"name": "Nora\r\nNew"}, "name", "Control characters and line breaks are not allowed."),
            ({"type": "owner"}, "type", "Select a valid choice. owner is not one of the available choices."),
            (
                {"password1": "password123", "password2": "password123"},
                "password2",
                "The password must contain at least one character that is neither a letter nor a digit.",
            ),
            ({"password1": "another one!"}, "password2", "The two password fields didn’t match."),
            ({"password1": "", "password2": ""}, "password1", "This field is required."),
        ],
    )
    def test_shows_errors_next_to_the_field(
        self, admin: User, changes: dict[str, str], field: str, sentence: str
    ) -> None:
        make_user("Tara Taken", email="taken@example.com")

        answer = Browser(admin).submit(f"{USERS}add/", **{**NEW_USER, **changes})

        assert answer.status_code == 200
        assert errors(answer).get(field) == [sentence], errors(answer)
        assert sentence.replace("’", "’") in answer.content.decode()
        assert not User.objects.filter(name__startswith="Nora").exists()


class TestChange:
    def test_saves_the_changed_fields_only(self, admin: User, owner: User) -> None:
        answer = Browser(admin).submit(page_of(owner), name="Olga Other")

        changed = User.objects.get(pk=owner.pk)
        assert answer.status_code == 302
        assert changed.name == "Olga Other"
        assert (changed.email, changed.password, changed.type) == (owner.email, owner.password, owner.type)

    def test_refuses_a_taken_address_ignoring_case(self, admin: User, owner: User, assignee: User) -> None:
        answer = Browser(admin).submit(page_of(owner), name="Olga Other", email=assignee.email.upper())

        assert errors(answer) == {"email": ["Email already in use"]}
        assert User.objects.get(pk=owner.pk).name == "Olga Owner"

    def test_accepts_the_same_address_in_another_case(self, admin: User, owner: User) -> None:
        Browser(admin).submit(page_of(owner), email=owner.email.upper())

        assert User.objects.get(pk=owner.pk).email == in_capitals(owner.email)

    @pytest.mark.parametrize("other", [UserType.ADMIN, UserType.AGENT])
    def test_refuses_another_type_for_an_assigned_user(
        self, admin: User, owner: User, assignee: User, other: UserType
    ) -> None:
        assign(make_ticket(owner), assignee)

        answer = Browser(admin).submit(page_of(assignee), type=other)

        assert errors(answer) == {"type": [services.HoldsAssignments.message]}
        assert User.objects.get(pk=assignee.pk).type == UserType.CUSTOMER

    def test_accepts_another_type_without_assignments(self, admin: User, owner: User) -> None:
        Browser(admin).submit(page_of(owner), type="admin")

        assert User.objects.get(pk=owner.pk).is_admin


class TestStaleForm:
    """Every field of every form is tried in ticketing/tests/test_stale_forms.py."""

    def test_does_not_bring_back_a_deactivated_user(self, admin: User, agent: User, owner: User) -> None:
        browser = Browser(admin)
        opened = fields(browser.get(page_of(owner)))
        services.update(user_id=owner.pk, by=admin, is_active=False)

        refused = browser.post(page_of(owner), {**opened, "name": "Olga Other", "_save": "Save"})

        user = User.objects.get(pk=owner.pk)
        assert (user.name, user.is_active) == ("Olga Owner", False)
        assert errors(refused) == {"__all__": [STALE.format("Active")]}
        browser.post(page_of(owner), {**fields(refused), "_save": "Save"})
        user.refresh_from_db()
        assert (user.name, user.is_active) == ("Olga Other", False)

    def test_does_not_make_a_customer_an_admin_again(self, admin: User) -> None:
        former = make_user("Former Admin", type=UserType.ADMIN)
        browser = Browser(admin)
        opened = fields(browser.get(page_of(former)))
        services.update(user_id=former.pk, by=admin, type="customer")

        refused = browser.post(page_of(former), {**opened, "name": "No Admin", "_save": "Save"})

        assert User.objects.get(pk=former.pk).type == UserType.CUSTOMER
        assert errors(refused) == {"__all__": [STALE.format("Type")]}
        browser.post(page_of(former), {**fields(refused), "_save": "Save"})
        saved = User.objects.get(pk=former.pk)
        assert (saved.name, saved.type) == ("No Admin", UserType.CUSTOMER)

    def test_can_overwrite_on_the_second_attempt(self, admin: User, owner: User) -> None:
        browser = Browser(admin)
        opened = fields(browser.get(page_of(owner)))
        services.update(user_id=owner.pk, by=admin, name="Theirs", type="agent")

        refused = browser.post(page_of(owner), {**opened, "name": "Mine", "type": "admin", "_save": "Save"})

        assert errors(refused) == {
            "__all__": [STALE.format("Name and Type")],
            "name": [CONFLICT.format("Theirs")],
            "type": [CONFLICT.format("Agent")],
        }
        browser.post(page_of(owner), {**fields(refused), "_save": "Save"})
        saved = User.objects.get(pk=owner.pk)
        assert (saved.name, saved.type) == ("Mine", UserType.ADMIN)

    def test_does_not_demote_a_superuser_whose_box_it_did_not_show(self, admin: User, superuser: User) -> None:
        """The form of a user who became a superuser in the meantime has a box that an admin's page has not."""
        colleague = make_user("Clara Colleague", type=UserType.ADMIN)
        browser = Browser(admin)
        opened = fields(browser.get(page_of(colleague)))
        for user in (admin, colleague):
            services.update(user_id=user.pk, by=superuser, is_superuser=True)

        browser.post(page_of(colleague), {**opened, "name": "Clara Other", "_save": "Save"})

        assert User.objects.get(pk=colleague.pk).is_superuser

    @pytest.mark.parametrize("seen", [None, "", "{", "[]", "1", "[" * 100_000, '{"x": 1}', '{"\\ud800": ""}'])
    def test_that_does_not_say_what_it_showed_shows_the_current_values(
        self, admin: User, owner: User, seen: str | None
    ) -> None:
        answer = Browser(admin).submit(page_of(owner), name="Olga Other", seen=seen)

        assert list(errors(answer)) == ["__all__"]
        assert fields(answer)["name"] == User.objects.get(pk=owner.pk).name == "Olga Owner"
        assert answer.context["stale"].differences == [Difference("Name", "Olga Owner", "Olga Other")]


class TestDeactivate:
    def test_asks_who_gets_the_open_tickets(self, admin: User, agent: User, owner: User, assignee: User) -> None:
        tickets = [make_ticket(owner), make_ticket(owner)]
        for ticket in tickets:
            assign(ticket, assignee)
        browser = Browser(admin)

        asked = browser.submit(page_of(assignee), name="Axel Other", is_active=None)
        kept = User.objects.get(pk=assignee.pk)
        page = browser.get(asked["Location"])
        browser.post(asked["Location"], {**fields(page), "user": agent.pk})

        assert (kept.name, kept.is_active) == ("Axel Other", True)
        assert "2 open tickets are assigned to Axel Other." in page.content.decode()
        assert not User.objects.get(pk=assignee.pk).is_active
        assert all(list(ticket.assignees.all()) == [agent] for ticket in tickets)

    def test_does_nothing_if_the_tickets_cannot_be_handed_over(self, admin: User, owner: User, assignee: User) -> None:
        ticket = make_ticket(owner)
        assign(ticket, assignee)

        page = Browser(admin).post(deactivate_page(assignee), {"user": admin.pk})

        assert "Cannot assign a ticket to an admin" in page.content.decode()
        assert User.objects.get(pk=assignee.pk).is_active
        assert list(ticket.assignees.all()) == [assignee]

    def test_of_a_superuser_is_refused_to_admins(self, admin: User, superuser: User) -> None:
        assert Browser(admin).post(deactivate_page(superuser)).status_code == 403
        assert Browser(admin).post(deactivate_page(admin)).status_code == 403

    def test_removes_the_user_from_tickets_that_are_not_closed(self, admin: User, owner: User, assignee: User) -> None:
        open_ticket, closed_ticket = make_ticket(owner), make_ticket(owner)
        for ticket in (open_ticket, closed_ticket):
            assign(ticket, assignee)
        closed_ticket.status = Status.CLOSED
        closed_ticket.save()

        answer = Browser(admin).post(deactivate_page(assignee))

        assert answer.status_code == 302
        assert not User.objects.get(pk=assignee.pk).is_active
        assert [a.ticket for a in assignee.assignments.all()] == [closed_ticket]

    def test_ends_the_sessions_of_staff(self, admin: User, agent: User) -> None:
        agents_browser = Browser(agent)

        Browser(admin).submit(page_of(agent), is_active=None)

        assert agents_browser.get("/admin/").status_code == 302

    def test_can_be_undone(self, admin: User) -> None:
        user = make_user("Paul Paused", is_active=False)

        Browser(admin).submit(page_of(user), is_active="on")

        assert User.objects.get(pk=user.pk).is_active


class TestRole:
    @pytest.mark.parametrize("forged", [{"type": "customer"}, {"is_active": None}, {"is_superuser": "on"}])
    def test_cannot_be_changed_on_your_own_account(self, admin: User, forged: dict[str, Any]) -> None:
        Browser(admin).submit(page_of(admin), **forged)

        kept = User.objects.get(pk=admin.pk)
        assert (kept.type, kept.is_active, kept.is_superuser) == ("admin", True, False)

    def test_of_superuser_cannot_be_granted_by_an_admin(self, admin: User) -> None:
        colleague = make_user("Clara Colleague", type=UserType.ADMIN)

        Browser(admin).submit(page_of(colleague), is_superuser="on")

        assert not User.objects.get(pk=colleague.pk).is_superuser

    def test_of_superuser_cannot_be_granted_with_a_new_account(self, admin: User) -> None:
        Browser(admin).submit(f"{USERS}add/", **NEW_USER | {"type": "admin", "is_superuser": "on"})

        assert not User.objects.get(email="nora@example.com").is_superuser

    def test_of_superuser_can_be_granted_by_a_superuser(self, superuser: User, admin: User) -> None:
        Browser(superuser).submit(page_of(admin), is_superuser="on")

        assert User.objects.get(pk=admin.pk).is_superuser

    def test_of_superuser_requires_an_admin(self, superuser: User, owner: User) -> None:
        answer = Browser(superuser).submit(page_of(owner), is_superuser="on")

        assert errors(answer) == {"is_superuser": ["Only an admin can be a superuser."]}

    @pytest.mark.parametrize("page", ["change", "delete", "password"])
    def test_of_superuser_cannot_be_taken_over(self, admin: User, superuser: User, page: str) -> None:
        answer = Browser(admin).post(
            page_of(superuser, page), {"email": "mine@example.com", "password1": "mine now!", "password2": "mine now!"}
        )

        assert answer.status_code == 403

    @pytest.mark.parametrize(
        ("user", "refusal"), [("admin", services.OwnAccount), ("superuser", services.SuperusersOnly)]
    )
    def test_is_protected_by_the_service_too(
        self, request: pytest.FixtureRequest, admin: User, user: str, refusal: type[Exception]
    ) -> None:
        target = request.getfixturevalue(user)

        with pytest.raises(refusal):
            services.update(user_id=target.pk, by=admin, is_active=False)

    def test_of_agent_does_not_allow_changing_users(self, agent: User, owner: User) -> None:
        with pytest.raises(Forbidden):
            services.update(user_id=owner.pk, by=agent, name="Olga Other")

    @pytest.mark.slow
    @pytest.mark.django_db(transaction=True, serialized_rollback=True)
    def test_is_lost_by_only_one_of_two_admins_who_demote_each_other(self) -> None:
        first, second = (make_user("Some Admin", type=UserType.ADMIN) for _ in range(2))
        refusals: list[Exception] = []
        demotion = {"user_id": first.pk, "by": second, "type": "customer"}
        other = threading.Thread(target=collecting(refusals, services.update), kwargs=demotion)

        with transaction.atomic():
            services.update(user_id=second.pk, by=first, type="customer")
            other.start()
            # Long enough to finish, if no lock held it back.
            other.join(timeout=0.5)
        other.join()

        assert [type(refusal) for refusal in refusals] == [Forbidden]
        assert list(User.objects.filter(type=UserType.ADMIN)) == [first]


def collecting(refusals: list[Exception], action: Callable[..., Any]) -> Callable[..., None]:
    def run(**arguments: Any) -> None:
        try:
            action(**arguments)
        except Exception as error:
            refusals.append(error)
        finally:
            connection.close()

    return run


class TestPassword:
    def test_can_be_set_for_another_user(self, admin: User, owner: User) -> None:
        answer = Browser(admin).submit(page_of(owner, "password"), password1="brand new!", password2="brand new!")

        assert answer["Location"] == page_of(owner)
        assert User.objects.get(pk=owner.pk).check_password("brand new!")

    def test_must_be_strong(self, admin: User, owner: User) -> None:
        answer = Browser(admin).submit(page_of(owner, "password"), password1="password1", password2="password1")

        assert "neither a letter nor a digit" in answer.content.decode()
        assert User.objects.get(pk=owner.pk).check_password(PASSWORD)

    def test_gives_up_when_a_row_stays_locked(self, transactional_db: None) -> None:
        admin, user = make_user("Ada Admin", type=UserType.ADMIN), make_user("Olga Owner")
        browser = Browser(admin)
        holder = connection.copy()
        try:
            with holder.cursor() as cursor, connection.cursor() as ours:
                cursor.execute("BEGIN; SELECT FROM accounts_user FOR UPDATE")
                ours.execute("SET lock_timeout = '100ms'")
                answer = browser.submit(page_of(user, "password"), password1="brand new!", password2="brand new!")
        finally:
            holder.close()
            connection.close()

        assert answer.status_code == 302
        assert Busy.message in browser.get(answer["Location"]).content.decode()
        assert User.objects.get(pk=user.pk).check_password(PASSWORD)


class TestDelete:
    def test_deletes_the_assignments_too(self, admin: User, owner: User, assignee: User) -> None:
        ticket = make_ticket(owner)
        assign(ticket, assignee)

        answer = Browser(admin).post(page_of(assignee, "delete"), {"post": "yes"})

        assert answer.status_code == 302
        assert not User.objects.filter(pk=assignee.pk).exists()
        assert not ticket.assignments.exists()

    def test_lists_the_tickets_that_prevent_it(self, admin: User, owner: User) -> None:
        ticket = make_ticket(owner)

        answer = Browser(admin).post(page_of(owner, "delete"), {"post": "yes"})

        assert answer.status_code == 200
        assert str(ticket) in answer.content.decode()
        assert User.objects.filter(pk=owner.pk).exists()

    @pytest.mark.parametrize(("number", "shown"), [(1, 1), (12, 10)])
    def test_lists_the_newest_comments_that_prevent_it(
        self,
        admin: User,
        owner: User,
        outsider: User,
        number: int,
        shown: int,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        ticket = make_ticket(owner)
        for _ in range(number):
            make_comment(ticket, outsider)
        browser = Browser(admin)

        with django_assert_num_queries(7):
            page = browser.get(page_of(outsider, "delete")).content.decode()

        assert page.count(f"comment on #{ticket.pk}</a>") == shown
        assert ("and older ones" in page) == (number > shown)

    def test_refuses_your_own_account(self, admin: User) -> None:
        answer = Browser(admin).post(page_of(admin, "delete"), {"post": "yes"})

        assert answer.status_code == 403
        assert User.objects.filter(pk=admin.pk).exists()

    def test_is_refused_by_the_service_too(self, admin: User, owner: User) -> None:
        make_ticket(owner)

        with pytest.raises(services.HasRecords):
            services.delete(user_id=owner.pk, by=admin)


class TestLockout:
    @pytest.fixture
    def locked_out(self, agent: User) -> User:
        for _ in range(5):
            Client().post("/admin/login/", {"username": agent.email, "password": "wrong"})
        return agent

    @staticmethod
    def sign_in(user: User) -> int:
        return Client().post("/admin/login/?next=/admin/", {"username": user.email, "password": PASSWORD}).status_code

    def test_can_be_lifted_by_an_admin(self, admin: User, locked_out: User) -> None:
        assert self.sign_in(locked_out) == 429
        attempts = list(AccessAttempt.objects.values_list("pk", flat=True))

        page = Browser(admin).post(
            "/admin/axes/accessattempt/", {"action": "lift_lockout", "_selected_action": attempts}, follow=True
        )

        assert "can sign in from 127.0.0.1 again" in page.content.decode()
        assert self.sign_in(locked_out) == 302

    def test_over_all_addresses_is_lifted_too(self, admin: User, locked_out: User, settings: Any) -> None:
        settings.LOCKOUT_ACCOUNT_FAILURES = 5
        before = login(locked_out.email, REMOTE_ADDR="203.0.113.7").status_code
        attempts = list(AccessAttempt.objects.values_list("pk", flat=True))

        Browser(admin).post(
            "/admin/axes/accessattempt/", {"action": "lift_lockout", "_selected_action": attempts}, follow=True
        )

        assert (before, login(locked_out.email, REMOTE_ADDR="203.0.113.7").status_code) == (429, 200)

    def test_page_shows_no_passwords(self, admin: User, locked_out: User) -> None:
        attempt = AccessAttempt.objects.get()

        page = Browser(admin).get(f"/admin/axes/accessattempt/{attempt.pk}/change/").content.decode()

        assert "post_data" not in page
