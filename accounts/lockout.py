"""Lockout of a network address after too many failed sign-ins: the callables that the AXES settings name."""

from contextlib import suppress
from typing import Any

from axes.helpers import get_cool_off
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from kit.email_addresses import MAX_LENGTH, UnusableAddress, normalized


def account_key(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """Return the account that a failure counts against."""
    source = credentials or request.POST
    return account(str(source.get("username") or ""))


def account(email: str) -> str:
    """Return the key of an account: its address in one spelling, however it was typed.

    Uppercase, as the database compares addresses.
    """
    address = email.strip()
    with suppress(UnusableAddress):
        address = normalized(address)
    # Addresses have at most 254 characters, and so does the column.
    return address.upper()[:MAX_LENGTH]


def lock_out(request: HttpRequest, *, seconds: int) -> None:
    """Have the request answered as locked out, although axes has not counted enough failures."""
    request.axes_locked_out = True  # type: ignore[attr-defined]
    request.lockout_seconds = seconds  # type: ignore[attr-defined]


def is_uncounted(request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
    """Return whether axes should not count the failure, because the password was not verified."""
    return hasattr(request, "lockout_seconds")


def duration_seconds(request: HttpRequest) -> int:
    """Return how long the lockout lasts. If axes locks the address out, every further attempt restarts it."""
    if hasattr(request, "lockout_seconds"):
        return int(request.lockout_seconds)
    cool_off = get_cool_off(request)
    return int(cool_off.total_seconds()) if cool_off else 0


def locked_out_response(
    request: HttpRequest, response: HttpResponse | None = None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """Return the page for a locked-out browser in the admin. The API raises an error of its own."""
    locked = render(request, "admin/locked_out.html", {"minutes": -(-duration_seconds(request) // 60)}, status=429)
    locked["Retry-After"] = str(duration_seconds(request))
    return locked
