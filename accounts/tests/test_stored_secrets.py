"""The secrets of second factors in the database: encrypted, including older ones, and under keys that rotate."""

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import second_factor
from accounts.models import User
from kit import encryption
from kit.tests.browser import Browser

SECRET = "3132333435363738393031323334353637383930"
OLD, NEW = "an old key of at least 32 characters", "a new key of at least 32 characters"
migration = import_module("accounts.migrations.0011_second_factor")


def code() -> str:
    return f"{TOTP(bytes.fromhex(SECRET)).token():06}"


def set_up(user: User) -> list[str]:
    """Set up an app with SECRET whose current code is still unused, and return the recovery codes."""
    _, codes = second_factor.set_up(user=user, key=encryption.encrypt(SECRET), code=code())
    TOTPDevice.objects.update(last_t=-1)
    return codes


def stored() -> str:
    """Return everything that a copy of the tables reveals."""
    return str([*TOTPDevice.objects.values(), *StaticToken.objects.values()])


class TestStoredSecrets:
    def test_reveal_nothing(self, agent: User) -> None:
        codes = set_up(agent)

        assert not [secret for secret in (SECRET, *codes) if secret in stored()]

    def test_are_encrypted_while_the_user_sets_up_an_app(self, agent: User, settings: Any) -> None:
        settings.ADMIN_SECOND_FACTOR = True
        browser: Client = Browser(agent)

        secret = browser.get("/admin/second-factor/").context["secret"].replace(" ", "")

        assert secret
        key = encryption.decrypt(browser.session["second_factor_key"])
        assert second_factor.app_setup(user=agent, key=encryption.encrypt(key)).secret == secret

    @pytest.mark.parametrize(
        ("statement", "constraint"),
        [
            ("UPDATE otp_totp_totpdevice SET key = '31323334'", "otp_totp_key_is_encrypted"),
            ("UPDATE otp_static_statictoken SET token = 'abcdefgh'", "otp_static_token_is_encrypted"),
        ],
    )
    def test_cannot_be_plain_text(self, agent: User, statement: str, constraint: str) -> None:
        set_up(agent)

        with pytest.raises(IntegrityError, match=constraint), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def alter(statements: str) -> None:
    # PostgreSQL alters no table whose new rows it still has to check.
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute(statements)


class TestMigration:
    def test_can_be_undone_and_repeated(self, agent: User) -> None:
        codes = set_up(agent)

        alter(migration.ACCEPT_PLAIN_TEXT)
        migration.decrypt(apps, None)
        alter(migration.NARROW)
        plain = stored()
        alter(migration.WIDEN)
        migration.encrypt(apps, None)
        alter(migration.REFUSE_PLAIN_TEXT)

        assert all(secret in plain for secret in (SECRET, *codes))
        assert SECRET not in stored()
        assert second_factor.verify(user=agent, code=code())
        assert second_factor.verify(user=agent, code=codes[0])


class TestReencrypt:
    @pytest.fixture
    def codes(self, agent: User, settings: Any) -> list[str]:
        settings.ENCRYPTION_KEYS = [OLD]
        codes = set_up(agent)
        settings.ENCRYPTION_KEYS = [NEW, OLD]
        return codes

    def test_makes_the_old_key_unnecessary(self, agent: User, codes: list[str], settings: Any, capsys: Any) -> None:
        call_command("reencrypt")
        settings.ENCRYPTION_KEYS = [NEW]

        assert second_factor.verify(user=agent, code=code())
        assert second_factor.verify(user=agent, code=codes[0])
        assert capsys.readouterr().out == "Encrypted 11 secrets under the first key.\n"

    def test_changes_nothing_if_a_key_is_missing(self, codes: list[str], settings: Any) -> None:
        settings.ENCRYPTION_KEYS = [NEW]
        before = stored()

        with pytest.raises(CommandError, match="Was a key removed too early"):
            call_command("reencrypt")

        assert stored() == before
