"""Changing an e-mail address. A stolen token or an open session must not be enough to take over an account."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts import password_codes, services, tokens
from accounts.models import User
from accounts.tests.api import SignedIn, login, wrong_fields
from accounts.tests.factories import PASSWORD
from kit.tests.browser import Browser, fields
from projects.tests.psql import psql

pytestmark = pytest.mark.django_db

NEW = "new@example.com"
OWN_EMAIL = "/admin/accounts/user/own-email/"
PASSWORD_CHANGE = "/admin/password_change/"


def address_of(user: User) -> str:
    return User.objects.get(pk=user.pk).email


def admin_session(user: User) -> Client:
    browser = Client()
    browser.post("/admin/login/", {"username": user.email, "password": PASSWORD})
    return browser


class TestYourOwn:
    @pytest.mark.parametrize("role", ["owner", "agent", "admin", "superuser"])
    @pytest.mark.parametrize("method", ["put", "patch"])
    def test_requires_the_current_password(
        self, request: pytest.FixtureRequest, signed_in: SignedIn, role: str, method: str
    ) -> None:
        user = request.getfixturevalue(role)
        change = {"name": "New Name", "email": NEW}

        answers = [
            getattr(signed_in(user), method)(f"/users/{user.pk}", change | extra)
            for extra in ({}, {"currentPassword": "wrong"}, {"currentPassword": PASSWORD})
        ]

        assert [answer.status_code for answer in answers] == [403, 403, 200]
        assert [answer.json()["code"] for answer in answers[:2]] == ["current_password_required", "wrong_password"]
        assert [wrong_fields(answer) for answer in answers[:2]] == [["currentPassword"]] * 2
        assert address_of(user) == NEW

    def test_changes_nothing_without_it(self, owner: User, signed_in: SignedIn) -> None:
        signed_in(owner).patch(f"/users/{owner.pk}", {"name": "New Name", "email": NEW})

        assert User.objects.filter(pk=owner.pk, name=owner.name, email=owner.email).exists()

    def test_requires_it_for_another_spelling_too(self, owner: User, signed_in: SignedIn) -> None:
        answer = signed_in(owner).patch(f"/users/{owner.pk}", {"email": owner.email.upper()})

        assert answer.status_code == 403

    @pytest.mark.parametrize("extra", [{}, {"currentPassword": "wrong"}])
    def test_needs_no_password_if_the_address_stays(
        self, owner: User, signed_in: SignedIn, extra: dict[str, Any]
    ) -> None:
        api = signed_in(owner)

        answer = api.put(f"/users/{owner.pk}", {"name": "New Name", "email": owner.email} | extra)

        assert (answer.status_code, answer.json()["name"]) == (200, "New Name")
        assert api.get("/auth/me").status_code == 200

    @pytest.mark.parametrize("value", [None, 7, "", ["x"], {}])
    def test_refuses_anything_but_text(self, owner: User, signed_in: SignedIn, value: Any) -> None:
        answer = signed_in(owner).patch(f"/users/{owner.pk}", {"email": NEW, "currentPassword": value})

        assert (answer.status_code, wrong_fields(answer)) == (400, ["currentPassword"])

    def test_counts_wrong_passwords_towards_the_lockout(self, owner: User, signed_in: SignedIn) -> None:
        api, guess = signed_in(owner), {"email": NEW, "currentPassword": "wrong"}

        answers = [api.patch(f"/users/{owner.pk}", guess) for _ in range(5)]

        assert [answer.status_code for answer in answers] == [403, 403, 403, 403, 429]
        assert answers[-1]["Retry-After"] == "900"
        assert login(owner.email).status_code == 429

    def test_is_not_revealed_as_taken_without_the_password(
        self, owner: User, outsider: User, signed_in: SignedIn
    ) -> None:
        api = signed_in(owner)

        answers = [
            api.patch(f"/users/{owner.pk}", {"email": outsider.email} | extra)
            for extra in ({}, {"currentPassword": PASSWORD})
        ]

        assert [answer.status_code for answer in answers] == [403, 409]

    def test_requires_it_if_the_address_has_changed_since_the_request_began(self, owner: User) -> None:
        User.objects.filter(pk=owner.pk).update(email="moved@example.com")

        with pytest.raises(services.CurrentPasswordRequired):
            services.update(user_id=owner.pk, by=owner, email=owner.email)


def by_api(user: User, admin: User) -> None:
    api = APIClient(HTTP_AUTHORIZATION=f"Bearer {tokens.issue(user).access}")
    assert api.patch(f"/users/{user.pk}", {"email": NEW, "currentPassword": PASSWORD}).status_code == 200


def by_api_of_an_admin(user: User, admin: User) -> None:
    api = APIClient(HTTP_AUTHORIZATION=f"Bearer {tokens.issue(admin).access}")
    assert api.patch(f"/users/{user.pk}", {"email": NEW}).status_code == 200
    assert api.get("/auth/me").status_code == 200


def by_own_page(user: User, admin: User) -> None:
    browser = Browser(user)
    assert browser.submit(OWN_EMAIL, email=NEW, current_password=PASSWORD).status_code == 302
    assert browser.get("/admin/").status_code == 200


def by_page_of_an_admin(user: User, admin: User) -> None:
    assert Browser(admin).submit(f"/admin/accounts/user/{user.pk}/change/", email=NEW).status_code == 302


def by_psql(user: User, admin: User) -> None:
    psql("UPDATE accounts_user SET email = %(email)s WHERE id = %(id)s", email=NEW, id=user.pk)


Change = Callable[[User, User], None]


@pytest.mark.parametrize("change", [by_api, by_api_of_an_admin, by_own_page, by_page_of_an_admin, by_psql])
class TestEveryChange:
    def test_ends_all_other_sessions_and_tokens(self, agent: User, admin: User, change: Change) -> None:
        browser, pair = admin_session(agent), tokens.issue(agent)
        before = browser.get("/admin/").status_code

        change(agent, admin)

        assert address_of(agent) == NEW
        assert (before, browser.get("/admin/").status_code) == (200, 302)
        assert APIClient(HTTP_AUTHORIZATION=f"Bearer {pair.access}").get("/auth/me").status_code == 401
        assert APIClient().post("/auth/refresh", {"refresh": pair.refresh}).status_code == 401

    def test_does_not_revive_them_if_it_is_undone(self, agent: User, admin: User, change: Change) -> None:
        browser, pair, code = admin_session(agent), tokens.issue(agent), password_codes.code_for(agent)

        change(agent, admin)
        User.objects.filter(pk=agent.pk).update(email=agent.email)

        assert browser.get("/admin/").status_code == 302
        assert APIClient(HTTP_AUTHORIZATION=f"Bearer {pair.access}").get("/auth/me").status_code == 401
        assert password_codes.owner(*code) is None

    def test_invalidates_codes_mailed_to_the_old_address(self, agent: User, admin: User, change: Change) -> None:
        code = password_codes.code_for(agent)

        change(agent, admin)

        assert password_codes.owner(*code) is None

    def test_leaves_other_users_alone(self, agent: User, admin: User, outsider: User, change: Change) -> None:
        pair = tokens.issue(outsider)

        change(agent, admin)

        assert APIClient().post("/auth/refresh", {"refresh": pair.refresh}).status_code == 200


class TestUpdate:
    def test_returns_the_user_in_the_state_that_new_sessions_need(self, agent: User, admin: User) -> None:
        changed = services.update(user_id=agent.pk, by=admin, email=NEW)

        assert changed.get_session_auth_hash() == User.objects.get(pk=agent.pk).get_session_auth_hash()


class TestOwnAddressPage:
    @pytest.mark.parametrize("role", ["agent", "admin", "superuser"])
    def test_is_linked_from_your_own_page(self, request: pytest.FixtureRequest, role: str) -> None:
        user = request.getfixturevalue(role)

        page = Browser(user).get(f"/admin/accounts/user/{user.pk}/change/")

        assert OWN_EMAIL in page.content.decode()
        assert "email" not in fields(page)

    def test_is_linked_from_every_page(self, agent: User) -> None:
        page = Browser(agent).get("/admin/").content.decode()

        assert all(f'href="{link}"' in page for link in (OWN_EMAIL, PASSWORD_CHANGE))

    def test_leaves_other_users_addresses_on_their_pages(self, admin: User, owner: User) -> None:
        page = Browser(admin).get(f"/admin/accounts/user/{owner.pk}/change/")

        assert fields(page)["email"] == owner.email

    def test_is_the_only_one_to_change_it(self, admin: User) -> None:
        answer = Browser(admin).submit(f"/admin/accounts/user/{admin.pk}/change/", email=NEW)

        assert answer.status_code == 302
        assert address_of(admin) == admin.email

    @pytest.mark.parametrize(
        ("changes", "field", "sentence"),
        [
            ({"current_password": ""}, "current_password", "This field is required."),
            ({"current_password": "wrong"}, "current_password", "The current password is wrong"),
            ({"email": "nobody"}, "email", "Enter a valid email address."),
            ({"email": "admin@example.com"}, "email", "This is already your address."),
            ({"email": "TAKEN@example.com"}, "email", "Email already in use"),
        ],
    )
    def test_shows_errors_next_to_the_field(
        self, admin: User, outsider: User, changes: dict[str, str], field: str, sentence: str
    ) -> None:
        User.objects.filter(pk=admin.pk).update(email="admin@example.com")
        User.objects.filter(pk=outsider.pk).update(email="taken@example.com")
        admin.refresh_from_db()

        answer = Browser(admin).submit(OWN_EMAIL, **{"email": NEW, "current_password": PASSWORD} | changes)

        assert answer.status_code == 200
        assert answer.context["form"].errors == {field: [sentence]}
        assert PASSWORD not in answer.content.decode()
        assert address_of(admin) == admin.email

    def test_counts_wrong_passwords_towards_the_lockout(self, admin: User) -> None:
        browser = Browser(admin)

        statuses = [browser.submit(OWN_EMAIL, email=NEW, current_password="wrong").status_code for _ in range(5)]

        assert statuses == [200, 200, 200, 200, 429]
        assert login(admin.email).status_code == 429

    def test_is_for_staff(self, owner: User) -> None:
        answer = Browser(owner).post(OWN_EMAIL, {"email": NEW, "current_password": PASSWORD})

        assert answer["Location"].startswith("/admin/login/")
        assert address_of(owner) == owner.email


class TestOwnPasswordPage:
    NEW_PASSWORDS = {"password1": "brand new!", "password2": "brand new!"}

    @pytest.mark.parametrize("role", ["admin", "superuser"])
    def test_by_id_leads_to_the_one_that_asks_for_the_current_one(
        self, request: pytest.FixtureRequest, role: str
    ) -> None:
        user = request.getfixturevalue(role)
        browser, page = Browser(user), f"/admin/accounts/user/{user.pk}/password/"

        answers = [browser.get(page), browser.post(page, self.NEW_PASSWORDS)]

        assert [answer["Location"] for answer in answers] == [PASSWORD_CHANGE] * 2
        assert User.objects.get(pk=user.pk).check_password(PASSWORD)

    def test_counts_wrong_passwords_towards_the_lockout(self, agent: User) -> None:
        browser = Browser(agent)
        guess = {"old_password": "wrong", "new_password1": "brand new!", "new_password2": "brand new!"}

        pages = [browser.post(PASSWORD_CHANGE, guess) for _ in range(5)]

        assert [page.status_code for page in pages] == [200, 200, 200, 200, 429]
        assert pages[0].context["form"].errors.keys() == {"old_password"}
        assert login(agent.email).status_code == 429
