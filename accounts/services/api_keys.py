"""Creating and revoking API keys."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts import api_keys
from accounts.models import PREFIX_LENGTH, ApiKey, KeyScope, User
from accounts.tokens import InvalidToken
from kit.db.sql import MAX_ID
from kit.errors import Conflict, Forbidden, Invalid, Missing

# Per user, expired ones included.
MAX_KEYS = 25


class SignInRequired(Forbidden):
    message = "An API key cannot do this; sign in instead"


class KeyNotFound(Missing):
    message = "API key not found"


class TooManyKeys(Conflict):
    message = f"You already have {MAX_KEYS} API keys; revoke one first"


def require_sign_in(by: User) -> None:
    """Refuse what could make a leaked key permanent, or lock its owner out.

    :raises SignInRequired: `by` is authenticated by an API key.
    """
    if by.api_key_id is not None:
        raise SignInRequired


@transaction.atomic
def create_key(*, name: str, scope: str, expires_at: datetime | None = None, by: User) -> tuple[ApiKey, str]:
    """Create an API key for the user. Return its row and the key, which is not stored.

    :raises SignInRequired: `by` is authenticated by an API key.
    :raises Invalid: the key would have expired already.
    :raises TooManyKeys: the user has MAX_KEYS.
    :raises InvalidToken: the user's credentials were revoked in the meantime.
    """
    require_sign_in(by)
    at = timezone.now()
    if expires_at is not None and expires_at <= at:
        raise Invalid(fields={"expires_at": ["Must be in the future."]})
    user = _locked(by)
    if user is None or user.get_session_auth_hash() != by.get_session_auth_hash():
        raise InvalidToken
    if user.api_keys.count() >= MAX_KEYS:
        raise TooManyKeys
    key = api_keys.new()
    row = ApiKey.objects.create(
        user=user,
        name=name,
        prefix=key[:PREFIX_LENGTH],
        digest=api_keys.digest(key.encode()),
        scope=KeyScope(scope),
        created_at=at,
        expires_at=expires_at,
    )
    return row, key


def _locked(by: User) -> User | None:
    """Reread and lock the user, so that a new password, which deletes all keys, takes effect before or after this."""
    return User.objects.select_for_update(no_key=True).filter(pk=by.pk, is_active=True).first()


def revoke_key(*, key_id: int, by: User) -> None:
    """Delete an API key, which then no longer works.

    :raises KeyNotFound: there is no such key, or it is another user's and `by` is not an admin.
    """
    keys = ApiKey.objects.filter(pk=key_id) if key_id <= MAX_ID else ApiKey.objects.none()
    if not by.is_admin:
        keys = keys.filter(user=by)
    deleted, _ = keys.delete()
    if not deleted:
        raise KeyNotFound


def purge_keys(*, expired_before: datetime) -> None:
    ApiKey.objects.filter(expires_at__lt=expired_before).delete()
