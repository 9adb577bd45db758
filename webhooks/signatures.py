"""Signing secrets and signatures, as the Standard Webhooks specification says."""

import base64
import secrets
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from standardwebhooks import Webhook

from kit import encryption

PREFIX = "whsec_"
# The specification asks for 24 to 64.
SECRET_BYTES = 32


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def headers(*, message_id: str, body: str, encrypted_secrets: Iterable[str], at: datetime) -> dict[str, str]:
    """Return the headers of an attempt at this time, in UTC, signed with each of the secrets.

    :raises Undecryptable: none of ENCRYPTION_KEYS decrypts one of the secrets.
    """
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(_signer(each).sign(message_id, at, body) for each in encrypted_secrets),
    }


# Decrypting takes longer than signing.
@lru_cache(maxsize=256)
def _signer(encrypted: str) -> Webhook:
    return Webhook(encryption.decrypt(encrypted))
