"""Where a request comes from: what lockout and rate limits count by."""

from ipaddress import IPv4Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str | None:
    """The caller's address; of an IPv6 one the /64, because whoever has one address of it has all of them.

    Of X-Forwarded-For only what PROXY_COUNT proxies of ours appended is believed; the rest is the caller's own word.
    """
    direct = request.META.get("REMOTE_ADDR", "")
    forwarded = request.headers.get("X-Forwarded-For", "").split(",")
    if settings.PROXY_COUNT and len(forwarded) >= settings.PROXY_COUNT:
        return _readable(forwarded[-settings.PROXY_COUNT]) or _readable(direct)
    return _readable(direct)


def _readable(text: str) -> str | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ip_network((int(address), 64), strict=False).network_address)
