"""Which addresses deliveries may go to.

The creator of a webhook chooses where the server connects to, so deliveries must not reach what only this machine and
its network can reach, such as internal services or a cloud's metadata. Names are checked when they are entered, and
addresses at every connection, because a name can resolve to another address each time.
"""

import ipaddress
import re
from urllib.parse import urlsplit

import idna
from django.conf import settings

from kit.errors import Invalid

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

NOT_A_URL = "Enter the URL of a receiver, such as https://example.com/hooks."
NOT_HTTPS = "Must begin with https://."
HAS_USER = "A user name or password in the URL is not allowed. The receiver can check the signature instead."
HAS_FRAGMENT = "A fragment (#) is not allowed."
PRIVATE = "Private, local and reserved addresses are not allowed."

# Ranges that contain IPv4 addresses, and where in the address: translation (NAT64), 6to4, and two ways to write IPv4.
EMBEDDING = [
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),
    (ipaddress.IPv6Network("::ffff:0:0/96"), 0),
    (ipaddress.IPv6Network("::ffff:0:0:0/96"), 0),
    (ipaddress.IPv6Network("::/96"), 0),
    (ipaddress.IPv6Network("2002::/16"), 80),
]
# Not global, whatever Python's version says: translation within a network, Teredo, site-local and documentation.
REFUSED: list[Network] = [
    ipaddress.IPv6Network("64:ff9b:1::/48"),
    ipaddress.IPv6Network("2001::/32"),
    ipaddress.IPv6Network("fec0::/10"),
    ipaddress.IPv6Network("3fff::/20"),
    ipaddress.IPv6Network("5f00::/16"),
    ipaddress.IPv4Network("100.64.0.0/10"),
    ipaddress.IPv4Network("192.0.0.0/24"),
    ipaddress.IPv4Network("192.88.99.0/24"),
    ipaddress.IPv4Network("198.18.0.0/15"),
]
LOCAL_NAMES = re.compile(r"(.+\.)?(localhost|local|internal|home\.arpa|localdomain)")


def is_public(address: str) -> bool:
    """Return whether anyone on the internet could connect to this address as well."""
    try:
        # An IPv6 address can name a network card, as in fe80::1%eth0.
        found: Address = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return _is_public(found)


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        for network, shift in EMBEDDING:
            if address in network:
                return _is_public(ipaddress.IPv4Address(int(address) >> shift & 0xFFFFFFFF))
    is_refused = any(address.version == network.version and address in network for network in REFUSED)
    return address.is_global and not address.is_multicast and not address.is_reserved and not is_refused


def is_allowed(address: str) -> bool:
    """Return whether a delivery may connect to this address."""
    return settings.WEBHOOK_ALLOW_PRIVATE or is_public(address)


def check_url(url: str) -> None:
    """Check the URL of a receiver, except for what its name resolves to.

    :raises Invalid: it is malformed, not https, or names this machine or its network.
    """
    if fault := _fault(url):
        raise Invalid(fields={"url": [fault]})


def _fault(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return NOT_A_URL
    if parts.scheme not in ("https", "http") or not host or port == 0 or re.search(r"[\s\\]", url):
        return NOT_A_URL
    if "@" in parts.netloc:
        return HAS_USER
    if parts.fragment:
        return HAS_FRAGMENT
    if settings.WEBHOOK_ALLOW_PRIVATE:
        return "" if _is_address(host) or _is_name(host) else NOT_A_URL
    if parts.scheme != "https":
        return NOT_HTTPS
    if _is_address(host):
        return "" if is_public(host) else PRIVATE
    if not _is_name(host):
        return NOT_A_URL
    return PRIVATE if LOCAL_NAMES.fullmatch(host.rstrip(".").lower()) else ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _is_name(host: str) -> bool:
    """Return whether the host can be a name. Digits alone are an address in an old notation, such as 127.1."""
    try:
        name = idna.encode(host.rstrip("."), uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        # IDNA has no underscores, which names in a private network may have.
        name = host.rstrip(".") if re.fullmatch(r"[A-Za-z0-9._-]{1,253}", host) else ""
    return bool(name) and not re.fullmatch(r"(0x[0-9a-f]*|[0-9]+)", name.rpartition(".")[2].lower())
