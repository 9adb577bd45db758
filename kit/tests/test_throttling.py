"""Rate limits: what they count, what they say, and where the count is kept."""

import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
import structlog
from limits import parse
from rest_framework.test import APIClient

from accounts.models import User
from kit.web import throttling
from kit.web.throttling import Counter

SignedIn = Callable[[User], APIClient]
REDIS = "redis://127.0.0.1:6379/0"
NOBODY_LISTENS = "redis://127.0.0.1:1/0"
ELSEWHERE = "203.0.113.7"


@pytest.fixture(autouse=True)
def _counts_from_nothing() -> Iterator[None]:
    throttling.counter.cache_clear()
    yield
    throttling.counter.cache_clear()


@pytest.fixture
def _limited(settings: Any) -> None:
    settings.RATE_LIMITS = True
    settings.RATE_LIMIT = "3/minute"
    settings.RATE_LIMIT_SIGN_IN = "2/minute"


def statuses(answers: list[Any]) -> list[int]:
    return [answer.status_code for answer in answers]


@pytest.mark.django_db
@pytest.mark.usefixtures("_limited")
class TestRateLimit:
    def test_says_what_is_left(self, owner: User, signed_in: SignedIn) -> None:
        api = signed_in(owner)

        answers = [api.get("/auth/me") for _ in range(4)]

        assert statuses(answers) == [200, 200, 200, 429]
        assert {answer["RateLimit-Policy"] for answer in answers} == {'"default";q=3;w=60'}
        assert [answer["RateLimit"].split(";")[1] for answer in answers] == ["r=2", "r=1", "r=0", "r=0"]

    def test_says_when_to_try_again(self, owner: User, signed_in: SignedIn) -> None:
        api = signed_in(owner)

        refusal = [api.get("/auth/me") for _ in range(4)][-1]

        assert 1 <= int(refusal["Retry-After"]) <= 60
        assert (refusal["Content-Type"], refusal.json()["code"]) == ("application/problem+json", "too_many")

    def test_counts_each_user_apart_whatever_the_token_and_address(
        self, owner: User, outsider: User, signed_in: SignedIn
    ) -> None:
        answers = [signed_in(owner).get("/auth/me", REMOTE_ADDR=f"192.0.2.{number}") for number in range(4)]

        assert statuses(answers) == [200, 200, 200, 429]
        assert signed_in(outsider).get("/auth/me").status_code == 200

    def test_counts_each_address_apart_when_nobody_is_signed_in(self, anonymous: APIClient) -> None:
        answers = [anonymous.get("/nothing") for _ in range(4)]

        assert statuses(answers) == [404, 404, 404, 429]
        assert anonymous.get("/nothing", REMOTE_ADDR=ELSEWHERE).status_code == 404

    def test_counts_what_is_refused_as_well(self, anonymous: APIClient) -> None:
        answers = [
            anonymous.get("/auth/me"),
            anonymous.get("/auth/me", HTTP_AUTHORIZATION="Bearer nonsense"),
            anonymous.delete("/schema"),
            anonymous.get("/auth/me"),
        ]

        assert statuses(answers) == [401, 401, 405, 429]
        assert all("RateLimit" in answer.headers for answer in answers)

    def test_does_not_believe_the_caller_about_the_address(self, anonymous: APIClient) -> None:
        answers = [anonymous.get("/nothing", HTTP_X_FORWARDED_FOR=f"192.0.2.{number}") for number in range(4)]

        assert statuses(answers) == [404, 404, 404, 429]

    def test_says_nothing_when_off(self, owner: User, signed_in: SignedIn, settings: Any) -> None:
        settings.RATE_LIMITS = False

        answers = [signed_in(owner).get("/auth/me") for _ in range(4)]

        assert statuses(answers) == [200] * 4
        assert not any("RateLimit" in answer.headers for answer in answers)


@pytest.mark.django_db
@pytest.mark.usefixtures("_limited")
class TestSignInRateLimit:
    NOBODY = {"email": "nobody@example.com", "password": "wrong"}

    def test_is_stricter_and_counted_apart(self, owner: User, anonymous: APIClient, signed_in: SignedIn) -> None:
        answers = [anonymous.post("/auth/login", self.NOBODY) for _ in range(3)]

        assert statuses(answers) == [401, 401, 429]
        assert answers[0]["RateLimit-Policy"] == '"sign-in";q=2;w=60'
        assert signed_in(owner).get("/auth/me").status_code == 200

    def test_is_one_for_all_that_takes_passwords_and_tokens(self, anonymous: APIClient) -> None:
        answers = [anonymous.post(path, {}) for path in ("/users", "/auth/refresh", "/auth/logout", "/auth/login")]

        assert statuses(answers) == [400, 400, 429, 429]

    def test_counts_by_address_whoever_asks(self, owner: User, outsider: User, signed_in: SignedIn) -> None:
        answers = [signed_in(user).post("/auth/password", {}) for user in (owner, outsider, owner)]

        assert statuses(answers) == [400, 400, 429]


def hits(counter: Counter, key: str, times: int) -> list[bool]:
    return [counter.hit(parse("5/minute"), key)[0] for _ in range(times)]


class TestCounterInRedis:
    @pytest.fixture(autouse=True)
    def _redis(self) -> None:
        try:
            redis.Redis.from_url(REDIS, socket_connect_timeout=1).ping()
        except redis.RedisError:
            pytest.skip("no Redis answers on 127.0.0.1:6379")

    def test_is_shared_by_processes(self) -> None:
        key = uuid.uuid4().hex
        program = f"""
from limits import parse
from kit.web.throttling import Counter
counter = Counter({REDIS!r})
print([counter.hit(parse("5/minute"), {key!r})[0] for _ in range(3)])
"""

        here = hits(Counter(REDIS), key, 3)
        there = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

        assert here == [True, True, True]
        assert there.strip() == "[True, True, False]"

    def test_is_not_shared_without_redis(self) -> None:
        key = uuid.uuid4().hex

        counts = [hits(Counter(""), key, 3) for _ in range(2)]

        assert counts == [[True, True, True]] * 2


class TestCounterWithoutItsRedis:
    def test_counts_on_alone(self) -> None:
        assert hits(Counter(NOBODY_LISTENS), "owner", 6) == [True] * 5 + [False]

    def test_says_so_once_and_does_not_ask_again_for_a_while(self) -> None:
        counter = Counter(NOBODY_LISTENS)

        with structlog.testing.capture_logs() as logs:
            hits(counter, "owner", 3)

        assert [(line["event"], line["log_level"]) for line in logs] == [("rate_limits_not_shared", "warning")]
        assert counter.retry_redis_at > time.monotonic()

    def test_asks_again_after_that_while(self) -> None:
        counter = Counter(NOBODY_LISTENS)
        hits(counter, "owner", 1)
        counter.retry_redis_at = 0.0

        with structlog.testing.capture_logs() as logs:
            hits(counter, "owner", 1)

        assert len(logs) == 1

    def test_waits_for_a_silent_one_but_a_moment(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            counter = Counter(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
            started_at = time.monotonic()

            hits(counter, "owner", 3)

        assert time.monotonic() - started_at < 2

    @pytest.mark.django_db
    @pytest.mark.usefixtures("_limited")
    def test_fails_no_request(self, anonymous: APIClient, settings: Any) -> None:
        settings.REDIS_URL = NOBODY_LISTENS

        answers = [anonymous.get("/nothing") for _ in range(4)]

        assert statuses(answers) == [404, 404, 404, 429]
