"""Idempotency keys as the domain knows them: what comes twice under one key is done once.

The answer is kept by the transaction that does the work, so a crash leaves both or neither. Until it ends, others under
the same key wait for its lock, in whatever process they are. What HTTP says of keys is in idempotency.py.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import OperationalError
from psycopg.errors import LockNotAvailable
from psycopg.types.json import Jsonb

from kit.db import sql
from kit.errors import Conflict, Contradiction
from kit.idempotency.models import LIFETIME_OF_KEYS, IdempotencyKey


class KeyReused(Contradiction):
    code = "idempotency_key_reused"
    message = "This Idempotency-Key came with another body before"


class StillRunning(Conflict):
    message = "The first request with this Idempotency-Key is still running"


@dataclass(frozen=True)
class Key:
    """The digests of who sent which key to where, and of what came with it; both keyed with the server's secret."""

    digest: bytes
    body_digest: bytes

    def parameters(self, at: datetime) -> dict[str, Any]:
        """Those of a statement that claims the key: see kit/idempotency/sql/claim_key.sql."""
        # Two keys in one place would merely wait for each other.
        place = int.from_bytes(self.digest[:8], signed=True)
        return {"place": place, "digest": self.digest, "expired_at": at - LIFETIME_OF_KEYS}

    def check(self, first_body_digest: bytes) -> None:
        """:raises KeyReused: the first request under the key said something else."""
        if first_body_digest != self.body_digest:
            raise KeyReused


def claim(key: Key, *, at: datetime) -> IdempotencyKey | None:
    """Return what was answered under the key; None to whoever is first, until the transaction ends.

    :raises StillRunning:
    """
    with claiming():
        found = sql.rows("idempotency/claim_key", **key.parameters(at))
    if not found:
        return None
    return IdempotencyKey(**found[0] | {"headers": orjson.loads(found[0]["headers"])})


@contextmanager
def claiming() -> Iterator[None]:
    """Run a statement that claims a key.

    :raises StillRunning: the key is in use for as long as any lock is waited for.
    """
    try:
        yield
    except OperationalError as error:
        cause = error.__cause__
        # The statement may wait for more than the key.
        if isinstance(cause, LockNotAvailable) and "idempotency_claim_key" in (cause.diag.context or ""):
            raise StillRunning from error
        raise


def keep(key: Key, *, status: int, body: bytes, headers: dict[str, str], at: datetime) -> None:
    """Keep the answer of the one who has claimed the key, and end the transaction."""
    sql.finish(
        "idempotency/keep_answer",
        digest=key.digest,
        body_digest=key.body_digest,
        status=status,
        body=body.decode(),
        headers=Jsonb(headers),
        at=at,
    )
