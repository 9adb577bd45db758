"""The JSON of users who have been read as models: callers, and those who were just changed."""

from typing import Any

from accounts.models import ApiKey, User
from kit.web.fields import utc_text


def user(user: User) -> dict[str, Any]:
    """Return the same as sql/parts/shown.sql: the keys of UserSerializer."""
    return new_user(user) | {
        "type": user.type,
        "isActive": user.is_active,
        "createdAt": utc_text(user.created_at),
        "version": user.version,
    }


def new_user(user: User) -> dict[str, Any]:
    """Return the keys of NewUserSerializer."""
    return {"id": user.pk, "name": user.name, "email": user.email}


def created_key(row: ApiKey, key: str) -> dict[str, Any]:
    """Return the keys of CreatedKeySerializer for a key that was not used yet."""
    return {
        "id": row.pk,
        "name": row.name,
        "prefix": row.prefix,
        "scope": row.scope,
        "createdAt": utc_text(row.created_at),
        "expiresAt": row.expires_at and utc_text(row.expires_at),
        "lastUsedAt": None,
        "key": key,
    }
