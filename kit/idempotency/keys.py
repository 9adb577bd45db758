"""Idempotency keys: a request that is retried with the same key is executed once.

The response is stored by the transaction that does the work, so a crash leaves both or neither. Until that transaction
ends, retries wait for its lock, in any process. `kit/idempotency/views.py` has the HTTP side.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import OperationalError
from psycopg.errors import LockNotAvailable
from psycopg.types.json import Jsonb

from kit import signing
from kit.db import sql
from kit.errors import Conflict, Contradiction
from kit.idempotency.models import LIFETIME_OF_KEYS, MAX_BYTES, IdempotencyKey


class KeyReused(Contradiction):
    code = "idempotency_key_reused"
    message = "This Idempotency-Key was already used with a different body"


class StillRunning(Conflict):
    message = "The first request with this Idempotency-Key is still in progress"


def digest(message: bytes) -> bytes:
    """Return an HMAC under the server's secret."""
    return signing.digest("kit.idempotency", message)


@dataclass(frozen=True)
class Key:
    """Made with `digest`: `digest` of the sender, key and path, `body_digest` of the body."""

    digest: bytes
    body_digest: bytes

    def parameters(self, at: datetime) -> dict[str, Any]:
        """Return the parameters of a statement that claims the key (kit/idempotency/sql/claim_key.sql)."""
        return {"place": self.place, "digest": self.digest, "expired_at": at - LIFETIME_OF_KEYS}

    @property
    def place(self) -> int:
        """Return the number of the advisory lock. Keys that happen to share one only wait for each other."""
        return int.from_bytes(self.digest[:8], signed=True)

    def check(self, first_body_digest: bytes) -> None:
        """Check that a retry repeats the original request.

        :raises KeyReused: the first request with this key had a different body.
        """
        if first_body_digest != self.body_digest:
            raise KeyReused


def claim(key: Key, *, at: datetime) -> IdempotencyKey | None:
    """Return the stored response, or None for the first request, which then holds the key until its transaction ends.

    :raises StillRunning: the first request did not finish within the lock timeout.
    """
    with claiming():
        found = sql.rows("idempotency/claim_key", **key.parameters(at))
    return _stored(found[0]) if found else None


def claim_all(keys: Collection[Key], *, at: datetime) -> dict[bytes, IdempotencyKey]:
    """Claim the keys of several requests that one transaction answers. Return the stored responses by digest.

    :raises StillRunning: the first request with one of the keys did not finish within the lock timeout.
    """
    if not keys:
        return {}
    with claiming():
        found = sql.rows(
            "idempotency/claim_keys",
            places=[key.place for key in keys],
            digests=[key.digest for key in keys],
            expired_at=at - LIFETIME_OF_KEYS,
        )
    return {bytes(row["digest"]): _stored(row) for row in found}


def _stored(row: dict[str, Any]) -> IdempotencyKey:
    return IdempotencyKey(**row | {"headers": orjson.loads(row["headers"])})


@contextmanager
def claiming() -> Iterator[None]:
    """Wrap a statement that claims a key.

    :raises StillRunning: another transaction holds the key, and did not end within the lock timeout.
    """
    try:
        yield
    except OperationalError as error:
        cause = error.__cause__
        # The statement may also have waited for other locks.
        if isinstance(cause, LockNotAvailable) and "idempotency_claim_key" in (cause.diag.context or ""):
            raise StillRunning from error
        raise


def fits(body: bytes) -> bool:
    """Return whether the body is short enough to be stored."""
    return len(body) <= MAX_BYTES


def keep(
    key: Key,
    *,
    status: int,
    at: datetime,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    object_id: int | None = None,
) -> None:
    """Store the response of the request that holds the key, and commit.

    `object_id` stands for a body that does not fit.
    """
    sql.finish(
        "idempotency/keep_answer",
        digest=key.digest,
        body_digest=key.body_digest,
        status=status,
        body=body.decode(),
        headers=Jsonb(headers or {}),
        at=at,
        object_id=object_id,
    )


@dataclass(frozen=True)
class Answer:
    """A response to store: the JSON, or the id of an object to read again if the JSON is too long."""

    key: Key
    status: int
    body: bytes
    object_id: int


def keep_all(answers: Collection[Answer], *, at: datetime) -> None:
    """Store the responses of the requests that hold these keys."""
    if not answers:
        return
    kept = [fits(answer.body) for answer in answers]
    sql.rows(
        "idempotency/keep_answers",
        digests=[answer.key.digest for answer in answers],
        body_digests=[answer.key.body_digest for answer in answers],
        statuses=[answer.status for answer in answers],
        bodies=[answer.body.decode() if is_kept else "" for answer, is_kept in zip(answers, kept, strict=True)],
        object_ids=[None if is_kept else answer.object_id for answer, is_kept in zip(answers, kept, strict=True)],
        at=at,
    )


def forget(key: Key) -> None:
    """Make the key unused again."""
    IdempotencyKey.objects.filter(digest=key.digest).delete()
