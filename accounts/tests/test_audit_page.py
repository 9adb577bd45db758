"""The audit log and API keys in the admin."""

import csv
import io
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from rest_framework.test import APIClient

from accounts import services
from accounts.models import ApiKey, AuditEntry, User
from accounts.tests.api import login
from kit.tests.browser import Browser, fields

LOG = "/admin/accounts/auditentry/"
OWN_KEYS = "/admin/accounts/user/me/keys/"
ALL_KEYS = "/admin/accounts/apikey/"
NEW_KEY = {"name": "Nightly import", "scope": "read", "expires_at_0": "", "expires_at_1": ""}


def rows_of(page: Any) -> list[list[str]]:
    return [[str(entry.action), entry.account] for entry in page.context["cl"].result_list]


class TestAuditLog:
    @pytest.fixture(autouse=True)
    def _entries(self, admin: User, owner: User) -> None:
        login(owner.email, REMOTE_ADDR="192.0.2.7")
        login(owner.email, "wrong", REMOTE_ADDR="192.0.2.8")
        User.objects.filter(pk=owner.pk).update(type="agent")

    def test_shows_the_newest_first(self, admin: User, owner: User) -> None:
        page = Browser(admin).get(LOG)

        assert [action for action, _ in rows_of(page)][1:4] == ["role_changed", "sign_in_failed", "sign_in"]
        assert "type: customer → agent" in page.content.decode()

    def test_says_in_words_what_has_changed(self, admin: User) -> None:
        assert "type: admin; superuser: no" in Browser(admin).get(LOG).content.decode()

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"action__exact": "sign_in_failed"}, ["sign_in_failed"]),
            ({"door__exact": "database"}, ["staff_created"]),
            ({"q": "192.0.2.7"}, ["sign_in"]),
        ],
    )
    def test_can_be_filtered(self, admin: User, query: dict[str, str], found: list[str]) -> None:
        assert [action for action, _ in rows_of(Browser(admin).get(LOG, query))] == found

    def test_can_be_searched_by_address_in_any_case(self, admin: User, owner: User) -> None:
        found = rows_of(Browser(admin).get(LOG, {"q": owner.email.upper()}))

        assert {account for _, account in found} == {owner.email}

    def test_runs_as_many_queries_however_long_it_is(self, admin: User, django_assert_num_queries: Any) -> None:
        browser = Browser(admin)
        browser.get(LOG)

        with django_assert_num_queries(6):
            browser.get(LOG)
        entry = AuditEntry.objects.filter(action="sign_in").first()
        assert entry is not None
        AuditEntry.objects.bulk_create(
            AuditEntry(at=entry.at, action="sign_in", by_id=admin.pk, details={}) for _ in range(50)
        )
        with django_assert_num_queries(6):
            browser.get(LOG)

    def test_can_be_exported(self, admin: User, owner: User) -> None:
        chosen = list(AuditEntry.objects.filter(action="role_changed").values_list("pk", flat=True))

        answer = Browser(admin).post(LOG, {"action": "export", "_selected_action": chosen})

        (exported,) = csv.DictReader(io.StringIO(b"".join(answer).decode("utf-8-sig")))
        assert answer["Content-Disposition"] == 'attachment; filename="audit-log.csv"'
        assert (exported["action"], exported["account"]) == ("role_changed", owner.email)
        assert exported["details"] == "type: customer → agent"

    def test_names_users_who_were_deleted(self, admin: User) -> None:
        entry = AuditEntry.objects.create(
            at=AuditEntry.objects.order_by("pk")[0].at, action="sign_in", by_id=987654, details={}
        )

        page = Browser(admin).get(f"{LOG}{entry.pk}/change/")

        assert "deleted user 987654" in page.content.decode()

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_is_closed_to_agents(self, agent: User, method: str) -> None:
        assert getattr(Browser(agent), method)(LOG).status_code == 403


