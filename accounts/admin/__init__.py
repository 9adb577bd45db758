"""The admin pages for user accounts."""

from accounts.admin import failed_sign_ins, hidden, own_account, users

__all__ = ["failed_sign_ins", "hidden", "own_account", "users"]
