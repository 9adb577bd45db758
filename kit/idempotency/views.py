"""The `Idempotency-Key` header: a client can safely retry a request that may or may not have arrived.

Decorate a view's method with `idempotent`, `confidential` or `unrepeatable`; mark it as `repeatable` if its service
handles the key. A view whose responses can be longer than MAX_BYTES has a method `retrieve`, which reads the object
again by its id.
"""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

import orjson
from django.db import transaction
from django.utils import timezone
from rest_framework.request import Request

from kit.encryption import decrypt, encrypt
from kit.errors import Conflict, Invalid
from kit.idempotency.keys import Key, claim, digest, fits, keep
from kit.idempotency.models import IdempotencyKey
from kit.web.responses import Response

HEADER = "Idempotency-Key"
META_NAME = "HTTP_IDEMPOTENCY_KEY"
REPLAYED = "Idempotent-Replayed"
KEY = re.compile(r"[!-~]{1,255}")
NOT_A_KEY = "Must be 1 to 255 visible ASCII characters."
BAD_KEY = Invalid(fields={HEADER: [NOT_A_KEY]})


class DuplicateRequest(Conflict):
    message = "This Idempotency-Key was already used"


def idempotent(handler: Callable[..., Response]) -> Callable[..., Response]:
    """Decorate a view's method that changes something, so that requests with the same key change it once.

    Goes outside `versioned`: a retry gets the first response although the version has moved. A refused request does not
    use up its key. The response is stored, so one with a secret needs `confidential` instead. If it is too long, its
    object is read again.

    :raises KeyReused: the first request with this key had a different body.
    :raises StillRunning: the first request did not finish within the lock timeout.
    """
    return _with_keys(handler, _response_to_keep, _replay)


def confidential(handler: Callable[..., Response]) -> Callable[..., Response]:
    """Decorate a view's method like `idempotent` if its response contains a secret: it is stored encrypted."""
    return _with_keys(handler, _secret_to_keep, _replay_secret)


def unrepeatable(handler: Callable[..., Response]) -> Callable[..., Response]:
    """Decorate a view's method like `idempotent`, but refuse a second request with the same key, whatever its body.

    :raises DuplicateRequest: a request with this key has succeeded.
    :raises StillRunning: the first request did not finish within the lock timeout.
    """
    return _with_keys(handler, lambda view, response: {}, _refuse)


def repeatable(handler: Callable[..., Response]) -> Callable[..., Response]:
    """Mark a view's method that passes the request's `Key` to a service, which handles retries itself."""
    handler.is_idempotent = True  # type: ignore[attr-defined]
    return handler


def key_of(request: Request) -> Key | None:
    """Return the key of the request, None if it has none.

    :raises Invalid: the header is not a valid key.
    """
    key = header_of(request)
    return None if key is None else make_key(request, key, request.data)


def header_of(request: Request) -> str | None:
    """Return the header.

    :raises Invalid: it is not a valid key.
    """
    # Not `request.headers`, which copies all of them.
    key = request.META.get(META_NAME)
    if key is not None and not KEY.fullmatch(key):
        raise BAD_KEY
    return key


def make_key(request: Request, key: str, body: Any, *parts: str) -> Key:
    """Return the key of a body within a request. `parts` tell apart bodies that share the text of their keys."""
    body_digest = digest(orjson.dumps(body, option=orjson.OPT_SORT_KEYS))
    # Signed-out clients are identified by the body they send.
    sender = str(request.user.pk).encode() if request.user.is_authenticated else b"anonymous" + body_digest
    # NUL separates unambiguously: neither keys nor paths contain it.
    named = [key.encode(), request.path.encode(), sender, *(part.encode() for part in parts)]
    return Key(digest(b"\0".join(named)), body_digest)


def _with_keys(
    handler: Callable[..., Response],
    to_keep: Callable[[Any, Response], dict[str, Any]],
    answer_retry: Callable[[Any, Request, IdempotencyKey, Key], Response],
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
                return answer_retry(view, request, first, key)
            response = handler(view, request, *args, **kwargs)
            keep(key, status=response.status_code, at=at, **to_keep(view, response))
            return response

    return repeatable(answer_once)


def _response_to_keep(view: Any, response: Response) -> dict[str, Any]:
    body = orjson.dumps(response.data)
    if not fits(body):
        return {"object_id": view.id_in(response.data)}
    return {
        "body": body,
        "headers": {name: value for name, value in response.headers.items() if name != "Content-Type"},
    }


def _replay(view: Any, request: Request, first: IdempotencyKey, key: Key) -> Response:
    key.check(bytes(first.body_digest))
    if first.object_id is None:
        response = Response(orjson.loads(first.body), headers=first.headers)
    else:
        response = view.retrieve(request, first.object_id)
    response.status_code = first.status
    response[REPLAYED] = "true"
    return response


def _secret_to_keep(view: Any, response: Response) -> dict[str, Any]:
    kept = _response_to_keep(view, response)
    return kept | {"body": encrypt(kept["body"].decode()).encode()}


def _replay_secret(view: Any, request: Request, first: IdempotencyKey, key: Key) -> Response:
    first.body = decrypt(first.body)
    return _replay(view, request, first, key)


def _refuse(view: Any, request: Request, first: IdempotencyKey, key: Key) -> Response:
    raise DuplicateRequest
