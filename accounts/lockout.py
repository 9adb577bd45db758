"""Who is kept out after too many failed sign-ins: what django-axes asks of us (settings, "Lockout")."""

from typing import Any

from axes.helpers import get_cool_off
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def account(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """The account that a failure counts for, as the database compares addresses: other spellings are no way around.

    Upper, not lower: the letters ſ and ı are other ones than s and i, and yet their capitals are S and I.
    """
    source = credentials or request.POST
    # What is longer than any address is nobody's, and longer than the column.
    return str(source.get("username") or "").strip().upper()[:254]


def seconds(request: HttpRequest) -> int:
    """How long a locked out caller has to wait. Each further try begins it anew."""
    cool_off = get_cool_off(request)
    return int(cool_off.total_seconds()) if cool_off else 0


def answer(
    request: HttpRequest, response: HttpResponse | None = None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """What a locked out caller sees: the admin's page, or what the API has already answered."""
    if response is not None and not request.path.startswith("/admin/"):
        return response
    locked = render(request, "admin/locked_out.html", {"minutes": -(-seconds(request) // 60)}, status=429)
    locked["Retry-After"] = str(seconds(request))
    return locked
