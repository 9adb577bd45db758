"""The `Idempotency-Key` header: a client can safely retry a request that may or may not have arrived.

Decorate a view's method with `idempotent` or `unrepeatable`; mark it as `repeatable` if its service handles the key.
"""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

import orjson
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from rest_framework.request import Request
from rest_framework.response import Response

from kit.errors import Conflict, Invalid
from kit.idempotency.keys import Key, claim, keep
from kit.idempotency.models import IdempotencyKey

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEY = re.compile(r"[!-~]{1,255}")
BAD_KEY = Invalid(fields={HEADER: ["Must be 1 to 255 visible ASCII characters."]})


class DuplicateRequest(Conflict):
    message = "This Idempotency-Key was already used"


def idempotent(handler: Callable[..., Response]) -> Callable[..., Response]:
    """Decorate a view's method that creates something, so that requests with the same key create it once.

    Retries get the first response. A refused request does not use up its key. The response is stored, so it must not
    contain secrets.

    :raises KeyReused: the first request with this key had a different body.
    :raises StillRunning: the first request did not finish within the lock timeout.
    """
    return _with_keys(handler, _replay)


def unrepeatable(handler: Callable[..., Response]) -> Callable[..., Response]:
    """Decorate a view's method like `idempotent`, but refuse a second request with the same key, whatever its body.

    :raises DuplicateRequest: a request with this key has succeeded.
    :raises StillRunning: the first request did not finish within the lock timeout.
    """
    return _with_keys(handler, _refuse)


def repeatable(handler: Callable[..., Response]) -> Callable[..., Response]:
    """Mark a view's method that passes the request's `Key` to a service, which handles retries itself."""
    handler.is_idempotent = True  # type: ignore[attr-defined]
    return handler


def key_of(request: Request) -> Key | None:
    """Return the key of the request, None if it has none.

    :raises Invalid: the header is not a valid key.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not KEY.fullmatch(key):
        raise BAD_KEY
    body = _digest(orjson.dumps(request.data, option=orjson.OPT_SORT_KEYS))
    # Signed-out clients are identified by the body they send.
    sender = str(request.user.pk).encode() if request.user.is_authenticated else b"anonymous" + body
    # NUL separates unambiguously: neither keys nor paths contain it.
    return Key(_digest(b"\0".join([key.encode(), request.path.encode(), sender])), body)


def _digest(message: bytes) -> bytes:
    return salted_hmac("kit.idempotency.views", message, algorithm="sha256").digest()


def _with_keys(
    handler: Callable[..., Response], answer_retry: Callable[[IdempotencyKey, Key], Response]
) -> Callable[..., Response]:
    @wraps(handler)
    def answer_once(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = key_of(request)
        if key is None:
            return handler(view, request, *args, **kwargs)
        at = timezone.now()
        with transaction.atomic():
            first = claim(key, at=at)
            if first:
                return answer_retry(first, key)
            response = handler(view, request, *args, **kwargs)
            headers = {name: value for name, value in response.headers.items() if name != "Content-Type"}
            keep(key, status=response.status_code, body=orjson.dumps(response.data), headers=headers, at=at)
            return response

    return repeatable(answer_once)


def _replay(first: IdempotencyKey, key: Key) -> Response:
    key.check(bytes(first.body_digest))
    return Response(orjson.loads(first.body), first.status, headers={**first.headers, REPLAYED: "true"})


def _refuse(first: IdempotencyKey, key: Key) -> Response:
    raise DuplicateRequest
