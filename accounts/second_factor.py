"""The second factor of staff, using django-otp: codes from an authenticator app (TOTP, RFC 6238) or recovery codes.

The admin asks for it in `admin/second_factor_page.py`. `services.reset_second_factor` removes another user's. Secrets
are encrypted wherever they are stored: in the tables of django-otp, and in the session of a user who sets up an app.
"""

import math
from base64 import b32encode
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django_otp import verify_token
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.util import random_hex

from accounts.models import AuthenticatorApp, RecoveryCodes, User
from kit import encryption
from kit.errors import Conflict, Invalid, TooMany

RECOVERY_CODES = 10
APP_CODE_DIGITS = 6


class WrongCode(Invalid):
    message = "Invalid or expired code"


class TooManyWrongCodes(TooMany):
    message = "Too many wrong codes"


class AlreadySetUp(Conflict):
    message = "A second factor is already set up"


@dataclass(frozen=True)
class AppSetup:
    """What an authenticator app needs: the secret in base 32, and an `otpauth://` URL that includes it."""

    secret: str
    url: str


def is_set_up(user: User) -> bool:
    return AuthenticatorApp.objects.filter(user=user, confirmed=True).exists()


def recovery_codes_left(user: User) -> int:
    return StaticToken.objects.filter(device__user=user).count()


def new_key() -> str:
    """Return 20 random bytes in hexadecimal, encrypted: the key of a new app. `set_up` stores it."""
    return encryption.encrypt(random_hex(20))


def app_setup(*, user: User, key: str) -> AppSetup:
    app = AuthenticatorApp(user=user, key=key)
    return AppSetup(secret=b32encode(app.bin_key).decode(), url=app.config_url)


@transaction.atomic
def set_up(*, user: User, key: str, code: str) -> tuple[Device, list[str]]:
    """Make the app with this key the user's second factor. Return its device and new recovery codes.

    :raises AlreadySetUp: the user has a second factor, perhaps from a concurrent request.
    :raises WrongCode: the code is wrong; the app may have another key or a wrong clock.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if is_set_up(user):
        raise AlreadySetUp
    app = AuthenticatorApp.objects.create(user=user, name="Authenticator app", key=key)
    if not app.verify_token(_normalize(code)):
        raise WrongCode
    recovery = RecoveryCodes.objects.create(user=user, name="Recovery codes")
    codes = [StaticToken.random_token() for _ in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create([StaticToken(device=recovery, token=encryption.encrypt(each)) for each in codes])
    return app, codes


def verify(*, user: User, code: str) -> Device:
    """Verify an app code or a recovery code and use it up. Return the device that it belongs to.

    Do not call this in a transaction: a rollback after an error would undo the count of wrong codes. The first wrong
    code blocks the device for a second, and each further one twice as long as the one before.

    :raises WrongCode: the code is wrong or used.
    :raises TooManyWrongCodes: the device is blocked; the code was not verified.
    """
    code = _normalize(code)
    kind = AuthenticatorApp if len(code) == APP_CODE_DIGITS else RecoveryCodes
    device = kind.objects.filter(user=user, confirmed=True).first()
    if device is None:
        raise WrongCode
    is_allowed, reason = device.verify_is_allowed()
    if not is_allowed:
        wait = reason["locked_until"] - timezone.now()
        raise TooManyWrongCodes(retry_after=max(1, math.ceil(wait.total_seconds())))
    verified = verify_token(user, device.persistent_id, code)
    if verified is None:
        raise WrongCode
    return verified


def remove(user: User) -> bool:
    """Delete the user's app and recovery codes. Return whether there were any."""
    codes, _ = RecoveryCodes.objects.filter(user=user).delete()
    apps, _ = AuthenticatorApp.objects.filter(user=user).delete()
    return bool(codes or apps)


def stored_secrets() -> list[str]:
    """Return all secrets as they are stored: encrypted."""
    apps = AuthenticatorApp.objects.values_list("key", flat=True)
    return [*apps, *StaticToken.objects.values_list("token", flat=True)]


@transaction.atomic
def reencrypt() -> int:
    """Encrypt all secrets under the first of ENCRYPTION_KEYS. Return their number.

    :raises Undecryptable: a secret's key is missing. Nothing was changed.
    """
    apps = encryption.reencrypt_column(AuthenticatorApp.objects.all(), "key")
    return apps + encryption.reencrypt_column(StaticToken.objects.all(), "token")


def _normalize(code: str) -> str:
    """Return the code without the spaces and hyphens that make it easier to read, in lowercase."""
    return code.replace(" ", "").replace("-", "").lower()
