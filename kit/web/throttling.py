"""Rate limits per user, or per address when signed out. They ensure fair use; lockouts protect accounts.

Requests count in a sliding window: in Redis if REDIS_URL is set, otherwise in each process. Every response reports the
state in `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers).
"""

import math
import time
from functools import cache
from typing import Any

import structlog
from django.conf import settings
from limits import RateLimitItem, WindowStats, parse
from limits.storage import storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from kit.web.address import client_address
from kit.web.sliding_window import SlidingWindow

logger = structlog.get_logger(__name__)

REDIS_TIMEOUT_SECONDS = 0.25
# How long to count locally after Redis has failed.
REDIS_PAUSE_SECONDS = 10


class Counter:
    """Counts requests in Redis. Without Redis, or for a while after it has failed, counts in this process."""

    def __init__(self, redis_url: str) -> None:
        self.local = SlidingWindow()
        self.shared: SlidingWindowCounterRateLimiter | None = None
        self.retry_redis_at = 0.0
        if redis_url:
            timeouts: dict[str, Any] = {
                "socket_timeout": REDIS_TIMEOUT_SECONDS,
                "socket_connect_timeout": REDIS_TIMEOUT_SECONDS,
            }
            self.shared = SlidingWindowCounterRateLimiter(storage_from_string(redis_url, **timeouts))

    def hit(self, limit: RateLimitItem, *key: str, cost: int = 1) -> tuple[bool, WindowStats]:
        """Count a request as `cost` requests, or as many as remain. Return whether one did, and the window's state."""
        if self.shared and time.monotonic() >= self.retry_redis_at:
            try:
                if cost > 1:
                    cost = max(1, min(cost, self.shared.get_window_stats(limit, *key).remaining))
                return self.shared.hit(limit, *key, cost=cost), self.shared.get_window_stats(limit, *key)
            except self.shared.storage.base_exceptions as error:
                self.retry_redis_at = time.monotonic() + REDIS_PAUSE_SECONDS
                logger.warning("rate_limits_not_shared", error=repr(error), for_seconds=REDIS_PAUSE_SECONDS)
        return self.local.hit(limit, *key, at=time.time(), cost=cost)


counter = cache(Counter)
parsed = cache(parse)


class RateLimit(BaseThrottle):
    """The limit for ordinary requests. Views with another limit use a subclass."""

    name = "default"
    setting = "RATE_LIMIT"
    wait_seconds: float | None = None

    def limit(self) -> RateLimitItem:
        return parsed(getattr(settings, self.setting))

    def caller(self, request: Request) -> str:
        """Return whom the request counts against."""
        if request.user.is_authenticated:
            return f"user:{request.user.pk}"
        return f"address:{client_address(request._request)}"

    def allow_request(self, request: Request, view: Any) -> bool:
        return self.count(request)

    def count(self, request: Request, cost: int = 1) -> bool:
        """Count a request as `cost` requests, and report the state in its response. Return whether one remained."""
        if not settings.RATE_LIMITS:
            return True
        limit, key = self.limit(), (self.name, self.caller(request))
        is_allowed, window = counter(settings.REDIS_URL).hit(limit, *key, cost=cost)
        reset = max(1, math.ceil(window.reset_time - time.time()))
        request._request.rate_limit_headers = {  # type: ignore[attr-defined]
            "RateLimit-Policy": f'"{self.name}";q={limit.amount};w={limit.get_expiry()}',
            "RateLimit": f'"{self.name}";r={window.remaining};t={reset}',
        }
        self.wait_seconds = None if is_allowed else reset
        return is_allowed

    def wait(self) -> float | None:
        return self.wait_seconds


class SignInRateLimit(RateLimit):
    """The limit for calls that take passwords or refresh tokens, always per address."""

    name = "sign-in"
    setting = "RATE_LIMIT_SIGN_IN"

    def caller(self, request: Request) -> str:
        return f"address:{client_address(request._request)}"


class GuestRateLimit(RateLimit):
    """The limit for sign-ups and guests' bookings, per address. Signed-in callers have the ordinary limit."""

    def allow_request(self, request: Request, view: Any) -> bool:
        if not request.user.is_authenticated:
            self.name, self.setting = "guest", "RATE_LIMIT_GUEST"
        return super().allow_request(request, view)
