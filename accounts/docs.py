"""OpenAPI descriptions of the user and sign-in endpoints, as decorators for the views, and of bearer tokens."""

from typing import Any

from drf_spectacular import openapi
from drf_spectacular.extensions import OpenApiAuthenticationExtension

from accounts import examples, services, tokens
from accounts.models import SpecialCharacterValidator
from accounts.serializers import (
    ChangePasswordSerializer,
    CreatedKeySerializer,
    KeyListSerializer,
    NewKeySerializer,
    NewUserSerializer,
    RefreshSerializer,
    ReplacedUserSerializer,
    ResetConfirmSerializer,
    ResetSerializer,
    SignInSerializer,
    SignUpByAdminSerializer,
    TokensSerializer,
    UserChangesSerializer,
    UserPageSerializer,
    UserQuerySerializer,
    UserSerializer,
)
from kit import versions
from kit.errors import Forbidden
from kit.openapi.describe import Refusal, describes, invalid, missing
from kit.web import paging
from kit.web.etags import ExpectedVersionSerializer


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = "accounts.tokens.BearerToken"
    name = "bearer"

    def get_security_definition(self, auto_schema: openapi.AutoSchema) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT or API key",
            "description": "The `token` that `POST /auth/login` returns, or an API key (`POST /auth/keys`).",
        }


USER = (UserSerializer, examples.USER)
TOKENS = (TokensSerializer, examples.TOKENS)
EMAIL_TAKEN = services.EmailTaken(fields={"email": [services.EmailTaken.message]})
WEAK_PASSWORD = invalid(password=SpecialCharacterValidator().get_help_text())
LOCKED_OUT = services.LockedOut(retry_after=900)
NEW_ADDRESS = (
    "To change your own address, send your `currentPassword`. A new address revokes all of the user's tokens, "
    "including the one used for this request if it is your own. The old address is notified."
)
STALE = versions.refusals("user", "email", "is_active")
_, OUTDATED = STALE
CHANGE_REFUSALS: list[Refusal] = [
    Forbidden,
    services.CurrentPasswordRequired(fields={"current_password": [services.CurrentPasswordRequired.message]}),
    services.WrongPassword(fields={"current_password": [services.WrongPassword.message]}),
    services.SignInRequired,
    LOCKED_OUT,
    services.SuperusersOnly,
    services.UserNotFound,
    *STALE,
    services.OwnAccount,
    services.HoldsAssignments,
    EMAIL_TAKEN,
]

sign_up = describes(
    "Sign up",
    name="createUser",
    more="Anyone can create a customer. Admins can also create staff, including agents. They may omit `type`, which "
    "defaults to `customer`, and `password`; the user is then mailed a code to set one. If the server's `STAFF_SIGNUP` "
    "is on, anyone can sign up as an admin. The response has no `version`, but the `ETag` of the whole user.",
    request=(SignUpByAdminSerializer, examples.SIGN_UP),
    answers={201: (NewUserSerializer, examples.NEW_USER)},
    refusals=[missing("name", "email"), WEAK_PASSWORD, services.StaffSignupClosed, EMAIL_TAKEN],
)

list_users = describes(
    "List users",
    name="listUsers",
    more="Admins only. Ordered by name. `search` finds words of the name or address by prefix.",
    query=UserQuerySerializer,
    answers={200: (UserPageSerializer, examples.USER_PAGE)},
    refusals=[paging.BAD_CURSOR, Forbidden],
)

read_user = describes(
    "Get a user",
    name="getUser",
    more="Admins can read every user, others only themselves.",
    answers={200: USER, 304: None},
    refusals=[Forbidden, services.UserNotFound],
)

replace_user = describes(
    "Replace a user",
    name="replaceUser",
    more="Admins can change every user, others only their own name and e-mail address. These two are required; other "
    f"fields keep their values if omitted. {NEW_ADDRESS}",
    request=(ReplacedUserSerializer, examples.REPLACED_USER),
    answers={200: USER},
    refusals=[missing("name", "email"), *CHANGE_REFUSALS],
)

change_user = describes(
    "Update a user",
    name="updateUser",
    more="Admins can change every user, others only their own name and e-mail address. Setting `isActive` to false "
    "deactivates the user under the same rules as `POST /users/{user_id}/deactivate`; true reactivates the user. "
    f"{NEW_ADDRESS}",
    request=(UserChangesSerializer, examples.USER_CHANGES),
    answers={200: USER},
    refusals=[invalid(name="Ensure this field has at least 3 characters."), *CHANGE_REFUSALS],
)

