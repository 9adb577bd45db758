"""The audit log: who signed in, and every change of what users may do and how they sign in."""

import pgtrigger
from django.db import models
from django.db.models import F
from django.db.models.functions import Upper

from accounts.models.user import User
from kit.db.triggers import refuse_truncate, trigger
from kit.doors import Door


class AuditAction(models.TextChoices):
    """What happened. Triggers write most of them; `accounts_audit_row` makes those that end in _created and so on."""

    SIGN_IN = "sign_in", "Signed in"
    SIGN_IN_FAILED = "sign_in_failed", "Failed to sign in"
    LOCKED_OUT = "locked_out", "Locked out"
    SECOND_FACTOR_FAILED = "second_factor_failed", "Wrong second factor"
    PASSWORD_REFUSED = "password_refused", "Wrong current password"
    SIGN_OUT = "sign_out", "Signed out"
    TOKEN_REUSED = "token_reused", "Used a refresh token twice"
    PASSWORD_CHANGED = "password_changed", "Password changed"
    EMAIL_CHANGED = "email_changed", "E-mail address changed"
    SECOND_FACTOR_CREATED = "second_factor_created", "Second factor set up"
    SECOND_FACTOR_DELETED = "second_factor_deleted", "Second factor removed"
    STAFF_CREATED = "staff_created", "Staff account created"
    ROLE_CHANGED = "role_changed", "Role changed"
    USER_DEACTIVATED = "user_deactivated", "Deactivated"
    USER_REACTIVATED = "user_reactivated", "Reactivated"
    USER_DELETED = "user_deleted", "Deleted"
    API_KEY_CREATED = "api_key_created", "API key created"
    API_KEY_CHANGED = "api_key_changed", "API key changed"
    API_KEY_DELETED = "api_key_deleted", "API key revoked"
    WEBHOOK_CREATED = "webhook_created", "Webhook created"
    WEBHOOK_CHANGED = "webhook_changed", "Webhook changed"
    WEBHOOK_DELETED = "webhook_deleted", "Webhook deleted"


class AuditEntry(models.Model):
    """An entry of the audit log. The database refuses to change entries, and to delete recent ones."""

    at = models.DateTimeField("when")
    action = models.CharField("what", max_length=40, choices=AuditAction.choices)
    # Whose account it is. Entries outlive users, so there is no foreign key in the database.
    user = models.ForeignKey(
        User, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, null=True, related_name="+"
    )
    # The account's address at that time, or what was entered instead of one.
    account = models.CharField(max_length=254)
    by = models.ForeignKey(
        User, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, null=True, related_name="+"
    )
    door = models.CharField("via", max_length=10, choices=Door.choices)
    # Only of requests that sign in or out.
    address = models.CharField("network address", max_length=45)
    user_agent = models.CharField("browser", max_length=300)
    request_id = models.CharField("request", max_length=36)
    details = models.JSONField()

    class Meta:
        verbose_name = "audit log entry"
        verbose_name_plural = "audit log entries"
        default_permissions = ("view",)
        indexes = [
            models.Index(Upper("account"), F("id").desc(), name="audit_entry_account"),
            models.Index(fields=["action", "-id"], name="audit_entry_action"),
            models.Index(fields=["at"], name="audit_entry_at"),
        ]
        triggers = [
            trigger("accounts/keep_audit", when=pgtrigger.Before, operation=pgtrigger.Update | pgtrigger.Delete),
            refuse_truncate("keep_all_audit"),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {self.account}"
