"""Signing in with an e-mail address and a password."""

from collections.abc import Iterator
from contextlib import contextmanager

from axes.utils import reset
from django.contrib.auth import authenticate, user_logged_in
from django.http import HttpRequest

from accounts import audit, budgets, lockout, tokens
from accounts.models import AuditAction, User
from accounts.tokens import ReusedToken, TokenPair
from kit.errors import Forbidden, TooMany, Unauthenticated


class InvalidCredentials(Unauthenticated):
    message = "Invalid email or password"


class LockedOut(TooMany):
    message = "Too many failed sign-ins, please try again later"


class WrongPassword(Forbidden):
    message = "The current password is wrong"


def sign_in(*, email: str, password: str, request: HttpRequest) -> TokenPair:
    """Exchange an e-mail address and a password for tokens.

    The lockout takes the caller's network address from `request`.

    :raises InvalidCredentials: the password is wrong, the address is unknown or the user is deactivated. All three get
        the same response and take the same time.
    :raises LockedOut: there were too many failures for this account, from this network address (lockout.py) or from all
        (budgets.py).
    """
    user = verify_password(email=email, password=password, request=request)
    user_logged_in.send(sender=User, request=request, user=user)
    return tokens.issue(user)


def renew(*, refresh: str, request: HttpRequest) -> TokenPair:
    """Exchange a refresh token for a new pair of tokens.

    :raises InvalidToken: as for `tokens.renew`.
    """
    with _reuse_recorded(request):
        return tokens.renew(refresh)


def sign_out(*, refresh: str, request: HttpRequest) -> None:
    """Revoke all tokens from the same sign-in as a refresh token.

    :raises InvalidToken: as for `tokens.revoke`.
    """
    with _reuse_recorded(request):
        user = tokens.revoke(refresh)
    audit.record(AuditAction.SIGN_OUT, request, user=user)


@contextmanager
def _reuse_recorded(request: HttpRequest) -> Iterator[None]:
    try:
        yield
    except ReusedToken as refusal:
        audit.record(AuditAction.TOKEN_REUSED, request, user=refusal.user)
        raise


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


def confirm_password(*, user: User, password: str, request: HttpRequest) -> None:
    """Check that a signed-in user knows their password, so that a stolen token or an open session is not enough.

    Do not call this in a transaction: a rollback would undo the count of failures.

    :raises WrongPassword: they do not.
    :raises LockedOut: as for `sign_in`.
    """
    request.confirms_password = True  # type: ignore[attr-defined]
    try:
        verify_password(email=user.email, password=password, request=request)
    except InvalidCredentials as error:
        raise WrongPassword(fields={"current_password": [WrongPassword.message]}) from error


def lift_lockout(*, account: str, address: str | None = None) -> None:
    """Forget the failures of an account, given by its key (`lockout.account`): those of one network address, or of all.

    Either way, all of its budgets are reset.
    """
    reset(username=account, ip=address)
    budgets.lift(account)


def has_account(*, email: str) -> bool:
    """Return whether a user has this address. Only for contracts whose document reveals it."""
    return User.objects.with_email(email).exists()
