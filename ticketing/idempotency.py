"""`Idempotency-Key`: a client who does not know whether its request arrived sends it again, and it is done once.

The key is a row of the transaction that does the work, so a crash leaves both or neither, and its unique index is what
others wait at, in whatever process they are. A view's method honours keys by the decorator `idempotent`, or by
`unrepeatable`.
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
        identity, body_digest = _digests(request, key)
        with transaction.atomic():
            key_id = claim(digest=identity, body_digest=body_digest, at=timezone.now())
            if key_id is None:
                return answer_again(IdempotencyKey.objects.get(digest=identity), body_digest)
            response = handler(view, request, *args, **kwargs)
            _keep(response, key_id)
            return response

    answer_once.is_idempotent = True  # type: ignore[attr-defined]
    return answer_once


def claim(*, digest: bytes, body_digest: bytes, at: datetime) -> int | None:
    """Return the id of the key's row, to be completed by this transaction; None when its answer is there already.

    :raises StillRunning: after as long as any lock is waited for.
    """
    try:
        found = sql.rows(
            "ticketing/claim_key", digest=digest, body_digest=body_digest, at=at, expired_at=at - LIFETIME_OF_KEYS
        )
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise StillRunning from error
        raise
    return found[0]["id"] if found else None


def _keep(response: Response, key_id: int) -> None:
    headers = {name: value for name, value in response.headers.items() if name != "Content-Type"}
    body = orjson.dumps(response.data).decode()
    sql.rows("ticketing/keep_answer", id=key_id, status=response.status_code, body=body, headers=Jsonb(headers))


def _replay(first: IdempotencyKey, body_digest: bytes) -> Response:
    if bytes(first.body_digest) != body_digest:
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
