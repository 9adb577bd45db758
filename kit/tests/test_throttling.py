"""Rate limits: what they count, what they report, and where the counts are kept."""

import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
import redis
import structlog
from limits import parse
from rest_framework.test import APIClient

from accounts.models import User
from kit.web.throttling import Counter

SignedIn = Callable[[User], APIClient]
REDIS = "redis://127.0.0.1:6379/0"
UNREACHABLE_REDIS = "redis://127.0.0.1:1/0"
OTHER_ADDRESS = "203.0.113.7"


pytestmark = pytest.mark.usefixtures("fresh_rate_limits")


@pytest.fixture
def _limited(settings: Any) -> None:
    settings.RATE_LIMITS = True
    settings.RATE_LIMIT = "3/minute"
    settings.RATE_LIMIT_SIGN_IN = "2/minute"
    settings.RATE_LIMIT_GUEST = "1/minute"


def statuses(answers: list[Any]) -> list[int]:
    return [answer.status_code for answer in answers]


@pytest.mark.django_db
@pytest.mark.usefixtures("_limited")
class TestRateLimit:
    def test_reports_what_remains(self, owner: User, signed_in: SignedIn) -> None:
        api = signed_in(owner)

        answers = [api.get("/auth/me") for _ in range(4)]

        assert statuses(answers) == [200, 200, 200, 429]
        assert {answer["RateLimit-Policy"] for answer in answers} == {'"default";q=3;w=60'}
        assert [answer["RateLimit"].split(";")[1] for answer in answers] == ["r=2", "r=1", "r=0", "r=0"]

    def test_sets_retry_after(self, owner: User, signed_in: SignedIn) -> None:
        api = signed_in(owner)

        refusal = [api.get("/auth/me") for _ in range(4)][-1]

        assert 1 <= int(refusal["Retry-After"]) <= 60
        assert (refusal["Content-Type"], refusal.json()["code"]) == ("application/problem+json", "too_many")

    def test_counts_per_user_across_tokens_and_addresses(
        self, owner: User, outsider: User, signed_in: SignedIn
    ) -> None:
        answers = [signed_in(owner).get("/auth/me", REMOTE_ADDR=f"192.0.2.{number}") for number in range(4)]

        assert statuses(answers) == [200, 200, 200, 429]
        assert signed_in(outsider).get("/auth/me").status_code == 200

    def test_counts_per_address_when_signed_out(self, anonymous: APIClient) -> None:
        answers = [anonymous.get("/nothing") for _ in range(4)]

        assert statuses(answers) == [404, 404, 404, 429]
        assert anonymous.get("/nothing", REMOTE_ADDR=OTHER_ADDRESS).status_code == 404

    def test_counts_refused_requests(self, anonymous: APIClient) -> None:
        answers = [
            anonymous.get("/auth/me"),
            anonymous.get("/auth/me", HTTP_AUTHORIZATION="Bearer nonsense"),
            anonymous.delete("/schema"),
            anonymous.get("/auth/me"),
        ]

        assert statuses(answers) == [401, 401, 405, 429]
        assert all("RateLimit" in answer.headers for answer in answers)

    def test_counts_a_request_without_permission_once(self, owner: User, signed_in: SignedIn) -> None:
        api = signed_in(owner)

        answers = [api.post("/projects", {"name": "Website"}) for _ in range(4)]

        assert statuses(answers) == [403, 403, 403, 429]
        assert [answer["RateLimit"].split(";")[1] for answer in answers] == ["r=2", "r=1", "r=0", "r=0"]

    def test_counts_a_refused_request_of_a_contract_once(self, anonymous: APIClient) -> None:
        answers = [anonymous.post("/api/tickets", {"title": "Server down"}) for _ in range(4)]

        assert statuses(answers) == [401, 401, 401, 429]
        assert [answer["RateLimit"].split(";")[1] for answer in answers] == ["r=2", "r=1", "r=0", "r=0"]

    def test_counts_the_clients_of_a_proxy_that_forwards_ports_separately(
        self, anonymous: APIClient, settings: Any
    ) -> None:
        settings.PROXY_COUNT = 1

        answers = [anonymous.get("/nothing", HTTP_X_FORWARDED_FOR=f"192.0.2.{number}:5678") for number in range(4)]

        assert {answer.status_code for answer in answers} == {404}

    def test_does_not_trust_x_forwarded_for(self, anonymous: APIClient) -> None:
        answers = [anonymous.get("/nothing", HTTP_X_FORWARDED_FOR=f"192.0.2.{number}") for number in range(4)]

        assert statuses(answers) == [404, 404, 404, 429]

    def test_sends_no_headers_when_off(self, owner: User, signed_in: SignedIn, settings: Any) -> None:
        settings.RATE_LIMITS = False

        answers = [signed_in(owner).get("/auth/me") for _ in range(4)]

        assert statuses(answers) == [200] * 4
        assert not any("RateLimit" in answer.headers for answer in answers)


