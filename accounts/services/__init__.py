"""Use cases of user accounts: signing in, passwords, and managing users."""

from accounts.services.authentication import InvalidCredentials, LockedOut, has_account, sign_in
from accounts.services.passwords import (
    InvalidCode,
    change_password,
    confirm_password_reset,
    request_password_reset,
    set_password,
)
from accounts.services.users import (
    ADMIN_ONLY_FIELDS,
    EmailTaken,
    HasRecords,
    HoldsAssignments,
    NoSecondFactor,
    OwnAccount,
    StaffSignupClosed,
    SuperusersOnly,
    UserNotFound,
    delete,
    lock,
    reset_second_factor,
    sign_up,
    update,
)

__all__ = [
    "ADMIN_ONLY_FIELDS",
    "EmailTaken",
    "HasRecords",
    "HoldsAssignments",
    "InvalidCode",
    "InvalidCredentials",
    "LockedOut",
    "NoSecondFactor",
    "OwnAccount",
    "StaffSignupClosed",
    "SuperusersOnly",
    "UserNotFound",
    "change_password",
    "confirm_password_reset",
    "delete",
    "has_account",
    "lock",
    "request_password_reset",
    "reset_second_factor",
    "set_password",
    "sign_in",
    "sign_up",
    "update",
]