class TestOwnKeys:
    def test_are_created_and_shown_once(self, agent: User) -> None:
        browser = Browser(agent)

        page = browser.post(OWN_KEYS, fields(browser.get(OWN_KEYS)) | NEW_KEY, follow=True)

        key = page.context["new_key"]
        assert key in page.content.decode()
        assert APIClient(HTTP_AUTHORIZATION=f"Bearer {key}").get("/auth/me").json()["id"] == agent.pk
        again = browser.get(OWN_KEYS).content.decode()
        assert key not in again
        assert key[:12] in again
        assert all(key not in str(session.get_decoded()) for session in Session.objects.all())

    def test_are_created_once_by_a_form_that_is_sent_twice(self, agent: User) -> None:
        browser = Browser(agent)
        sent = fields(browser.get(OWN_KEYS)) | NEW_KEY

        for _ in range(2):
            browser.post(OWN_KEYS, sent)

        assert ApiKey.objects.count() == 1

    @pytest.mark.parametrize(
        ("change", "field"),
        [({"name": ""}, "name"), ({"scope": "all"}, "scope"), ({"expires_at_0": "2020-01-01"}, "expires_at")],
    )
    def test_are_refused_with_the_reason(self, agent: User, change: dict[str, str], field: str) -> None:
        sent = NEW_KEY | {"expires_at_1": "10:00:00"} | change
        sent["expires_at_0"] = sent["expires_at_0"] or "2099-01-01"

        page = Browser(agent).post(OWN_KEYS, sent)

        assert list(page.context["form"].errors) == [field]
        assert not ApiKey.objects.exists()

    def test_are_only_ones_own(self, agent: User, admin: User) -> None:
        services.create_key(name="Of the admin", scope="read", by=admin)

        assert "Of the admin" not in Browser(agent).get(OWN_KEYS).content.decode()

    def test_are_linked_from_the_account(self, agent: User) -> None:
        assert OWN_KEYS in Browser(agent).get("/admin/accounts/user/me/").content.decode()

    def test_run_as_many_queries_however_many_there_are(self, agent: User, django_assert_num_queries: Any) -> None:
        browser = Browser(agent)
        services.create_key(name="One", scope="read", by=agent)
        browser.get(OWN_KEYS)

        with django_assert_num_queries(5):
            browser.get(OWN_KEYS)
        for _ in range(5):
            services.create_key(name="More", scope="read", by=agent)
        with django_assert_num_queries(5):
            browser.get(OWN_KEYS)


class TestRevoke:
    def revoke_page(self) -> str:
        return f"/admin/accounts/user/keys/{ApiKey.objects.get().pk}/revoke/"

    @pytest.mark.parametrize("role", ["agent", "admin"])
    def test_is_for_the_owner_and_admins(self, request: pytest.FixtureRequest, agent: User, role: str) -> None:
        services.create_key(name="Import", scope="read", by=agent)
        browser = Browser(request.getfixturevalue(role))

        asked = browser.get(self.revoke_page())
        answer = browser.post(self.revoke_page())

        assert "Revoke Import?" in asked.content.decode()
        assert answer["Location"] == (OWN_KEYS if role == "agent" else ALL_KEYS)
        assert not ApiKey.objects.exists()

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_is_not_for_others(self, agent: User, admin: User, method: str) -> None:
        services.create_key(name="Import", scope="read", by=admin)

        assert getattr(Browser(agent), method)(self.revoke_page()).status_code == 404
        assert ApiKey.objects.exists()

    def test_works_for_several_keys(self, agent: User, owner: User, admin: User) -> None:
        for user in (agent, owner):
            services.create_key(name="Import", scope="read", by=user)

        listed = Browser(admin).get(ALL_KEYS)
        chosen = list(ApiKey.objects.values_list("pk", flat=True))
        Browser(admin).post(ALL_KEYS, {"action": "revoke_keys", "_selected_action": chosen})

        assert str(owner) in listed.context["cl"].model_admin.owner(ApiKey(user=owner))
        assert not ApiKey.objects.exists()

    def test_lets_users_be_deleted_with_their_keys(self, owner: User, admin: User) -> None:
        services.create_key(name="Import", scope="read", by=owner)

        Browser(admin).post(f"/admin/accounts/user/{owner.pk}/delete/", {"post": "yes"})

        assert not User.objects.filter(pk=owner.pk).exists()
