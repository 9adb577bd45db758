"""What `manage.py doctor` looks at, and what to do about what it finds."""

import os
import socket
import ssl
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import pgtrigger
from django.conf import settings
from django.core import checks, mail
from django.core.mail.backends import filebased, smtp
from django.db import DEFAULT_DB_ALIAS, Error, connection
from django.utils import timezone

from accounts import second_factor
from kit.db import routing, sql
from kit.db.configuration import REPLICA, SESSION
from kit.encryption import undecryptable
from kit.replicas import reading
from ticketing.operations import readiness
from webhooks import services as webhooks

OLDEST_POSTGRESQL = 15
# Seconds by which the clocks of this machine and of the database may differ.
MAX_CLOCK_SKEW = 2
# The share of PostgreSQL's connections in use above which new processes may find none free.
BUSY_SHARE = 0.8
SECONDS_TO_ANSWER = 10
# For a notification to arrive, and its channel.
SECONDS_TO_BE_HEARD = 3
CHANNEL = "ticketing_doctor"
MAX_BACKUP_AGE = timedelta(hours=26)
# What happens while these settings of PostgreSQL are off.
LOSES_BOOKINGS = "a crash can lose confirmed bookings"
REQUIRED = {
    "fsync": LOSES_BOOKINGS,
    "full_page_writes": LOSES_BOOKINGS,
    "synchronous_commit": LOSES_BOOKINGS,
    "autovacuum": "the remains of old rows slow everything down",
}


class Verdict(StrEnum):
    GOOD = "✓"
    UNCHECKED = "–"
    FAULT = "✗"


@dataclass(frozen=True)
class Finding:
    """The result of one check, and what to do about it."""

    subject: str
    text: str
    remedy: str = ""
    verdict: Verdict = Verdict.GOOD


def fault(subject: str, text: str, remedy: str) -> Finding:
    return Finding(subject, text, remedy, Verdict.FAULT)


def unchecked(subject: str, remedy: str) -> Finding:
    return Finding(subject, "Not checked", remedy, Verdict.UNCHECKED)


def examine() -> Iterator[Finding]:
    """Run all checks. Without a database, only those that do without it."""
    yield Finding("version", f"Ticketing {settings.VERSION}")
    yield from settings_findings()
    try:
        connection.ensure_connection()
    except Error as error:
        yield fault("database", f"It does not answer: {_line(error)}", "Start PostgreSQL, or correct DATABASE_URL.")
    else:
        for check in WITH_DATABASE:
            yield from check()
    for check in WITHOUT_DATABASE:
        yield from check()


def settings_findings() -> Iterator[Finding]:
    """Yield what `manage.py check` warns about, and in production what `check --deploy` adds."""
    found = checks.run_checks(include_deployment_checks=not settings.IS_LOCAL)
    warnings = [message for message in found if message.level >= checks.WARNING and not message.is_silenced()]
    for warning in warnings:
        yield fault("settings", str(warning.msg), str(warning.hint or f"See {warning.id} in Django's documentation."))
    if not warnings:
        yield Finding("settings", "Checks report no warnings")


def database_findings() -> Iterator[Finding]:
    found = sql.row("ticketing/database_settings")
    version = connection.connection.info.server_version // 10_000
    if version < OLDEST_POSTGRESQL:
        yield fault("database", f"PostgreSQL {version}", f"Upgrade to PostgreSQL {OLDEST_POSTGRESQL} or newer.")
    wrong = [name for name in REQUIRED if found[name] == "off"]
    for name in wrong:
        yield fault("database", f"{name} is off: {REQUIRED[name]}", f"Set {name} = on.")
    yield from session_findings()
    if found["connections"] > BUSY_SHARE * found["max_connections"]:
        yield fault(
            "database",
            f"{found['connections']} of {found['max_connections']} connections are in use",
            "Raise max_connections, or run fewer processes.",
        )
    elif version >= OLDEST_POSTGRESQL and not wrong:
        yield Finding("database", f"PostgreSQL {version}, {found['connections']} connections in use")


def session_findings() -> Iterator[Finding]:
    """Yield which settings of each session are missing, as behind a pooler that does not set them."""
    found = {row["name"]: row["value"] for row in sql.rows("ticketing/session_settings", names=list(SESSION))}
    for name, value in SESSION.items():
        if found[name] != value:
            remedy = "Let the pooler set it in each session, as the connect_query in deploy/pgbouncer.ini does."
            yield fault("database", f"{name} is {found[name] or 'not set'} instead of {value}", remedy)


