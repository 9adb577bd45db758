"""Rate limits, by user or, signed out, by address. A courtesy between clients, not a security measure: lockout is.

Counted by the `limits` library in a sliding window, in Redis when REDIS_URL is set, else by each process for itself.
Said in `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers) on every answer.
"""

import math
import time
from functools import cache
from typing import Any

from axes.helpers import get_client_ip_address
from django.conf import settings
from limits import RateLimitItem, parse
from limits.storage import storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle


@cache
def limiter(redis_url: str) -> SlidingWindowCounterRateLimiter:
    return SlidingWindowCounterRateLimiter(storage_from_string(redis_url or "memory://"))


class RateLimit(BaseThrottle):
    """The limit of ordinary requests. A view names a stricter one by subclassing."""

    name = "default"
    wait_seconds: float | None = None

    def limit(self) -> RateLimitItem:
        return parse(settings.RATE_LIMIT)

    def caller(self, request: Request) -> str:
        if request.user.is_authenticated:
            return f"user:{request.user.pk}"
        return f"address:{get_client_ip_address(request)}"

    def allow_request(self, request: Request, view: Any) -> bool:
        if not settings.RATE_LIMITS:
            return True
        limit, key = self.limit(), (self.name, self.caller(request))
        counter = limiter(settings.REDIS_URL)
        is_allowed = counter.hit(limit, *key)
        window = counter.get_window_stats(limit, *key)
        reset = max(1, math.ceil(window.reset_time - time.time()))
        request._request.rate_limit_headers = {
            "RateLimit-Policy": f'"{self.name}";q={limit.amount};w={limit.get_expiry()}',
            "RateLimit": f'"{self.name}";r={window.remaining};t={reset}',
        }
        self.wait_seconds = None if is_allowed else reset
        return is_allowed

    def wait(self) -> float | None:
        return self.wait_seconds


class SignInRateLimit(RateLimit):
    """By address alone: whoever signs in or up is nobody yet."""

    name = "sign-in"

    def limit(self) -> RateLimitItem:
        return parse(settings.RATE_LIMIT_SIGN_IN)

    def caller(self, request: Request) -> str:
        return f"address:{get_client_ip_address(request)}"
