"""Tokens: how a request proves who sends it, and how that proof is renewed and taken back.

simplejwt signs and checks them; this adds what it leaves open: a refresh token is spent exactly once, and a second
use, which means that somebody stole it, ends every session that grew from the same sign-in.
"""

from dataclasses import dataclass

from django.utils import timezone
from rest_framework_simplejwt import authentication, tokens
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.utils import get_md5_hash_password

from accounts.models import User
from ticketing.errors import Unauthenticated

FAMILY = "family"


class InvalidToken(Unauthenticated):
    message = "Invalid or expired token"


@dataclass(frozen=True)
class TokenPair:
    access: str
    refresh: str


class RefreshToken(tokens.RefreshToken):
    def check_blacklist(self) -> None:
        """Left to `spend`, which looks and blacklists in one step."""


class BearerToken(authentication.JWTAuthentication):
    """`Authorization: Bearer <token>`. Costs one query, by primary key, of the columns that requests need."""

    def get_user(self, validated_token: tokens.Token) -> User:
        return owner(validated_token)


def owner(token: tokens.Token) -> User:
    """Whose token it is.

    :raises InvalidToken: the user is gone or deactivated, or has changed the password since.
    """
    user = User.objects.defer("last_login", "is_superuser").filter(pk=token[api_settings.USER_ID_CLAIM]).first()
    if user is None or not user.is_active:
        raise InvalidToken
    if token.get(api_settings.REVOKE_TOKEN_CLAIM) != get_md5_hash_password(user.password):
        raise InvalidToken
    return user


def issue(user: User) -> TokenPair:
    """Begin a family of tokens: one sign-in and everything that it is renewed to."""
    refresh = RefreshToken.for_user(user)
    refresh[FAMILY] = refresh[api_settings.JTI_CLAIM]
    return TokenPair(access=str(refresh.access_token), refresh=str(refresh))


def renew(text: str) -> TokenPair:
    """Spend a refresh token for a new pair.

    :raises InvalidToken: not ours, expired, of a deactivated user, older than the user's password, or spent before;
        in the last case the whole family is revoked.
    """
    spent = spend(text)
    refresh = RefreshToken()
    for claim in (api_settings.USER_ID_CLAIM, api_settings.REVOKE_TOKEN_CLAIM, FAMILY):
        refresh[claim] = spent[claim]
    refresh.outstand()
    return TokenPair(access=str(refresh.access_token), refresh=str(refresh))


def spend(text: str) -> RefreshToken:
    """Take a refresh token out of use, atomically: of any number of simultaneous tries one succeeds.

    :raises InvalidToken: as `renew`.
    """
    try:
        token = RefreshToken(text)  # type: ignore[arg-type]
    except TokenError as error:
        raise InvalidToken from error
    user = owner(token)
    _, is_first_use = token.blacklist()
    if not is_first_use:
        revoke_family(user, token[FAMILY])
        raise InvalidToken
    return token


def revoke_family(user: User, family: str) -> None:
    living = OutstandingToken.objects.filter(
        user=user, expires_at__gt=timezone.now(), blacklistedtoken__isnull=True
    )
    BlacklistedToken.objects.bulk_create(
        [
            BlacklistedToken(token=outstanding)
            for outstanding in living
            if tokens.UntypedToken(outstanding.token, verify=False).get(FAMILY) == family  # type: ignore[arg-type]
        ],
        ignore_conflicts=True,
    )
