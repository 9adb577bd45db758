"""Users and notes about them, and the password validator and hasher that the settings use."""

from functools import lru_cache
from typing import Any, Self

import pgtrigger
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.core.exceptions import ValidationError
from django.core.validators import MinLengthValidator
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Collate, Length, Lower, Reverse, Trim, Upper
from django.db.models.lookups import Exact, GreaterThanOrEqual, LessThan
from django.utils.crypto import salted_hmac

from kit import email_addresses, phones
from kit.db.text import composed_constraint
from kit.db.triggers import trigger
from kit.search.expressions import SearchVector, SortKey, contains
from kit.text import composed
from kit.versions import Versioned, version_triggers
from kit.zones import validate_time_zone

# Signing in or setting a password does not make another version of the user.
VERSIONED_FIELDS = ("name", "email", "type", "is_active", "is_superuser")


MAX_NOTE = 5_000


class UserType(models.TextChoices):
    """The type of a user. Agents and admins are staff."""

    CUSTOMER = "customer"
    AGENT = "agent"
    ADMIN = "admin"


STAFF_TYPES = (UserType.AGENT, UserType.ADMIN)


NAME_WORDS = SearchVector("name")
# What the indexes of beginnings and of endings are sorted by: the codes of the letters, whatever the database's locale.
ADDRESS_START = Collate(Lower("email"), "C")
PHONE_END = Collate(Reverse("phone"), "C")
# Sorted after every other character.
LAST_CHARACTER = "\U0010ffff"


def _starts_with(expression: Collate, text: str) -> Q:
    """Return the condition that an indexed text begins with another one."""
    return Q(GreaterThanOrEqual(expression, Value(text))) & Q(LessThan(expression, Value(text + LAST_CHARACTER)))