def schema_findings() -> Iterator[Finding]:
    if readiness.MIGRATIONS in readiness.missing(at=timezone.now()):
        yield fault("migrations", "Some have not been applied", "Run `manage.py migrate`.")
        return
    yield Finding("migrations", "All are applied")
    changed = sql.outdated_functions()
    changed += [
        trigger.get_pgid(model)
        for model, trigger in pgtrigger.registered()
        if trigger.get_installation_status(model) != ("INSTALLED", True)
    ]
    if changed:
        remedy = "They were changed by hand. Find the migration that creates each, and run its SQL again."
        yield fault("functions", f"Different from this version's: {', '.join(changed)}", remedy)
    else:
        yield Finding("functions", "All functions and triggers are this version's")


def clock_findings() -> Iterator[Finding]:
    before = time.time()
    now: datetime = sql.row("ticketing/database_settings")["now"]
    skew = now.timestamp() - (before + time.time()) / 2
    if abs(skew) > MAX_CLOCK_SKEW:
        yield fault(
            "clock",
            f"This machine's is {abs(skew):.0f} seconds {'behind' if skew > 0 else 'ahead of'} the database's",
            "Run an NTP client, such as chrony, on both machines.",
        )
    else:
        yield Finding("clock", "This machine and the database agree")


def listening_findings() -> Iterator[Finding]:
    """Yield whether workers are woken for new jobs and mail, if not through DATABASE_URL."""
    alias = sql.listening_alias()
    if alias == DEFAULT_DB_ALIAS:
        return
    if alias is None:
        text = "Workers look for jobs and mail every few seconds, because they cannot listen through the pooler"
        yield Finding("listening", text, "Set WORKER_DATABASE_URL to wake them at once.")
        return
    remedy = "Point WORKER_DATABASE_URL to the primary itself, not the pooler, with the database of DATABASE_URL."
    try:
        is_heard = sql.is_heard(CHANNEL, seconds=SECONDS_TO_BE_HEARD)
    except Error as error:
        yield fault("listening", f"WORKER_DATABASE_URL cannot be used: {_line(error)}", remedy)
        return
    if is_heard:
        yield Finding("listening", "Notifications reach WORKER_DATABASE_URL")
    else:
        yield fault("listening", "Notifications do not reach WORKER_DATABASE_URL", remedy)


def replica_findings() -> Iterator[Finding]:
    if not settings.REPLICA_URL:
        return
    try:
        with routing.reading_from(REPLICA):
            is_replica = sql.row("ticketing/server")["is_replica"]
    except Error as error:
        remedy = "Start it, or correct REPLICA_URL. Until then, all reads go to the primary."
        yield fault("replica", f"It does not answer: {_line(error)}", remedy)
        return
    if not is_replica:
        yield fault("replica", "REPLICA_URL leads to a primary", "Point it to a streaming replica, and restart.")
        return
    most = settings.REPLICA_MAX_LAG_SECONDS
    # Within that time, a replica that keeps up has what the primary has now.
    lag = reading.lag(patience=most + 1)
    if lag is None or lag > most:
        remedy = "See pg_stat_replication on the primary and the replica's log. Until then, reads use the primary."
        yield fault("replica", f"It is more than {most} seconds behind", remedy)
    else:
        yield Finding("replica", f"It follows the primary within {most} seconds")


def secret_findings() -> Iterator[Finding]:
    """Yield whether what is stored encrypted can be used, before a sign-in or a webhook fails."""
    if not settings.ENCRYPTION_KEYS:
        return
    stored = {"second factors": second_factor.stored_secrets(), "webhooks": webhooks.stored_secrets()}
    lost = {name: undecryptable(secrets) for name, secrets in stored.items()}
    if any(lost.values()):
        counts = ", ".join(f"{number} of {len(stored[name])} for {name}" for name, number in lost.items() if number)
        remedy = "Add the key that they were encrypted with to the end of ENCRYPTION_KEYS."
        yield fault("secrets", f"None of ENCRYPTION_KEYS decrypts {counts}", remedy)
    else:
        yield Finding("secrets", f"ENCRYPTION_KEYS decrypts all {sum(map(len, stored.values()))} that are stored")


def worker_findings() -> Iterator[Finding]:
    at = timezone.now()
    values = {(found["name"], found["label"]): int(found["value"]) for found in sql.rows("ticketing/gauges", at=at)}
    if not values["workers", ""]:
        yield fault("worker", readiness.SENTENCES[readiness.WORKER], "Start `manage.py worker`; see its log.")
    else:
        yield Finding("worker", f"{values['workers', '']} alive, {values['jobs', 'todo']} jobs waiting")
    if failed := values["jobs", "failed"]:
        remedy = "The worker's log has a traceback for each."
        yield fault("jobs", f"{failed} failed", remedy)
    if given_up := values["deliveries", "failed"] + values["deliveries", "dead"]:
        remedy = "See Sent mail in the admin for the reasons, then `manage.py retry_deliveries`."
        yield Finding("mail", f"{given_up} messages were given up", remedy)


