"""What limits signing in: failures, known devices, and sign-ins that were revoked."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class FailureBudget(models.Model):
    """Recent failed sign-ins to an account, from one scope (`budgets.Budget`)."""

    # A digest, as in KnownDevice. The account need not exist.
    account = models.CharField(max_length=64)
    scope = models.CharField(max_length=64, blank=True)
    failures = ArrayField(models.DateTimeField())
    # When none of the failures counts any longer.
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "scope"], name="failure_budget_once")]

    def __str__(self) -> str:
        return f"{len(self.failures)} failures"


class KnownDevice(models.Model):
    """A device from which an account has been signed in (devices.py). Both are stored as digests."""

    account = models.CharField(max_length=64)
    key = models.CharField(max_length=64)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "key"], name="known_device_once")]

    def __str__(self) -> str:
        return f"seen at {self.seen_at:%Y-%m-%d %H:%M} UTC"


class RevokedSignIn(models.Model):
    """A sign-in whose access tokens must not be accepted any longer, until the last of them has expired."""

    # The claim of its tokens (tokens.py).
    family = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"until {self.expires_at:%Y-%m-%d %H:%M} UTC"
