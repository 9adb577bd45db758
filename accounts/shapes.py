"""The JSON of users who have been read as models: callers, and those who were just changed."""

from typing import Any

from accounts.models import User
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
