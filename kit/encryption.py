"""Secrets that the database must store but not reveal, encrypted under ENCRYPTION_KEYS.

Encrypted with Fernet: AES in CBC mode with an HMAC. The first key encrypts and all of them decrypt, so that keys can be
rotated (`manage.py reencrypt`).
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from functools import cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet

# How every encrypted text begins until the year 2106, for constraints that refuse plain text.
ENCRYPTED = "^gAAAAA"


class Undecryptable(Exception):
    """None of ENCRYPTION_KEYS decrypts the text."""


def encrypt(secret: str) -> str:
    """Return the secret encrypted under the first key, as ASCII text. It differs from call to call."""
    return _fernet(tuple(settings.ENCRYPTION_KEYS)).encrypt(secret.encode()).decode()


def decrypt(encrypted: str) -> str:
    """Return the secret that `encrypt` encrypted under one of the keys.

    :raises Undecryptable: its key is missing, or the text was changed.
    """
    try:
        return _fernet(tuple(settings.ENCRYPTION_KEYS)).decrypt(encrypted).decode()
    except InvalidToken as error:
        raise Undecryptable("None of ENCRYPTION_KEYS decrypts this secret. Was a key removed too early?") from error


def reencrypt(encrypted: str) -> str:
    """Return the same secret encrypted under the first key.

    :raises Undecryptable: as for `decrypt`.
    """
    return encrypt(decrypt(encrypted))


def undecryptable(texts: Iterable[str]) -> int:
    """Return how many of these encrypted texts none of the keys decrypts."""
    number = 0
    for text in texts:
        try:
            decrypt(text)
        except Undecryptable:
            number += 1
    return number


def reencrypt_column(rows: QuerySet[Any], column: str) -> int:
    """Encrypt a column of these rows under the first key, in the caller's transaction. Return the number of rows.

    :raises Undecryptable: as for `decrypt`.
    """
    # Not with `bulk_update`, which would cut the texts to the lengths in the models of django-otp.
    locked = rows.select_for_update()
    for row in locked:
        rows.filter(pk=row.pk).update(**{column: reencrypt(getattr(row, column))})
    return len(locked)


@cache
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    if not keys:
        raise ImproperlyConfigured("ENCRYPTION_KEYS is not set. It has no default in production; see .env.example.")
    # Any long random text can be a key, as for SECRET_KEY. It needs no slow derivation, because nobody can guess it.
    return MultiFernet([Fernet(urlsafe_b64encode(hashlib.sha256(key.encode()).digest())) for key in keys])
