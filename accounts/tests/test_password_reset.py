"""Resetting a password: the request, the mail, the code."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import password_codes, services, tokens
from accounts.models import User
from accounts.tests.api import SignedIn, login
from accounts.tests.factories import PASSWORD, make_user
from accounts.tests.jobs import run_jobs
from notifications import mails
from notifications import services as notifications
from notifications.models import Delivery
from notifications.tests.factories import code_in
from projects.tests.psql import psql

NEW = "open, sesame"
MAIL_RESET_CODE = "notifications.tasks.mail_reset_code"


def request_reset(email: str) -> Any:
    return APIClient().post("/auth/password/reset", {"email": email})


def confirm(uid: str, code: str, password: str = NEW) -> Any:
    return APIClient().post("/auth/password/reset/confirm", {"uid": uid, "code": code, "password": password})


@pytest.mark.django_db
class TestRequest:
    @pytest.fixture
    def addresses(self, owner: User) -> dict[str, str]:
        make_user("Paul Paused", email="paul@example.com", is_active=False)
        return {"known": owner.email, "unknown": "nobody@example.com", "deactivated": "paul@example.com"}

    def test_gets_the_same_answer_for_every_address(self, addresses: dict[str, str]) -> None:
        answers = [request_reset(address) for address in addresses.values()]

        assert [(answer.status_code, answer.content) for answer in answers] == [(202, b"")] * 3
        assert len({frozenset(set(answer.headers) - {"X-Request-ID"}) for answer in answers}) == 1

    def test_runs_the_same_statements_for_every_address(self, addresses: dict[str, str]) -> None:
        """Different statements would reveal in the response time whether the account exists."""

        def statements(address: str) -> list[str]:
            with CaptureQueriesContext(connection) as captured:
                request_reset(address)
            return [re.sub(r"\S+@example.com", "", query["sql"]) for query in captured]

        known, unknown, deactivated = (statements(address) for address in addresses.values())

        assert len(known) == 1
        assert known == unknown == deactivated

    def test_mails_only_the_active_owner(self, owner: User, addresses: dict[str, str]) -> None:
        for address in addresses.values():
            request_reset(address)
        run_jobs(MAIL_RESET_CODE)

        delivery = Delivery.objects.get()
        assert (delivery.user, delivery.kind, delivery.address) == (owner, "reset-password", owner.email)

    def test_ignores_the_case_of_the_address(self, owner: User) -> None:
        request_reset(owner.email.upper())
        run_jobs(MAIL_RESET_CODE)

        assert Delivery.objects.get().user == owner

    def test_mails_at_most_once_a_minute(self, owner: User) -> None:
        at = timezone.now().replace(second=0)

        for seconds in (0, 30, 59, 60, 70):
            notifications.mail_reset_code(email=owner.email, at=at + timedelta(seconds=seconds))

        assert Delivery.objects.count() == 2

    def test_mails_at_most_five_times_an_hour(self, owner: User) -> None:
        at = timezone.now()

        for minutes in (*range(10), 70):
            notifications.mail_reset_code(email=owner.email, at=at + timedelta(minutes=minutes))

        assert Delivery.objects.count() == 6

    def test_mails_a_code_that_works_and_is_not_stored(self, owner: User) -> None:
        request_reset(owner.email)
        run_jobs(MAIL_RESET_CODE)
        delivery = Delivery.objects.get()

        uid, code = code_in(str(mails.compose(delivery).body))

        ((row,),) = psql("SELECT to_jsonb(delivery)::text FROM notifications_delivery AS delivery")
        assert code not in row
        assert confirm(uid, code).status_code == 204

    def test_keeps_the_old_password_and_tokens_valid(self, owner: User, signed_in: SignedIn) -> None:
        api = signed_in(owner)

        request_reset(owner.email)
        run_jobs(MAIL_RESET_CODE)

        assert (login(owner.email).status_code, api.get("/auth/me").status_code) == (200, 200)

    @pytest.mark.parametrize("body", [{}, {"email": ""}, {"email": "nobody"}, {"email": 7}, {"email": None}])
    def test_refuses_an_invalid_address(self, anonymous: APIClient, body: dict[str, Any]) -> None:
        assert anonymous.post("/auth/password/reset", body).status_code == 400


@pytest.mark.django_db
class TestConfirm:
    @pytest.fixture
    def code(self, owner: User) -> tuple[str, str]:
        return password_codes.code_for(owner)

    def test_sets_the_password(self, owner: User, code: tuple[str, str]) -> None:
        answer = confirm(*code)

        assert (answer.status_code, answer.content) == (204, b"")
        assert [login(owner.email, password).status_code for password in (NEW, PASSWORD)] == [200, 401]

    def test_does_not_trim_the_password(self, owner: User, code: tuple[str, str]) -> None:
        confirm(*code, password="  sesame ")

        assert [login(owner.email, password).status_code for password in ("  sesame ", "sesame")] == [200, 401]

    def test_ends_sessions_and_tokens(self, agent: User, signed_in: SignedIn) -> None:
        api, refresh, browser = signed_in(agent), tokens.issue(agent).refresh, Client()
        browser.post("/admin/login/", {"username": agent.email, "password": PASSWORD})
        agent.refresh_from_db()

        confirm(*password_codes.code_for(agent))

        statuses = [
            api.get("/auth/me").status_code,
            APIClient().post("/auth/refresh", {"refresh": refresh}).status_code,
            browser.get("/admin/").status_code,
        ]
        assert statuses == [401, 401, 302]

    def test_refuses_a_used_code(self, owner: User, code: tuple[str, str]) -> None:
        answers = [confirm(*code), confirm(*code, password="another, please")]

        assert [answer.status_code for answer in answers] == [204, 400]
        assert answers[1].json()["code"] == "invalid_code"
        assert login(owner.email, NEW).status_code == 200

    def test_keeps_the_code_valid_after_a_weak_password(self, code: tuple[str, str]) -> None:
        weak = confirm(*code, password="password123")

        assert (weak.status_code, weak.json()["errors"][0]["field"]) == (400, "password")
        assert confirm(*code).status_code == 204

    @pytest.mark.parametrize(("age", "status"), [(timedelta(hours=23), 204), (timedelta(hours=25), 400)])
    def test_refuses_a_code_older_than_a_day(
        self, owner: User, monkeypatch: pytest.MonkeyPatch, age: timedelta, status: int
    ) -> None:
        # Django's generator has its own clock and takes no time as an argument.
        at = password_codes.generator._now() - age
        with monkeypatch.context() as patch:
            patch.setattr(password_codes.generator, "_now", lambda: at)
            code = password_codes.code_for(owner)

        assert confirm(*code).status_code == status

    @pytest.mark.parametrize(
        "change",
        [{"email": "moved@example.com"}, {"last_login": timezone.now()}, {"is_active": False}],
    )
    def test_refuses_a_code_from_before_a_change_of_the_user(
        self, owner: User, code: tuple[str, str], change: dict[str, Any]
    ) -> None:
        User.objects.filter(pk=owner.pk).update(**change)

        assert confirm(*code).json()["code"] == "invalid_code"

    def test_refuses_a_code_from_before_a_deactivation(self, owner: User, code: tuple[str, str]) -> None:
        for is_active in (False, True):
            User.objects.filter(pk=owner.pk).update(is_active=is_active)

        assert confirm(*code).status_code == 400
        owner.refresh_from_db()
        assert confirm(*password_codes.code_for(owner)).status_code == 204

    def test_refuses_a_code_of_another_user(self, owner: User, outsider: User) -> None:
        uid, _ = password_codes.code_for(owner)
        _, code = password_codes.code_for(outsider)

        assert confirm(uid, code).status_code == 400

    @pytest.mark.parametrize(
        "uid", ["x", "é", "MA", "LTE", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OQ", "4pGg", "=", "%00", "x" * 100]
    )
    def test_refuses_an_invalid_uid(self, code: tuple[str, str], uid: str) -> None:
        assert confirm(uid, code[1]).json()["code"] == "invalid_code"

    @pytest.mark.parametrize("code", ["x", "-", "a-b", "zzzzzz-" + "0" * 32, "é-é", "0-" + "0" * 90])
    def test_refuses_an_invalid_code(self, owner: User, code: str) -> None:
        uid, _ = password_codes.code_for(owner)

        assert confirm(uid, code).json()["code"] == "invalid_code"

    @pytest.mark.parametrize("field", ["uid", "code", "password"])
    @pytest.mark.parametrize("value", [None, 7, "", "a\u0000b", "x" * 1001])
    def test_refuses_invalid_values(self, code: tuple[str, str], field: str, value: Any) -> None:
        body = {"uid": code[0], "code": code[1], "password": NEW} | {field: value}

        answer = APIClient().post("/auth/password/reset/confirm", body)

        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


@pytest.mark.django_db
class TestLockout:
    """A reset neither causes nor lifts a lockout: access to the mailbox does not stop others from guessing."""

    def test_is_not_lifted_by_a_reset(self, locked_out: User) -> None:
        answer = confirm(*password_codes.code_for(locked_out))

        assert answer.status_code == 204
        assert login(locked_out.email, NEW).status_code == 429

    def test_is_not_caused_by_wrong_codes(self, owner: User) -> None:
        for _ in range(6):
            confirm(password_codes.code_for(owner)[0], "wrong")
            request_reset(owner.email)

        assert login(owner.email).status_code == 200


THREADS = 8
PAUSE = 0.2


@pytest.mark.slow
@pytest.mark.database
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestRaceToConfirm:
    """Several requests use the same code at once, each with its own password."""

    def winners(self, owner: User) -> list[str]:
        uid, code = password_codes.code_for(owner)
        barrier = Barrier(THREADS)
        request = RequestFactory().post("/auth/password/reset/confirm")

        def confirm_as(number: int) -> str | None:
            password = f"password-{number}"
            try:
                barrier.wait()
                services.confirm_password_reset(uid=uid, code=code, password=password, request=request)
            except services.InvalidCode:
                return None
            finally:
                connection.close()
            return password

        with ThreadPoolExecutor(THREADS) as threads:
            return list(filter(None, threads.map(confirm_as, range(THREADS))))

    def test_has_one_winner(self, owner: User) -> None:
        (password,) = self.winners(owner)

        owner.refresh_from_db()
        assert owner.check_password(password)

    def test_has_several_winners_without_the_lock(self, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        owner_of_code = password_codes.owner

        def without_lock(uid: str, code: str, users: Any) -> User | None:
            found = owner_of_code(uid, code)
            time.sleep(PAUSE)
            return found

        monkeypatch.setattr(password_codes, "owner", without_lock)

        assert len(self.winners(owner)) > 1
