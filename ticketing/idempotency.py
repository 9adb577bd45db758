"""`Idempotency-Key`: a client who does not know whether its request arrived sends it again, and it is done once.

The answer is kept by the transaction that does the work, so a crash leaves both or neither. Until it ends, others under
the same key wait for its lock, in whatever process they are. A view's method honours keys by the decorator
`idempotent`, or by `unrepeatable`.
"""

import re
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

import orjson
from django.db import OperationalError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from psycopg.errors import LockNotAvailable
from psycopg.types.json import Jsonb
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from ticketing import sql
from ticketing.errors import Conflict, Invalid
from ticketing.models import LIFETIME_OF_KEYS, IdempotencyKey

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEY = re.compile(r"[!-~]{1,255}")
BAD_KEY = Invalid(fields={HEADER: ["A key is 1 to 255 visible ASCII characters."]})


class KeyReused(exceptions.APIException):
    status_code = 422
    default_code = "idempotency_key_reused"
    default_detail = "This Idempotency-Key came with another body before"


class DuplicateRequest(Conflict):
    message = "A request with this Idempotency-Key was made before"


class StillRunning(Conflict):
    message = "The first request with this Idempotency-Key is still running"


def idempotent(handler: Callable[..., Response]) -> Callable[..., Response]:
    """Decorate a view's method that creates something: with a key, the same request is done once.

    The rest gets the first answer, once it is there. What is refused counts as never sent. The answer is kept, so it
    must hold no secret.
    """
    return _honouring_keys(handler, _replay)


def unrepeatable(handler: Callable[..., Response]) -> Callable[..., Response]:
    """Decorate a view's method like `idempotent`, but whoever comes second under a key is refused, whatever they send.

    :raises DuplicateRequest:
    """
    return _honouring_keys(handler, _refuse)


def _honouring_keys(
    handler: Callable[..., Response], answer_again: Callable[[IdempotencyKey, bytes], Response]
) -> Callable[..., Response]:
    @wraps(handler)
    def answer_once(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get(HEADER)
        if key is None:
            return handler(view, request, *args, **kwargs)
        if not KEY.fullmatch(key):
            raise BAD_KEY
        digest, body_digest = _digests(request, key)
        at = timezone.now()
        with transaction.atomic():
            first = claim(digest=digest, at=at)
            if first:
                return answer_again(first, body_digest)
            response = handler(view, request, *args, **kwargs)
            _keep(response, digest=digest, body_digest=body_digest, at=at)
            return response

    answer_once.is_idempotent = True  # type: ignore[attr-defined]
    return answer_once


def claim(*, digest: bytes, at: datetime) -> IdempotencyKey | None:
    """Return what was answered under the key; None to whoever is first, until the transaction ends.

    :raises StillRunning: after as long as any lock is waited for.
    """
    # Two keys in one place would merely wait for each other.
    place = int.from_bytes(digest[:8], signed=True)
    try:
        found = sql.rows("ticketing/claim_key", place=place, digest=digest, expired_at=at - LIFETIME_OF_KEYS)
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise StillRunning from error
        raise
    if not found:
        return None
    return IdempotencyKey(**found[0] | {"headers": orjson.loads(found[0]["headers"])})


def _keep(response: Response, *, digest: bytes, body_digest: bytes, at: datetime) -> None:
    headers = {name: value for name, value in response.headers.items() if name != "Content-Type"}
    sql.finish(
        "ticketing/keep_answer",
        digest=digest,
        body_digest=body_digest,
        status=response.status_code,
        body=orjson.dumps(response.data).decode(),
        headers=Jsonb(headers),
        at=at,
    )


def _replay(first: IdempotencyKey, body_digest: bytes) -> Response:
    if first.body_digest != body_digest:
        raise KeyReused
    return Response(orjson.loads(first.body), first.status, headers={**first.headers, REPLAYED: "true"})


def _refuse(first: IdempotencyKey, body_digest: bytes) -> Response:
    raise DuplicateRequest


def _digests(request: Request, key: str) -> tuple[bytes, bytes]:
    """Whose request under which key it is, and what it says; by the latter also nobodies are told apart."""
    body = _digest(orjson.dumps(request.data, option=orjson.OPT_SORT_KEYS))
    who = str(request.user.pk).encode() if request.user.is_authenticated else b"anonymous" + body
    # Neither a path nor a visible key holds NUL.
    return _digest(b"\0".join([key.encode(), request.path.encode(), who])), body


def _digest(message: bytes) -> bytes:
    return salted_hmac("ticketing.idempotency", message, algorithm="sha256").digest()
