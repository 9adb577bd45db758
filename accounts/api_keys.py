"""Credentials that programs send instead of access tokens: making them, and finding out whose they are.

Nobody can guess 40 random characters (238 bits), so there is no lockout, a plain SHA-256 is enough to store, and a key
can be looked up by it.
"""

import hashlib
import secrets
import string
from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS

from accounts.models import KeyScope, User
from kit.db import sql
from kit.errors import Forbidden

MARK = "tkt_"
ALPHABET = string.ascii_letters + string.digits
LENGTH = 40
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class ReadOnlyKey(Forbidden):
    message = "This API key can only read"


@dataclass(frozen=True)
class UsedKey:
    """The key that a request came with, `request.auth`."""

    id: int
    scope: str

    def check_method(self, method: str | None) -> None:
        """Refuse requests that the key may not make (kit/web/base.py).

        :raises ReadOnlyKey: the key's scope is `read`, and the method changes something.
        """
        if self.scope == KeyScope.READ and method not in SAFE_METHODS:
            raise ReadOnlyKey


def new() -> str:
    return MARK + "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


def is_key(credential: bytes) -> bool:
    return credential.startswith(MARK.encode())


def owner(key: bytes) -> tuple[User, UsedKey] | None:
    """Return the user of a key and what it may do; None if it is not valid. Once a minute, record that it was used.

    Every request with a key runs this, so it uses raw SQL, like `tokens.owner`.
    """
    row = sql.find("accounts/key_owner", digest=digest(key))
    if row is None:
        return None
    used = UsedKey(row.pop("key_id"), row.pop("scope"))
    if row.pop("is_use_due"):
        sql.run("accounts/use_key", key_id=used.id)
    user = User.from_db(DEFAULT_DB_ALIAS, row, row.values())
    user.api_key_id = used.id
    return user, used
