"""People and signing in, over HTTP."""

from typing import Any

from rest_framework import status
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from accounts import docs, examples, services, tokens  # noqa: F401  docs describes the tokens
from accounts.models import SpecialCharacterValidator, User
from accounts.permissions import IsAdmin, caller
from accounts.serializers import (
    ChangePasswordSerializer,
    NewUserSerializer,
    RefreshSerializer,
    ReplacedUserSerializer,
    ResetConfirmSerializer,
    ResetSerializer,
    SignInSerializer,
    SignUpByAdminSerializer,
    SignUpSerializer,
    TokensSerializer,
    UserChangesSerializer,
    UserPageSerializer,
    UserQuerySerializer,
    UserSerializer,
)
from kit.errors import Forbidden
from kit.idempotency.views import idempotent
from kit.openapi.describe import Refusal, describes, invalid, missing
from kit.web import paging
from kit.web.base import ViewSet
from kit.web.bodies import read, read_query
from kit.web.throttling import RateLimit, SignInRateLimit

USER = (UserSerializer, examples.USER)
EMAIL_TAKEN = services.EmailTaken(fields={"email": [services.EmailTaken.message]})
REFUSALS_OF_CHANGING: list[Refusal] = [
    Forbidden,
    services.SuperusersOnly,
    services.UserNotFound,
    services.OwnAccount,
    services.HoldsAssignments,
    EMAIL_TAKEN,
]


