"""Audit log entries of signing in and out. Triggers write the others, whoever makes the change.

Django announces sign-ins of the API and of the admin in the same way, so both are recorded here.
"""

from typing import Any

from django.conf import settings
from django.contrib.auth import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.models import AuditAction, User
from kit.db import sql
from kit.web.address import client_address
from kit.web.paths import is_in_admin
from kit.web.request_id import request_id

MAX_USER_AGENT = 300
MAX_ACCOUNT = 254


def record(action: AuditAction, request: HttpRequest, *, user: User | None = None, account: str = "") -> None:
    """Append an entry about this request. `account` is the address that was entered, if there is no user."""
    # Someone who keeps trying while locked out must not fill the log.
    once_per = f"{settings.AXES_COOLOFF_TIME.total_seconds()} seconds" if action == AuditAction.LOCKED_OUT else None
    sql.run(
        "accounts/audit_sign_in",
        action=action.value,
        user_id=user and user.pk,
        account=_storable(user.email if user else account)[:MAX_ACCOUNT],
        door="admin" if is_in_admin(request) else "api",
        address=client_address(request) or "",
        user_agent=_storable(request.META.get("HTTP_USER_AGENT", ""))[:MAX_USER_AGENT],
        request_id=request_id.get(),
        once_per=once_per,
    )


def purge() -> int:
    """Delete entries that are older than AUDIT_KEEP_DAYS. Return their number. With 0, keep all."""
    if not settings.AUDIT_KEEP_DAYS:
        return 0
    deleted: int = sql.row("accounts/purge_audit", keep_days=settings.AUDIT_KEEP_DAYS)["deleted"]
    return deleted


@receiver(user_logged_in)
def record_sign_in(request: HttpRequest, user: User, **_: Any) -> None:
    record(AuditAction.SIGN_IN, request, user=user)


@receiver(user_logged_out)
def record_sign_out(request: HttpRequest, user: User | None, **_: Any) -> None:
    if user is not None:
        record(AuditAction.SIGN_OUT, request, user=user)


@receiver(user_login_failed)
def record_failure(credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """Record a wrong password, or an attempt while locked out: axes, whose receiver runs first, has marked that."""
    if request is None:
        return
    if getattr(request, "axes_locked_out", False):
        action = AuditAction.LOCKED_OUT
    elif getattr(request, "confirms_password", False):
        action = AuditAction.PASSWORD_REFUSED
    else:
        action = AuditAction.SIGN_IN_FAILED
    record(action, request, account=str(credentials.get("username") or ""))


def _storable(text: str) -> str:
    """Return the text without what PostgreSQL cannot store."""
    return text.replace("\x00", "").encode(errors="replace").decode()
