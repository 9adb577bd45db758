"""Tokens: how a request proves who sends it, and how that proof is renewed and taken back.

simplejwt signs and checks them; this adds what it leaves open: a refresh token is spent exactly once, and a second
use, which means that somebody stole it, ends every session that grew from the same sign-in.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import jwt
from django.db import DEFAULT_DB_ALIAS, transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from jwt.algorithms import HMACAlgorithm
from rest_framework_simplejwt import authentication, tokens
from rest_framework_simplejwt.exceptions import AuthenticationFailed, TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.utils import datetime_from_epoch

from accounts.models import User
from kit.db import sql
from kit.errors import Unauthenticated

FAMILY = "family"


class KnownKey(HMACAlgorithm):
    """HMAC, by a key that PyJWT examines once a process: whether it is fit for it, or meant for something else."""

    prepare_key = cache(HMACAlgorithm.prepare_key)


jwt.unregister_algorithm("HS256")
jwt.register_algorithm("HS256", KnownKey(HMACAlgorithm.SHA256))


class InvalidToken(Unauthenticated):
    message = "Invalid or expired token"


@dataclass(frozen=True)
class TokenPair:
    access: str
    refresh: str


class RefreshToken(tokens.RefreshToken):
    def check_blacklist(self) -> None:
        """Left to `_write_down`."""


class BearerToken(authentication.JWTAuthentication):
    """`Authorization: Bearer <token>`. Costs one query, by primary key, of the columns that requests need."""

    def get_user(self, validated_token: tokens.Token) -> User:  # type: ignore[override]
        try:
            return owner(validated_token)
        except InvalidToken as error:
            # DRF takes only its own for a failed sign-in; after any other it would ask again for the user.
            raise AuthenticationFailed from error


class BareToken(BearerToken):
    """`Authorization: <token>`, with or without `Bearer`. Whatever else is there is a token that is no good."""

    def get_raw_token(self, header: bytes) -> bytes | None:
        words = header.split()
        if len(words) > 1 and words[0].lower() == b"bearer":
            del words[0]
        if len(words) > 1:
            raise AuthenticationFailed
        return words[0] if words else None


def owner(token: tokens.Token) -> User:
    """Whose token it is. Asked with every request, hence in raw SQL: to put the query together would cost more than it.

    :raises InvalidToken: the user is gone or deactivated, or has changed the password or been deactivated since.
    """
    found = sql.rows("accounts/token_owner", user_id=int(token[api_settings.USER_ID_CLAIM]))
    return _living([User.from_db(DEFAULT_DB_ALIAS, list(row), list(row.values())) for row in found], token)


def _living(found: Iterable[User], token: tokens.Token) -> User:
    user = next(iter(found), None)
    if user is None or not user.is_active:
        raise InvalidToken
    if not constant_time_compare(str(token.get(api_settings.REVOKE_TOKEN_CLAIM)), user.get_session_auth_hash()):
        raise InvalidToken
    return user


def issue(user: User) -> TokenPair:
    """Begin a family of tokens: one sign-in and everything that it is renewed to."""
    refresh = RefreshToken.for_user(user)
    refresh[FAMILY] = refresh[api_settings.JTI_CLAIM]
    # Instead of simplejwt's own, which knows of new passwords alone.
    refresh[api_settings.REVOKE_TOKEN_CLAIM] = user.get_session_auth_hash()
    return TokenPair(access=str(refresh.access_token), refresh=str(refresh))


def renew(text: str) -> TokenPair:
    """Spend a refresh token for a new pair.

    :raises InvalidToken: not ours, expired, of a deactivated user, older than the user's password, or spent before;
        in the last case the whole family is revoked.
    """
    spent = _read(text)
    with alone_with(spent) as user:
        is_first_use = _spend(spent, user)
        if is_first_use:
            refresh = RefreshToken()
            for claim in (api_settings.USER_ID_CLAIM, api_settings.REVOKE_TOKEN_CLAIM, FAMILY):
                refresh[claim] = spent[claim]
            OutstandingToken.objects.create(
                user=user,
                jti=refresh[api_settings.JTI_CLAIM],
                token=str(refresh),
                created_at=refresh.current_time,
                expires_at=datetime_from_epoch(refresh["exp"]),
            )
    # Raised only now, because an exception above would take the revocation back.
    if not is_first_use:
        raise InvalidToken
    return TokenPair(access=str(refresh.access_token), refresh=str(refresh))


def end(text: str) -> None:
    """Spend a refresh token for nothing: sign out.

    :raises InvalidToken: as `renew`.
    """
    spent = _read(text)
    with alone_with(spent) as user:
        is_first_use = _spend(spent, user)
    if not is_first_use:
        raise InvalidToken


def _read(text: str) -> RefreshToken:
    try:
        return RefreshToken(text)  # type: ignore[arg-type]
    except TokenError as error:
        raise InvalidToken from error


@contextmanager
def alone_with(token: tokens.Token) -> Iterator[User]:
    """Hold the row of the token's owner: of several who show tokens of one family, each sees what the others made.

    :raises InvalidToken: as `owner`.
    """
    with transaction.atomic():
        held = User.objects.select_for_update(no_key=True).filter(pk=token[api_settings.USER_ID_CLAIM])
        yield _living(held, token)


def _spend(token: RefreshToken, user: User) -> bool:
    """Whether this is the token's first use. At a second one nothing of its family stays of use."""
    is_first_use = _write_down(token)
    if not is_first_use:
        _revoke_family(user, token[FAMILY])
    return is_first_use


def _write_down(token: RefreshToken) -> bool:
    """Blacklist the token; whether it was not so before. Looks and writes in one step, unlike simplejwt."""
    outstanding = OutstandingToken.objects.filter(jti=token[api_settings.JTI_CLAIM]).first()
    if outstanding is None:
        raise InvalidToken
    _, is_new = BlacklistedToken.objects.get_or_create(token=outstanding)
    return is_new


def _revoke_family(user: User, family: str) -> None:
    living = OutstandingToken.objects.filter(user=user, expires_at__gt=timezone.now(), blacklistedtoken__isnull=True)
    BlacklistedToken.objects.bulk_create(
        [
            BlacklistedToken(token=outstanding)
            for outstanding in living
            if tokens.UntypedToken(outstanding.token, verify=False).get(FAMILY) == family  # type: ignore[arg-type]
        ],
        ignore_conflicts=True,
    )
