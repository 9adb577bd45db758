"""The rules of creating and deleting users."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import transaction

from accounts import services
from accounts.models import User, UserType
from accounts.tests.factories import make_user
from kit.errors import Invalid
from kit.tests.races import apart
from tickets.tests.factories import make_ticket

PAUSE = 0.2
NEWCOMER: dict[str, Any] = {
    "name": "Nora New",
    "email": "nora@example.com",
    "type": UserType.CUSTOMER,
    "password": "open, sesame",
    "by": None,
}


@pytest.mark.django_db
class TestSignUp:
    def test_lets_anyone_become_a_customer(self) -> None:
        nora = services.sign_up(**NEWCOMER)

        assert User.objects.get() == nora
        assert (nora.type, nora.is_staff, nora.is_superuser, nora.is_active) == ("customer", False, False, True)
        assert nora.check_password("open, sesame")

    @pytest.mark.parametrize("type", [UserType.AGENT, UserType.ADMIN])
    def test_lets_an_admin_create_staff(self, admin: User, type: str) -> None:  # noqa: A002
        nora = services.sign_up(**NEWCOMER | {"type": type, "by": admin})

        assert (nora.type, nora.is_staff, nora.is_superuser) == (type, True, False)

    @pytest.mark.parametrize("type", [UserType.AGENT, UserType.ADMIN])
    @pytest.mark.parametrize("role", ["anonymous", "owner", "agent"])
    def test_lets_nobody_else_create_staff(
        self,
        request: pytest.FixtureRequest,
        role: str,
        type: str,  # noqa: A002
    ) -> None:
        by = None if role == "anonymous" else request.getfixturevalue(role)

        with pytest.raises(services.StaffSignupClosed):
            services.sign_up(**NEWCOMER | {"type": type, "by": by})

        assert not User.objects.filter(email=NEWCOMER["email"]).exists()

    @pytest.mark.parametrize("type", [UserType.AGENT, UserType.ADMIN])
    def test_lets_anyone_become_staff_if_the_setting_is_on(self, settings: Any, type: str) -> None:  # noqa: A002
        settings.STAFF_SIGNUP = True

        nora = services.sign_up(**NEWCOMER | {"type": type})

        assert nora.type == type

    @pytest.mark.parametrize("type", UserType.values)
    def test_refuses_a_taken_address_of_any_type_ignoring_case(
        self,
        admin: User,
        type: str,  # noqa: A002
    ) -> None:
        make_user(email="Nora@Example.com")

        with pytest.raises(services.EmailTaken) as refusal:
            services.sign_up(**NEWCOMER | {"type": type, "by": admin})

        assert refusal.value.fields == {"email": ["Email already in use"]}

    @pytest.mark.parametrize("password", ["password123", "sh*rt", "", "longenough"])
    def test_refuses_a_weak_password(self, password: str) -> None:
        with pytest.raises(Invalid) as refusal:
            services.sign_up(**NEWCOMER | {"password": password})

        assert set(refusal.value.fields) == {"password"}


@pytest.mark.django_db
class TestMinPasswordLength:
    """A rule that a contract can use instead of ours."""

    @pytest.mark.parametrize("type", [UserType.CUSTOMER, UserType.ADMIN])
    def test_replaces_all_other_rules(self, admin: User, type: str) -> None:  # noqa: A002
        changes = {"type": type, "by": admin, "password": "secure12"}

        assert services.sign_up(**NEWCOMER | changes, min_password_length=8).check_password("secure12")

    def test_is_enforced(self) -> None:
        with pytest.raises(Invalid):
            services.sign_up(**NEWCOMER | {"password": "secure1"}, min_password_length=8)


@pytest.mark.django_db
class TestHasAccount:
    def test_ignores_case(self, owner: User) -> None:
        known = [services.has_account(email=email) for email in (owner.email, owner.email.upper(), "x" + owner.email)]

        assert known == [True, True, False]


@pytest.mark.slow
@pytest.mark.database
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestRaceToDelete:
    """A user is deleted while creating their first ticket."""

    def test_keeps_the_user(self, admin: User, owner: User) -> None:
        with ThreadPoolExecutor(1) as threads:
            with transaction.atomic():
                make_ticket(owner)
                deletion = threads.submit(apart, lambda: services.delete(user_id=owner.pk, by=admin))
                time.sleep(PAUSE)
            outcome = deletion.result()

        assert outcome is services.HasRecords
        assert User.objects.filter(pk=owner.pk).exists()

    def test_keeps_the_user_within_a_longer_transaction(self, admin: User, owner: User) -> None:
        """As for a request with an idempotency key, which commits later."""

        def delete() -> None:
            with transaction.atomic():
                services.delete(user_id=owner.pk, by=admin)

        with ThreadPoolExecutor(1) as threads:
            with transaction.atomic():
                make_ticket(owner)
                deletion = threads.submit(apart, delete)
                time.sleep(PAUSE)
            outcome = deletion.result()

        assert outcome is services.HasRecords
