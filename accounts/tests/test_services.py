"""The rules of signing up, and what becomes of tokens."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts import services, tokens
from accounts.models import User, UserType
from accounts.tests.factories import make_user
from kit.errors import Invalid
from kit.tests.races import apart
from tickets.tests.factories import make_ticket

NEWCOMER: dict[str, Any] = {
    "name": "Nora New",
    "email": "nora@example.com",
    "type": UserType.CUSTOMER,
    "password": "open, sesame",
    "by": None,
}


@pytest.mark.django_db
class TestSignUp:
    def test_makes_a_customer_of_anybody(self) -> None:
        nora = services.sign_up(**NEWCOMER)

        assert User.objects.get() == nora
        assert (nora.type, nora.is_staff, nora.is_superuser, nora.is_active) == ("customer", False, False, True)
        assert nora.check_password("open, sesame")

    @pytest.mark.parametrize("type", [UserType.AGENT, UserType.ADMIN])
    def test_makes_staff_for_an_admin(self, admin: User, type: str) -> None:  # noqa: A002
        nora = services.sign_up(**NEWCOMER | {"type": type, "by": admin})

        assert (nora.type, nora.is_staff, nora.is_superuser) == (type, True, False)

    @pytest.mark.parametrize("type", [UserType.AGENT, UserType.ADMIN])
    @pytest.mark.parametrize("role", ["nobody", "owner", "agent"])
    def test_makes_no_staff_for_anybody_else(
        self,
        request: pytest.FixtureRequest,
        role: str,
        type: str,  # noqa: A002
    ) -> None:
        by = None if role == "nobody" else request.getfixturevalue(role)

        with pytest.raises(services.StaffSignupClosed):
            services.sign_up(**NEWCOMER | {"type": type, "by": by})

        assert not User.objects.filter(email=NEWCOMER["email"]).exists()

    @pytest.mark.parametrize("type", [UserType.AGENT, UserType.ADMIN])
    def test_makes_staff_of_anybody_while_that_is_open(self, settings: Any, type: str) -> None:  # noqa: A002
        settings.STAFF_SIGNUP = True

        nora = services.sign_up(**NEWCOMER | {"type": type})

        assert nora.type == type

    @pytest.mark.parametrize("type", UserType.values)
    def test_refuses_a_taken_address_whatever_the_type_and_case(
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


def living(user: User) -> int:
    """How many refresh tokens of theirs could still be spent."""
    return OutstandingToken.objects.filter(user=user, blacklistedtoken=None).count()


@pytest.mark.django_db
class TestShortestPassword:
    """What a contract may ask for in place of our own rules."""

    @pytest.mark.parametrize("type", [UserType.CUSTOMER, UserType.ADMIN])
    def test_is_all_that_is_asked(self, admin: User, type: str) -> None:  # noqa: A002
        changes = {"type": type, "by": admin, "password": "secure12"}

        assert services.sign_up(**NEWCOMER | changes, shortest_password=8).check_password("secure12")

    def test_is_asked(self) -> None:
        with pytest.raises(Invalid):
            services.sign_up(**NEWCOMER | {"password": "secure1"}, shortest_password=8)


@pytest.mark.django_db
class TestHasAccount:
    def test_tells_it_in_whatever_case(self, owner: User) -> None:
        known = [services.has_account(email=email) for email in (owner.email, owner.email.upper(), "x" + owner.email)]

        assert known == [True, True, False]


@pytest.mark.django_db
class TestRenew:
    def test_gives_a_new_pair(self, owner: User) -> None:
        first = tokens.issue(owner)

        second = tokens.renew(first.refresh)

        assert second.refresh != first.refresh
        assert tokens.owner(tokens.BearerToken().get_validated_token(second.access.encode())) == owner

    def test_spends_the_old_one(self, owner: User) -> None:
        first = tokens.issue(owner)
        tokens.renew(first.refresh)

        with pytest.raises(tokens.InvalidToken):
            tokens.renew(first.refresh)

    def test_revokes_the_whole_family_on_reuse(self, owner: User) -> None:
        first = tokens.issue(owner)
        third = tokens.renew(tokens.renew(first.refresh).refresh)

        with pytest.raises(tokens.InvalidToken):
            tokens.renew(first.refresh)

        with pytest.raises(tokens.InvalidToken):
            tokens.renew(third.refresh)

    def test_leaves_other_sign_ins_alone_on_reuse(self, owner: User) -> None:
        stolen, telephone = tokens.issue(owner), tokens.issue(owner)
        tokens.renew(stolen.refresh)

        with pytest.raises(tokens.InvalidToken):
            tokens.renew(stolen.refresh)

        assert tokens.renew(telephone.refresh)

    def test_leaves_other_people_alone_on_reuse(self, owner: User, outsider: User) -> None:
        stolen, other = tokens.issue(owner), tokens.issue(outsider)
        tokens.renew(stolen.refresh)

        with pytest.raises(tokens.InvalidToken):
            tokens.renew(stolen.refresh)

        assert tokens.renew(other.refresh)

    def test_refuses_a_deactivated_user(self, owner: User) -> None:
        pair = tokens.issue(owner)
        User.objects.filter(pk=owner.pk).update(is_active=False)

        with pytest.raises(tokens.InvalidToken):
            tokens.renew(pair.refresh)

    def test_refuses_a_user_who_is_gone(self, owner: User) -> None:
        pair = tokens.issue(owner)
        owner.delete()

        with pytest.raises(tokens.InvalidToken):
            tokens.renew(pair.refresh)

    def test_refuses_what_a_changed_password_opened(self, owner: User) -> None:
        pair = tokens.issue(owner)
        owner.set_password("another, please")
        owner.save()

        with pytest.raises(tokens.InvalidToken):
            tokens.renew(pair.refresh)

    def test_refuses_an_expired_token(self, owner: User) -> None:
        expired = tokens.RefreshToken.for_user(owner)
        expired.set_exp(lifetime=-timedelta(seconds=1))

        with pytest.raises(tokens.InvalidToken):
            tokens.renew(str(expired))

    @pytest.mark.parametrize("text", ["", "x", "a.b.c", "é", "eyJhbGciOiJub25lIn0.eyJ1c2VyX2lkIjoiMSJ9."])
    def test_refuses_what_is_no_token_of_ours(self, text: str) -> None:
        with pytest.raises(tokens.InvalidToken):
            tokens.renew(text)

    def test_refuses_an_access_token(self, owner: User) -> None:
        with pytest.raises(tokens.InvalidToken):
            tokens.renew(tokens.issue(owner).access)


@pytest.mark.django_db
class TestEnd:
    def test_spends_the_token(self, owner: User) -> None:
        pair = tokens.issue(owner)

        tokens.end(pair.refresh)

        assert living(owner) == 0

    def test_leaves_other_sign_ins_alone(self, owner: User) -> None:
        here, there = tokens.issue(owner), tokens.issue(owner)

        tokens.end(here.refresh)

        assert tokens.renew(there.refresh)

    def test_counts_as_reuse_of_a_spent_token(self, owner: User) -> None:
        first = tokens.issue(owner)
        tokens.renew(first.refresh)

        with pytest.raises(tokens.InvalidToken):
            tokens.end(first.refresh)

        assert living(owner) == 0


THREADS = 8
PAUSE = 0.2


def renew_at_once(texts: list[str]) -> list[tokens.TokenPair | None]:
    """What each of several threads gets that show these tokens in the same moment."""
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
def together_with(token: Any) -> Iterator[User]:
    """`tokens.alone_with`, its lock and its transaction taken away."""
    yield tokens.owner(token)


def look_then_write(token: Any) -> bool:
    """How simplejwt spends a token; what others do in between is what the pause is for."""
    is_first_use = not BlacklistedToken.objects.filter(token__jti=token["jti"]).exists()
    time.sleep(PAUSE)
    outstanding = OutstandingToken.objects.get(jti=token["jti"])
    BlacklistedToken.objects.bulk_create([BlacklistedToken(token=outstanding)], ignore_conflicts=True)
    return is_first_use


@pytest.mark.database
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestRacesToRenew:
    @pytest.fixture
    def _slow_winner(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whoever spends the token pauses before there is a new one."""
        write_down = tokens._write_down

        def slowly(token: Any) -> bool:
            is_first_use = write_down(token)
            time.sleep(PAUSE * is_first_use)
            return is_first_use

        monkeypatch.setattr(tokens, "_write_down", slowly)

    @pytest.mark.usefixtures("_slow_winner")
    def test_one_wins_and_its_family_ends(self, owner: User) -> None:
        stolen = tokens.issue(owner).refresh

        pairs = renew_at_once([stolen] * THREADS)

        assert sum(pair is not None for pair in pairs) == 1
        assert living(owner) == 0

    @pytest.mark.usefixtures("_slow_winner")
    def test_a_family_survives_its_theft_without_the_lock(self, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tokens, "alone_with", together_with)

        renew_at_once([tokens.issue(owner).refresh] * THREADS)

        assert living(owner) > 0

    def test_several_win_without_the_atomic_writing(self, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tokens, "alone_with", together_with)
        monkeypatch.setattr(tokens, "_write_down", look_then_write)

        pairs = renew_at_once([tokens.issue(owner).refresh] * THREADS)

        assert sum(pair is not None for pair in pairs) > 1

    def test_one_wins_by_the_lock_alone(self, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tokens, "_write_down", look_then_write)

        pairs = renew_at_once([tokens.issue(owner).refresh] * THREADS)

        assert sum(pair is not None for pair in pairs) == 1


@pytest.mark.database
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestRaceToDelete:
    """Somebody is deleted while they create their first ticket."""

    def test_keeps_them(self, admin: User, owner: User) -> None:
        with ThreadPoolExecutor(1) as threads:
            with transaction.atomic():
                make_ticket(owner)
                deletion = threads.submit(apart, lambda: services.delete(user_id=owner.pk, by=admin))
                time.sleep(PAUSE)
            outcome = deletion.result()

        assert outcome is services.HasRecords
        assert User.objects.filter(pk=owner.pk).exists()
