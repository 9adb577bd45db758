"""The admin pages for user accounts."""

from accounts.admin import api_keys, audit_log, failed_sign_ins, hidden, own_account, users

__all__ = ["api_keys", "audit_log", "failed_sign_ins", "hidden", "own_account", "users"]
