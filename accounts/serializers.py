"""The wire shapes of people and of signing in (CONTRACTS: users and sign-in; document 000, sections 1 and 2)."""

from typing import Any

from rest_framework import serializers

from accounts.models import User, UserType
from ticketing.fields import SingleLineField, UtcDateTimeField


class PasswordField(serializers.CharField):
    """Taken as it is: neither trimmed nor shown."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, max_length=1000, write_only=True, **kwargs)


class SignUpSerializer(serializers.Serializer[User]):
    name = SingleLineField(min_length=3, max_length=150)
    email = serializers.EmailField(max_length=254)
    type = serializers.ChoiceField(choices=[UserType.CUSTOMER.value, UserType.ADMIN.value])
    password = PasswordField()


class SignUpByAdminSerializer(SignUpSerializer):
    """An admin makes agents too, and may leave the type out."""

    type = serializers.ChoiceField(choices=UserType.values, default=UserType.CUSTOMER.value)


class NewUserSerializer(serializers.Serializer[User]):
    """Exactly the three keys of document 000."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    email = serializers.EmailField()


class UserSerializer(NewUserSerializer):
    type = serializers.ChoiceField(choices=UserType.values)
    isActive = serializers.BooleanField(source="is_active")
    createdAt = UtcDateTimeField(source="created_at")


class SignInSerializer(serializers.Serializer[Any]):
    email = serializers.CharField(max_length=254)
    password = PasswordField()


class RefreshSerializer(serializers.Serializer[Any]):
    refresh = serializers.CharField(max_length=4096)


class ChangePasswordSerializer(serializers.Serializer[Any]):
    currentPassword = PasswordField(source="current_password")
    password = PasswordField()


class TokensSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(source="access")
    refresh = serializers.CharField()
