"""What changes people and their sign-ins."""

from typing import Any

from axes.helpers import get_cool_off
from django.conf import settings
from django.contrib.auth import authenticate, user_logged_in
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts import tokens
from accounts.models import STAFF_TYPES, User, UserType
from accounts.tokens import TokenPair
from ticketing.errors import Conflict, Forbidden, Invalid, TooMany, Unauthenticated
from ticketing.sql import violated


class EmailTaken(Conflict):
    message = "Email already in use"


class StaffSignupClosed(Forbidden):
    message = "Only an admin can create staff accounts"


class InvalidCredentials(Unauthenticated):
    message = "Invalid email or password"


class LockedOut(TooMany):
    message = "Too many failed sign-ins, please try again later"


def sign_up(*, name: str, email: str, type: str, password: str, by: User | None) -> User:  # noqa: A002
    """Create a user. Anybody may become a customer; staff are made by admins, or by anybody while STAFF_SIGNUP is on.

    :raises Invalid: the password is too weak.
    :raises StaffSignupClosed:
    :raises EmailTaken: in whatever case, and whatever the type of its owner.
    """
    check_password_strength(password)
    if type in STAFF_TYPES and not settings.STAFF_SIGNUP and not (by and by.is_admin):
        raise StaffSignupClosed
    user = User(name=name, email=email, type=UserType(type), password=make_password(password))
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        if violated(error) == "user_email_unique":
            raise EmailTaken(fields={"email": [EmailTaken.message]}) from error
        raise
    return user


def check_password_strength(password: str) -> None:
    try:
        validate_password(password)
    except ValidationError as error:
        raise Invalid(fields={"password": error.messages}) from error


def sign_in(*, email: str, password: str, request: HttpRequest) -> TokenPair:
    """Exchange an address and a password for tokens. The request is what the lockout knows the caller's address by.

    :raises InvalidCredentials: the same, in the same time, for a wrong password, an unknown address and a
        deactivated user.
    :raises LockedOut: too many failures for this account from this address.
    """
    user = _authenticate(email=email, password=password, request=request)
    user_logged_in.send(sender=User, request=request, user=user)
    return tokens.issue(user)


def change_password(*, user: User, current_password: str, password: str, request: HttpRequest) -> None:
    """Set a new password; every token and session that the old one opened dies.

    :raises InvalidCredentials: the current password is wrong.
    :raises LockedOut: as at sign-in.
    :raises Invalid: the new one is too weak.
    """
    check_password_strength(password)
    _authenticate(email=user.email, password=current_password, request=request)
    user.set_password(password)
    user.save(update_fields=["password"])


def _authenticate(*, email: str, password: str, request: HttpRequest) -> User:
    user = authenticate(request, username=email, password=password)
    if isinstance(user, User):
        return user
    if getattr(request, "axes_locked_out", False):
        raise LockedOut(retry_after=_lockout_seconds(request))
    raise InvalidCredentials


def _lockout_seconds(request: HttpRequest) -> int:
    cool_off = get_cool_off(request)
    return int(cool_off.total_seconds()) if cool_off else 0


def axes_username(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """The account that django-axes counts a failure for: writing it in other case is no way around the lockout."""
    source = credentials or request.POST
    return str(source.get("username") or "").strip().lower()


def axes_response(
    request: HttpRequest, response: HttpResponse | None = None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """What a locked out caller sees: the admin's page, or what the API has already answered."""
    if response is not None and not request.path.startswith("/admin/"):
        return response
    seconds = _lockout_seconds(request)
    locked = render(request, "admin/locked_out.html", {"minutes": -(-seconds // 60)}, status=429)
    locked["Retry-After"] = str(seconds)
    return locked
