"""The audit log: what is recorded, and that nobody can change it."""

from datetime import timedelta
from typing import Any

import pgtrigger.installation
import pytest
from django.contrib.auth.hashers import make_password
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken

from accounts import audit, second_factor, services, tasks, tokens
from accounts.models import AuditEntry, User, UserType
from accounts.tests.api import SignedIn, login
from accounts.tests.factories import PASSWORD, make_user
from accounts.tests.test_second_factor import PAGE, code_of, wrong_code
from accounts.tests.test_second_factor import set_up as set_up_second_factor
from kit.tests.browser import Browser
from projects.tests.psql import psql

AGENT = "Mozilla/5.0 (a browser)"
LOGIN = "/admin/login/"
AT_A, AT_B = '{"id": 7, "url": "a"}', '{"id": 7, "url": "b"}'


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


def entry(action: str) -> AuditEntry:
    return AuditEntry.objects.get(action=action)


class TestSignIns:
    def test_of_the_api_are_recorded(self, owner: User) -> None:
        login(owner.email, HTTP_USER_AGENT=AGENT, REMOTE_ADDR="192.0.2.7")

        (found,) = AuditEntry.objects.values()
        assert (
            found.items()
            >= {
                "action": "sign_in",
                "user_id": owner.pk,
                "by_id": owner.pk,
                "account": owner.email,
                "door": "api",
                "address": "192.0.2.7",
                "user_agent": AGENT,
            }.items()
        )
        assert found["request_id"]

    @pytest.mark.parametrize("path", ["/login", "/api/v1/auth/login", "/api/auth/login"])
    def test_of_the_contracts_are_recorded(self, owner: User, path: str) -> None:
        APIClient().post(path, {"email": owner.email, "password": PASSWORD})
        APIClient().post(path, {"email": owner.email, "password": "wrong"})

        assert actions() == ["sign_in", "sign_in_failed"]

    def test_of_the_admin_are_recorded(self, agent: User) -> None:
        browser = Client()
        browser.post(LOGIN, {"username": agent.email, "password": "wrong"}, HTTP_USER_AGENT=AGENT)
        browser.post(LOGIN, {"username": agent.email, "password": PASSWORD})
        browser.post("/admin/logout/")

        assert actions() == ["staff_created", "sign_in_failed", "sign_in", "sign_out"]
        signed = AuditEntry.objects.exclude(action="staff_created")
        assert set(signed.values_list("door", "account")) == {("admin", agent.email)}
        assert (entry("sign_in_failed").user_agent, entry("sign_out").by) == (AGENT, agent)

    @pytest.mark.parametrize("account", ["nobody@example.com", "", "\x00", "x" * 300])
    def test_record_whatever_was_entered(self, db: None, account: str) -> None:
        Client(HTTP_USER_AGENT="x" * 500).post(LOGIN, {"username": account, "password": "wrong"})

        assert AuditEntry.objects.filter(action="sign_in_failed").count() <= 1

    def test_never_record_a_password(self, owner: User) -> None:
        login(owner.email)
        login(owner.email, "a wrong password")

        stored = str(list(AuditEntry.objects.values()))
        assert PASSWORD not in stored
        assert "a wrong password" not in stored

    def test_record_a_lockout_once(self, owner: User) -> None:
        for _ in range(9):
            login(owner.email, "wrong")

        assert actions() == ["sign_in_failed"] * 4 + ["locked_out"]
        assert entry("locked_out").account.upper() == owner.email.upper()

    def test_record_a_budget_that_is_used_up(self, owner: User, settings: Any) -> None:
        settings.LOCKOUT_ACCOUNT_FAILURES = 2
        for number in range(4):
            login(owner.email, "wrong", REMOTE_ADDR=f"192.0.2.{number}")

        assert actions() == ["sign_in_failed"] * 2 + ["locked_out"] * 2

    def test_end_with_a_sign_out(self, owner: User) -> None:
        pair = login(owner.email).json()

        APIClient(HTTP_USER_AGENT=AGENT).post("/auth/logout", {"refresh": pair["refresh"]})

        assert actions() == ["sign_in", "sign_out"]
        assert (entry("sign_out").user, entry("sign_out").user_agent) == (owner, AGENT)

    @pytest.mark.parametrize("path", ["/auth/refresh", "/auth/logout"])
    def test_record_a_stolen_refresh_token(self, owner: User, path: str) -> None:
        first = tokens.issue(owner)
        tokens.renew(first.refresh)
        BlacklistedToken.objects.update(blacklisted_at=F("blacklisted_at") - timedelta(seconds=11))

        answer = APIClient().post(path, {"refresh": first.refresh})

        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
        assert actions() == ["token_reused"]

    def test_take_one_more_statement(self, owner: User, monkeypatch: Any) -> None:
        login(owner.email)
        with CaptureQueriesContext(
            connection,
        ) as recorded:
            login(owner.email)
        monkeypatch.setattr(audit, "record", lambda *args, **kwargs: None)
        with CaptureQueriesContext(connection) as unrecorded:
            login(owner.email)

        assert len(recorded) == len(unrecorded) + 1


