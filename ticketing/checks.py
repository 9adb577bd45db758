"""System checks of the settings: run `manage.py check`, and `manage.py check --deploy` before a deployment."""

import os
from typing import Any

from django.conf import settings
from django.core import checks
from limits import parse


@checks.register(checks.Tags.security)
def check_staff_signup(**_: Any) -> list[checks.CheckMessage]:
    """Warn if anyone can become an admin. The demo allows it on purpose; `check_demo` warns about the demo."""
    if not settings.STAFF_SIGNUP or settings.DEBUG or settings.DEMO:
        return []
    return [
        checks.Warning(
            "Anyone can sign up as an admin.",
            hint="Unset STAFF_SIGNUP. `manage.py createsuperuser` creates the first admin, who can add others.",
            id="ticketing.W001",
        )
    ]


MIN_KEY_LENGTH = 32


@checks.register(checks.Tags.security)
def check_encryption_keys(**_: Any) -> list[checks.CheckMessage]:
    errors: list[checks.CheckMessage] = []
    hint = 'Generate one with: python3 -c "import secrets; print(secrets.token_urlsafe(50))"'
    if not settings.ENCRYPTION_KEYS:
        errors.append(
            checks.Error("ENCRYPTION_KEYS is not set. Stored secrets need a key.", hint=hint, id="ticketing.E002")
        )
    elif min(map(len, settings.ENCRYPTION_KEYS)) < MIN_KEY_LENGTH:
        errors.append(
            checks.Error(
                f"A key in ENCRYPTION_KEYS has fewer than {MIN_KEY_LENGTH} characters.", hint=hint, id="ticketing.E003"
            )
        )
    return errors


@checks.register(checks.Tags.security)
def check_audit_log(**_: Any) -> list[checks.CheckMessage]:
    """Refuse a retention that the database would refuse every night (accounts/sql/triggers/keep_audit.sql)."""
    if settings.AUDIT_KEEP_DAYS == 0 or settings.AUDIT_KEEP_DAYS >= 30:
        return []
    message = "AUDIT_KEEP_DAYS must be 0, which keeps the audit log for ever, or at least 30."
    return [checks.Error(message, id="ticketing.E004")]


@checks.register(checks.Tags.security, deploy=True)
def check_demo(**_: Any) -> list[checks.CheckMessage]:
    if not settings.DEMO:
        return []
    return [
        checks.Warning(
            "DEMO is on: anyone can sign up as an admin, cookies are sent unencrypted, and there are no rate limits.",
            hint="Unset DEMO.",
            id="ticketing.W002",
        )
    ]


@checks.register(checks.Tags.database, deploy=True)
def check_database(**_: Any) -> list[checks.CheckMessage]:
    if os.environ.get("DATABASE_URL"):
        return []
    return [
        checks.Warning(
            "The data is in the embedded PostgreSQL, which only runs while Ticketing runs and is not backed up.",
            hint="Set DATABASE_URL.",
            id="ticketing.W003",
        )
    ]


@checks.register(checks.Tags.security, deploy=True)
def check_contracts(**_: Any) -> list[checks.CheckMessage]:
    """Name the contracts that are served. They may well be wanted, so this is not a warning."""
    if not settings.CONTRACTS or settings.IS_LOCAL:
        return []
    return [
        checks.Info(
            f"Contracts that loosen rules are served: {', '.join(settings.CONTRACTS)}.",
            hint='See "Other contracts" in docs/operations.md, and list only those you need in CONTRACTS.',
            id="ticketing.I001",
        )
    ]


@checks.register(checks.Tags.compatibility)
def check_mail(**_: Any) -> list[checks.CheckMessage]:
    """Warn if production cannot send mail. Locally, mail is written to files."""
    warnings: list[checks.CheckMessage] = []
    if settings.IS_LOCAL:
        return warnings
    if not settings.EMAIL_URL and settings.EMAIL_BACKEND == "django.core.mail.backends.smtp.EmailBackend":
        warnings.append(
            checks.Warning(
                "No mail server is configured: mail goes to port 25 of this machine, and is retried if that fails.",
                hint="Set EMAIL_URL, such as smtp+tls://user:password@mail.example.com:587.",
                id="ticketing.W004",
            )
        )
    if settings.MAIL_FROM.endswith("@localhost>") or not settings.SITE_URL:
        warnings.append(
            checks.Warning(
                "The sender of mail or the public URL of this site is missing.",
                hint='Set MAIL_FROM, such as "Ticketing <tickets@example.com>", and SITE_URL.',
                id="ticketing.W005",
            )
        )
    return warnings


@checks.register(checks.Tags.security)
def check_rate_limits(**_: Any) -> list[checks.CheckMessage]:
    errors: list[checks.CheckMessage] = []
    for name in ("RATE_LIMIT", "RATE_LIMIT_SIGN_IN", "RATE_LIMIT_GUEST"):
        try:
            parse(getattr(settings, name))
        except ValueError:
            errors.append(
                checks.Error(
                    f"{name} is not a valid rate limit: {getattr(settings, name)!r}.",
                    hint='Use a value such as "600/minute".',
                    id="ticketing.E001",
                )
            )
    return errors
