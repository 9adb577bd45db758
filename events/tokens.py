"""Manage tokens: by what a guest, who cannot sign in, proves that a booking is theirs.

Derived from the booking's number and the server's secret and kept nowhere. Given out with the answer to the booking and
in the mails about it.
"""

from django.core.signing import BadSignature, Signer


def manage_token(booking_id: int) -> str:
    return _signer().signature(str(booking_id))


def is_manage_token(token: str, booking_id: int) -> bool:
    """Whether this is the booking's, be it of one of settings.SECRET_KEY_FALLBACKS. Takes the same time for any."""
    signer = _signer()
    try:
        signer.unsign(f"{booking_id}{signer.sep}{token}")
    except BadSignature:
        return False
    return True


def _signer() -> Signer:
    return Signer(salt="events.tokens.manage")
