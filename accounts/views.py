"""HTTP endpoints for users and signing in."""

from typing import Any

from rest_framework import status
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts import docs, queries, services, shapes
from accounts.permissions import IsAdmin, caller, caller_if_any
from accounts.serializers import (
    ChangePasswordSerializer,
    NewKeySerializer,
    RefreshSerializer,
    ReplacedUserSerializer,
    ResetConfirmSerializer,
    ResetSerializer,
    SignInSerializer,
    SignUpByAdminSerializer,
    SignUpSerializer,
    TokensSerializer,
    UserChangesSerializer,
)
from kit.activity import lists
from kit.errors import Forbidden
from kit.idempotency.views import idempotent
from kit.web import paging
from kit.web.base import ViewSet
from kit.web.bodies import read
from kit.web.etags import ExpectedVersionSerializer, expected, read_change, tag, versioned
from kit.web.responses import Response
from kit.web.throttling import GuestRateLimit, RateLimit, SignInRateLimit


class UserViewSet(ViewSet):
    """Users. Admins can read and change all of them, others only themselves."""

    def get_permissions(self) -> list[BasePermission]:
        # OPTIONS and unsupported methods need no sign-in.
        if self.action in ("create", "metadata", None):
            return [AllowAny()]
        return [IsAdmin()] if self.action in ("list", "destroy", "deactivate") else [IsAuthenticated()]

    def get_throttles(self) -> list[BaseThrottle]:
        return [GuestRateLimit() if self.action == "create" else RateLimit()]

    @docs.sign_up
    @idempotent
    @versioned
    def create(self, request: Request) -> Response:
        by = caller_if_any(request)
        shape = SignUpByAdminSerializer if by and by.is_admin else SignUpSerializer
        user = services.sign_up(**read(shape, request), by=by)
        # Document 000's three keys, with the tag of the whole user.
        headers = {"ETag": tag(shapes.user(user))}
        return Response(shapes.new_user(user), status=status.HTTP_201_CREATED, headers=headers)

    @docs.list_users
    def list(self, request: Request) -> Response:
        if "updatedSince" in self.query:
            changed = lists.page("user", self.query, queries.users_by_id)
            return Response({"items": changed.items, "nextCursor": changed.nextCursor})
        limit, after = self.query["limit"], self.query.get("cursor", ("", 0))
        found = queries.users(search=self.query["search"], type=self.query.get("type"), after=after, limit=limit + 1)
        page = paging.page(found, limit=limit, key=lambda user: (user["name"], user["id"]))
        return Response({"items": page.items, "nextCursor": page.nextCursor})

    @docs.read_user
    @versioned
    def retrieve(self, request: Request, user_id: int) -> Response:
        if not (caller(request).is_admin or caller(request).pk == user_id):
            raise Forbidden
        user = queries.user(user_id=user_id)
        if user is None:
            raise services.UserNotFound
        return Response(user)

    @docs.replace_user
    @versioned
    def update(self, request: Request, user_id: int) -> Response:
        return self._update(request, user_id, ReplacedUserSerializer)

    def _update(self, request: Request, user_id: int, shape: Any) -> Response:
        change = read_change(shape, request)
        user = services.update(user_id=user_id, by=caller(request), request=request._request, **change)
        return Response(shapes.user(user))

    @docs.change_user
    @versioned
    def partial_update(self, request: Request, user_id: int) -> Response:
        return self._update(request, user_id, UserChangesSerializer)

    @docs.delete_user
    @idempotent
    def destroy(self, request: Request, user_id: int) -> Response:
        services.delete(user_id=user_id, by=caller(request), expected=expected(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @docs.deactivate_user
    @idempotent
    @versioned
    def deactivate(self, request: Request, user_id: int) -> Response:
        change = read_change(ExpectedVersionSerializer, request)
        user = services.update(user_id=user_id, by=caller(request), is_active=False, **change)
        return Response(shapes.user(user))


class SessionViewSet(ViewSet):
    """Signing in and out, renewing tokens, and the signed-in user's own account."""

    permission_classes = [AllowAny]
    throttle_classes = [SignInRateLimit]

    @docs.sign_in
    @action(detail=False, methods=["post"], authentication_classes=[])
    def login(self, request: Request) -> Response:
        pair = services.sign_in(**read(SignInSerializer, request), request=request._request)
        return Response(TokensSerializer(pair).data)

    @docs.renew_tokens
    @action(detail=False, methods=["post"], authentication_classes=[])
    def refresh(self, request: Request) -> Response:
        pair = services.renew(**read(RefreshSerializer, request), request=request._request)
        return Response(TokensSerializer(pair).data)

    @docs.sign_out
    @action(detail=False, methods=["post"], authentication_classes=[])
    def logout(self, request: Request) -> Response:
        services.sign_out(**read(RefreshSerializer, request), request=request._request)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @docs.get_me
    @action(detail=False, permission_classes=[IsAuthenticated], throttle_classes=[RateLimit])
    @versioned
    def me(self, request: Request) -> Response:
        return Response(shapes.user(caller(request)))

    @docs.change_password
    @action(detail=False, methods=["post"], permission_classes=[IsAuthenticated])
    def password(self, request: Request) -> Response:
        passwords = read(ChangePasswordSerializer, request)
        services.change_password(user=caller(request), **passwords, request=request._request)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @docs.request_password_reset
    @action(detail=False, methods=["post"], authentication_classes=[])
    def request_reset(self, request: Request) -> Response:
        services.request_password_reset(**read(ResetSerializer, request))
        return Response(status=status.HTTP_202_ACCEPTED)

    @docs.confirm_password_reset
    @action(detail=False, methods=["post"], authentication_classes=[])
    def confirm_reset(self, request: Request) -> Response:
        services.confirm_password_reset(**read(ResetConfirmSerializer, request), request=request._request)
        return Response(status=status.HTTP_204_NO_CONTENT)


class KeyViewSet(ViewSet):
    """The API keys of the signed-in user."""

    @docs.list_keys
    def list(self, request: Request) -> Response:
        return Response({"items": queries.keys(user_id=caller(request).pk)})

    @docs.create_key
    def create(self, request: Request) -> Response:
        """Not idempotent, because that would store the response, which contains the key."""
        row, key = services.create_key(**read(NewKeySerializer, request), by=caller(request))
        return Response(shapes.created_key(row, key), status=status.HTTP_201_CREATED)

    @docs.revoke_key
    def destroy(self, request: Request, key_id: int) -> Response:
        services.revoke_key(key_id=key_id, by=caller(request))
        return Response(status=status.HTTP_204_NO_CONTENT)
