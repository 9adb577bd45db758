"""Changing, resetting and setting passwords. A new password invalidates the user's sessions and tokens."""

from django.contrib.auth.password_validation import MinimumLengthValidator, validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest

from accounts import devices, password_codes
from accounts.models import User
from accounts.services.api_keys import require_sign_in
from accounts.services.authentication import verify_password
from kit.errors import Invalid
from kit.jobs import defer
from kit.text import composed


class InvalidCode(Invalid):
    message = "Invalid or expired code. Request a new one."


def check_password_strength(password: str, *, min_length: int | None = None) -> None:
    """Validate a new password with AUTH_PASSWORD_VALIDATORS or, given `min_length`, by its length alone.

    :raises Invalid: the password is too weak.
    """
    validators = None if min_length is None else [MinimumLengthValidator(min_length)]
    try:
        validate_password(composed(password), password_validators=validators)
    except ValidationError as error:
        raise Invalid(fields={"password": error.messages}) from error


def change_password(*, user: User, current_password: str, password: str, request: HttpRequest) -> None:
    """Replace the user's password after verifying the current one.

    :raises SignInRequired: `user` is authenticated by an API key.
    :raises Invalid: the new password is too weak.
    :raises InvalidCredentials: the current password is wrong.
    :raises LockedOut: as for `sign_in`.
    """
    require_sign_in(user)
    check_password_strength(password)
    request.confirms_password = True  # type: ignore[attr-defined]
    verify_password(email=user.email, password=current_password, request=request)
    user.set_password(password)
    user.save(update_fields=["password"])


def request_password_reset(*, email: str) -> None:
    """Mail a code for resetting the password, if a user has this address.

    A job looks up the address later, so the response and its timing do not reveal whether the account exists.
    """
    defer("notifications.tasks.mail_reset_code", email=email)


@transaction.atomic
def confirm_password_reset(*, uid: str, code: str, password: str, request: HttpRequest) -> None:
    """Set a new password with a mailed code. The caller's device then counts as known (accounts/devices.py).

    :raises Invalid: the password is too weak.
    :raises InvalidCode: the code is unknown, used or expired, or the user is deactivated.
    """
    check_password_strength(password)
    # The lock ensures that a second request with the same code finds it used.
    user = password_codes.owner(uid, code, User.objects.select_for_update(no_key=True))
    if user is None:
        raise InvalidCode
    user.set_password(password)
    user.save(update_fields=["password"])
    devices.remember(request, user)


def set_password(*, user: User, password: str) -> User:
    """Set a password without asking for the current one.

    :raises Invalid: the password is too weak.
    """
    check_password_strength(password)
    user.set_password(password)
    User.objects.filter(pk=user.pk).update(password=user.password)
    return user
