"""API keys: creating, using and revoking them, and what they cannot do."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import api_keys, services, tokens
from accounts.models import ApiKey, User
from accounts.tests.api import SignedIn
from accounts.tests.factories import PASSWORD, make_user
from kit.errors import Invalid
from kit.tests.races import during
from kit.web import turns

KEYS = "/auth/keys"
UNKNOWN = "tkt_" + "x" * 40
# A call of each contract that needs a credential, and one that changes something.
READS = ["/auth/me", "/tickets", "/api/v1/auth/me", "/api/tickets"]
WRITES = {
    "/ticket": {"title": "Fix it", "description": "It is broken."},
    "/initialize": {
        "name": "Jazz",
        "description": "Quartet",
        "date": "2099-08-01",
        "location": "Hall",
        "ticketLimit": 5,
        "price": 3,
    },
    "/api/v1/event": {
        "name": "Jazz",
        "description": "Quartet",
        "date": "2099-08-01T18:00:00Z",
        "venue": "Hall",
        "totalTickets": 5,
        "price": 3,
    },
    "/api/tickets": {"title": "Fix it", "description": "It is broken."},
}


def make_key(user: User, scope: str = "write", **fields: Any) -> str:
    _, key = services.create_key(name="Import", scope=scope, by=user)
    if fields:
        ApiKey.objects.filter(digest=api_keys.digest(key.encode())).update(**fields)
    return key


def client(key: str) -> APIClient:
    return APIClient(HTTP_AUTHORIZATION=f"Bearer {key}")


class TestCreate:
    def test_shows_the_key_once(self, owner: User, signed_in: SignedIn) -> None:
        answer = signed_in(owner).post(KEYS, {"name": "Import", "scope": "write", "expiresAt": "2099-01-01T00:00:00Z"})

        created = answer.json()
        assert answer.status_code == 201
        assert re.fullmatch("tkt_[A-Za-z0-9]{40}", created["key"])
        assert created["prefix"] == created["key"][:12]
        assert answer["Cache-Control"] == "no-store"
        (listed,) = signed_in(owner).get(KEYS).json()["items"]
        assert listed == {name: value for name, value in created.items() if name != "key"}
        assert listed["expiresAt"] == "2099-01-01T00:00:00Z"
        assert listed["lastUsedAt"] is None

    def test_stores_no_key(self, owner: User) -> None:
        key = make_key(owner)

        (row,) = ApiKey.objects.values()
        assert key[12:] not in str(row)
        assert bytes(row["digest"]) == api_keys.digest(key.encode())

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"name": ""}, "name"),
            ({"name": "x" * 101}, "name"),
            ({"scope": "admin"}, "scope"),
            ({"scope": None}, "scope"),
            ({"expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt"),
            ({"expiresAt": "tomorrow"}, "expiresAt"),
        ],
    )
    def test_refuses_invalid_input(self, owner: User, signed_in: SignedIn, change: Any, field: str) -> None:
        answer = signed_in(owner).post(KEYS, {"name": "Import", "scope": "read"} | change)

        assert answer.status_code == 400
        assert [fault["field"] for fault in answer.json()["errors"]] == [field]

    def test_is_limited_per_user(self, owner: User, outsider: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(services.api_keys, "MAX_KEYS", 2)
        make_key(owner)
        make_key(owner, expires_at=timezone.now() - timedelta(days=1))

        with pytest.raises(services.TooManyKeys):
            make_key(owner)

        assert make_key(outsider)

    def test_needs_a_sign_in(self, anonymous: APIClient) -> None:
        assert anonymous.post(KEYS, {"name": "Import", "scope": "read"}).status_code == 401

    def test_refuses_a_time_in_the_past(self, owner: User) -> None:
        with pytest.raises(Invalid):
            services.create_key(name="Import", scope="read", expires_at=timezone.now(), by=owner)


class TestUse:
    @pytest.mark.parametrize("path", READS)
    def test_acts_as_its_owner_in_all_contracts(self, owner: User, path: str) -> None:
        assert client(make_key(owner, "read")).get(path).status_code == 200

    @pytest.mark.parametrize("header", ["{}", "Bearer {}", "bearer {}"])
    def test_is_read_wherever_the_box_office_reads_a_token(self, admin: User, header: str) -> None:
        api = APIClient(HTTP_AUTHORIZATION=header.format(make_key(admin)))

        assert api.post("/initialize", WRITES["/initialize"]).status_code == 201

    @pytest.mark.parametrize("path", WRITES)
    def test_writes_with_the_scope_write(self, admin: User, path: str) -> None:
        assert client(make_key(admin)).post(path, WRITES[path]).status_code == 201

    @pytest.mark.parametrize("path", WRITES)
    def test_is_forbidden_to_write_with_the_scope_read(self, admin: User, path: str) -> None:
        answer = client(make_key(admin, "read")).post(path, WRITES[path])

        assert answer.status_code == 403
        assert "This API key can only read" in answer.content.decode()

    @pytest.mark.parametrize("method", ["put", "patch", "delete"])
    def test_is_forbidden_every_other_method_with_the_scope_read(self, admin: User, method: str) -> None:
        answer = getattr(client(make_key(admin, "read")), method)(f"/users/{admin.pk}", {"name": "Another Name"})

        assert (answer.status_code, answer.json()["code"]) == (403, "read_only_key")

    @pytest.mark.parametrize("key", [UNKNOWN, "tkt_", "tkt_é", "tkt_" + "x" * 5000])
    @pytest.mark.parametrize("path", READS)
    def test_refuses_an_unknown_key(self, db: None, path: str, key: str) -> None:
        assert client(key).get(path).status_code == 401

    def test_ignores_an_unknown_key_on_public_paths(self, db: None) -> None:
        answer = client(UNKNOWN).post("/login", {"email": "nobody@example.com", "password": "x"})

        assert answer.status_code == 404

    def test_refuses_an_expired_key(self, owner: User) -> None:
        key = make_key(owner, expires_at=timezone.now() - timedelta(seconds=1))

        assert client(key).get("/auth/me").status_code == 401

    def test_reads_the_user_as_a_token_does(self, owner: User) -> None:
        found = api_keys.owner(make_key(owner).encode())
        assert found is not None

        by_token = tokens.owner(tokens.BearerToken().get_validated_token(tokens.issue(owner).access.encode()))
        by_key = vars(found[0])

        assert {name: value for name, value in by_key.items() if name not in ("_state", "api_key_id")} == {
            name: value for name, value in vars(by_token).items() if name != "_state"
        }

    def test_counts_against_the_rate_limit_of_its_owner(self, owner: User, signed_in: SignedIn, settings: Any) -> None:
        settings.RATE_LIMITS, settings.RATE_LIMIT = True, "3/minute"

        answers = [
            client(make_key(owner)).get("/auth/me"),
            client(make_key(owner, "read")).post("/ticket"),
            signed_in(owner).get("/auth/me"),
            client(make_key(owner)).get("/auth/me"),
        ]

        assert [answer.status_code for answer in answers] == [200, 403, 200, 429]

    def test_takes_the_turns_of_its_owner(self, owner: User, signed_in: SignedIn) -> None:
        headers = [f"Bearer {make_key(owner)}", f"Bearer {tokens.issue(owner).access}"]
        for header in headers:
            APIClient(HTTP_AUTHORIZATION=header).get("/auth/me")

        assert {turns.owner_of(header) for header in headers} == {f"user {owner.pk}"}
        assert turns.owner_of("Bearer another") == "Bearer another"


class TestLastUse:
    def test_is_shown(self, owner: User, signed_in: SignedIn) -> None:
        client(make_key(owner)).get("/auth/me")

        (listed,) = signed_in(owner).get(KEYS).json()["items"]
        assert listed["lastUsedAt"]

    def test_costs_a_statement_only_once_a_minute(self, owner: User, django_assert_num_queries: Any) -> None:
        api = client(make_key(owner))
        with django_assert_num_queries(2):
            api.get("/auth/me")
        with django_assert_num_queries(1):
            api.get("/auth/me")
        used_at = ApiKey.objects.get().last_used_at
        assert used_at

        ApiKey.objects.update(last_used_at=used_at - timedelta(seconds=61))
        with django_assert_num_queries(2):
            api.get("/auth/me")

        assert ApiKey.objects.get().last_used_at == used_at

    @pytest.mark.django_db(transaction=True, serialized_rollback=True)
    def test_does_not_wait_for_another_request(self) -> None:
        api = client(make_key(make_user()))
        holder = connection.copy()
        try:
            with holder.cursor() as cursor:
                cursor.execute("BEGIN; UPDATE accounts_apikey SET last_used_at = now()")
                answer = api.get("/auth/me")
        finally:
            holder.close()

        assert answer.status_code == 200


class TestRevoke:
    def test_ends_a_key(self, owner: User, signed_in: SignedIn) -> None:
        key = make_key(owner)

        answer = signed_in(owner).delete(f"{KEYS}/{ApiKey.objects.get().pk}")

        assert answer.status_code == 204
        assert client(key).get("/auth/me").status_code == 401

    def test_is_for_the_owner_and_admins(self, owner: User, outsider: User, agent: User, admin: User) -> None:
        key = make_key(owner)
        key_id = ApiKey.objects.get().pk

        for user in (outsider, agent):
            with pytest.raises(services.KeyNotFound):
                services.revoke_key(key_id=key_id, by=user)
        assert client(key).get("/auth/me").status_code == 200

        services.revoke_key(key_id=key_id, by=admin)
        assert client(key).get("/auth/me").status_code == 401

    @pytest.mark.parametrize("key_id", [10**9, 10**30])
    def test_of_an_unknown_key_is_404(self, owner: User, signed_in: SignedIn, key_id: int) -> None:
        assert signed_in(owner).delete(f"{KEYS}/{key_id}").status_code == 404

    @pytest.mark.parametrize(
        "change",
        [
            {"is_active": False},
            {"password": make_password("another, please")},
            {"email": "new.address@example.com"},
        ],
        ids=lambda change: str(*change),
    )
    @pytest.mark.parametrize("undo", [False, True])
    def test_happens_when_tokens_are_revoked(self, owner: User, change: dict[str, Any], undo: bool) -> None:
        """Even in psql, and even if the change is undone."""
        key, before = make_key(owner), {name: getattr(owner, name) for name in change}
        User.objects.filter(pk=owner.pk).update(**change)
        if undo:
            User.objects.filter(pk=owner.pk).update(**before)

        assert client(key).get("/auth/me").status_code == 401
        assert not ApiKey.objects.exists()

    @pytest.mark.parametrize("change", [{"name": "Olga Other"}, {"phone": "+4930123456"}, {"is_active": True}])
    def test_does_not_happen_with_other_changes(self, owner: User, change: dict[str, Any]) -> None:
        key = make_key(owner)
        User.objects.filter(pk=owner.pk).update(**change)

        assert client(key).get("/auth/me").status_code == 200

    def test_happens_a_month_after_expiry(self, owner: User) -> None:
        at = timezone.now()
        make_key(owner)
        make_key(owner, expires_at=at - timedelta(days=31))
        make_key(owner, expires_at=at - timedelta(days=29))

        services.purge_keys(expired_before=at - timedelta(days=30))

        assert ApiKey.objects.count() == 2


class TestForbidden:
    """What could make a leaked key permanent."""

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("post", KEYS, {"name": "Another", "scope": "read"}),
            ("post", "/auth/password", {"currentPassword": PASSWORD, "password": "another, please"}),
            ("patch", "/users/{own}", {"email": "thief@example.com", "currentPassword": PASSWORD}),
            ("patch", "/users/{other}", {"email": "thief@example.com"}),
            ("put", "/users/{other}", {"name": "Otto Outsider", "email": "thief@example.com"}),
        ],
    )
    def test_calls_are_refused(self, admin: User, outsider: User, method: str, path: str, body: Any) -> None:
        path = path.format(own=admin.pk, other=outsider.pk)

        answer = getattr(client(make_key(admin)), method)(path, body)

        assert (answer.status_code, answer.json()["code"]) == (403, "sign_in_required")
        assert ApiKey.objects.count() == 1
        assert not User.objects.filter(email="thief@example.com").exists()

    def test_do_not_include_the_rest_of_a_user(self, admin: User, outsider: User) -> None:
        body = {"name": "Otto Other", "email": outsider.email}

        assert client(make_key(admin)).put(f"/users/{outsider.pk}", body).status_code == 200


@pytest.mark.slow
@pytest.mark.database
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestRaces:
    def test_leave_no_key_from_before_a_new_password(self) -> None:
        owner = make_user()

        def change_password() -> None:
            with transaction.atomic():
                User.objects.filter(pk=owner.pk).update(password=make_password("another, please"))

        def create() -> Any:
            return services.create_key(name="Import", scope="read", by=owner)

        outcome = during(change_password, create)

        assert outcome == [tokens.InvalidToken]
        assert not ApiKey.objects.exists()

    def test_do_not_exceed_the_limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(services.api_keys, "MAX_KEYS", 1)
        owner = make_user()

        def create() -> Any:
            return services.create_key(name="Import", scope="read", by=owner)

        outcome = during(create, create)

        assert outcome == [services.TooManyKeys]
        assert ApiKey.objects.count() == 1

    def test_exceed_the_limit_without_the_lock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(services.api_keys, "MAX_KEYS", 1)
        monkeypatch.setattr(services.api_keys, "_locked", lambda by: by)
        owner = make_user()

        def create() -> Any:
            return services.create_key(name="Import", scope="read", by=owner)

        during(create, create)

        assert ApiKey.objects.count() == 2


class TestLogs:
    def test_never_contain_a_key(self, owner: User, signed_in: SignedIn, capfd: Any, caplog: Any) -> None:
        created: Callable[..., Any] = signed_in(owner).post
        key = created(KEYS, {"name": "Import", "scope": "write"}).json()["key"]
        client(key).get("/auth/me")
        client(key).post("/ticket", {})
        client(UNKNOWN).get("/auth/me")

        output = "".join(capfd.readouterr()) + caplog.text
        assert "/auth/keys" in output
        assert key[12:] not in output
        assert UNKNOWN not in output
