"""Guessing one account's password from many network addresses, and the devices that this must not lock out."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.db import transaction
from django.test import Client, RequestFactory
from rest_framework.test import APIClient

from accounts import budgets, devices, password_codes, services, tasks, tokens
from accounts.models import FailureBudget, KnownDevice, User
from accounts.tests.api import SignedIn, login
from accounts.tests.factories import PASSWORD, make_user
from kit.tests.races import apart, together, until_all_wait
from projects.tests.psql import psql

pytestmark = pytest.mark.django_db

NOBODY = "nobody@example.com"
BUDGET = 6
HOME, OFFICE = "203.0.113.7", "198.51.100.7"


@pytest.fixture(autouse=True)
def small_budgets(settings: Any) -> None:
    settings.LOCKOUT_ACCOUNT_FAILURES = BUDGET
    settings.LOCKOUT_NETWORK_FAILURES = 3


@pytest.fixture
def address() -> Iterator[str]:
    """New network addresses, each seen once."""
    return (f"192.0.2.{number}" for number in count(1))


def guess(email: str, addresses: Iterator[str], times: int = BUDGET) -> list[int]:
    return [login(email, "wrong", REMOTE_ADDR=next(addresses)).status_code for _ in range(times)]


def let_pass(wait: timedelta) -> None:
    """Move everything that is remembered this far into the past."""
    psql(
        "UPDATE accounts_failurebudget SET expires_at = expires_at - %(wait)s,"
        " failures = ARRAY(SELECT failed_at - %(wait)s FROM unnest(failures) AS failed_at)",
        wait=wait,
    )
    psql("UPDATE accounts_knowndevice SET seen_at = seen_at - %(wait)s", wait=wait)


class TestBudget:
    def test_ends_after_so_many_failures_from_any_address(self, owner: User, address: Iterator[str]) -> None:
        assert guess(owner.email, address, BUDGET + 3) == [401] * BUDGET + [429] * 3

    def test_refuses_the_correct_password_from_an_unknown_address(self, owner: User, address: Iterator[str]) -> None:
        guess(owner.email, address)

        assert login(owner.email, REMOTE_ADDR=OFFICE).status_code == 429

    def test_is_the_same_for_unknown_accounts(self, owner: User, address: Iterator[str]) -> None:
        answers = {
            email: [login(email, "wrong", REMOTE_ADDR=next(address)) for _ in range(BUDGET + 2)]
            for email in (owner.email, NOBODY)
        }

        known, unknown = (
            [
                (answer.status_code, answer.json()["code"], answer.json()["message"], answer.has_header("Retry-After"))
                for answer in each
            ]
            for each in answers.values()
        )
        assert known == unknown
        assert known[-1] == (429, "locked_out", services.LockedOut.message, True)

    def test_counts_every_spelling_of_an_address(self, address: Iterator[str]) -> None:
        make_user(email="x@xn--strae-oqa.example")
        guess("X@STRAßE.example", address, 3)
        guess("x@xn--strae-oqa.example", address, 3)

        assert login("x@straße.example", "wrong", REMOTE_ADDR=OFFICE).status_code == 429

    def test_leaves_other_accounts_alone(self, owner: User, outsider: User, address: Iterator[str]) -> None:
        guess(owner.email, address)

        assert login(outsider.email, REMOTE_ADDR=OFFICE).status_code == 200

    def test_says_when_the_oldest_failure_is_an_hour_old(self, owner: User, address: Iterator[str]) -> None:
        guess(owner.email, address, 1)
        let_pass(timedelta(minutes=50))
        guess(owner.email, address, BUDGET - 1)

        wait = int(login(owner.email, REMOTE_ADDR=OFFICE)["Retry-After"])

        assert 9 * 60 < wait <= 10 * 60

    def test_slides(self, owner: User, address: Iterator[str]) -> None:
        guess(owner.email, address, 2)
        let_pass(timedelta(minutes=50))
        guess(owner.email, address, BUDGET - 2)
        let_pass(timedelta(minutes=11))

        assert guess(owner.email, address, 4) == [401, 401, 429, 429]

    def test_is_not_used_up_by_refused_attempts(self, owner: User, address: Iterator[str]) -> None:
        guess(owner.email, address)
        let_pass(timedelta(minutes=59))
        guess(owner.email, address, 20)
        let_pass(timedelta(minutes=2))

        assert login(owner.email, REMOTE_ADDR=OFFICE).status_code == 200

    def test_does_not_lock_out_the_address_that_was_refused(self, owner: User, address: Iterator[str]) -> None:
        guess(owner.email, address)
        for _ in range(10):
            login(owner.email, REMOTE_ADDR=OFFICE)
        let_pass(timedelta(minutes=61))

        assert login(owner.email, REMOTE_ADDR=OFFICE).status_code == 200

    def test_is_not_used_up_by_the_owner(self, owner: User, address: Iterator[str]) -> None:
        for _ in range(BUDGET + 2):
            assert login(owner.email, REMOTE_ADDR=next(address)).status_code == 200

        assert guess(owner.email, address, 1) == [401]

    def test_is_not_renewed_by_the_owner(self, owner: User, address: Iterator[str]) -> None:
        guess(owner.email, address, BUDGET - 1)
        login(owner.email, REMOTE_ADDR=HOME)

        assert guess(owner.email, address, 2) == [401, 429]

    def test_comes_second_to_the_lockout_of_one_address(self, owner: User, settings: Any) -> None:
        settings.LOCKOUT_ACCOUNT_FAILURES = 50
        for _ in range(9):
            login(owner.email, "wrong", REMOTE_ADDR=HOME)

        (failures,) = FailureBudget.objects.values_list("failures", flat=True)
        assert len(failures) == 5


class TestDoors:
    """Every place that takes a password spends the same budget."""

    LOGINS = {
        "/auth/login": "locked_out",
        "/login": services.LockedOut.message,
        "/api/v1/auth/login": services.LockedOut.message,
        "/api/auth/login": "RATE_LIMIT",
    }

    @pytest.mark.parametrize("path", LOGINS)
    @pytest.mark.parametrize("email", ["known", "unknown"])
    def test_refuse_in_their_own_shape(self, owner: User, address: Iterator[str], path: str, email: str) -> None:
        body = {"email": owner.email if email == "known" else NOBODY, "password": "wrong"}

        answers = [APIClient().post(path, body, REMOTE_ADDR=next(address)) for _ in range(BUDGET + 1)]

        expected = 404 if path == "/login" and email == "unknown" else 401
        assert [answer.status_code for answer in answers] == [expected] * BUDGET + [429]
        assert self.LOGINS[path] in answers[-1].content.decode()
        assert int(answers[-1]["Retry-After"]) > 3500

    def test_include_the_admin(self, admin: User, address: Iterator[str]) -> None:
        guess(admin.email, address)

        page = sign_in(Client(REMOTE_ADDR=OFFICE), admin)

        assert page.status_code == 429
        assert page["Content-Type"].startswith("text/html")
        assert "for 60 minutes" in page.content.decode()
        assert int(page["Retry-After"]) > 3500

    def test_include_failures_in_the_admin(self, admin: User, address: Iterator[str]) -> None:
        pages = [sign_in(Client(REMOTE_ADDR=next(address)), admin, "wrong") for _ in range(BUDGET)]

        assert [page.status_code for page in pages] == [200] * BUDGET
        assert login(admin.email, REMOTE_ADDR=OFFICE).status_code == 429

    @pytest.mark.parametrize(
        ("call", "refused"),
        [
            (lambda api, user, **extra: api.post("/auth/password", CHANGES[0], **extra), 401),
            (lambda api, user, **extra: api.patch(f"/users/{user.pk}", CHANGES[1], **extra), 403),
        ],
    )
    def test_include_the_current_password(
        self, owner: User, signed_in: SignedIn, address: Iterator[str], call: Callable[..., Any], refused: int
    ) -> None:
        api = signed_in(owner)

        statuses = [call(api, owner, REMOTE_ADDR=next(address)).status_code for _ in range(BUDGET + 1)]

        assert statuses == [refused] * BUDGET + [429]

    @pytest.mark.parametrize(
        ("page", "field"),
        [("/admin/password_change/", "old_password"), ("/admin/accounts/user/own-email/", "current_password")],
    )
    def test_include_the_admins_own_pages(self, admin: User, address: Iterator[str], page: str, field: str) -> None:
        browser = Client()
        browser.force_login(admin, backend="accounts.permissions.RoleBackend")
        values = {"email": "new@example.com", "new_password1": "brand new!", "new_password2": "brand new!"}

        answers = [browser.post(page, {**values, field: "wrong"}, REMOTE_ADDR=next(address)) for _ in range(BUDGET + 1)]

        assert [answer.status_code for answer in answers] == [200] * BUDGET + [429]


CHANGES: list[dict[str, Any]] = [
    {"currentPassword": "wrong", "password": "another, please"},
    {"currentPassword": "wrong", "email": "new@example.com"},
]


def sign_in(browser: Client, user: User, password: str = PASSWORD) -> Any:
    return browser.post("/admin/login/?next=/admin/", {"username": user.email, "password": password})


class TestNetworks:
    """An IPv6 customer can have a /48, which has 65,536 networks."""

    @staticmethod
    def addresses(site: int) -> Iterator[str]:
        return (f"2001:db8:{site}:{number:x}::1" for number in count(1))

    def test_of_48_bits_have_a_budget_of_their_own(self, owner: User) -> None:
        here = self.addresses(1)

        assert guess(owner.email, here, 5) == [401, 401, 401, 429, 429]
        assert guess(owner.email, self.addresses(2), 1) == [401]

    def test_share_the_budget_of_the_account(self, owner: User) -> None:
        for site in range(BUDGET):
            guess(owner.email, self.addresses(site), 1)

        assert guess(owner.email, self.addresses(99), 1) == [429]

    def test_leave_the_budget_of_the_account_alone_once_refused(self, owner: User, address: Iterator[str]) -> None:
        guess(owner.email, self.addresses(1), 10)

        assert guess(owner.email, address, BUDGET - 2) == [401] * (BUDGET - 3) + [429]

    def test_get_nothing_back_from_an_account_without_budget(self, owner: User, address: Iterator[str]) -> None:
        guess(owner.email, address)
        guess(owner.email, self.addresses(1), 10)

        (failures,) = FailureBudget.objects.filter(scope="2001:db8:1::/48").values_list("failures", flat=True)
        assert failures == []


class TestKnownDevices:
    """Devices from which the owner has signed in before."""

    def test_are_not_locked_out_with_the_account(self, owner: User, address: Iterator[str]) -> None:
        login(owner.email, REMOTE_ADDR=HOME)
        guess(owner.email, address, BUDGET + 1)

        assert login(owner.email, REMOTE_ADDR=HOME).status_code == 200
        assert login(owner.email, REMOTE_ADDR=OFFICE).status_code == 429

    @pytest.mark.parametrize("path", ["/login", "/api/v1/auth/login", "/api/auth/login"])
    def test_are_those_of_every_door(self, owner: User, address: Iterator[str], path: str) -> None:
        body = {"email": owner.email, "password": PASSWORD}
        APIClient().post(path, body, REMOTE_ADDR=HOME)
        guess(owner.email, address, BUDGET + 1)

        assert APIClient().post(path, body, REMOTE_ADDR=HOME).status_code == 200

    def test_may_be_browsers_that_move(self, admin: User, address: Iterator[str]) -> None:
        browser = Client()
        sign_in(browser, admin)
        browser.get("/admin/logout/")
        guess(admin.email, address, BUDGET + 1)
        browser.defaults["REMOTE_ADDR"] = OFFICE

        assert sign_in(browser, admin).status_code == 302
        assert sign_in(Client(REMOTE_ADDR="198.51.100.8"), admin).status_code == 429

    def test_have_a_budget_of_their_own(self, admin: User, address: Iterator[str]) -> None:
        browser = Client()
        sign_in(browser, admin)
        statuses = []
        for _ in range(BUDGET + 1):
            browser.defaults["REMOTE_ADDR"] = next(address)
            statuses.append(sign_in(browser, admin, "wrong").status_code)

        assert statuses == [200] * BUDGET + [429]
        assert login(admin.email, REMOTE_ADDR=OFFICE).status_code == 200

    def test_are_not_those_that_only_failed(self, owner: User, address: Iterator[str]) -> None:
        login(owner.email, "wrong", REMOTE_ADDR=HOME)
        guess(owner.email, address)

        assert login(owner.email, REMOTE_ADDR=HOME).status_code == 429
        assert not KnownDevice.objects.exists()

    def test_are_not_those_of_other_accounts(self, owner: User, outsider: User, address: Iterator[str]) -> None:
        login(outsider.email, REMOTE_ADDR=HOME)
        guess(owner.email, address)

        assert login(owner.email, REMOTE_ADDR=HOME).status_code == 429

    def test_include_one_that_has_set_a_password_with_a_code(self, owner: User, address: Iterator[str]) -> None:
        guess(owner.email, address)
        uid, code = password_codes.code_for(owner)
        body = {"uid": uid, "code": code, "password": "brand new!"}

        assert APIClient().post("/auth/password/reset/confirm", body, REMOTE_ADDR=HOME).status_code == 204

        assert login(owner.email, "brand new!", REMOTE_ADDR=HOME).status_code == 200

    def test_are_forgotten_after_half_a_year(self, owner: User, address: Iterator[str]) -> None:
        login(owner.email, REMOTE_ADDR=HOME)
        let_pass(timedelta(days=181))
        guess(owner.email, address)

        assert login(owner.email, REMOTE_ADDR=HOME).status_code == 429

    def test_are_kept_while_they_are_used(self, owner: User, address: Iterator[str]) -> None:
        for _ in range(3):
            login(owner.email, REMOTE_ADDR=HOME)
            let_pass(timedelta(days=100))
        guess(owner.email, address)

        assert login(owner.email, REMOTE_ADDR=HOME).status_code == 200

    def test_are_the_newest_ten(self, owner: User, address: Iterator[str]) -> None:
        login(owner.email, REMOTE_ADDR=HOME)
        for number in range(100, 109):
            login(owner.email, REMOTE_ADDR=f"198.51.100.{number}")
        login(owner.email, REMOTE_ADDR=HOME)
        login(owner.email, REMOTE_ADDR=OFFICE)

        assert KnownDevice.objects.count() == 10
        guess(owner.email, address)
        known = (HOME, OFFICE, "198.51.100.101", "198.51.100.100")
        assert [login(owner.email, REMOTE_ADDR=each).status_code for each in known] == [200, 200, 200, 429]

    def test_are_stored_hashed(self, admin: User) -> None:
        browser = Client(REMOTE_ADDR=HOME)
        sign_in(browser, admin)
        login(admin.email, "wrong", REMOTE_ADDR=OFFICE)

        stored = str(psql("SELECT * FROM accounts_knowndevice")) + str(
            psql("SELECT account FROM accounts_failurebudget")
        )

        secrets = [HOME, admin.email, admin.email.upper(), device_cookie(browser).value.split(":")[0]]
        assert not [secret for secret in secrets if secret in stored]


def device_cookie(browser: Client) -> Any:
    (cookie,) = (cookie for name, cookie in browser.cookies.items() if name.startswith("device_"))
    return cookie


class TestCookie:
    def test_lives_long_and_is_out_of_reach_of_scripts(self, admin: User) -> None:
        browser = Client()
        sign_in(browser, admin)

        cookie = device_cookie(browser)
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/admin/")
        assert cookie["max-age"] == 180 * 24 * 3600

    def test_is_secure_wherever_the_session_is(self, admin: User, settings: Any) -> None:
        settings.SESSION_COOKIE_SECURE = True
        browser = Client()
        sign_in(browser, admin)

        assert device_cookie(browser)["secure"] is True

    def test_is_not_set_by_failures_or_by_the_api(self, admin: User) -> None:
        browser = Client()
        sign_in(browser, admin, "wrong")
        answer = login(admin.email)

        assert not [name for name in browser.cookies if name.startswith("device_")]
        assert not answer.cookies

    def test_is_the_same_at_the_next_sign_in(self, admin: User) -> None:
        browser = Client()
        values = []
        for _ in range(2):
            sign_in(browser, admin)
            values.append(device_cookie(browser).value)

        assert values[0] == values[1]
        assert KnownDevice.objects.count() == 2

    def test_is_one_for_each_account(self, admin: User, agent: User) -> None:
        browser = Client()
        sign_in(browser, admin)
        sign_in(browser, agent)

        assert len([name for name in browser.cookies if name.startswith("device_")]) == 2

    @pytest.mark.parametrize(
        "forge", [lambda value: "x" + value, lambda value: "", lambda value: value[:-1], lambda value: "é"]
    )
    def test_cannot_be_forged(self, admin: User, address: Iterator[str], forge: Callable[[str], str]) -> None:
        browser = Client()
        sign_in(browser, admin)
        cookie = device_cookie(browser)
        browser.cookies[cookie.key] = forge(cookie.value)
        guess(admin.email, address)
        browser.defaults["REMOTE_ADDR"] = OFFICE

        assert sign_in(browser, admin).status_code == 429

    def test_of_another_account_is_not_accepted(self, admin: User, agent: User, address: Iterator[str]) -> None:
        thief, victim = Client(), Client()
        sign_in(thief, agent)
        sign_in(victim, admin)
        victim.cookies[device_cookie(victim).key] = device_cookie(thief).value
        guess(admin.email, address)
        victim.defaults["REMOTE_ADDR"] = OFFICE

        assert sign_in(victim, admin).status_code == 429


class TestPurge:
    def test_deletes_what_no_longer_counts(self, owner: User, outsider: User, address: Iterator[str]) -> None:
        guess(owner.email, address, 2)
        login(owner.email, REMOTE_ADDR=HOME)
        let_pass(timedelta(days=181))
        guess(outsider.email, address, 2)
        login(outsider.email, REMOTE_ADDR=HOME)

        tasks.forget_sign_ins(timestamp=0)

        assert (FailureBudget.objects.count(), KnownDevice.objects.count()) == (1, 1)

    def test_keeps_what_still_counts(self, owner: User, address: Iterator[str]) -> None:
        guess(owner.email, address)
        login(owner.email, REMOTE_ADDR=HOME)
        let_pass(timedelta(minutes=59))

        tasks.forget_sign_ins(timestamp=0)

        assert login(owner.email, REMOTE_ADDR=OFFICE).status_code == 429


THREADS = 16


def guess_concurrently(user: User) -> int:
    """Guess from many addresses at the same moment. Return how many guesses were looked at."""

    def call(number: int) -> Callable[[], Any]:
        request = RequestFactory().post("/auth/login", REMOTE_ADDR=f"192.0.2.{number}")
        return lambda: services.sign_in(email=user.email, password="wrong", request=request)

    results = together(*(call(number) for number in range(THREADS)))
    assert set(results) <= {services.InvalidCredentials, services.LockedOut}
    return results.count(services.InvalidCredentials)


def check_then_count(budget: budgets.Budget, *, account: str, at: datetime) -> datetime | None:
    """Do what `budgets._spend` does, but in two steps, with a pause in which others can interfere."""
    row, _ = FailureBudget.objects.get_or_create(
        account=account, scope=budget.scope, defaults={"failures": [], "expires_at": at + budgets.WINDOW}
    )
    time.sleep(0.2)
    if len(row.failures) >= budget.limit:
        return at
    FailureBudget.objects.filter(pk=row.pk).update(failures=[*row.failures, at])
    return None


@pytest.mark.slow
@pytest.mark.database
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestRaces:
    def test_of_two_known_devices_do_not_deadlock(self, owner: User) -> None:
        """A sign-in that waits for its own device holds no lock on the others."""
        for address in (HOME, OFFICE):
            login(owner.email, REMOTE_ADDR=address)
        home, office = KnownDevice.objects.order_by("pk")

        def lock_home() -> None:
            psql("SELECT FROM accounts_knowndevice WHERE id = %(id)s FOR UPDATE", id=home.pk)

        def lock_office() -> bool:
            found = psql("SELECT id FROM accounts_knowndevice WHERE id = %(id)s FOR UPDATE SKIP LOCKED", id=office.pk)
            return bool(found)

        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                lock_home()
                future = pool.submit(apart, lambda: login(owner.email, REMOTE_ADDR=HOME).status_code)
                until_all_wait([future])
                is_free = lock_office()
            assert future.result() == 200
        assert is_free

    def test_do_not_exceed_the_budget(self, owner: User) -> None:
        assert guess_concurrently(owner) == BUDGET

    def test_exceed_it_if_the_check_and_the_count_are_apart(self, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(budgets, "_spend", check_then_count)

        assert guess_concurrently(owner) > BUDGET

    def test_of_the_owners_sign_ins_leave_the_budget_whole(self, owner: User, settings: Any) -> None:
        settings.LOCKOUT_ACCOUNT_FAILURES = THREADS
        requests = [RequestFactory().post("/auth/login", REMOTE_ADDR=f"192.0.2.{number}") for number in range(THREADS)]

        def call(request: Any) -> Callable[[], Any]:
            return lambda: services.sign_in(email=owner.email, password=PASSWORD, request=request)

        pairs = together(*(call(request) for request in requests))

        assert all(isinstance(pair, tokens.TokenPair) for pair in pairs)
        assert [budget.failures for budget in FailureBudget.objects.all()] == [[]]
        assert KnownDevice.objects.count() >= devices.MAX_DEVICES
