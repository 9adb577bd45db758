"""JSON shapes of users and of signing in (document 000, sections 1 and 2)."""

from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from accounts.models import MAX_KEY_NAME, ApiKey, KeyScope, User, UserType
from accounts.services.passwords import check_password_strength
from kit.activity.lists import OrderedSinceSerializer
from kit.errors import Invalid
from kit.web.bodies import NullIsDefault
from kit.web.etags import ExpectedVersionSerializer
from kit.web.fields import EmailField, SingleLineField, StrictBooleanField, TextField, UtcDateTimeField
from kit.web.paging import CursorField, PageSerializer, line, row_id


class PasswordField(TextField):
    """A password, which is never trimmed and never shown."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, max_length=1000, write_only=True, **kwargs)


@extend_schema_field(
    {
        "type": "string",
        "format": "password",
        "minLength": 8,
        "maxLength": 1000,
        # \W without \x00. Python's \w includes letters of all alphabets, JavaScript's does not; \p is not portable.
        "pattern": r"^[^\x00]*([^\w\x00]|_)[^\x00]*$",
    }
)
class NewPasswordField(PasswordField):
    """A new password. Checks its strength too, so that a weak one is reported along with other mistakes.

    `shortest` replaces our password rules, for contracts that have their own.
    """

    def __init__(self, *, shortest: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shortest = shortest

    def to_internal_value(self, data: Any) -> str:
        password = super().to_internal_value(data)
        try:
            check_password_strength(password, min_length=self.shortest)
        except Invalid as refusal:
            raise serializers.ValidationError(refusal.fields["password"]) from refusal
        return password


class SignUpSerializer(NullIsDefault):
    name = SingleLineField(min_length=3, max_length=150)
    email = EmailField()
    type = serializers.ChoiceField(choices=[UserType.CUSTOMER.value, UserType.ADMIN.value])
    password = NewPasswordField()


@extend_schema_serializer(component_name="SignUp")
class SignUpByAdminSerializer(SignUpSerializer):
    """For admins, who can also create agents and may omit the type and the password."""

    type = serializers.ChoiceField(choices=UserType.values, default=UserType.CUSTOMER.value)
    password = NewPasswordField(default=None)


class UserChangesSerializer(ExpectedVersionSerializer):
    """`PATCH`: all keys are optional."""

    name = SingleLineField(min_length=3, max_length=150, required=False)
    email = EmailField(required=False)
    type = serializers.ChoiceField(choices=UserType.values, required=False)
    isActive = StrictBooleanField(source="is_active", required=False)
    currentPassword = PasswordField(
        source="current_password", required=False, help_text="Required to change your own e-mail address."
    )


class ReplacedUserSerializer(UserChangesSerializer):
    """`PUT`: name and e-mail address are required; omitted keys keep their values."""

    name = SingleLineField(min_length=3, max_length=150)
    email = EmailField()


class UserQuerySerializer(PageSerializer, OrderedSinceSerializer):
    search = SingleLineField(max_length=254, required=False, allow_blank=True, default="")
    type = serializers.ChoiceField(choices=UserType.values, required=False)
    cursor = CursorField([line, row_id])


class NewUserSerializer(serializers.Serializer[User]):
    """The response to creating a user, with document 000's three keys."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    email = serializers.EmailField()


class UserSerializer(NewUserSerializer):
    """All keys of a user; passwords are never shown."""

    type = serializers.ChoiceField(choices=UserType.values)
    isActive = serializers.BooleanField(source="is_active")
    createdAt = UtcDateTimeField(source="created_at")
    version = serializers.IntegerField()


class UserPageSerializer(serializers.Serializer[Any]):
    items = UserSerializer(many=True)
    nextCursor = serializers.CharField(allow_null=True)


class SignInSerializer(serializers.Serializer[Any]):
    email = TextField(max_length=254)
    password = PasswordField()


class RefreshSerializer(serializers.Serializer[Any]):
    refresh = TextField(max_length=4096)


class ChangePasswordSerializer(serializers.Serializer[Any]):
    currentPassword = PasswordField(source="current_password")
    password = NewPasswordField()


@extend_schema_serializer(component_name="PasswordReset")
class ResetSerializer(serializers.Serializer[Any]):
    email = EmailField()


@extend_schema_serializer(component_name="PasswordResetConfirm")
class ResetConfirmSerializer(serializers.Serializer[Any]):
    uid = SingleLineField(max_length=100)
    code = SingleLineField(max_length=100)
    password = NewPasswordField()


class TokensSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(source="access")
    expiresIn = serializers.IntegerField(source="expires_in", help_text="Seconds until `token` expires.")
    refresh = serializers.CharField()


@extend_schema_serializer(component_name="NewApiKey")
class NewKeySerializer(NullIsDefault):
    name = SingleLineField(max_length=MAX_KEY_NAME, help_text="What the key is for.")
    scope = serializers.ChoiceField(choices=KeyScope.values, help_text="`read`: only `GET`, `HEAD` and `OPTIONS`.")
    expiresAt = UtcDateTimeField(source="expires_at", default=None, help_text="null: the key does not expire.")


@extend_schema_serializer(component_name="ApiKey")
class KeySerializer(serializers.Serializer[ApiKey]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="How the key begins.")
    scope = serializers.ChoiceField(choices=KeyScope.values)
    createdAt = UtcDateTimeField()
    expiresAt = UtcDateTimeField(allow_null=True)
    lastUsedAt = UtcDateTimeField(allow_null=True, help_text="Accurate to a minute.")


@extend_schema_serializer(component_name="CreatedApiKey")
class CreatedKeySerializer(KeySerializer):
    key = serializers.CharField(help_text="The key. Only this response contains it.")


@extend_schema_serializer(component_name="ApiKeyList")
class KeyListSerializer(serializers.Serializer[Any]):
    items = KeySerializer(many=True)
