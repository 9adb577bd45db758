"""Mail about accounts: codes to set or reset a password, and the notice to an address that is no longer used."""

from typing import Any, cast

from django.conf import settings

from accounts import password_codes
from accounts.models import User
from notifications.mails.wording import readable
from notifications.models import Delivery


def password_code(delivery: Delivery) -> dict[str, Any]:
    """Return the context of mail with a password code. The code is made for this message and not stored."""
    uid, code = password_codes.code_for(cast(User, delivery.user))
    return {"uid": uid, "code": code, "hours": settings.PASSWORD_RESET_TIMEOUT // 3600}


def address_changed(delivery: Delivery) -> dict[str, Any]:
    """Return the context of the notice to the old address. It does not reveal the new one."""
    return {"address": delivery.address, "when": readable("created_at", delivery.created_at)}
