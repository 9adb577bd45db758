"""Lockout after too many failed sign-ins: the functions that django-axes calls (settings, "Lockout")."""

from typing import Any

from axes.helpers import get_cool_off
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def account_key(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """Return the account that a failure counts against, spelled as the database compares addresses.

    Uppercase, not lowercase: "ſ" and "ı" are their own lowercase, but their uppercase is "S" and "I".
    """
    source = credentials or request.POST
    # Addresses have at most 254 characters, and so does the column.
    return str(source.get("username") or "").strip().upper()[:254]


def duration_seconds(request: HttpRequest) -> int:
    """Return how long the lockout lasts. Every further attempt starts it again."""
    cool_off = get_cool_off(request)
    return int(cool_off.total_seconds()) if cool_off else 0


def locked_out_response(
    request: HttpRequest, response: HttpResponse | None = None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """Return what a locked out caller gets: a page in the admin, and elsewhere the response that the API has made."""
    if response is not None and not request.path.startswith("/admin/"):
        return response
    locked = render(request, "admin/locked_out.html", {"minutes": -(-duration_seconds(request) // 60)}, status=429)
    locked["Retry-After"] = str(duration_seconds(request))
    return locked
