"""Manage tokens: how guests, who cannot sign in, prove that a booking is theirs.

A token is derived from the booking's id and the server's secret, and never stored. Guests receive it in the response to
their booking and in the e-mails about it.
"""

from django.core.signing import BadSignature, Signer


def manage_token(booking_id: int) -> str:
    return _signer().signature(str(booking_id))


def is_manage_token(token: str, booking_id: int) -> bool:
    """Return whether the token is valid, including one made with a key in SECRET_KEY_FALLBACKS. Takes constant time."""
    signer = _signer()
    try:
        signer.unsign(f"{booking_id}{signer.sep}{token}")
    except BadSignature:
        return False
    return True


def _signer() -> Signer:
    return Signer(salt="events.tokens.manage")
