"""Who people are. The rules about passwords are here too, because Django's settings name them.

Signing up and in, and tokens, are in services.py.
"""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.core.validators import MinLengthValidator
from django.db import models
from django.db.models.functions import Length, Trim, Upper
from django.db.models.lookups import GreaterThanOrEqual

class UserType(models.TextChoices):
    """What somebody is: exactly one of the three. Agents and admins are staff."""

    CUSTOMER = "customer"
    AGENT = "agent"
    ADMIN = "admin"


STAFF_TYPES = (UserType.AGENT, UserType.ADMIN)


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> "User":
        """An address names the same person in whatever case it is written."""
        return self.get(email__iexact=username)

    def create_superuser(self, *, email: str, name: str, password: str | None = None, **extra: Any) -> "User":
        """What `manage.py createsuperuser` calls; a superuser is an admin."""
        user = self.model(email=email, name=name, type=UserType.ADMIN, is_superuser=True, **extra)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        user.save(using=self._db)
        return user


class User(AbstractBaseUser, PermissionsMixin):
    name = models.CharField(max_length=150, validators=[MinLengthValidator(3)])
    email = models.EmailField("e-mail address", max_length=254)
    type = models.CharField(max_length=10, choices=UserType.choices, default=UserType.CUSTOMER)
    is_active = models.BooleanField(
        "active", default=True, help_text="Deactivated people cannot sign in; what they did stays."
    )
    created_at = models.DateTimeField(auto_now_add=True, editable=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    objects = UserManager()

    class Meta:
        constraints = [
            # Upper, because that is what Django's iexact compares.
            models.UniqueConstraint(
                Upper("email"), name="user_email_unique", violation_error_message="This e-mail address is taken."
            ),
            models.CheckConstraint(condition=GreaterThanOrEqual(Length(Trim("name")), 3), name="user_name_length"),
            models.CheckConstraint(condition=models.Q(type__in=UserType.values), name="user_type"),
            models.CheckConstraint(
                condition=models.Q(is_superuser=False) | models.Q(type=UserType.ADMIN),
                name="user_superuser_is_admin",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"

    @property
    def is_admin(self) -> bool:
        return self.type == UserType.ADMIN

    @property
    def is_staff(self) -> bool:
        """Whether they work here: agents and admins see every ticket and sign in to the admin."""
        return self.type in STAFF_TYPES


class SpecialCharacterValidator:
    """Document 000: a password holds at least one character that is neither letter nor digit."""

    def validate(self, password: str, user: User | None = None) -> None:
        if password.isalnum():
            raise ValidationError(self.get_help_text(), code="password_no_special")

    def get_help_text(self) -> str:
        return "The password must contain at least one character that is neither a letter nor a digit."


class Argon2Hasher(Argon2PasswordHasher):
    """Argon2id with OWASP's parameters: 19 MiB, two passes, one lane. A tenth of the time of Django's own choice."""

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
