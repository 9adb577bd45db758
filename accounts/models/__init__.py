"""Users and how they sign in, and the password validator and hasher that the settings use."""

from accounts.models.api_key import MAX_KEY_NAME, PREFIX_LENGTH, ApiKey, KeyScope
from accounts.models.audit_entry import AuditAction, AuditEntry
from accounts.models.second_factor import AuthenticatorApp, RecoveryCodes
from accounts.models.sign_ins import FailureBudget, KnownDevice, RevokedSignIn
from accounts.models.user import (
    LAST_CHARACTER,
    MAX_NOTE,
    STAFF_TYPES,
    Argon2Hasher,
    Note,
    SpecialCharacterValidator,
    User,
    UserType,
)

__all__ = [
    "LAST_CHARACTER",
    "MAX_KEY_NAME",
    "MAX_NOTE",
    "PREFIX_LENGTH",
    "STAFF_TYPES",
    "ApiKey",
    "Argon2Hasher",
    "AuditAction",
    "AuditEntry",
    "AuthenticatorApp",
    "FailureBudget",
    "KeyScope",
    "KnownDevice",
    "Note",
    "RecoveryCodes",
    "RevokedSignIn",
    "SpecialCharacterValidator",
    "User",
    "UserType",
]
