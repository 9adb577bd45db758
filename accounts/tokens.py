"""Access and refresh tokens: issuing, verifying, renewing and revoking them.

simplejwt signs and verifies tokens. This module ensures that a refresh token can be used only once, or a few times
within REFRESH_GRACE_SECONDS, because browser tabs that share it may renew it at once. Any later use is taken as theft
and revokes every token from the same sign-in. So does signing out.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache

import jwt
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from jwt.algorithms import HMACAlgorithm
from rest_framework.request import Request
from rest_framework_simplejwt import authentication, tokens
from rest_framework_simplejwt.exceptions import AuthenticationFailed, TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.state import token_backend
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.utils import datetime_from_epoch

from accounts import api_keys
from accounts.api_keys import UsedKey
from accounts.models import RevokedSignIn, User
from kit.db import sql
from kit.errors import Unauthenticated
from kit.web.turns import remember_owner

# What simplejwt raises, besides its own errors, for unexpected claims, such as an `exp` in the year 10000.
UNREADABLE = (TypeError, ValueError, OverflowError)
# Short enough for int().
USER_ID = re.compile("[0-9]{1,19}")
# The claim that all tokens of one sign-in share. The ids of refresh tokens begin with it, so that one index finds them.
FAMILY = "family"


class CachedKeyHMAC(HMACAlgorithm):
    """HMAC that checks once per process whether its key is suitable; PyJWT checks it for every token."""

    prepare_key = cache(HMACAlgorithm.prepare_key)


jwt.unregister_algorithm("HS256")
jwt.register_algorithm("HS256", CachedKeyHMAC(HMACAlgorithm.SHA256))


class InvalidToken(Unauthenticated):
    message = "Invalid or expired token"


class ReusedToken(InvalidToken):
    """A refresh token was used again, too late for another browser tab, so its sign-in was revoked."""

    code = InvalidToken.code

    def __init__(self, user: User) -> None:
        super().__init__()
        self.user = user


@dataclass(frozen=True)
class TokenPair:
    """An access token, which expires in `expires_in` seconds, and a refresh token to renew it with."""

    access: str
    refresh: str
    expires_in: int


class RefreshToken(tokens.RefreshToken):
    def verify(self) -> None:
        super().verify()
        claims = [self.get(claim) for claim in (api_settings.JTI_CLAIM, FAMILY)]
        if not all(isinstance(claim, str) and claim.isprintable() for claim in claims):
            raise TokenError("Token is invalid")

    def check_blacklist(self) -> None:
        """Do nothing: `_blacklist` checks and writes in one step."""


class BearerToken(authentication.JWTAuthentication):
    """Authentication by `Authorization: Bearer <token>`, an access token or an API key. Runs one query."""

    def authenticate(self, request: Request) -> tuple[User, tokens.Token | UsedKey] | None:  # type: ignore[override]
        header = self.get_header(request)
        credential = None if header is None else self.get_raw_token(header)
        if credential is None:
            return None
        found: tuple[User, tokens.Token | UsedKey] | None
        if api_keys.is_key(credential):
            found = api_keys.owner(credential)
            if found is None:
                raise AuthenticationFailed
        else:
            token = self.get_validated_token(credential)
            found = self.get_user(token), token
        # Both kinds of credentials share the turns of their user.
        remember_owner(request.META["HTTP_AUTHORIZATION"], found[0].pk)
        return found

    def get_raw_token(self, header: bytes) -> bytes | None:
        if not header.isascii():
            # The server may not have been able to read it: no reason to treat the caller as signed out.
            raise AuthenticationFailed
        scheme, *words = header.split() or [b""]
        # RFC 9110: the name of a scheme is case-insensitive.
        if scheme.lower() != b"bearer":
            return None
        if len(words) != 1:
            raise AuthenticationFailed
        return words[0]

    def get_validated_token(self, raw_token: bytes) -> tokens.Token:
        try:
            token = _verified(raw_token, token_backend.signing_key)
            token.check_exp(current_time=timezone.now())
        except (TokenError, *UNREADABLE) as error:
            raise AuthenticationFailed from error
        return token

    def get_user(self, validated_token: tokens.Token) -> User:  # type: ignore[override]
        try:
            return owner(validated_token)
        except InvalidToken as error:
            # After any exception but its own, DRF would authenticate again on the next use of `request.user`.
            raise AuthenticationFailed from error


class BareToken(BearerToken):
    """Authentication by `Authorization: <token>`, with or without `Bearer`. Any other header is an invalid token."""

    def get_raw_token(self, header: bytes) -> bytes | None:
        words = header.split()
        if len(words) > 1 and words[0].lower() == b"bearer":
            del words[0]
        if len(words) > 1:
            raise AuthenticationFailed
        return words[0] if words else None


class OptionalToken(BareToken):
    """Authentication for public paths. Invalid tokens are ignored, so that clients may send expired ones."""

    def authenticate(self, request: Request) -> tuple[User, tokens.Token | UsedKey] | None:  # type: ignore[override]
        try:
            return super().authenticate(request)
        except AuthenticationFailed:
            return None


@lru_cache(maxsize=2_000)
def _verified(text: bytes, _signing_key: str) -> tokens.AccessToken:
    """Return an access token whose signature is right. A client sends the same one with every request.

    The caller checks when it expires, and `owner` whether it is still valid for the user. Errors are not cached.
    """
    return tokens.AccessToken(text)  # type: ignore[arg-type]


def owner(token: tokens.Token) -> User:
    """Return the user to whom a token was issued.

    Every request runs this, so it uses raw SQL: building the query with the ORM would take longer than running it.

    :raises InvalidToken: the user was deleted or deactivated, or has changed the password, since the token was issued;
        or its sign-in was revoked.
    """
    rows = sql.prepared("accounts/token_owner", user_id=_owner_id(token), family=_family(token))
    return _require_valid((User.from_db(DEFAULT_DB_ALIAS, row, row.values()) for row in rows), token)


def _owner_id(token: tokens.Token) -> int:
    """Return the id of the user to whom a token was issued.

    :raises InvalidToken: the claim is missing or not an id.
    """
    claim = token.get(api_settings.USER_ID_CLAIM)
    if not (isinstance(claim, str) and USER_ID.fullmatch(claim) and int(claim) <= sql.MAX_ID):
        raise InvalidToken
    return int(claim)


def _family(token: tokens.Token) -> str:
    """Return the sign-in that a token comes from.

    :raises InvalidToken: the claim is missing or not ours.
    """
    claim = token.get(FAMILY)
    if not (isinstance(claim, str) and claim.isprintable()):
        raise InvalidToken
    return claim


def _require_valid(users: Iterable[User], token: tokens.Token) -> User:
    """Return the only user in `users`.

    :raises InvalidToken: there is none, or the token is no longer valid for them.
    """
    user = next(iter(users), None)
    if user is None or not user.is_active:
        raise InvalidToken
    state = str(token.get(api_settings.REVOKE_TOKEN_CLAIM))
    if not state.isascii() or not constant_time_compare(state, user.get_session_auth_hash()):
        raise InvalidToken
    return user


def issue(user: User) -> TokenPair:
    """Issue tokens for a new sign-in, the first of a family."""
    refresh = RefreshToken.for_user(user)
    refresh[FAMILY] = refresh[api_settings.JTI_CLAIM]
    # Replaces simplejwt's own value, which changes with the password but not when the user is deactivated.
    refresh[api_settings.REVOKE_TOKEN_CLAIM] = user.get_session_auth_hash()
    return _pair(refresh)


def _pair(refresh: tokens.RefreshToken) -> TokenPair:
    lifetime: timedelta = api_settings.ACCESS_TOKEN_LIFETIME
    return TokenPair(str(refresh.access_token), str(refresh), expires_in=int(lifetime.total_seconds()))


def renew(text: str) -> TokenPair:
    """Exchange a refresh token for a new pair of tokens.

    :raises InvalidToken: the token is not ours, expired, or no longer valid for its owner.
    :raises ReusedToken: it was used before, more than REFRESH_GRACE_SECONDS ago, which revokes its whole family.
    """
    used = _parse(text)
    with locked_owner(used) as user:
        successor = _successor(used, user) if _use(used, user) else None
    # Raised after the transaction, because raising inside would roll the revocation back.
    if successor is None:
        raise ReusedToken(user)
    return _pair(successor)


def revoke(text: str) -> User:
    """Revoke all tokens from the same sign-in as a refresh token, to sign out. Return their user.

    :raises InvalidToken, ReusedToken: as for `renew`.
    """
    used = _parse(text)
    with locked_owner(used) as user:
        is_usable = _use(used, user)
        _revoke_family(user, used[FAMILY])
    if not is_usable:
        raise ReusedToken(user)
    return user


def _parse(text: str) -> RefreshToken:
    try:
        return RefreshToken(text)  # type: ignore[arg-type]
    except (TokenError, *UNREADABLE) as error:
        raise InvalidToken from error


@contextmanager
def locked_owner(token: tokens.Token) -> Iterator[User]:
    """Lock the row of the token's owner, so that requests with tokens of one family take turns.

    :raises InvalidToken: as for `owner`.
    """
    with transaction.atomic():
        users = User.objects.select_for_update(no_key=True).filter(pk=_owner_id(token))
        yield _require_valid(users, token)


def _use(token: RefreshToken, user: User) -> bool:
    """Mark the token as used and return whether it was usable. If not, revoke its family."""
    used_before_at = _blacklist(token)
    if used_before_at is None:
        return True
    grace_ends_at = used_before_at + timedelta(seconds=settings.REFRESH_GRACE_SECONDS)
    # A family whose tokens are all used up was revoked: renewing one always leaves its successor.
    if timezone.now() < grace_ends_at and _usable_tokens(user, token[FAMILY]).exists():
        return True
    _revoke_family(user, token[FAMILY])
    return False


def _successor(used: RefreshToken, user: User) -> RefreshToken:
    """Return a new refresh token of the same family."""
    refresh = RefreshToken()
    for claim in (api_settings.USER_ID_CLAIM, api_settings.REVOKE_TOKEN_CLAIM, FAMILY):
        refresh[claim] = used[claim]
    refresh[api_settings.JTI_CLAIM] = f"{used[FAMILY]}-{refresh[api_settings.JTI_CLAIM]}"
    OutstandingToken.objects.create(
        user=user,
        jti=refresh[api_settings.JTI_CLAIM],
        token=str(refresh),
        created_at=refresh.current_time,
        expires_at=datetime_from_epoch(refresh["exp"]),
    )
    return refresh


def _blacklist(token: RefreshToken) -> datetime | None:
    """Blacklist the token in one step, unlike simplejwt. Return when it was blacklisted before, or None."""
    outstanding = OutstandingToken.objects.filter(jti=token[api_settings.JTI_CLAIM]).first()
    if outstanding is None:
        raise InvalidToken
    blacklisted, is_new = BlacklistedToken.objects.get_or_create(token=outstanding)
    return None if is_new else blacklisted.blacklisted_at


def _usable_tokens(user: User, family: str) -> QuerySet[OutstandingToken]:
    unexpired = OutstandingToken.objects.filter(
        user=user, expires_at__gt=timezone.now() - timedelta(seconds=api_settings.LEEWAY)
    )
    return unexpired.filter(jti__startswith=family, blacklistedtoken__isnull=True)


def _revoke_family(user: User, family: str) -> None:
    """Revoke all refresh tokens of a sign-in, and its access tokens, of which there will be no more."""
    lifetime = api_settings.ACCESS_TOKEN_LIFETIME + timedelta(seconds=api_settings.LEEWAY)
    revoked = RevokedSignIn(family=family, expires_at=timezone.now() + lifetime)
    RevokedSignIn.objects.bulk_create([revoked], ignore_conflicts=True)
    BlacklistedToken.objects.bulk_create(
        [BlacklistedToken(token=token) for token in _usable_tokens(user, family)], ignore_conflicts=True
    )


def purge(*, at: datetime) -> None:
    RevokedSignIn.objects.filter(expires_at__lte=at).delete()
