"""The client's IP address, which lockouts and rate limits count by."""

import time
from ipaddress import IPv4Address, ip_address, ip_network

import structlog
from django.conf import settings
from django.http import HttpRequest

log = structlog.get_logger(__name__)

# Seconds between two warnings about X-Forwarded-For. Every request may cause one.
WARNING_SECONDS = 60
_warned_at: float | None = None


def client_address(request: HttpRequest) -> str | None:
    """Return the client's address; for IPv6 its /64, because a client usually has a /64 to itself.

    Only the X-Forwarded-For entries of our own PROXY_COUNT proxies are trusted; the client can make up the rest.
    """
    direct = _normalize(request.META.get("REMOTE_ADDR", ""))
    if not settings.PROXY_COUNT:
        return direct
    header = request.META.get("HTTP_X_FORWARDED_FOR", "")
    entries = header.split(",")
    forwarded = _normalize(entries[-settings.PROXY_COUNT]) if len(entries) >= settings.PROXY_COUNT else None
    if forwarded is None:
        _warn(header, direct)
    return forwarded or direct


def client_site(request: HttpRequest) -> str | None:
    """Return the /48 of a client with an IPv6 address, which is the most that one site usually has."""
    address = client_address(request)
    if address is None or ":" not in address:
        return None
    return str(ip_network((int(ip_address(address)), 48), strict=False))


def _normalize(text: str) -> str | None:
    """Return the address in `text`, which may have quotes, brackets, a port and a zone: `"[fe80::1%eth0]:443"`."""
    text = text.strip(" \t\"'")
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ip_network((int(address), 64), strict=False).network_address)


def _warn(header: str, address: str | None) -> None:
    """Log that all clients behind the proxy now share one address, and with it their limits and lockouts."""
    global _warned_at
    now = time.monotonic()
    if _warned_at is None or now >= _warned_at + WARNING_SECONDS:
        _warned_at = now
        log.warning("x_forwarded_for_unreadable", header=header[:200], address=address, proxies=settings.PROXY_COUNT)
