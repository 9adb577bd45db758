"""Mailed codes for setting a password. They are derived from the account when the mail is sent, and never stored.

A code expires after PASSWORD_RESET_TIMEOUT, or as soon as the user changes the password or the address, signs in, or is
deactivated.
"""

from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.db.models import QuerySet
from django.utils.encoding import force_bytes, force_str
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from accounts.models import User
from kit.db.sql import MAX_ID


class CodeGenerator(PasswordResetTokenGenerator):
    key_salt = "accounts.password_codes"

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        return f"{super()._make_hash_value(user, timestamp)}|{user.revocations}"


generator = CodeGenerator()


def code_for(user: User) -> tuple[str, str]:
    """Return the `uid` and `code` for `POST /auth/password/reset/confirm`."""
    return urlsafe_base64_encode(force_bytes(user.pk)), generator.make_token(user)


def owner(uid: str, code: str, users: QuerySet[User] | None = None) -> User | None:
    """Return the active user among `users` for whom this code is valid, or None."""
    try:
        user_id = int(force_str(urlsafe_base64_decode(uid)))
    except (ValueError, TypeError):
        return None
    users = User.objects.all() if users is None else users
    user = users.filter(pk=user_id, is_active=True).first() if 0 < user_id <= MAX_ID else None
    return user if user and generator.check_token(user, code) else None