class TestPasswords:
    def test_that_are_changed_are_recorded(self, owner: User, signed_in: SignedIn) -> None:
        body = {"currentPassword": "wrong", "password": "another, please"}
        api = signed_in(owner)
        api.post("/auth/password", body)
        api.post("/auth/password", body | {"currentPassword": PASSWORD})

        assert actions() == ["password_refused", "password_changed"]
        changed = entry("password_changed")
        assert (changed.user, changed.by, changed.door, changed.details) == (owner, owner, "api", {})
        assert changed.request_id

    def test_that_an_admin_sets_are_recorded(self, admin: User, owner: User) -> None:
        page = f"/admin/accounts/user/{owner.pk}/password/"
        Browser(admin).post(page, {"password1": "another, please", "password2": "another, please"})

        changed = entry("password_changed")
        assert (changed.user, changed.by, changed.door) == (owner, admin, "admin")

    def test_that_are_changed_in_psql_are_recorded(self, owner: User) -> None:
        psql(f"UPDATE accounts_user SET password = '{make_password('another, please')}'")

        changed = entry("password_changed")
        assert (changed.user, changed.by, changed.door) == (owner, None, "database")


class TestUsers:
    def test_with_a_new_address_are_recorded(self, admin: User, owner: User, signed_in: SignedIn) -> None:
        before = owner.email
        signed_in(admin).patch(f"/users/{owner.pk}", {"email": "new.address@example.com"})

        found = entry("email_changed")
        assert (found.user, found.by, found.account) == (owner, admin, "new.address@example.com")
        assert found.details == {"email": [before, "new.address@example.com"]}

    def test_with_a_new_role_are_recorded(self, owner: User, superuser: User) -> None:
        services.update(user_id=owner.pk, by=superuser, type=UserType.ADMIN, is_superuser=True)

        assert entry("role_changed").details == {"type": ["customer", "admin"], "is_superuser": [False, True]}

    def test_with_a_new_role_are_recorded_in_psql(self, owner: User) -> None:
        psql(f"UPDATE accounts_user SET type = 'admin' WHERE id = {owner.pk}")

        found = entry("role_changed")
        assert (found.details, found.door, found.by) == ({"type": ["customer", "admin"]}, "database", None)

    def test_that_are_deactivated_are_recorded(self, owner: User, admin: User) -> None:
        services.update(user_id=owner.pk, by=admin, is_active=False)
        services.update(user_id=owner.pk, by=admin, is_active=True)

        assert actions()[-2:] == ["user_deactivated", "user_reactivated"]

    def test_that_are_staff_from_the_start_are_recorded(self, owner: User, agent: User) -> None:
        assert actions() == ["staff_created"]
        assert entry("staff_created").details == {"type": "agent", "is_superuser": False}

    def test_that_are_deleted_are_recorded(self, owner: User, admin: User) -> None:
        owner_id = owner.pk
        services.delete(user_id=owner_id, by=admin)

        found = entry("user_deleted")
        assert (found.user_id, found.details) == (owner_id, {"email": owner.email, "type": "customer"})

    @pytest.mark.parametrize("change", [{"name": "Olga Other"}, {"phone": "+4930123456"}, {"time_zone": "Asia/Tokyo"}])
    def test_with_other_changes_are_not(self, owner: User, change: dict[str, Any]) -> None:
        User.objects.filter(pk=owner.pk).update(**change)
        owner.save()

        assert actions() == []


