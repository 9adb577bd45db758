"""The second factor of staff: the codes of an authenticator app (TOTP, RFC 6238) and recovery codes, by django-otp.

How the admin asks for it is in gate.py. Who may take somebody's away is in services.py.
"""

import math
from base64 import b32encode
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django_otp import verify_token
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp.util import random_hex

from accounts.models import User
from kit.errors import Conflict, Invalid, TooMany

RECOVERY_CODES = 10
DIGITS = 6


class WrongCode(Invalid):
    message = "This code is not right, or not any more"


class TooManyWrongCodes(TooMany):
    message = "Too many wrong codes"


class AlreadySetUp(Conflict):
    message = "A second factor is set up already"


@dataclass(frozen=True)
class NewApp:
    """What an authenticator app has to know: its secret in base 32, and all of it as the address in the QR code."""

    secret: str
    url: str


def is_set_up(user: User) -> bool:
    return TOTPDevice.objects.filter(user=user, confirmed=True).exists()


def recovery_codes_left(user: User) -> int:
    return StaticToken.objects.filter(device__user=user).count()


def new_key() -> str:
    """Twenty random bytes, in hexadecimal. Not stored before an app has proved that it holds them."""
    return random_hex(20)


def new_app(*, user: User, key: str) -> NewApp:
    app = TOTPDevice(user=user, key=key)
    return NewApp(secret=b32encode(app.bin_key).decode(), url=app.config_url)


@transaction.atomic
def set_up(*, user: User, key: str, code: str) -> tuple[Device, list[str]]:
    """Make the app that holds `key` somebody's second factor. Also returns their recovery codes.

    :raises WrongCode: the app does not hold it, or its clock is wrong.
    :raises AlreadySetUp: of two who set one up at once, the second too.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if is_set_up(user):
        raise AlreadySetUp
    app = TOTPDevice.objects.create(user=user, name="Authenticator app", key=key)
    if not app.verify_token(_plain(code)):
        raise WrongCode
    spare = StaticDevice.objects.create(user=user, name="Recovery codes")
    codes = [StaticToken.random_token() for _ in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create([StaticToken(device=spare, token=recovery_code) for recovery_code in codes])
    return app, codes


def check(*, user: User, code: str) -> Device:
    """Accept a code of the app or a recovery code, each once. After each wrong one the wait doubles, from a second.

    Not within a transaction: what a refusal would roll back is the count of wrong codes.

    :raises WrongCode: made up or used.
    :raises TooManyWrongCodes: not looked at.
    """
    code = _plain(code)
    kind = TOTPDevice if len(code) == DIGITS else StaticDevice
    device = kind.objects.filter(user=user, confirmed=True).first()
    if device is None:
        raise WrongCode
    is_allowed, why_not = device.verify_is_allowed()
    if not is_allowed:
        wait = why_not["locked_until"] - timezone.now()
        raise TooManyWrongCodes(retry_after=max(1, math.ceil(wait.total_seconds())))
    verified = verify_token(user, device.persistent_id, code)
    if verified is None:
        raise WrongCode
    return verified


def forget(user: User) -> bool:
    """Take somebody's second factor away; whether there was one. They set up another at the admin's next page."""
    codes, _ = StaticDevice.objects.filter(user=user).delete()
    apps, _ = TOTPDevice.objects.filter(user=user).delete()
    return bool(codes or apps)


def _plain(code: str) -> str:
    """Without the gaps that people and apps write for reading."""
    return code.replace(" ", "").replace("-", "").lower()
