"""Renewing and revoking refresh tokens, alone and in races."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.db import connection
from django.db.models import F
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.test import APIClient
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.state import token_backend
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken

from accounts import tokens
from accounts.models import RevokedSignIn, User


def usable_tokens(user: User) -> int:
    """Return the number of the user's refresh tokens that could still be used."""
    return OutstandingToken.objects.filter(user=user, blacklistedtoken=None).count()


def let_pass(seconds: float) -> None:
    """Move every use of a refresh token this far into the past."""
    BlacklistedToken.objects.update(blacklisted_at=F("blacklisted_at") - timedelta(seconds=seconds))


@pytest.mark.django_db
class TestRenew:
    def test_returns_a_new_pair(self, owner: User) -> None:
        first = tokens.issue(owner)

        second = tokens.renew(first.refresh)

        assert second.refresh != first.refresh
        assert tokens.owner(tokens.BearerToken().get_validated_token(second.access.encode())) == owner

    def test_refuses_a_deactivated_user(self, owner: User) -> None:
        pair = tokens.issue(owner)
        User.objects.filter(pk=owner.pk).update(is_active=False)

        with pytest.raises(tokens.InvalidToken):
            tokens.renew(pair.refresh)

    def test_refuses_a_deleted_user(self, owner: User) -> None:
        pair = tokens.issue(owner)
        owner.delete()

        with pytest.raises(tokens.InvalidToken):
            tokens.renew(pair.refresh)

    def test_refuses_a_token_from_before_a_password_change(self, owner: User) -> None:
        pair = tokens.issue(owner)
        owner.set_password("another, please")
        owner.save()

        with pytest.raises(tokens.InvalidToken):
            tokens.renew(pair.refresh)

    def test_refuses_an_expired_token(self, owner: User) -> None:
        expired = tokens.RefreshToken.for_user(owner)
        expired.set_exp(lifetime=-timedelta(seconds=11))

        with pytest.raises(tokens.InvalidToken):
            tokens.renew(str(expired))

    @pytest.mark.parametrize("text", ["", "x", "a.b.c", "é", "eyJhbGciOiJub25lIn0.eyJ1c2VyX2lkIjoiMSJ9."])
    def test_refuses_anything_but_our_tokens(self, text: str) -> None:
        with pytest.raises(tokens.InvalidToken):
            tokens.renew(text)

    def test_refuses_an_access_token(self, owner: User) -> None:
        with pytest.raises(tokens.InvalidToken):
            tokens.renew(tokens.issue(owner).access)


@pytest.mark.django_db
class TestReuse:
    """Of a refresh token that was renewed before, in another tab or by a thief."""

    def test_gets_a_pair_of_its_own_for_ten_seconds(self, owner: User) -> None:
        first = tokens.issue(owner).refresh
        winner = tokens.renew(first)
        let_pass(9)

        loser = tokens.renew(first)

        assert winner.refresh != loser.refresh
        assert tokens.renew(winner.refresh)
        assert tokens.renew(loser.refresh)

    def test_gets_a_pair_even_if_the_other_one_was_renewed_again(self, owner: User) -> None:
        first = tokens.issue(owner).refresh
        tokens.renew(tokens.renew(first).refresh)

        assert tokens.renew(first)

    def test_revokes_the_whole_family_later(self, owner: User) -> None:
        first = tokens.issue(owner).refresh
        branches = [tokens.renew(first).refresh, tokens.renew(first).refresh]
        let_pass(11)

        for refresh in (first, *branches):
            with pytest.raises(tokens.InvalidToken):
                tokens.renew(refresh)

        assert usable_tokens(owner) == 0

    def test_does_not_revive_a_revoked_family(self, owner: User) -> None:
        first = tokens.issue(owner).refresh
        second = tokens.renew(first).refresh
        tokens.revoke(second)

        for refresh in (first, second):
            with pytest.raises(tokens.InvalidToken):
                tokens.renew(refresh)

    def test_is_refused_at_once_without_a_grace_period(self, owner: User, settings: Any) -> None:
        settings.REFRESH_GRACE_SECONDS = 0
        first = tokens.issue(owner).refresh
        tokens.renew(first)

        with pytest.raises(tokens.InvalidToken):
            tokens.renew(first)

    def test_leaves_other_sign_ins_alone(self, owner: User) -> None:
        stolen, phone = tokens.issue(owner), tokens.issue(owner)
        tokens.renew(stolen.refresh)
        let_pass(11)

        with pytest.raises(tokens.InvalidToken):
            tokens.renew(stolen.refresh)

        assert tokens.renew(phone.refresh)

    def test_leaves_other_users_alone(self, owner: User, outsider: User) -> None:
        stolen, other = tokens.issue(owner), tokens.issue(outsider)
        tokens.renew(stolen.refresh)
        let_pass(11)

        with pytest.raises(tokens.InvalidToken):
            tokens.renew(stolen.refresh)

        assert tokens.renew(other.refresh)


