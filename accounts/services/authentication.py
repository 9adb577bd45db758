"""Signing in with an e-mail address and a password."""

from django.contrib.auth import authenticate, user_logged_in
from django.http import HttpRequest

from accounts import lockout, tokens
from accounts.models import User
from accounts.tokens import TokenPair
from kit.errors import TooMany, Unauthenticated


class InvalidCredentials(Unauthenticated):
    message = "Invalid email or password"


class LockedOut(TooMany):
    message = "Too many failed sign-ins, please try again later"


def sign_in(*, email: str, password: str, request: HttpRequest) -> TokenPair:
    """Exchange an e-mail address and a password for tokens.

    The lockout takes the caller's network address from `request`.

    :raises InvalidCredentials: the password is wrong, the address is unknown or the user is deactivated. All three get
        the same response and take the same time.
    :raises LockedOut: there were too many failures for this account from this network address.
    """
    user = verify_password(email=email, password=password, request=request)
    user_logged_in.send(sender=User, request=request, user=user)
    return tokens.issue(user)


def verify_password(*, email: str, password: str, request: HttpRequest) -> User:
    """Return the user with these credentials. A failure counts towards the lockout.

    :raises InvalidCredentials, LockedOut: as for `sign_in`.
    """
    user = authenticate(request, username=email, password=password)
    if isinstance(user, User):
        return user
    if getattr(request, "axes_locked_out", False):
        raise LockedOut(retry_after=lockout.duration_seconds(request))
    raise InvalidCredentials


def has_account(*, email: str) -> bool:
    """Return whether a user has this address. Only for contracts whose document reveals it."""
    return User.objects.with_email(email).exists()