def mail_findings() -> Iterator[Finding]:
    backend = mail.get_connection()
    if isinstance(backend, filebased.EmailBackend):
        yield Finding("mail", f"Written to files in {backend.file_path}")
    elif isinstance(backend, smtp.EmailBackend):
        try:
            backend.open()
        except (OSError, ssl.SSLError) as error:
            remedy = "Check EMAIL_URL, and that a firewall lets this machine through."
            yield fault("mail", f"{backend.host}:{backend.port} cannot be used: {_line(error)}", remedy)
        else:
            yield Finding("mail", f"{backend.host}:{backend.port} accepts connections")
        finally:
            with suppress(OSError):
                backend.close()
    else:
        yield unchecked("mail", f"{settings.EMAIL_BACKEND} can only be tried by sending a message.")


def storage_findings() -> Iterator[Finding]:
    try:
        settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.VAR_DIR):
            yield Finding("storage", f"{settings.VAR_DIR} is writable")
    except OSError as error:
        yield fault("storage", _line(error), f"Let the account that runs Ticketing write to {settings.VAR_DIR}.")
    if settings.STATIC_ROOT and not Path(settings.STATIC_ROOT, "staticfiles.json").exists():
        yield fault("static files", "They were not collected", "Run `manage.py collectstatic --noinput`.")


def address_findings() -> Iterator[Finding]:
    """Ask this server under its public address, to see what the proxy makes of a request."""
    if settings.IS_LOCAL or not settings.SITE_URL:
        return
    url = f"{settings.SITE_URL}/readyz"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {settings.METRICS_TOKEN}"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=SECONDS_TO_ANSWER) as response:  # noqa: S310
            answer = orjson.loads(response.read())
    except (OSError, ValueError) as error:
        remedy = "Check SITE_URL, the certificate, and the proxy's log."
        if isinstance(error, urllib.error.HTTPError) and error.code == 503:
            remedy = "The rest of this list says why."
        yield fault("address", f"GET {url}: {_line(error)}", remedy)
        return
    yield Finding("address", f"{settings.SITE_URL} reaches this server")
    seen = answer.get("client")
    if not seen:
        yield unchecked("proxy", "Set METRICS_TOKEN, so that the server can say how requests arrive.")
    elif seen["scheme"] != urlsplit(settings.SITE_URL).scheme:
        remedy = "Let the proxy set X-Forwarded-Proto, and set PROXY_COUNT to the number of proxies."
        yield fault("proxy", f"Requests over {urlsplit(settings.SITE_URL).scheme} arrive as {seen['scheme']}", remedy)
    elif settings.PROXY_COUNT == 0 and seen["address"] in ("127.0.0.1", "::1"):
        remedy = "Let the proxy set X-Forwarded-For, and set PROXY_COUNT. Otherwise, all clients share one rate limit."
        yield fault("proxy", "Requests from outside seem to come from this machine", remedy)
    else:
        yield Finding("proxy", f"A request from this machine arrives from {seen['address']} over {seen['scheme']}")


def rate_limit_findings() -> Iterator[Finding]:
    if not settings.REDIS_URL:
        return
    parts = urlsplit(settings.REDIS_URL)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 6379), timeout=SECONDS_TO_ANSWER).close()
    except OSError as error:
        yield fault("rate limits", f"Redis cannot be reached: {_line(error)}", "Start Redis, or correct REDIS_URL.")
    else:
        yield Finding("rate limits", "Redis can be reached")


def backup_findings() -> Iterator[Finding]:
    if not settings.BACKUP_DIR:
        yield unchecked("backups", "Set BACKUP_DIR to the folder that backups are written to.")
        return
    try:
        newest = max((entry.stat().st_mtime for entry in os.scandir(settings.BACKUP_DIR)), default=None)
    except OSError as error:
        yield fault("backups", _line(error), "Correct BACKUP_DIR.")
        return
    age = timedelta(seconds=time.time() - newest) if newest else None
    if age is None or age > MAX_BACKUP_AGE:
        text = f"The newest is {age.total_seconds() / 3600:.0f} hours old" if age else "There are none"
        yield fault("backups", text, "See the log of the job that writes them.")
    else:
        yield Finding("backups", f"The newest is {age.total_seconds() / 3600:.0f} hours old")


WITH_DATABASE: list[Callable[[], Iterator[Finding]]] = [
    database_findings,
    schema_findings,
    secret_findings,
    clock_findings,
    listening_findings,
    replica_findings,
    worker_findings,
]
WITHOUT_DATABASE: list[Callable[[], Iterator[Finding]]] = [
    mail_findings,
    storage_findings,
    address_findings,
    rate_limit_findings,
    backup_findings,
]


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
