"""Mail with a code to set or reset a password."""

from typing import Any, cast

from django.conf import settings

from accounts import password_codes
from accounts.models import User
from notifications.models import Delivery


def password_code(delivery: Delivery) -> dict[str, Any]:
    """Return the context of mail with a password code. The code is made for this message and not stored."""
    uid, code = password_codes.code_for(cast(User, delivery.user))
    return {"uid": uid, "code": code, "hours": settings.PASSWORD_RESET_TIMEOUT // 3600}