@pytest.mark.django_db
class TestRevoke:
    def test_uses_the_token_up(self, owner: User) -> None:
        pair = tokens.issue(owner)

        tokens.revoke(pair.refresh)

        assert usable_tokens(owner) == 0

    def test_ends_every_branch_of_the_family(self, owner: User) -> None:
        first = tokens.issue(owner).refresh
        here, there = tokens.renew(first).refresh, tokens.renew(first).refresh

        tokens.revoke(here)

        with pytest.raises(tokens.InvalidToken):
            tokens.renew(there)
        assert usable_tokens(owner) == 0

    def test_leaves_other_sign_ins_alone(self, owner: User) -> None:
        here, there = tokens.issue(owner), tokens.issue(owner)

        tokens.revoke(here.refresh)

        assert tokens.renew(there.refresh)

    def test_takes_a_token_that_another_tab_has_just_renewed(self, owner: User) -> None:
        first = tokens.issue(owner).refresh
        tokens.renew(first)

        tokens.revoke(first)

        assert usable_tokens(owner) == 0

    def test_counts_as_reuse_of_a_used_token_later(self, owner: User) -> None:
        first = tokens.issue(owner)
        tokens.renew(first.refresh)
        let_pass(11)

        with pytest.raises(tokens.InvalidToken):
            tokens.revoke(first.refresh)

        assert usable_tokens(owner) == 0


@pytest.mark.django_db
class TestAccessTokens:
    """Of a sign-in that is revoked."""

    @staticmethod
    def accepts(access: str) -> bool:
        return bool(APIClient(HTTP_AUTHORIZATION=f"Bearer {access}").get("/auth/me").status_code == 200)

    def test_die_when_the_user_signs_out(self, owner: User) -> None:
        first = tokens.issue(owner)
        second = tokens.renew(first.refresh)
        assert self.accepts(first.access)

        APIClient().post("/auth/logout", {"refresh": second.refresh})

        assert [self.accepts(pair.access) for pair in (first, second)] == [False, False]

    def test_die_when_a_refresh_token_is_used_again(self, owner: User) -> None:
        first = tokens.issue(owner)
        second = tokens.renew(first.refresh)
        let_pass(11)

        APIClient().post("/auth/refresh", {"refresh": first.refresh})

        assert [self.accepts(pair.access) for pair in (first, second)] == [False, False]

    @pytest.mark.parametrize("path", ["/auth/me", "/api/v1/auth/me", "/api/tickets", "/book"])
    def test_die_in_all_contracts(self, owner: User, path: str) -> None:
        pair = tokens.issue(owner)
        tokens.revoke(pair.refresh)

        api = APIClient(HTTP_AUTHORIZATION=f"Bearer {pair.access}")

        assert (api.post(path, {}) if path == "/book" else api.get(path)).status_code == 401

    def test_of_other_sign_ins_live_on(self, owner: User) -> None:
        here, there = tokens.issue(owner), tokens.issue(owner)

        tokens.revoke(here.refresh)

        assert self.accepts(there.access)

    def test_take_one_query(self, owner: User, django_assert_num_queries: Any) -> None:
        api = APIClient(HTTP_AUTHORIZATION=f"Bearer {tokens.issue(owner).access}")

        with django_assert_num_queries(1):
            api.get("/auth/me")

    def test_are_remembered_as_revoked_until_the_last_has_expired(self, owner: User) -> None:
        pair = tokens.issue(owner)
        tokens.revoke(pair.refresh)
        lifetime: timedelta = api_settings.ACCESS_TOKEN_LIFETIME

        tokens.purge(at=timezone.now() + lifetime)
        assert RevokedSignIn.objects.exists()
        tokens.purge(at=timezone.now() + lifetime + timedelta(seconds=11))
        assert not RevokedSignIn.objects.exists()


THREADS = 8
PAUSE = 0.2