class UserQuerySet(models.QuerySet["User"]):
    def search(self, text: str) -> Self:
        """Select users whose name or e-mail address contains every word of the text. Words match by prefix.

        A text that looks like a telephone number also matches the end of the user's number.
        """
        condition = contains(F("search"), text)
        digits = phones.last_digits(text)
        if digits:
            condition |= ~Q(phone="") & _starts_with(PHONE_END, digits[::-1])
        return self.filter(condition)

    def with_email(self, address: str | None) -> Self:
        """Select the user with this address, in any case and with the domain in Unicode or encoded."""
        try:
            return self.filter(email__iexact=email_addresses.normalized(address or ""))
        except email_addresses.UnusableAddress:
            return self.none()


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    def get_queryset(self) -> UserQuerySet:
        # Only the index needs the search column; nothing reads it.
        users: UserQuerySet = super().get_queryset().defer("search")
        return users

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find a user by e-mail address, as `with_email` does."""
        return self.with_email(username).get()

    def create_superuser(self, *, email: str, name: str, password: str | None = None, **extra: Any) -> "User":
        """Create an admin who is a superuser, for `manage.py createsuperuser`."""
        user = self.model(email=email, name=composed(name), type=UserType.ADMIN, is_superuser=True, **extra)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        user.save(using=self._db)
        return user


class User(Versioned, AbstractBaseUser, PermissionsMixin):
    versioned_fields = VERSIONED_FIELDS

    name = models.CharField(max_length=150, validators=[MinLengthValidator(3)])
    email = email_addresses.ModelField("e-mail address")
    type = models.CharField(max_length=10, choices=UserType.choices, default=UserType.CUSTOMER)
    is_active = models.BooleanField(
        "active", default=True, help_text="Deactivated users cannot sign in. Their records are kept."
    )
    # Only in the admin. Not part of the version, which belongs to what the API shows.
    phone = models.CharField(
        "telephone",
        max_length=phones.MAX_LENGTH,
        blank=True,
        db_default="",
        help_text="Optional. Visible to staff only.",
    )
    created_at = models.DateTimeField(auto_now_add=True, editable=False)
    # In which the admin shows times. Empty: the site's. Nobody else is affected, so it makes no version.
    time_zone = models.CharField(max_length=64, blank=True, default="", db_default="", validators=[validate_time_zone])
    # How often the user was deactivated or got another address. Part of every token, session and mailed code, so that
    # undoing the change does not revive them.
    revocations = models.PositiveIntegerField(db_default=0, editable=False)

    search = models.GeneratedField(
        expression=SearchVector("name", "email"), output_field=SearchVectorField(), db_persist=True
    )

    # The API key that authenticated the user in this request. Some services refuse keys.
    api_key_id: int | None = None

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    objects = UserManager()

    class Meta:
        indexes = [
            models.Index(SortKey("name"), "id", name="user_name"),
            GinIndex(fields=["search"], fastupdate=False, name="user_search"),
            GinIndex(NAME_WORDS, fastupdate=False, name="user_name_words"),
            models.Index(ADDRESS_START, name="user_address_start"),
            models.Index(PHONE_END, condition=~Q(phone=""), name="user_phone_end"),
            # The agents, whom every list of assignees offers first.
            models.Index(SortKey("name"), "id", condition=Q(type="agent", is_active=True), name="user_agent"),
        ]
        constraints = [
            # Upper, because that is what Django's `iexact` compares.
            models.UniqueConstraint(
                Upper("email"),
                name="user_email_unique",
                violation_error_message="This e-mail address is already in use.",
            ),
            models.CheckConstraint(condition=email_addresses.is_usable("email"), name="user_email"),
            models.CheckConstraint(condition=GreaterThanOrEqual(Length(Trim("name")), 3), name="user_name_length"),
            composed_constraint("name", name="user_name_composed"),
            models.CheckConstraint(condition=models.Q(phone__regex=phones.USABLE), name="user_phone"),
            models.CheckConstraint(condition=models.Q(type__in=UserType.values), name="user_type"),
            models.CheckConstraint(
                condition=models.Q(is_superuser=False) | models.Q(type=UserType.ADMIN),
                name="user_superuser_is_admin",
            ),
        ]
        triggers = [
            trigger(
                "accounts/count_revocations",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("is_active", "email"),
                condition=pgtrigger.Condition("OLD.is_active AND NOT NEW.is_active OR OLD.email <> NEW.email"),
            ),
            trigger(
                "accounts/revoke_keys",
                when=pgtrigger.After,
                operation=pgtrigger.UpdateOf("password", "is_active", "email"),
                condition=pgtrigger.Condition(
                    "OLD.password <> NEW.password OR OLD.is_active AND NOT NEW.is_active OR OLD.email <> NEW.email"
                ),
            ),
            trigger(
                "accounts/audit_user",
                when=pgtrigger.After,
                operation=pgtrigger.Insert
                | pgtrigger.UpdateOf("password", "email", "type", "is_active", "is_superuser")
                | pgtrigger.Delete,
            ),
            *version_triggers(*VERSIONED_FIELDS),
        ]

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"

    def get_full_name(self) -> str:
        """Return the name that the admin shows."""
        return self.name

    def set_password(self, raw_password: str | None) -> None:
        super().set_password(raw_password and composed(raw_password))

    def check_password(self, raw_password: str | None) -> bool:
        return super().check_password(raw_password and composed(raw_password))

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Return a value that sessions and tokens carry. It changes with the password and with each revocation."""
        return _auth_hash(f"{self.password}|{self.revocations}", secret or settings.SECRET_KEY)

    @property
    def is_admin(self) -> bool:
        return self.type == UserType.ADMIN

    @property
    def is_staff(self) -> bool:
        """Return whether the user can see every ticket and sign in to the admin."""
        return self.type in STAFF_TYPES


class Note(models.Model):
    """What staff have noted about a user. Only staff see notes, and nobody changes them."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notes", db_index=False)
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", editable=False)
    text = models.TextField(max_length=MAX_NOTE)
    created_at = models.DateTimeField(editable=False)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["user", "-id"], name="note_user")]
        constraints = [models.CheckConstraint(condition=~Exact(Trim("text"), ""), name="note_text")]
        triggers = [pgtrigger.Protect(name="keep_notes", operation=pgtrigger.Update)]

    def __str__(self) -> str:
        return f"Note of {self.author.name}"


@lru_cache(maxsize=2_000)
def _auth_hash(state: str, secret: str) -> str:
    return salted_hmac("accounts.User.sign_in", state, secret=secret, algorithm="sha256").hexdigest()


class SpecialCharacterValidator:
    """Require a character that is neither a letter nor a digit, as document 000 does."""

    def validate(self, password: str, user: User | None = None) -> None:
        if password.isalnum():
            raise ValidationError(self.get_help_text(), code="password_no_special")

    def get_help_text(self) -> str:
        return "The password must contain at least one character that is neither a letter nor a digit."


class Argon2Hasher(Argon2PasswordHasher):
    """Argon2id with OWASP's parameters: 19 MiB, two passes, one lane. Ten times faster than Django's defaults."""

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
