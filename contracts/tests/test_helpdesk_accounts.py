"""Document 004: sign-up and sign-in."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User, UserType
from accounts.tests.factories import PASSWORD, make_user
from contracts.tests.helpdesk_document import (
    REGISTER,
    assert_error,
)

SignedIn = Callable[[User], APIClient]

pytestmark = pytest.mark.django_db


class TestRegister:
    def test_creates_a_customer_by_default(self, anonymous: APIClient) -> None:
        body = {key: value for key, value in REGISTER.items() if key != "role"}

        assert anonymous.post("/api/auth/register", body).status_code == 201
        assert User.objects.get().type == UserType.CUSTOMER

    @pytest.mark.parametrize("header", ["Bearer nonsense", "nonsense", "Bearer"])
    def test_ignores_an_invalid_token(self, anonymous: APIClient, header: str) -> None:
        response = anonymous.post("/api/auth/register", REGISTER, headers={"Authorization": header})

        assert response.status_code == 201

    @pytest.mark.parametrize(("role", "user_type"), [("agent", UserType.AGENT), ("admin", UserType.ADMIN)])
    def test_creates_staff_if_staff_signup_is_on(
        self, anonymous: APIClient, settings: Any, role: str, user_type: str
    ) -> None:
        settings.STAFF_SIGNUP = True

        response = anonymous.post("/api/auth/register", REGISTER | {"role": role, "password": "open, sesame"})

        assert response.status_code == 201
        assert User.objects.get().type == user_type

    @pytest.mark.parametrize("role", ["agent", "admin"])
    def test_lets_only_admins_create_staff_by_default(
        self, anonymous: APIClient, admin: User, signed_in: SignedIn, role: str
    ) -> None:
        body = REGISTER | {"role": role, "password": "open, sesame"}

        assert_error(anonymous.post("/api/auth/register", body), 403, "FORBIDDEN")
        assert signed_in(admin).post("/api/auth/register", body).status_code == 201

    @pytest.mark.parametrize(
        ("role", "password", "is_accepted"),
        [("user", "12345", False), ("user", "123456", True), ("agent", "123456", False), ("admin", "12345678", False)],
    )
    def test_applies_the_products_password_rule_to_staff_only(
        self, anonymous: APIClient, settings: Any, role: str, password: str, is_accepted: bool
    ) -> None:
        settings.STAFF_SIGNUP = True

        response = anonymous.post("/api/auth/register", REGISTER | {"role": role, "password": password})

        if is_accepted:
            assert response.status_code == 201
        else:
            assert_error(response, 400, "INVALID_FIELD", "password")

    def test_does_not_relax_the_rule_of_the_products_own_api(self, anonymous: APIClient) -> None:
        body = {"name": "Hackathon User", "email": "testuser@example.com", "password": "123456", "type": "customer"}

        assert anonymous.post("/users", body).status_code == 400

    def test_refuses_an_email_in_use(self, anonymous: APIClient) -> None:
        make_user(email="TestUser@Example.com")

        assert_error(anonymous.post("/api/auth/register", REGISTER), 409, "INVALID_FIELD", "email")

    @pytest.mark.parametrize("field", ["name", "email", "password"])
    @pytest.mark.parametrize("empty", [None, ""])
    def test_names_a_missing_field(self, anonymous: APIClient, field: str, empty: Any) -> None:
        incomplete = {key: value for key, value in REGISTER.items() if key != field}

        for body in (incomplete, incomplete | {field: empty}):
            assert_error(anonymous.post("/api/auth/register", body), 400, "FIELD_REQUIRED", field)

    @pytest.mark.parametrize(
        ("field", "value"),
        [("name", "Al"), ("name", "a\nb and c"), ("email", "nobody"), ("password", 123456), ("role", "root")],
    )
    def test_names_an_invalid_field(self, anonymous: APIClient, field: str, value: Any) -> None:
        response = anonymous.post("/api/auth/register", REGISTER | {field: value})

        assert_error(response, 400, "INVALID_FIELD", field)


class TestLogin:
    def test_refuses_a_wrong_password_and_an_unknown_email_alike(self, anonymous: APIClient, owner: User) -> None:
        for body in ({"email": owner.email, "password": "wrong"}, {"email": "no@example.com", "password": "wrong"}):
            assert_error(anonymous.post("/api/auth/login", body), 401, "INVALID_CREDENTIALS")

    def test_requires_email_and_password(self, anonymous: APIClient) -> None:
        assert_error(anonymous.post("/api/auth/login", {"password": "x"}), 400, "FIELD_REQUIRED", "email")
        assert_error(anonymous.post("/api/auth/login", {"email": "x"}), 400, "FIELD_REQUIRED", "password")

    def test_returns_a_token_that_works_in_the_products_own_api(self, anonymous: APIClient, owner: User) -> None:
        token = anonymous.post("/api/auth/login", {"email": owner.email, "password": PASSWORD}).json()["token"]

        response = anonymous.get("/auth/me", headers={"Authorization": f"Bearer {token}"})

        assert response.json()["id"] == owner.pk

    def test_locks_out_after_repeated_failures(self, anonymous: APIClient, owner: User) -> None:
        for _ in range(5):
            response = anonymous.post("/api/auth/login", {"email": owner.email, "password": "wrong"})

        assert_error(response, 429, "RATE_LIMIT")
        assert int(response["Retry-After"]) > 0