def renew_concurrently(texts: list[str]) -> list[tokens.TokenPair | None]:
    """Renew these tokens at the same moment, each in its own thread. Return what each thread gets."""
    barrier = Barrier(len(texts))

    def renew(text: str) -> tokens.TokenPair | None:
        try:
            barrier.wait()
            return tokens.renew(text)
        except tokens.InvalidToken:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(len(texts)) as threads:
        return list(threads.map(renew, texts))


@contextmanager
def unlocked_owner(token: Any) -> Iterator[User]:
    """Do what `tokens.locked_owner` does, but without its lock and transaction."""
    yield tokens.owner(token)


def check_then_blacklist(token: Any) -> datetime | None:
    """Blacklist a token in two steps, as simplejwt does, with a pause in which others can interfere."""
    used_at = BlacklistedToken.objects.filter(token__jti=token["jti"]).values_list("blacklisted_at", flat=True).first()
    time.sleep(PAUSE)
    outstanding = OutstandingToken.objects.get(jti=token["jti"])
    BlacklistedToken.objects.bulk_create([BlacklistedToken(token=outstanding)], ignore_conflicts=True)
    return used_at


@pytest.mark.slow
@pytest.mark.database
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestRaces:
    @pytest.fixture
    def _slow_winner(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Pause between blacklisting a token and issuing its successor."""
        blacklist = tokens._blacklist

        def slowly(token: Any) -> datetime | None:
            used_at = blacklist(token)
            time.sleep(PAUSE * (used_at is None))
            return used_at

        monkeypatch.setattr(tokens, "_blacklist", slowly)

    @pytest.fixture
    def _no_grace(self, settings: Any) -> None:
        settings.REFRESH_GRACE_SECONDS = 0

    @pytest.mark.usefixtures("_slow_winner")
    def test_of_several_tabs_give_each_a_pair(self, owner: User) -> None:
        pairs = renew_concurrently([tokens.issue(owner).refresh] * THREADS)

        assert len({pair.refresh for pair in pairs if pair}) == THREADS
        assert all(pair and tokens.renew(pair.refresh) for pair in pairs)

    @pytest.mark.usefixtures("_slow_winner")
    def test_of_several_tabs_leave_losers_without_the_lock(self, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tokens, "locked_owner", unlocked_owner)

        pairs = renew_concurrently([tokens.issue(owner).refresh] * THREADS)

        assert None in pairs

    @pytest.mark.usefixtures("_slow_winner", "_no_grace")
    def test_have_one_winner_whose_family_is_revoked_without_grace(self, owner: User) -> None:
        stolen = tokens.issue(owner).refresh

        pairs = renew_concurrently([stolen] * THREADS)

        assert sum(pair is not None for pair in pairs) == 1
        assert usable_tokens(owner) == 0

    @pytest.mark.usefixtures("_slow_winner", "_no_grace")
    def test_leave_the_family_usable_without_the_lock(self, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tokens, "locked_owner", unlocked_owner)

        renew_concurrently([tokens.issue(owner).refresh] * THREADS)

        assert usable_tokens(owner) > 0

    @pytest.mark.usefixtures("_no_grace")
    def test_have_several_winners_if_nothing_is_atomic(self, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tokens, "locked_owner", unlocked_owner)
        monkeypatch.setattr(tokens, "_blacklist", check_then_blacklist)

        pairs = renew_concurrently([tokens.issue(owner).refresh] * THREADS)

        assert sum(pair is not None for pair in pairs) > 1

    @pytest.mark.usefixtures("_no_grace")
    def test_have_one_winner_with_the_lock_alone(self, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tokens, "_blacklist", check_then_blacklist)

        pairs = renew_concurrently([tokens.issue(owner).refresh] * THREADS)

        assert sum(pair is not None for pair in pairs) == 1


# None: the claim is missing.
VALUES: dict[str, list[Any]] = {
    "user_id": [
        *(None, "", "me", "-1", "1.5", "１", 2.5, True, [], {}, [1]),
        *("9" * 19, "9" * 5000, 2**63, 10**30, "\x00", "1\x00", "\ud800"),
    ],
    "jti": [None, 5, [], {}, "\x00", "\ud800", True],
    "exp": [None, "soon", [], {}, 10**30, 1e300, True, "9999999999"],
    "iat": ["now", [], {}, 10**30],
    "nbf": ["now", [], {}, 10**30],
    "token_type": [None, 5, [], "other"],
    "hash_password": [None, 5, [], "\x00", "\ud800", "é"],
    "family": [None, 5, [], "\x00", "\ud800"],
}
WRONG_CLAIMS = [(claim, value) for claim, values in VALUES.items() for value in values]
# Access tokens are good without `jti`.
WRONG_CLAIMS_OF_ACCESS = [(claim, value) for claim, value in WRONG_CLAIMS if claim != "jti"]
CONTRACTS = {
    "/auth/me": "invalid_token",
    "/book": "Access denied",
    "/api/v1/auth/me": "Invalid or expired token.",
    "/api/tickets": "INVALID_TOKEN",
}


def forged(token: str, claim: str, value: Any) -> str:
    """Return a correctly signed token with this claim changed, or without it if the value is None."""
    payload = jwt.decode(token, settings.SECRET_KEY, ["HS256"])
    payload.pop(claim, None)
    return jwt.encode(payload | ({} if value is None else {claim: value}), settings.SECRET_KEY, "HS256")


@pytest.mark.django_db
class TestWrongClaims:
    """Our signature proves the sender of a token, not that its claims are what this version writes."""

    @pytest.mark.parametrize(("claim", "value"), WRONG_CLAIMS_OF_ACCESS)
    def test_are_refused_in_access_tokens(self, owner: User, claim: str, value: Any) -> None:
        api = APIClient(HTTP_AUTHORIZATION=f"Bearer {forged(tokens.issue(owner).access, claim, value)}")

        answers = {path: api.post(path, {}) if path == "/book" else api.get(path) for path in CONTRACTS}

        assert [answer.status_code for answer in answers.values()] == [401] * len(CONTRACTS)
        assert all(CONTRACTS[path] in answer.content.decode() for path, answer in answers.items())

    @pytest.mark.parametrize("path", ["/auth/refresh", "/auth/logout"])
    @pytest.mark.parametrize(("claim", "value"), WRONG_CLAIMS)
    def test_are_refused_in_refresh_tokens(self, owner: User, path: str, claim: str, value: Any) -> None:
        token = forged(tokens.issue(owner).refresh, claim, value)

        assert APIClient().post(path, {"refresh": token[:4096]}).status_code == 401


@pytest.mark.django_db
class TestClocks:
    """Servers' clocks differ a little, so a token may come from the near future."""

    @pytest.mark.parametrize("claim", ["iat", "nbf"])
    @pytest.mark.parametrize(("ahead", "status"), [(1, 200), (9, 200), (12, 401), (60, 401)])
    @pytest.mark.parametrize("path", ["/auth/me", "/bookings", "/api/v1/auth/me", "/api/tickets"])
    def test_may_be_up_to_ten_seconds_ahead(self, owner: User, path: str, claim: str, ahead: int, status: int) -> None:
        token = forged(tokens.issue(owner).access, claim, int(time.time()) + ahead)

        assert APIClient(HTTP_AUTHORIZATION=f"Bearer {token}").get(path).status_code == status

    @pytest.mark.parametrize(("ahead", "status"), [(1, 404), (12, 401)])
    def test_may_be_ahead_for_bare_tokens(self, owner: User, ahead: int, status: int) -> None:
        token = forged(tokens.issue(owner).access, "iat", int(time.time()) + ahead)

        answer = APIClient(HTTP_AUTHORIZATION=token).post("/cancel", {"id": 999_999_999})

        assert answer.status_code == status

    @pytest.mark.parametrize("path", ["/auth/refresh", "/auth/logout"])
    @pytest.mark.parametrize(("ahead", "is_accepted"), [(1, True), (12, False)])
    def test_may_be_ahead_for_refresh_tokens(self, owner: User, path: str, ahead: int, is_accepted: bool) -> None:
        token = forged(tokens.issue(owner).refresh, "iat", int(time.time()) + ahead)

        assert (APIClient().post(path, {"refresh": token}).status_code < 300) == is_accepted

    def test_may_be_behind_when_a_family_is_revoked(self, owner: User) -> None:
        first = tokens.issue(owner).refresh
        second = tokens.renew(first).refresh
        # By our clock it expired three seconds ago, but it would still be accepted.
        OutstandingToken.objects.update(expires_at=timezone.now() - timedelta(seconds=3))

        tokens.revoke(first)

        with pytest.raises(tokens.InvalidToken):
            tokens.renew(second)


@pytest.mark.django_db
class TestScheme:
    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
    @pytest.mark.parametrize("path", ["/auth/me", "/book", "/api/v1/auth/me", "/api/tickets"])
    def test_ignores_case(self, owner: User, path: str, scheme: str) -> None:
        api = APIClient(HTTP_AUTHORIZATION=f"{scheme} {tokens.issue(owner).access}")

        answer = api.post(path, {}) if path == "/book" else api.get(path)

        assert answer.status_code == (400 if path == "/book" else 200)

    @pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
    def test_ignores_case_where_a_token_is_optional(self, admin: User, scheme: str) -> None:
        api = APIClient(HTTP_AUTHORIZATION=f"{scheme} {tokens.issue(admin).access}")
        person = {"name": "Agnes Agent", "email": "agnes@example.com", "password": "long enough!"}

        answers = [
            api.post("/users", person | {"type": "agent"}),
            api.post("/api/auth/register", person | {"email": "b@example.com", "role": "agent"}),
            api.post("/api/v1/auth/admin/register", person | {"email": "c@example.com", "username": "Carl Chief"}),
        ]

        assert [answer.status_code for answer in answers] == [201, 201, 201]

    @pytest.mark.parametrize("header", ["Basic dXNlcjpwYXNz", "Token {}", "bearer", "bearer {} {}", "bearer\u00a0{}"])
    def test_is_required(self, owner: User, header: str) -> None:
        token = tokens.issue(owner).access

        assert APIClient(HTTP_AUTHORIZATION=header.format(token, token)).get("/auth/me").status_code == 401


@pytest.mark.django_db
class TestVerifiedAccessTokens:
    """Each process remembers the tokens that it has verified."""

    @pytest.fixture(autouse=True)
    def _forget(self) -> None:
        tokens._verified.cache_clear()

    def access(self, user: User, lifetime: timedelta = timedelta(minutes=5)) -> AccessToken:
        token = AccessToken(tokens.issue(user).access)  # type: ignore[arg-type]
        token.set_exp(lifetime=lifetime)
        return token

    def test_are_verified_once(self, owner: User) -> None:
        text = str(self.access(owner)).encode()

        for _ in range(3):
            tokens.BearerToken().get_validated_token(text)

        assert tokens._verified.cache_info().misses == 1

    def test_expire_although_remembered(self, owner: User) -> None:
        # Ten seconds of leeway. Tokens have whole seconds.
        text = str(self.access(owner, lifetime=timedelta(seconds=-8))).encode()
        tokens.BearerToken().get_validated_token(text)
        assert tokens._verified.cache_info().currsize == 1

        time.sleep(3)

        with pytest.raises(AuthenticationFailed):
            tokens.BearerToken().get_validated_token(text)
        assert tokens._verified.cache_info().hits == 1

    def test_are_not_remembered_with_a_bad_signature(self, owner: User) -> None:
        head, payload, signature = str(self.access(owner)).split(".")
        forged = f"{head}.{payload}.{signature[::-1]}".encode()

        for _ in range(2):
            with pytest.raises(AuthenticationFailed):
                tokens.BearerToken().get_validated_token(forged)

        assert tokens._verified.cache_info().currsize == 0

    def test_are_verified_again_with_another_key(self, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        text = str(self.access(owner)).encode()
        tokens.BearerToken().get_validated_token(text)
        monkeypatch.setattr(token_backend, "signing_key", "another key, which is long enough for HS256")
        # Made from the key on first use.
        monkeypatch.setattr(token_backend, "prepared_signing_key", token_backend.signing_key)

        with pytest.raises(AuthenticationFailed):
            tokens.BearerToken().get_validated_token(text)

    @pytest.mark.parametrize(
        "change", [{"is_active": False}, {"password": "x"}, {"revocations": 7}], ids=lambda change: str(*change)
    )
    def test_die_with_the_state_of_the_user(self, owner: User, change: dict[str, Any]) -> None:
        api = APIClient()
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.issue(owner).access}")
        assert api.get("/auth/me").status_code == 200
        User.objects.filter(pk=owner.pk).update(**change)

        assert api.get("/auth/me").status_code == 401

    def test_read_the_user_as_the_model_would(self, owner: User) -> None:
        found = tokens.owner(self.access(owner))

        columns = {field.attname for field in User._meta.concrete_fields} - found.get_deferred_fields()
        assert columns == {
            *("id", "password", "version", "name", "email", "type"),
            *("is_active", "created_at", "revocations"),
        }
        assert {name: getattr(found, name) for name in columns} == {name: getattr(owner, name) for name in columns}
