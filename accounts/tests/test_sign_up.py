"""Creating users over HTTP, with and without a password (document 000, section 1)."""

from typing import Any

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob
from rest_framework.test import APIClient

from accounts import password_codes
from accounts.models import User, UserType
from accounts.tests.api import SignedIn, login, wrong_fields
from accounts.tests.factories import PASSWORD, make_user
from accounts.tests.jobs import run_jobs
from notifications.models import Delivery

pytestmark = pytest.mark.django_db

NEWCOMER = {"name": "Nora New", "email": "nora@example.com", "type": "customer", "password": "open, sesame"}


class TestSignUp:
    def test_returns_three_keys(self, anonymous: APIClient) -> None:
        answer = anonymous.post("/users", NEWCOMER)

        assert answer.status_code == 201
        assert answer.json() == {"id": User.objects.get().pk, "name": "Nora New", "email": "nora@example.com"}

    def test_allows_signing_in_afterwards(self, anonymous: APIClient) -> None:
        anonymous.post("/users", NEWCOMER)

        assert login("nora@example.com", "open, sesame").status_code == 200

    @pytest.mark.parametrize("field", ["name", "email", "type", "password"])
    @pytest.mark.parametrize("value", ["", None, True, 7, [], {}, "a\u0000b", "   "])
    def test_refuses_invalid_values(self, anonymous: APIClient, field: str, value: Any) -> None:
        answer = anonymous.post("/users", NEWCOMER | {field: value})

        assert answer.status_code == 400
        assert wrong_fields(answer) == [field]

    @pytest.mark.parametrize("field", ["name", "email", "type", "password"])
    def test_refuses_missing_fields(self, anonymous: APIClient, field: str) -> None:
        answer = anonymous.post("/users", {name: value for name, value in NEWCOMER.items() if name != field})

        assert answer.status_code == 400
        assert wrong_fields(answer) == [field]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", "Al"),
            ("name", " Al "),
            ("name", "A" * 151),
            ("name", "Nora\r\nNew"),
            ("name", "Nora\x1bNew"),
            ("name", "Nora\u2028New"),
            ("email", "nora"),
            ("email", "nora@"),
            ("email", "nora@example.com, olga@example.com"),
            ("email", "no ra@example.com"),
            ("email", "nora\r\n@example.com"),
            ("email", "n" * 255 + "@example.com"),
            ("type", "agent"),
            ("type", "customers"),
            ("type", "Customer"),
            ("type", "customer "),
            ("password", "password123"),
            ("password", "p@ss"),
            ("password", "p@" + "s" * 999),
        ],
    )
    def test_refuses_fields_out_of_bounds(self, anonymous: APIClient, field: str, value: str) -> None:
        answer = anonymous.post("/users", NEWCOMER | {field: value})

        assert answer.status_code == 400
        assert wrong_fields(answer) == [field]
        assert not User.objects.exists()

    def test_reports_all_errors_at_once(self, anonymous: APIClient) -> None:
        answer = anonymous.post("/users", {"name": "Al", "email": "nora", "type": "boss"})

        assert wrong_fields(answer) == ["name", "email", "type", "password"]

    def test_trims_names_but_not_passwords(self, anonymous: APIClient) -> None:
        answer = anonymous.post("/users", NEWCOMER | {"name": "  Nora New ", "password": "  sesame "})

        assert answer.json()["name"] == "Nora New"
        assert login("nora@example.com", "  sesame ").status_code == 200
        assert login("nora@example.com", "sesame").status_code == 401

    def test_ignores_unknown_keys(self, anonymous: APIClient) -> None:
        answer = anonymous.post("/users", NEWCOMER | {"is_superuser": True, "id": 7, "isActive": False})

        assert answer.status_code == 201
        assert User.objects.filter(is_superuser=False, is_active=True).exists()

    @pytest.mark.parametrize("user_type", ["customer", "admin"])
    def test_refuses_a_taken_address_ignoring_case(self, admin: User, signed_in: SignedIn, user_type: str) -> None:
        make_user(email="Nora@Example.com", type=UserType.AGENT)

        answer = signed_in(admin).post("/users", NEWCOMER | {"type": user_type, "email": "NORA@example.com"})

        assert answer.status_code == 409
        assert (answer.json()["code"], answer.json()["message"]) == ("email_taken", "Email already in use")
        assert wrong_fields(answer) == ["email"]

    def test_lets_only_admins_create_staff(
        self, owner: User, agent: User, admin: User, signed_in: SignedIn, anonymous: APIClient
    ) -> None:
        callers = [anonymous, signed_in(owner), signed_in(agent), signed_in(admin)]

        answers = [caller.post("/users", NEWCOMER | {"type": "admin"}) for caller in callers]

        assert [answer.status_code for answer in answers] == [403, 403, 403, 201]
        assert answers[0].json()["code"] == "staff_signup_closed"

    def test_lets_anyone_become_an_admin_if_the_setting_is_on(self, anonymous: APIClient, settings: Any) -> None:
        settings.STAFF_SIGNUP = True

        answer = anonymous.post("/users", NEWCOMER | {"type": "admin"})

        assert answer.status_code == 201
        assert User.objects.get().is_admin

    def test_lets_only_admins_create_agents(self, owner: User, admin: User, signed_in: SignedIn, settings: Any) -> None:
        settings.STAFF_SIGNUP = True

        answers = [signed_in(user).post("/users", NEWCOMER | {"type": "agent"}) for user in (owner, admin)]

        assert [answer.status_code for answer in answers] == [400, 201]

    def test_lets_only_admins_omit_the_type(self, owner: User, admin: User, signed_in: SignedIn) -> None:
        typeless = {name: value for name, value in NEWCOMER.items() if name != "type"}

        answers = [signed_in(user).post("/users", typeless) for user in (owner, admin)]

        assert [answer.status_code for answer in answers] == [400, 201]
        assert User.objects.get(email="nora@example.com").type == UserType.CUSTOMER

    def test_refuses_an_invalid_token_instead_of_ignoring_it(self, anonymous: APIClient) -> None:
        answer = anonymous.post("/users", NEWCOMER, HTTP_AUTHORIZATION="Bearer nonsense")

        assert answer.status_code == 401

    def test_runs_three_queries(self, anonymous: APIClient, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(3):
            anonymous.post("/users", NEWCOMER)


class TestUserWithoutPassword:
    NEWCOMER = {"name": "Nora New", "email": "nora@example.com"}

    @pytest.fixture
    def nora(self, admin: User, signed_in: SignedIn) -> User:
        answer = signed_in(admin).post("/users", self.NEWCOMER)
        assert answer.status_code == 201
        return User.objects.get(pk=answer.json()["id"])

    def test_is_a_customer(self, nora: User) -> None:
        assert (nora.type, nora.has_usable_password()) == (UserType.CUSTOMER, False)

    def test_is_mailed_a_code_to_set_one(self, nora: User) -> None:
        run_jobs("notifications.tasks.mail_set_password")

        delivery = Delivery.objects.get(user=nora)

        assert (delivery.kind, delivery.address) == ("set-password", nora.email)

    @pytest.mark.parametrize("password", ["", " ", "!", "None", "null", PASSWORD])
    def test_cannot_sign_in(self, nora: User, password: str) -> None:
        assert login(nora.email, password).status_code in (400, 401)
        assert login(nora.email, nora.password).status_code == 401

    @pytest.mark.parametrize("password", [None, "absent"])
    @pytest.mark.parametrize("by", ["anonymous", "owner", "agent"])
    def test_is_created_by_admins_only(
        self,
        request: pytest.FixtureRequest,
        anonymous: APIClient,
        signed_in: SignedIn,
        password: str | None,
        by: str,
    ) -> None:
        api = anonymous if by == "anonymous" else signed_in(request.getfixturevalue(by))
        body: dict[str, Any] = self.NEWCOMER | {"type": "customer"} | ({"password": None} if password is None else {})

        answer = api.post("/users", body)

        assert answer.status_code == 400
        assert [fault["field"] for fault in answer.json()["errors"]] == ["password"]

    def test_is_not_created_by_an_empty_password(self, admin: User, signed_in: SignedIn) -> None:
        assert signed_in(admin).post("/users", self.NEWCOMER | {"password": ""}).status_code == 400

    def test_can_sign_in_after_setting_one(self, nora: User, anonymous: APIClient) -> None:
        uid, code = password_codes.code_for(nora)

        answer = anonymous.post("/auth/password/reset/confirm", {"uid": uid, "code": code, "password": "open, sesame"})

        assert answer.status_code == 204
        assert login(nora.email, "open, sesame").status_code == 200

    def test_is_not_created_with_a_taken_address(self, admin: User, owner: User, signed_in: SignedIn) -> None:
        answer = signed_in(admin).post("/users", self.NEWCOMER | {"email": owner.email})

        assert answer.status_code == 409
        assert not ProcrastinateJob.objects.exists()
        assert not Delivery.objects.exists()
