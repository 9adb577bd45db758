"""API keys, which programs send instead of an access token."""

import pgtrigger
from django.db import models
from django.db.models.functions import Length
from django.db.models.lookups import Exact

from accounts.models.user import User
from kit.db.triggers import trigger

MAX_KEY_NAME = 100
# `tkt_` and eight of the forty random characters.
PREFIX_LENGTH = 12
DIGEST_BYTES = 32


class KeyScope(models.TextChoices):
    READ = "read"
    WRITE = "write", "Read and write"


class ApiKey(models.Model):
    """A key that acts as its user. Only its digest is stored (accounts/api_keys.py).

    A trigger on users deletes keys whenever tokens are revoked: with a new password or address, and on deactivation.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=MAX_KEY_NAME)
    prefix = models.CharField(max_length=PREFIX_LENGTH)
    digest = models.BinaryField(unique=True, editable=False)
    scope = models.CharField(max_length=5, choices=KeyScope.choices)
    created_at = models.DateTimeField("created")
    expires_at = models.DateTimeField("expires", null=True)
    # To the minute: written with the first use after a minute without.
    last_used_at = models.DateTimeField("last used", null=True)

    class Meta:
        verbose_name = "API key"
        default_permissions = ("view", "delete")
        constraints = [
            models.CheckConstraint(condition=models.Q(scope__in=KeyScope.values), name="api_key_scope"),
            models.CheckConstraint(condition=Exact(Length("digest"), DIGEST_BYTES), name="api_key_digest"),
        ]
        triggers = [
            trigger(
                "accounts/audit_key",
                when=pgtrigger.After,
                operation=pgtrigger.Insert
                | pgtrigger.UpdateOf("user_id", "name", "digest", "scope", "expires_at")
                | pgtrigger.Delete,
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
