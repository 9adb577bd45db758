"""`Idempotency-Key`: a client who does not know whether its request arrived sends it again, and it is done once.

A view's method honours keys by the decorator `idempotent`, or by `unrepeatable`; one whose service takes the key itself
is marked as `repeatable`.
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
BAD_KEY = Invalid(fields={HEADER: ["A key is 1 to 255 visible ASCII characters."]})


class DuplicateRequest(Conflict):
    message = "A request with this Idempotency-Key was made before"


def idempotent(handler: Callable[..., Response]) -> Callable[..., Response]:
    """Decorate a view's method that creates something: with a key, the same request is done once.

    The rest gets the first answer, once it is there. What is refused counts as never sent. The answer is kept, so it
    must hold no secret.

    :raises KeyReused: the first request under the key had another body.
    :raises StillRunning:
    """
    return _honouring_keys(handler, _replay)


def unrepeatable(handler: Callable[..., Response]) -> Callable[..., Response]:
    """Decorate a view's method like `idempotent`, but whoever comes second under a key is refused, whatever they send.

    :raises DuplicateRequest:
    :raises StillRunning:
    """
    return _honouring_keys(handler, _refuse)


def repeatable(handler: Callable[..., Response]) -> Callable[..., Response]:
    """Mark a view's method that hands the `Key` of its request on to a service, which then sees to all this."""
    handler.is_idempotent = True  # type: ignore[attr-defined]
    return handler


def key_of(request: Request) -> Key | None:
    """The key that the request bears.

    :raises Invalid: it is none.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not KEY.fullmatch(key):
        raise BAD_KEY
    body = _digest(orjson.dumps(request.data, option=orjson.OPT_SORT_KEYS))
    # Nobodies are told apart by what they send.
    who = str(request.user.pk).encode() if request.user.is_authenticated else b"anonymous" + body
    # Neither a path nor a visible key holds NUL.
    return Key(_digest(b"\0".join([key.encode(), request.path.encode(), who])), body)


def _digest(message: bytes) -> bytes:
    return salted_hmac("kit.idempotency.views", message, algorithm="sha256").digest()


def _honouring_keys(
    handler: Callable[..., Response], answer_again: Callable[[IdempotencyKey, Key], Response]
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
                return answer_again(first, key)
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