delete_user = describes(
    "Delete a user",
    name="deleteUser",
    more="Admins only. The user's assignments are also deleted. Users who have created records cannot be deleted; "
    "deactivate them instead.",
    answers={204: None},
    refusals=[
        Forbidden,
        services.SuperusersOnly,
        services.UserNotFound,
        OUTDATED,
        services.OwnAccount,
        services.HasRecords,
    ],
)

deactivate_user = describes(
    "Deactivate a user",
    name="deactivateUser",
    more="Admins only. Revokes the user's tokens and removes the user from all tickets that are not closed. Their "
    "records are kept.",
    request=(ExpectedVersionSerializer, {"version": 1}),
    answers={200: USER},
    refusals=[Forbidden, services.SuperusersOnly, services.UserNotFound, *STALE, services.OwnAccount],
)

sign_in = describes(
    "Sign in",
    name="signIn",
    more="Returns a `token` to send with other requests, as `Authorization: Bearer <token>`, the seconds until it "
    "expires, and a `refresh` token to renew it with. Repeated failures lock the account out for a while.",
    request=(SignInSerializer, examples.SIGN_IN),
    answers={200: TOKENS},
    refusals=[missing("email"), services.InvalidCredentials, LOCKED_OUT],
)

renew_tokens = describes(
    "Renew tokens",
    name="renewTokens",
    more="A refresh token can be used once. Using it again within ten seconds, as another browser tab may, returns "
    "another pair. Using it later is taken as theft and revokes every token from the same sign-in.",
    request=(RefreshSerializer, examples.REFRESH),
    answers={200: TOKENS},
    refusals=[missing("refresh"), tokens.InvalidToken],
)

sign_out = describes(
    "Sign out",
    name="signOut",
    more="Revokes every token from the same sign-in at once, including access tokens.",
    request=(RefreshSerializer, examples.REFRESH),
    answers={204: None},
    refusals=[missing("refresh"), tokens.InvalidToken],
)

get_me = describes(
    "Get the current user",
    name="getCurrentUser",
    more="The user whose token was sent.",
    answers={200: USER, 304: None},
)

change_password = describes(
    "Change your password",
    name="changePassword",
    more="Revokes all your tokens, including the one used for this request.",
    request=(ChangePasswordSerializer, examples.CHANGE_PASSWORD),
    answers={204: None},
    refusals=[
        missing("currentPassword"),
        services.SignInRequired,
        WEAK_PASSWORD,
        services.InvalidCredentials,
        LOCKED_OUT,
    ],
)

request_password_reset = describes(
    "Request a password reset",
    name="requestPasswordReset",
    more="Mails a code to the address if it belongs to an active user. The response is always 202 and never reveals "
    "whether the account exists.",
    request=(ResetSerializer, examples.RESET),
    answers={202: None},
    refusals=[missing("email")],
)

confirm_password_reset = describes(
    "Set a new password",
    name="confirmPasswordReset",
    more="Takes the `uid` and `code` from the mail. Revokes all tokens issued before.",
    request=(ResetConfirmSerializer, examples.RESET_CONFIRM),
    answers={204: None},
    refusals=[missing("uid", "code", "password"), services.InvalidCode, WEAK_PASSWORD],
)

list_keys = describes(
    "List your API keys",
    name="listApiKeys",
    more="Newest first. Keys themselves are shown only once, when they are created.",
    answers={200: (KeyListSerializer, {"items": [examples.KEY]})},
)

create_key = describes(
    "Create an API key",
    name="createApiKey",
    more="For programs: send it as `Authorization: Bearer tkt_…`. It acts as you, without being renewed, until it "
    "expires or is revoked, or your password or e-mail address changes, or you are deactivated. With the scope `read`, "
    "every call that changes something is a 403. A key cannot create keys, or change passwords or e-mail addresses. "
    f"You can have {services.MAX_KEYS} keys, expired ones included. This call takes no `Idempotency-Key`, because "
    "responses with secrets are not stored.",
    request=(NewKeySerializer, examples.NEW_KEY),
    answers={201: (CreatedKeySerializer, examples.CREATED_KEY)},
    refusals=[
        missing("name", "scope"),
        invalid(expires_at="Must be in the future."),
        services.SignInRequired,
        services.TooManyKeys,
    ],
)

revoke_key = describes(
    "Revoke an API key",
    name="revokeApiKey",
    more="It stops working at once. Admins can revoke everyone's keys.",
    answers={204: None},
    refusals=[services.KeyNotFound],
)
