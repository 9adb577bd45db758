"""The codes that mails carry to set a password with: derived from the account at sending time, never stored.

A code ends with the password that it was made for, with a sign-in, another address or a deactivation, and after
PASSWORD_RESET_TIMEOUT.
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
        return f"{super()._make_hash_value(user, timestamp)}|{user.deactivations}"


generator = CodeGenerator()


def code_for(user: User) -> tuple[str, str]:
    """The uid and the code with which `POST /auth/password/reset/confirm` knows the user."""
    return urlsafe_base64_encode(force_bytes(user.pk)), generator.make_token(user)


def owner(uid: str, code: str, users: QuerySet[User] | None = None) -> User | None:
    """Whose code this is; None for one that is made up, used or too old, and for whoever is deactivated."""
    try:
        user_id = int(force_str(urlsafe_base64_decode(uid)))
    except (ValueError, TypeError):
        return None
    users = User.objects.all() if users is None else users
    user = users.filter(pk=user_id, is_active=True).first() if 0 < user_id <= MAX_ID else None
    return user if user and generator.check_token(user, code) else None
