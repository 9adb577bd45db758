"""Constraints of the user table, whatever code writes to it, and the rules about passwords."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection

from accounts.models import SpecialCharacterValidator, User, UserType
from accounts.tests.factories import PASSWORD, make_user
from kit.db.sql import violated

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def insert(**fields: Any) -> None:
    """Insert a user without running save() or full_clean()."""
    User.objects.bulk_create([User(**{"name": "Some Body", "email": "some.body@example.com"} | fields)])


class TestAddresses:
    def test_are_unique_ignoring_case(self) -> None:
        make_user(email="Olga@Example.com")

        with pytest.raises(IntegrityError) as refusal:
            insert(email="OLGA@example.COM")

        assert violated(refusal.value) == "user_email_unique"

    def test_are_found_in_any_case(self) -> None:
        olga = make_user(email="Olga@Example.com")

        found = User.objects.get_by_natural_key("oLGA@eXAMPLE.com")

        assert found == olga

    def test_that_are_taken_fail_validation_with_a_message(self, owner: User) -> None:
        twin = User(name="Olga Again", email=owner.email.upper(), password="unused")

        with pytest.raises(ValidationError, match="This e-mail address is already in use"):
            twin.full_clean()


class TestConstraints:
    @pytest.mark.parametrize("name", ["", "Al", " Al ", "   "])
    def test_refuse_a_short_name(self, name: str) -> None:
        with pytest.raises(IntegrityError) as refusal:
            insert(name=name)

        assert violated(refusal.value) == "user_name_length"

    @pytest.mark.parametrize("user_type", ["", "customers", "Admin", "staff"])
    def test_refuse_an_unknown_type(self, user_type: str) -> None:
        with pytest.raises(IntegrityError) as refusal:
            insert(type=user_type)

        assert violated(refusal.value) == "user_type"

    @pytest.mark.parametrize("user_type", [UserType.CUSTOMER, UserType.AGENT])
    def test_refuse_a_superuser_who_is_not_an_admin(self, user_type: str) -> None:
        with pytest.raises(IntegrityError) as refusal:
            insert(type=user_type, is_superuser=True)

        assert violated(refusal.value) == "user_superuser_is_admin"

    def test_apply_to_plain_sql_too(self, owner: User) -> None:
        with pytest.raises(IntegrityError) as refusal, connection.cursor() as cursor:
            cursor.execute("UPDATE accounts_user SET type = 'boss' WHERE id = %s", [owner.pk])

        assert violated(refusal.value) == "user_type"


class TestStaff:
    def test_are_agents_and_admins(self, owner: User, agent: User, admin: User) -> None:
        staff = [user for user in (owner, agent, admin) if user.is_staff]

        assert staff == [agent, admin]

    def test_are_admins_by_type(self, owner: User, agent: User, admin: User) -> None:
        admins = [user for user in (owner, agent, admin) if user.is_admin]

        assert admins == [admin]


class TestPasswords:
    def test_are_stored_as_argon2_with_owasps_parameters(self, owner: User) -> None:
        kind, variant, version, cost = owner.password.split("$")[:4]

        assert (kind, variant, version, cost) == ("argon2", "argon2id", "v=19", "m=19456,t=2,p=1")
        assert PASSWORD not in owner.password

    def test_are_salted(self, owner: User) -> None:
        first = owner.password
        owner.set_password(PASSWORD)

        assert owner.password != first
        assert owner.check_password(PASSWORD)


class TestSpecialCharacters:
    @pytest.mark.parametrize("password", ["password123", "Pässwörter1", "密码密码密码密码", "٣٤٥٦٧٨٩٠"])
    def test_are_not_letters_or_digits_of_any_script(self, password: str) -> None:
        with pytest.raises(ValidationError):
            SpecialCharacterValidator().validate(password)

    @pytest.mark.parametrize("password", ["password-123", "pass word", "password123 ", "passw€rd"])
    def test_are_all_other_characters(self, password: str) -> None:
        SpecialCharacterValidator().validate(password)