@pytest.mark.django_db
class TestRateLimitOfBatches:
    @pytest.fixture
    def api(self, owner: User, signed_in: SignedIn, settings: Any) -> APIClient:
        settings.RATE_LIMITS = True
        settings.RATE_LIMIT = "20/day"
        return signed_in(owner)

    def remaining(self, api: APIClient, *items: Any) -> str:
        answer = api.post("/tickets/batch", {"items": list(items)})
        assert answer.status_code == 200, answer.content
        return str(answer["RateLimit"].split(";")[1])

    @pytest.mark.parametrize(("number", "left"), [(1, 19), (10, 19), (11, 18), (100, 10)])
    def test_counts_ten_new_tickets_as_a_request(self, number: int, left: int, api: APIClient) -> None:
        assert self.remaining(api, *[{"title": "A"}] * number) == f"r={left}"

    def test_counts_each_change_as_a_request(self, api: APIClient) -> None:
        assert self.remaining(api, *[{"id": 10**6, "title": "A"}] * 3, {"title": "B"}) == "r=16"

    def test_never_refuses_a_batch_for_its_size(self, api: APIClient) -> None:
        assert self.remaining(api, *[{"id": 10**6}] * 100) == "r=0"
        assert api.post("/tickets/batch", {"items": [{"title": "A"}]}).status_code == 429


@pytest.mark.django_db
@pytest.mark.usefixtures("_limited")
class TestSignInRateLimit:
    UNKNOWN_USER = {"email": "nobody@example.com", "password": "wrong"}

    def test_is_stricter_and_counted_separately(self, owner: User, anonymous: APIClient, signed_in: SignedIn) -> None:
        answers = [anonymous.post("/auth/login", self.UNKNOWN_USER) for _ in range(3)]

        assert statuses(answers) == [401, 401, 429]
        assert answers[0]["RateLimit-Policy"] == '"sign-in";q=2;w=60'
        assert signed_in(owner).get("/auth/me").status_code == 200

    def test_is_shared_by_all_calls_that_take_passwords_or_tokens(self, anonymous: APIClient) -> None:
        answers = [anonymous.post(path, {}) for path in ("/auth/refresh", "/auth/logout", "/auth/login")]

        assert statuses(answers) == [400, 400, 429]

    def test_counts_per_address_even_when_signed_in(self, owner: User, outsider: User, signed_in: SignedIn) -> None:
        answers = [signed_in(user).post("/auth/password", {}) for user in (owner, outsider, owner)]

        assert statuses(answers) == [400, 400, 429]


@pytest.mark.django_db
@pytest.mark.usefixtures("_limited")
class TestGuestRateLimit:
    PATHS = ["/users", "/api/v1/auth/register", "/api/auth/register", "/events/0/bookings", "/api/v1/booking"]

    @pytest.mark.parametrize("path", PATHS)
    def test_is_shared_by_sign_ups_and_bookings_of_guests(self, anonymous: APIClient, path: str) -> None:
        first = anonymous.post("/users", {})
        second = anonymous.post(path, {})

        assert statuses([first, second]) == [400, 429]
        assert first["RateLimit-Policy"] == '"guest";q=1;w=60'
        assert int(second["Retry-After"]) >= 1

    def test_does_not_count_signed_in_callers(self, owner: User, anonymous: APIClient, signed_in: SignedIn) -> None:
        answers = [signed_in(owner).post(path, {}) for path in ("/users", "/events/0/bookings", "/api/v1/booking")]

        assert statuses(answers) == [400, 404, 400]
        assert '"default"' in answers[0]["RateLimit-Policy"]
        assert anonymous.post("/users", {}).status_code == 400


def hits(counter: Counter, key: str, times: int) -> list[bool]:
    return [counter.hit(parse("5/minute"), key)[0] for _ in range(times)]


class TestCounterWithRedis:
    @pytest.fixture(autouse=True)
    def _redis(self) -> None:
        try:
            redis.Redis.from_url(REDIS, socket_connect_timeout=1).ping()
        except redis.RedisError:
            pytest.skip("no Redis answers on 127.0.0.1:6379")

    @pytest.mark.slow
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

    def test_is_per_process_without_redis(self) -> None:
        key = uuid.uuid4().hex

        counts = [hits(Counter(""), key, 3) for _ in range(2)]

        assert counts == [[True, True, True]] * 2


class TestCounterWhenRedisFails:
    def test_counts_locally(self) -> None:
        assert hits(Counter(UNREACHABLE_REDIS), "owner", 6) == [True] * 5 + [False]

    def test_logs_once_and_pauses(self) -> None:
        counter = Counter(UNREACHABLE_REDIS)

        with structlog.testing.capture_logs() as logs:
            hits(counter, "owner", 3)

        assert [(line["event"], line["log_level"]) for line in logs] == [("rate_limits_not_shared", "warning")]
        assert counter.retry_redis_at > time.monotonic()

    def test_tries_again_after_the_pause(self) -> None:
        counter = Counter(UNREACHABLE_REDIS)
        hits(counter, "owner", 1)
        counter.retry_redis_at = 0.0

        with structlog.testing.capture_logs() as logs:
            hits(counter, "owner", 1)

        assert len(logs) == 1

    def test_times_out_quickly(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent_server:
            counter = Counter(f"redis://127.0.0.1:{silent_server.getsockname()[1]}/0")
            started_at = time.monotonic()

            hits(counter, "owner", 3)

        assert time.monotonic() - started_at < 2

    @pytest.mark.django_db
    @pytest.mark.usefixtures("_limited")
    def test_does_not_fail_requests(self, anonymous: APIClient, settings: Any) -> None:
        settings.REDIS_URL = UNREACHABLE_REDIS

        answers = [anonymous.get("/nothing") for _ in range(4)]

        assert statuses(answers) == [404, 404, 404, 429]