class UserViewSet(ViewSet):
    """People: admins see and change all of them, everybody else themself."""

    def get_permissions(self) -> list[BasePermission]:
        # Which methods there are is no secret.
        if self.action in ("create", "metadata", None):
            return [AllowAny()]
        return [IsAdmin()] if self.action in ("list", "destroy", "deactivate") else [IsAuthenticated()]

    def get_throttles(self) -> list[BaseThrottle]:
        return [SignInRateLimit() if self.action == "create" else RateLimit()]

    @describes(
        "Sign up",
        name="createUser",
        more="Anybody may become a customer. An admin's token makes staff too: then `agent` is a type as well, and the "
        "type may be left out, and the password, which is then asked for by mail. Where the server's STAFF_SIGNUP is "
        "on, anybody may sign up as an admin.",
        request=(SignUpByAdminSerializer, examples.SIGN_UP),
        answers={201: (NewUserSerializer, examples.NEW_USER)},
        refusals=[
            missing("name", "email"),
            invalid(password=SpecialCharacterValidator().get_help_text()),
            services.StaffSignupClosed,
            EMAIL_TAKEN,
        ],
    )
    @idempotent
    def create(self, request: Request) -> Response:
        by = request.user if request.user.is_authenticated else None
        shape = SignUpByAdminSerializer if by and by.is_admin else SignUpSerializer
        user = services.sign_up(**read(shape, request), by=by)
        return Response(NewUserSerializer(user).data, status=status.HTTP_201_CREATED)

    @describes(
        "List the users",
        name="listUsers",
        more="For admins. By name; `search` is a part of the name or of the address.",
        parameters=[UserQuerySerializer],
        answers={200: (UserPageSerializer, examples.USER_PAGE)},
        refusals=[paging.BAD_CURSOR, Forbidden],
    )
    def list(self, request: Request) -> Response:
        query = read_query(UserQuerySerializer, request)
        people = User.objects.search(query["search"]).by_name(after=query.get("cursor"))
        if user_type := query.get("type"):
            people = people.filter(type=user_type)
        found = list(people[: query["limit"] + 1])
        page = paging.page(found, limit=query["limit"], key=lambda user: (user.name, user.pk))
        return Response(UserPageSerializer(page).data)

    @describes(
        "Read a user",
        name="getUser",
        more="For admins, and for oneself.",
        answers={200: USER},
        refusals=[Forbidden, services.UserNotFound],
    )
    def retrieve(self, request: Request, user_id: int) -> Response:
        if not (caller(request).is_admin or caller(request).pk == user_id):
            raise Forbidden
        user = User.objects.filter(pk=user_id).first()
        if user is None:
            raise services.UserNotFound
        return Response(UserSerializer(user).data)

    @describes(
        "Replace a user",
        name="replaceUser",
        more="For admins; of oneself name and address. What is absent, but for these two, stays.",
        request=(ReplacedUserSerializer, examples.SIGN_UP),
        answers={200: USER},
        refusals=[missing("name", "email"), *REFUSALS_OF_CHANGING],
    )
    def update(self, request: Request, user_id: int, shape: Any = ReplacedUserSerializer) -> Response:
        user = services.update(user_id=user_id, by=caller(request), **read(shape, request))
        return Response(UserSerializer(user).data)

    @describes(
        "Change a user",
        name="changeUser",
        more="For admins; of oneself name and address. `isActive` follows the rules of deactivation, and is the way "
        "back.",
        request=(UserChangesSerializer, examples.USER_CHANGES),
        answers={200: USER},
        refusals=[invalid(name="Ensure this field has at least 3 characters."), *REFUSALS_OF_CHANGING],
    )
    def partial_update(self, request: Request, user_id: int) -> Response:
        return self.update(request, user_id, UserChangesSerializer)

    @describes(
        "Delete a user",
        name="deleteUser",
        more="For admins. Who created something is deactivated instead. Assignments go with the user.",
        answers={204: None},
        refusals=[
            Forbidden,
            services.SuperusersOnly,
            services.UserNotFound,
            services.OwnAccount,
            services.HasRecords,
        ],
    )
    def destroy(self, request: Request, user_id: int) -> Response:
        services.delete(user_id=user_id, by=caller(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @describes(
        "Deactivate a user",
        name="deactivateUser",
        more="For admins. Tokens die; assignments to tickets that are not closed are removed; what the user did stays.",
        answers={200: USER},
        refusals=[Forbidden, services.SuperusersOnly, services.UserNotFound, services.OwnAccount],
    )
    def deactivate(self, request: Request, user_id: int) -> Response:
        user = services.update(user_id=user_id, by=caller(request), is_active=False)
        return Response(UserSerializer(user).data)


class SessionViewSet(ViewSet):
    """Signing in, staying in and out, and one's own account."""

    permission_classes = [AllowAny]
    throttle_classes = [SignInRateLimit]

    @describes(
        "Sign in",
        name="signIn",
        request=(SignInSerializer, examples.SIGN_IN),
        answers={200: (TokensSerializer, examples.TOKENS)},
        refusals=[missing("email"), services.InvalidCredentials, services.LockedOut(retry_after=900)],
    )
    @action(detail=False, methods=["post"], authentication_classes=[])
    def login(self, request: Request) -> Response:
        pair = services.sign_in(**read(SignInSerializer, request), request=request._request)
        return Response(TokensSerializer(pair).data)

    @describes(
        "Renew the tokens",
        name="renewTokens",
        more="A refresh token is spent by this. One that is shown again was stolen: it ends every refresh token that "
        "grew from the same sign-in.",
        request=(RefreshSerializer, examples.REFRESH),
        answers={200: (TokensSerializer, examples.TOKENS)},
        refusals=[missing("refresh"), tokens.InvalidToken],
    )
    @action(detail=False, methods=["post"], authentication_classes=[])
    def refresh(self, request: Request) -> Response:
        pair = tokens.renew(read(RefreshSerializer, request)["refresh"])
        return Response(TokensSerializer(pair).data)

    @describes(
        "Sign out",
        name="signOut",
        request=(RefreshSerializer, examples.REFRESH),
        answers={204: None},
        refusals=[missing("refresh"), tokens.InvalidToken],
    )
    @action(detail=False, methods=["post"], authentication_classes=[])
    def logout(self, request: Request) -> Response:
        tokens.end(read(RefreshSerializer, request)["refresh"])
        return Response(status=status.HTTP_204_NO_CONTENT)

    @describes("Who am I", name="getMe", answers={200: (UserSerializer, examples.USER)})
    @action(detail=False, permission_classes=[IsAuthenticated], throttle_classes=[RateLimit])
    def me(self, request: Request) -> Response:
        return Response(UserSerializer(request.user).data)  # type: ignore[arg-type]

    @describes(
        "Change my password",
        name="changePassword",
        more="Every token that the old one opened dies, the one of this request included.",
        request=(ChangePasswordSerializer, examples.CHANGE_PASSWORD),
        answers={204: None},
        refusals=[
            missing("currentPassword"),
            invalid(password=SpecialCharacterValidator().get_help_text()),
            services.InvalidCredentials,
            services.LockedOut(retry_after=900),
        ],
    )
    @action(detail=False, methods=["post"], permission_classes=[IsAuthenticated])
    def password(self, request: Request) -> Response:
        services.change_password(
            user=request.user,  # type: ignore[arg-type]
            **read(ChangePasswordSerializer, request),
            request=request._request,
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

    @describes(
        "Ask for a new password",
        name="requestPasswordReset",
        more="Always 202: whether there is such an account is told to its mailbox alone.",
        request=(ResetSerializer, examples.RESET),
        answers={202: None},
        refusals=[missing("email")],
    )
    @action(detail=False, methods=["post"], authentication_classes=[])
    def request_reset(self, request: Request) -> Response:
        services.request_password_reset(**read(ResetSerializer, request))
        return Response(status=status.HTTP_202_ACCEPTED)

    @describes(
        "Set the new password",
        name="confirmPasswordReset",
        more="With the `uid` and the `code` of the mail. Every earlier token dies.",
        request=(ResetConfirmSerializer, examples.RESET_CONFIRM),
        answers={204: None},
        refusals=[
            missing("uid", "code", "password"),
            services.InvalidCode,
            invalid(password=SpecialCharacterValidator().get_help_text()),
        ],
    )
    @action(detail=False, methods=["post"], authentication_classes=[])
    def confirm_reset(self, request: Request) -> Response:
        services.confirm_password_reset(**read(ResetConfirmSerializer, request))
        return Response(status=status.HTTP_204_NO_CONTENT)
