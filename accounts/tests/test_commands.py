"""`createsuperuser` and `lift_lockout`. `reset_second_factor` is in test_second_factor.py."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User, UserType
from accounts.tests.api import login

pytestmark = pytest.mark.django_db

ELSEWHERE = "203.0.113.7"


class TestLiftLockout:
    def test_lets_everyone_in_again(self, locked_out: User, settings: Any) -> None:
        settings.LOCKOUT_ACCOUNT_FAILURES = 5
        before = [login(locked_out.email, REMOTE_ADDR=address).status_code for address in ("127.0.0.1", ELSEWHERE)]

        call_command("lift_lockout", locked_out.email.upper())

        after = [login(locked_out.email, REMOTE_ADDR=address).status_code for address in ("127.0.0.1", ELSEWHERE)]
        assert (before, after) == ([429, 429], [200, 200])


class TestCreatesuperuser:
    @pytest.fixture(autouse=True)
    def password(self, monkeypatch: pytest.MonkeyPatch) -> str:
        monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "first, of all")
        return "first, of all"

    def test_creates_an_admin(self, password: str) -> None:
        call_command("createsuperuser", email="ada@example.com", name="Ada Admin", interactive=False)

        ada = User.objects.get(email="ada@example.com")
        assert (ada.type, ada.is_superuser, ada.is_staff) == (UserType.ADMIN, True, True)
        assert ada.check_password(password)

    @pytest.mark.parametrize(("name", "email"), [("Al", "al@example.com"), ("Ada Admin", "no address")])
    def test_refuses_what_sign_up_refuses(self, name: str, email: str) -> None:
        with pytest.raises(CommandError):
            call_command("createsuperuser", email=email, name=name, interactive=False)

        assert not User.objects.exists()

    def test_refuses_a_taken_address_ignoring_case(self, owner: User) -> None:
        with pytest.raises(CommandError, match="already in use"):
            call_command("createsuperuser", email=owner.email.upper(), name="Ada Admin", interactive=False)
