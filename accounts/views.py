"""People and signing in, over HTTP."""

from typing import Any

from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services, tokens
from accounts.serializers import (
    ChangePasswordSerializer,
    NewUserSerializer,
    RefreshSerializer,
    SignInSerializer,
    SignUpByAdminSerializer,
    SignUpSerializer,
    TokensSerializer,
    UserSerializer,
)
from ticketing.api import read
from ticketing.openapi import describes
from ticketing.throttling import RateLimit, SignInRateLimit


class UserViewSet(viewsets.GenericViewSet[Any]):
    permission_classes = [AllowAny]
    throttle_classes = [SignInRateLimit]

    @describes("Sign up", request=SignUpSerializer, answers={201: NewUserSerializer}, refusals=[400, 403, 409, 429])
    def create(self, request: Request) -> Response:
        by = request.user if request.user.is_authenticated else None
        shape = SignUpByAdminSerializer if by and by.is_admin else SignUpSerializer
        user = services.sign_up(**read(shape, request), by=by)
        return Response(NewUserSerializer(user).data, status=status.HTTP_201_CREATED)


class SessionViewSet(viewsets.GenericViewSet[Any]):
    """Signing in, staying in and out, and one's own account."""

    permission_classes = [AllowAny]
    throttle_classes = [SignInRateLimit]

    @describes("Sign in", request=SignInSerializer, answers={200: TokensSerializer}, refusals=[400, 401, 429])
    @action(detail=False, methods=["post"], authentication_classes=[])
    def login(self, request: Request) -> Response:
        pair = services.sign_in(**read(SignInSerializer, request), request=request._request)
        return Response(TokensSerializer(pair).data)

    @describes("Renew the tokens", request=RefreshSerializer, answers={200: TokensSerializer}, refusals=[400, 401, 429])
    @action(detail=False, methods=["post"], authentication_classes=[])
    def refresh(self, request: Request) -> Response:
        pair = tokens.renew(read(RefreshSerializer, request)["refresh"])
        return Response(TokensSerializer(pair).data)

    @describes("Sign out", request=RefreshSerializer, answers={204: None}, refusals=[400, 401, 429])
    @action(detail=False, methods=["post"], authentication_classes=[])
    def logout(self, request: Request) -> Response:
        tokens.spend(read(RefreshSerializer, request)["refresh"])
        return Response(status=status.HTTP_204_NO_CONTENT)

    @describes("Who am I", answers={200: UserSerializer}, refusals=[401, 429])
    @action(detail=False, permission_classes=[IsAuthenticated], throttle_classes=[RateLimit])
    def me(self, request: Request) -> Response:
        return Response(UserSerializer(request.user).data)

    @describes("Change my password", request=ChangePasswordSerializer, answers={204: None}, refusals=[400, 401, 429])
    @action(detail=False, methods=["post"], permission_classes=[IsAuthenticated])
    def password(self, request: Request) -> Response:
        services.change_password(user=request.user, **read(ChangePasswordSerializer, request), request=request._request)
        return Response(status=status.HTTP_204_NO_CONTENT)
