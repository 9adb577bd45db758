"""The client's IP address, which lockouts and rate limits count by."""

from ipaddress import IPv4Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str | None:
    """Return the client's address; for IPv6 its /64, since a client usually has a whole one.

    Only the X-Forwarded-For entries of our own PROXY_COUNT proxies are trusted; the client can make up the rest.
    """
    direct = request.META.get("REMOTE_ADDR", "")
    forwarded = request.headers.get("X-Forwarded-For", "").split(",")
    if settings.PROXY_COUNT and len(forwarded) >= settings.PROXY_COUNT:
        return _normalize(forwarded[-settings.PROXY_COUNT]) or _normalize(direct)
    return _normalize(direct)


def client_site(request: HttpRequest) -> str | None:
    """Return the /48 of a client with an IPv6 address, which is the most that one site usually has."""
    address = client_address(request)
    if address is None or ":" not in address:
        return None
    return str(ip_network((int(ip_address(address)), 48), strict=False))


def _normalize(text: str) -> str | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ip_network((int(address), 64), strict=False).network_address)
