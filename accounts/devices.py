"""Devices that an account has been signed in from. Failures elsewhere do not lock them out (budgets.py).

A device is a network address or, in the admin, a browser with a cookie. The database stores the newest MAX_DEVICES of
each account. It has only HMACs of devices and accounts.
"""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts import lockout
from accounts.models import KnownDevice, User
from kit.db import sql
from kit.web.address import client_address

MAX_DEVICES = 10
LIFETIME = timedelta(days=180)
COOKIE_PATH = "/admin/"


def digest(text: str) -> str:
    return salted_hmac("accounts.devices", text, algorithm="sha256").hexdigest()


def known(request: HttpRequest, *, account: str, at: datetime) -> str | None:
    """Return the key of the device that sent the request, if the account, given by its digest, knows it."""
    keys = [key for key in (_cookie_key(request, account), _address_key(request, account)) if key]
    found = KnownDevice.objects.filter(account=account, key__in=keys, seen_at__gt=at - LIFETIME)
    # A browser's own budget comes before that of an address it may share.
    return min(found.values_list("key", flat=True), key=keys.index, default=None)


def remember(request: HttpRequest, user: User) -> None:
    """Remember the device on which the user has just entered the right password, or a mailed code."""
    account = digest(lockout.account(user.email))
    if request.path_info.startswith(COOKIE_PATH):
        request.device_cookie = _cookie_name(account)  # type: ignore[attr-defined]
        if _cookie_key(request, account) is None:
            request.COOKIES[_cookie_name(account)] = _signer(account).sign(secrets.token_urlsafe(16))
    for key in (_cookie_key(request, account), _address_key(request, account)):
        if key:
            sql.rows("accounts/remember_device", account=account, key=key, at=timezone.now(), others=MAX_DEVICES - 1)


def purge(*, at: datetime) -> None:
    KnownDevice.objects.filter(seen_at__lte=at - LIFETIME).delete()


class KnownDeviceMiddleware:
    """After a sign-in, set or renew the cookie by which the admin recognizes the browser."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if name := getattr(request, "device_cookie", None):
            response.set_cookie(
                name,
                request.COOKIES[name],
                max_age=LIFETIME,
                path=COOKIE_PATH,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Strict",
            )
        return response


def _cookie_name(account: str) -> str:
    """Return the name of the account's cookie: people who share a browser have one each."""
    return f"device_{account[:16]}"


def _signer(account: str) -> Signer:
    # Nobody can pass off a cookie of their own account as one of another's.
    return Signer(salt=f"accounts.devices.{account}")


def _cookie_key(request: HttpRequest, account: str) -> str | None:
    try:
        return digest(f"cookie {_signer(account).unsign(request.COOKIES[_cookie_name(account)])}")
    except (KeyError, BadSignature):
        return None


def _address_key(request: HttpRequest, account: str) -> str | None:
    address = client_address(request)
    return address and digest(f"address {address} of {account}")