class TestCredentials:
    def test_of_the_second_factor_are_recorded(self, agent: User, admin: User, settings: Any) -> None:
        settings.ADMIN_SECOND_FACTOR = True
        app, _ = set_up_second_factor(agent)
        Browser(agent).post(PAGE, {"code": wrong_code(app.key)})
        services.reset_second_factor(user_id=agent.pk, by=admin)

        assert actions()[2:] == ["second_factor_created", "sign_in", "second_factor_failed", "second_factor_deleted"]
        assert not TOTPDevice.objects.exists()
        assert code_of(app.key) not in str(list(AuditEntry.objects.values()))

    def test_do_not_include_their_use(self, agent: User) -> None:
        app, codes = set_up_second_factor(agent)
        second_factor.verify(user=agent, code=code_of(app.key))
        second_factor.verify(user=agent, code=codes[0])

        assert actions() == ["staff_created", "second_factor_created"]

    def test_of_programs_are_recorded(self, owner: User, admin: User) -> None:
        row, key = services.create_key(name="Import", scope="read", by=owner)
        APIClient(HTTP_AUTHORIZATION=f"Bearer {key}").get("/auth/me")
        key_id = row.pk
        services.revoke_key(key_id=key_id, by=admin)

        details = {
            "id": key_id,
            "user_id": owner.pk,
            "name": "Import",
            "prefix": key[:12],
            "scope": "read",
            "expires_at": None,
        }
        assert actions()[1:] == ["api_key_created", "api_key_deleted"]
        assert [found.details for found in AuditEntry.objects.exclude(action="staff_created")] == [details] * 2
        assert {found.user_id for found in AuditEntry.objects.exclude(action="staff_created")} == {owner.pk}
        assert key not in str(list(AuditEntry.objects.values()))

    def test_of_programs_that_die_with_a_password_are_recorded(self, owner: User) -> None:
        services.create_key(name="Import", scope="read", by=owner)
        services.set_password(user=owner, password="another, please")

        assert sorted(actions()) == ["api_key_created", "api_key_deleted", "password_changed"]

    def test_of_programs_that_are_changed_in_psql_are_recorded(self, owner: User) -> None:
        row, _ = services.create_key(name="Import", scope="read", by=owner)
        psql("UPDATE accounts_apikey SET scope = 'write', last_used_at = now()")

        assert entry("api_key_changed").details == {"id": row.pk, "scope": ["read", "write"]}


class TestLog:
    @pytest.fixture(autouse=True)
    def _entry(self, agent: User) -> None:
        """An entry: that the agent was created."""

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE accounts_auditentry SET account = 'somebody else'",
            "DELETE FROM accounts_auditentry",
            "SET LOCAL accounts.purges_audit = 'on'; DELETE FROM accounts_auditentry",
        ],
    )
    def test_cannot_be_changed(self, statement: str) -> None:
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

        assert actions() == ["staff_created"]

    def test_cannot_be_truncated(self) -> None:
        pgtrigger.installation.enable("accounts.AuditEntry:keep_all_audit")

        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("TRUNCATE accounts_auditentry")

    def test_outlives_its_users(self, agent: User, superuser: User) -> None:
        services.delete(user_id=agent.pk, by=superuser)

        assert "staff_created" in actions()

    @pytest.mark.parametrize(("keep_days", "left"), [(0, 4), (731, 4), (700, 3), (40, 2), (30, 1)])
    def test_is_purged_after_the_days_of_the_setting(self, settings: Any, keep_days: int, left: int) -> None:
        for days in (31, 50, 730):
            AuditEntry.objects.create(at=timezone.now() - timedelta(days=days), action="sign_in", details={})
        settings.AUDIT_KEEP_DAYS = keep_days

        tasks.purge_audit_log(0)

        assert AuditEntry.objects.count() == left

    def test_never_loses_the_last_month(self) -> None:
        AuditEntry.objects.create(at=timezone.now() - timedelta(days=29), action="sign_in", details={})

        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT accounts_purge_audit(1)")


@pytest.mark.django_db
class TestRow:
    """`accounts_audit_row`, for triggers of other tables."""

    @pytest.mark.parametrize(
        ("operation", "before", "after", "action", "details"),
        [
            ("INSERT", None, AT_A, "webhook_created", {"id": 7, "url": "a"}),
            ("UPDATE", AT_A, AT_B, "webhook_changed", {"id": 7, "url": ["a", "b"]}),
            ("DELETE", AT_A, None, "webhook_deleted", {"id": 7, "url": "a"}),
        ],
    )
    def test_appends_an_entry(
        self, operation: str, before: str | None, after: str | None, action: str, details: Any
    ) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT accounts_audit_row('webhook', %s, %s::jsonb, %s::jsonb, ARRAY['url'])",
                [operation, before, after],
            )

        (found,) = AuditEntry.objects.all()
        assert (found.action, found.details, found.user_id, found.account) == (action, details, None, "")

    def test_appends_none_for_other_columns(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                """SELECT accounts_audit_row('webhook', 'UPDATE', '{"id": 7, "x": 1}', '{"id": 7, "x": 2}', '{url}')"""
            )

        assert not AuditEntry.objects.exists()


def test_of_a_factory_is_empty(db: None) -> None:
    """Customers who sign up are not recorded."""
    make_user()

    assert actions() == []
