"""What `manage.py check` says of the settings; `--deploy` says more of what is about to meet the world."""

import os
from typing import Any

from django.conf import settings
from django.core import checks
from limits import parse


@checks.register(checks.Tags.security)
def staff_signup_is_closed(**_: Any) -> list[checks.CheckMessage]:
    """The demo is open on purpose, as document 000 has it, and tells of itself in the deployment's checks."""
    if not settings.STAFF_SIGNUP or settings.DEBUG or settings.DEMO:
        return []
    return [
        checks.Warning(
            "Anybody can sign up as an admin.",
            hint="Unset STAFF_SIGNUP; `manage.py createsuperuser` makes the first admin, who makes the others.",
            id="ticketing.W001",
        )
    ]


@checks.register(checks.Tags.security, deploy=True)
def demo_is_off(**_: Any) -> list[checks.CheckMessage]:
    if not settings.DEMO:
        return []
    return [
        checks.Warning(
            "DEMO is on: anybody can sign up as an admin, cookies travel without encryption, nothing is rate limited.",
            hint="Unset DEMO.",
            id="ticketing.W002",
        )
    ]


@checks.register(checks.Tags.database, deploy=True)
def database_is_a_server_of_its_own(**_: Any) -> list[checks.CheckMessage]:
    if os.environ.get("DATABASE_URL"):
        return []
    return [
        checks.Warning(
            "The data is in the embedded PostgreSQL, which runs only while Ticketing does and which nobody backs up.",
            hint="Set DATABASE_URL.",
            id="ticketing.W003",
        )
    ]


@checks.register(checks.Tags.compatibility)
def mail_has_a_way_out(**_: Any) -> list[checks.CheckMessage]:
    """In production; elsewhere mails are files."""
    found: list[checks.CheckMessage] = []
    if settings.IS_LOCAL:
        return found
    if not settings.EMAIL_URL and settings.EMAIL_BACKEND == "django.core.mail.backends.smtp.EmailBackend":
        found.append(
            checks.Warning(
                "No mail server is set, so mails go to port 25 of this machine, and wait if nobody listens there.",
                hint="Set EMAIL_URL, as in smtp+tls://user:password@mail.example.com:587.",
                id="ticketing.W004",
            )
        )
    if settings.MAIL_FROM.endswith("@localhost>") or not settings.SITE_URL:
        found.append(
            checks.Warning(
                "Mails do not say whom they are from, or where this server is found.",
                hint='Set MAIL_FROM, as in "Ticketing <tickets@example.com>", and SITE_URL.',
                id="ticketing.W005",
            )
        )
    return found


@checks.register(checks.Tags.security)
def rate_limits_are_readable(**_: Any) -> list[checks.CheckMessage]:
    found: list[checks.CheckMessage] = []
    for name in ("RATE_LIMIT", "RATE_LIMIT_SIGN_IN"):
        try:
            parse(getattr(settings, name))
        except ValueError:
            found.append(
                checks.Error(
                    f"{name} is no rate limit: {getattr(settings, name)!r}.",
                    hint='Write it as "600/minute".',
                    id="ticketing.E001",
                )
            )
    return found
