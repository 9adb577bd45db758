"""Codes of e-tickets: what a guest shows at the door, as text or in a QR code.

A code names the booking, the seat and the revision of the booking's codes, and proves them with an HMAC of 128 bits
under the server's secret. So the server stores no codes, finds the booking of one without a search, and tells a code
that was replaced from one that never existed. As a number in base 32, a code has 27 to 32 characters.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hmac import compare_digest

from django.conf import settings

from kit import signing
from kit.db.sql import MAX_ID
from kit.text import composed

SALT = "events.ticket_codes"
# Douglas Crockford's base 32: digits and letters without I, L, O and U, which people mistake for others.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
VALUES = {character: value for value, character in enumerate(ALPHABET)}
MISTAKEN = str.maketrans("OIL", "011")
NOT_IN_CODES = re.compile(r"[\s\-‐‑‒–—.]+")
MAC_BITS = 128
MAX_LENGTH = 64
GROUP = 4


@dataclass(frozen=True)
class Ticket:
    """What a code names: a seat of a booking, and the revision of the booking's codes."""

    booking_id: int
    seat: int
    revision: int

    def code(self, *, secret: str | None = None) -> str:
        """Return the code in groups, as it is shown and printed: `6XQ2-9A7C-…`."""
        digits = _digits(self._number() << MAC_BITS | int.from_bytes(self._mac(secret)))
        return "-".join(digits[start : start + GROUP] for start in range(0, len(digits), GROUP))

    def codes(self) -> list[str]:
        """Return every valid code, the current one first: those made with a key in SECRET_KEY_FALLBACKS are valid."""
        return [self.code(secret=secret) for secret in _secrets()]

    def _number(self) -> int:
        return _append(_append(self.booking_id, self.seat), self.revision)

    def _mac(self, secret: str | None) -> bytes:
        message = f"{self.booking_id}/{self.revision}/{self.seat}".encode()
        return signing.digest(SALT, message, secret=secret)[: MAC_BITS // 8]

    def is_proven_by(self, mac: bytes) -> bool:
        return any(compare_digest(self._mac(secret), mac) for secret in _secrets())


def read(text: str) -> Ticket | None:
    """Return what a code names, or None if it is not a code of this server.

    Case, spaces and hyphens do not matter, and letters that look like digits are read as these.
    """
    digits = NOT_IN_CODES.sub("", composed(text)).upper().translate(MISTAKEN)
    if not digits or len(digits) > MAX_LENGTH or not VALUES.keys() >= set(digits):
        return None
    number = 0
    for digit in digits:
        number = number << 5 | VALUES[digit]
    named, mac = number >> MAC_BITS, number & ((1 << MAC_BITS) - 1)
    rest, revision = _split(named)
    booking_id, seat = _split(rest)
    if not 0 < booking_id <= MAX_ID or not seat or not revision:
        return None
    ticket = Ticket(booking_id, seat, revision)
    return ticket if ticket.is_proven_by(mac.to_bytes(MAC_BITS // 8)) else None


def _secrets() -> Iterator[str]:
    yield settings.SECRET_KEY
    yield from settings.SECRET_KEY_FALLBACKS


def _digits(number: int) -> str:
    digits = ""
    while number:
        number, value = divmod(number, 32)
        digits = ALPHABET[value] + digits
    return digits


def _append(number: int, small: int) -> int:
    """Append a positive number so that `_split` finds it: 1 takes one bit, 2 and 3 take three, 4 to 7 five.

    As Elias's gamma code, but read from the end: its length in zeros, then a one, then its bits without the first.
    """
    size = small.bit_length() - 1
    tail = (small - (1 << size)) << 1 | 1
    return number << 2 * size + 1 | tail << size


def _split(number: int) -> tuple[int, int]:
    """Return the number and what was appended to it; zeros if nothing was."""
    if not number:
        return 0, 0
    size = (number & -number).bit_length() - 1
    number >>= size + 1
    return number >> size, 1 << size | number & ((1 << size) - 1)
