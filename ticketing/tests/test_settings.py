"""The settings in production and in the demo, each read in its own process."""

import os
import re
import subprocess
import sys
from typing import Any

import orjson
import pytest
from django.conf import settings as configured

from ticketing import checks

KEY = "Xk3-fGq9_LwZ2vTb7Rn5YhJ8sD1mC6pQ0aUeWiOxNzMlKjHgFdSaPoIuYtR4E"
PRODUCTION = {
    "SECRET_KEY": KEY,
    "ENCRYPTION_KEYS": KEY[::-1],
    "ALLOWED_HOSTS": "tickets.example.com",
    "DATABASE_URL": "postgres://unused/unused",
    "EMAIL_URL": "smtp://mail.example.com",
    "MAIL_FROM": "Ticketing <tickets@example.com>",
    "SITE_URL": "https://tickets.example.com",
}
OURS = {
    *("SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "DEBUG", "DEMO", "TESTING", "STAFF_SIGNUP", "RATE_LIMITS"),
    *(
        "RATE_LIMIT",
        "RATE_LIMIT_SIGN_IN",
        "RATE_LIMIT_GUEST",
        "MAX_GUEST_BOOKINGS",
        "MAIL_PER_RECIPIENT",
        "MAIL_PER_CUSTOMER",
        "MAIL_PER_GUEST",
        "REDIS_URL",
        "PROXY_COUNT",
        "CORS_ALLOWED_ORIGINS",
        "LOG_LEVEL",
        "LOG_FORMAT",
    ),
    *("EMAIL_URL", "EMAIL_BACKEND", "MAIL_FROM", "MAIL_TIMEOUT", "SITE_URL", "CONTRACTS", "ADMIN_SECOND_FACTOR"),
    *("TIME_ZONE", "CURRENCY", "ENCRYPTION_KEYS"),
}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name not in OURS}
    return subprocess.run(
        [sys.executable, *arguments],
        env=inherited | {"DJANGO_SETTINGS_MODULE": "ticketing.settings"} | environment,
        cwd=configured.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )


def values(*names: str, **environment: str) -> list[Any]:
    """Return the values of these settings in that environment."""
    program = f"""
import orjson
from django.conf import settings
print(orjson.dumps([getattr(settings, name) for name in {names!r}]).decode())
"""
    finished = run("-c", program, **environment)
    assert finished.returncode == 0, finished.stderr
    read: list[Any] = orjson.loads(finished.stdout)
    return read


@pytest.mark.slow
class TestProduction:
    def test_is_the_default_with_everything_closed(self) -> None:
        names = ("DEBUG", "DEMO", "STAFF_SIGNUP", "RATE_LIMITS", "CORS_ALLOWED_ORIGINS", "PROXY_COUNT", "ALLOWED_HOSTS")

        assert values(*names, **PRODUCTION) == [False, False, False, True, [], 0, ["tickets.example.com"]]
        assert values("CORS_ALLOWED_ORIGIN_REGEXES", **PRODUCTION, DEBUG="on") == [[]]

    @pytest.mark.parametrize(("environment", "required"), [({}, False), ({"ADMIN_SECOND_FACTOR": "on"}, True)])
    def test_can_require_a_second_factor(self, environment: dict[str, str], required: bool) -> None:
        assert values("ADMIN_SECOND_FACTOR", **PRODUCTION | environment) == [required]

    def test_requires_https(self) -> None:
        names = ("SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY")

        assert values(*names, **PRODUCTION) == [True] * 4

    def test_does_not_start_without_a_secret_key(self) -> None:
        finished = run("manage.py", "check", **PRODUCTION | {"SECRET_KEY": ""})

        assert finished.returncode != 0
        assert "SECRET_KEY is not set" in finished.stderr

    @pytest.mark.parametrize(("keys", "fault"), [("", "ticketing.E002"), (f"{KEY},too short", "ticketing.E003")])
    def test_refuses_missing_and_short_encryption_keys(self, keys: str, fault: str) -> None:
        finished = run("manage.py", "check", **PRODUCTION | {"ENCRYPTION_KEYS": keys})

        assert finished.returncode != 0
        assert fault in finished.stderr

    def test_passes_the_deployment_checks(self) -> None:
        finished = run("manage.py", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)

        assert finished.returncode == 0, finished.stderr

    def test_warns_if_mail_cannot_be_sent(self) -> None:
        without = {"EMAIL_URL": "", "SITE_URL": ""}

        finished = run("manage.py", "check", "--fail-level", "WARNING", **PRODUCTION | without)

        assert finished.returncode != 0
        assert "ticketing.W004" in finished.stderr
        assert "ticketing.W005" in finished.stderr

    def test_can_send_mail_through_a_provider(self) -> None:
        postmark = "anymail.backends.postmark.EmailBackend"
        provider = {"EMAIL_URL": "", "EMAIL_BACKEND": postmark, "ANYMAIL_POSTMARK_SERVER_TOKEN": "a token"}

        read = values("EMAIL_BACKEND", "ANYMAIL", **PRODUCTION | provider)

        assert read == [postmark, {"POSTMARK_SERVER_TOKEN": "a token", "REQUESTS_TIMEOUT": 10}]

    @pytest.mark.parametrize("limit", ["MAIL_PER_RECIPIENT", "MAIL_PER_CUSTOMER", "MAIL_PER_GUEST"])
    def test_refuses_a_limit_on_mail_that_lets_nothing_through(self, limit: str) -> None:
        finished = run("manage.py", "check", **PRODUCTION | {limit: "0"})

        assert finished.returncode != 0
        assert f"{limit}" in finished.stderr
        assert "must be at least 1" in finished.stderr

    def test_warns_if_anyone_can_become_an_admin(self) -> None:
        finished = run("manage.py", "check", "--fail-level", "WARNING", **PRODUCTION, STAFF_SIGNUP="on")

        assert finished.returncode != 0
        assert "ticketing.W001" in finished.stderr


@pytest.mark.slow
class TestDemo:
    def test_is_open(self) -> None:
        assert values("STAFF_SIGNUP", "RATE_LIMITS", "DEBUG", **PRODUCTION, DEMO="on") == [True, False, False]

    @pytest.mark.parametrize(
        ("origin", "is_admitted"),
        [
            ("http://localhost:3000", True),
            ("http://127.0.0.1:5173", True),
            ("https://localhost:3000", False),
            ("http://localhost.example.com:3000", False),
            ("http://app.localhost:3000", False),
            ("http://127.0.0.1:5173\n", False),
        ],
    )
    def test_admits_pages_from_other_ports_of_this_machine(self, origin: str, is_admitted: bool) -> None:
        ((pattern,),) = values("CORS_ALLOWED_ORIGIN_REGEXES", **PRODUCTION, DEMO="on")

        assert bool(re.match(pattern, origin)) == is_admitted

    def test_passes_the_checks(self) -> None:
        finished = run("manage.py", "check", "--fail-level", "WARNING", **PRODUCTION, DEMO="on")

        assert finished.returncode == 0, finished.stderr

    def test_fails_the_deployment_checks(self) -> None:
        finished = run("manage.py", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION, DEMO="on")

        assert "ticketing.W002" in finished.stderr


PRINT_VIEW_MODULE = """
import django
django.setup()
from django.urls import resolve
print(resolve("/api/health").func.cls.__module__)
"""


REQUEST_ALL_CONTRACTS = """
import django
django.setup()
import orjson
from django.test import Client
client = Client(SERVER_NAME="tickets.example.com")
paths = ["/login", "/initialize", "/api/v1/booking", "/api/auth/register"]
answers = [client.post(path, {}, content_type="application/json", secure=True) for path in paths]
print(orjson.dumps([(answer.status_code, answer.json().get("code")) for answer in answers]).decode())
"""


@pytest.mark.slow
class TestContracts:
    @pytest.mark.parametrize(("listed", "module"), [("helpdesk", "contracts.helpdesk"), ("ticks", "kit.web.views")])
    def test_are_served_if_listed(self, listed: str, module: str) -> None:
        finished = run("-c", PRINT_VIEW_MODULE, **PRODUCTION, CONTRACTS=listed)

        assert (finished.stdout.strip(), finished.returncode) == (module, 0)

    def test_are_not_served_in_production_unless_listed(self) -> None:
        assert values("CONTRACTS", **PRODUCTION) == [[]]

    @pytest.mark.parametrize("mode", ["DEMO", "DEBUG", "TESTING"])
    def test_are_all_served_elsewhere(self, mode: str) -> None:
        assert values("CONTRACTS", **PRODUCTION, **{mode: "on"}) == [["box_office", "ticks", "helpdesk"]]

    def test_that_are_not_served_leave_their_paths_to_our_own_api(self) -> None:
        finished = run("-c", REQUEST_ALL_CONTRACTS, **PRODUCTION)

        assert orjson.loads(finished.stdout) == [[404, "missing"]] * 4

    @pytest.mark.parametrize("listed", ["box_office", "ticks", "helpdesk", "ticks,helpdesk"])
    def test_that_are_listed_in_production_are_named_by_the_deployment_check(self, listed: str) -> None:
        finished = run("manage.py", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION, CONTRACTS=listed)

        assert finished.returncode == 0, finished.stderr
        assert (
            f"(ticketing.I001) Contracts that loosen rules are served: {listed.replace(',', ', ')}." in finished.stderr
        )

    def test_that_are_unknown_are_refused(self) -> None:
        finished = run("manage.py", "check", **PRODUCTION, CONTRACTS="helpdesk,hepldesk")

        assert finished.returncode != 0
        assert "Unknown in CONTRACTS: hepldesk. Choose from box_office, ticks, helpdesk." in finished.stderr


class TestChecks:
    @pytest.mark.parametrize(
        ("debug", "demo", "warned"), [(False, False, True), (True, False, False), (False, True, False)]
    )
    def test_warn_about_staff_signup_in_production_only(
        self, settings: Any, debug: bool, demo: bool, warned: bool
    ) -> None:
        settings.STAFF_SIGNUP, settings.DEBUG, settings.DEMO = True, debug, demo

        assert bool(checks.check_staff_signup()) == warned

    def test_accept_closed_staff_signup(self, settings: Any) -> None:
        settings.STAFF_SIGNUP = False

        assert not checks.check_staff_signup()

    @pytest.mark.parametrize(("url", "warned"), [("postgres://db.example.com/ticketing", False), ("", True)])
    def test_warn_about_the_embedded_database(self, monkeypatch: pytest.MonkeyPatch, url: str, warned: bool) -> None:
        monkeypatch.setenv("DATABASE_URL", url)

        assert bool(checks.check_database()) == warned

    @pytest.mark.parametrize("limit", ["", "many", "10", "10/fortnight"])
    def test_refuse_an_invalid_rate_limit(self, settings: Any, limit: str) -> None:
        settings.RATE_LIMIT_SIGN_IN = limit

        assert [fault.id for fault in checks.check_rate_limits()] == ["ticketing.E001"]

    @pytest.mark.parametrize(("days", "is_refused"), [(-1, True), (0, False), (1, True), (29, True), (30, False)])
    def test_refuse_to_keep_the_audit_log_for_less_than_a_month(
        self, settings: Any, days: int, is_refused: bool
    ) -> None:
        settings.AUDIT_KEEP_DAYS = days

        assert bool(checks.check_audit_log()) == is_refused

    def test_accept_the_default_rate_limits(self) -> None:
        assert not checks.check_rate_limits()


@pytest.mark.slow
class TestTimeZoneAndCurrency:
    def test_come_from_the_environment(self) -> None:
        assert values("TIME_ZONE", "CURRENCY", **PRODUCTION) == ["UTC", "EUR"]
        assert values("TIME_ZONE", "CURRENCY", **PRODUCTION, TIME_ZONE="Asia/Tokyo", CURRENCY="JPY") == [
            "Asia/Tokyo",
            "JPY",
        ]

    @pytest.mark.parametrize(
        ("name", "text", "message"),
        [("TIME_ZONE", "Mars/Olympus", "Enter an IANA time zone"), ("CURRENCY", "eur", "Enter an ISO 4217 currency")],
    )
    def test_must_be_known(self, name: str, text: str, message: str) -> None:
        finished = run("-c", "from django.conf import settings; settings.DEBUG", **PRODUCTION, **{name: text})

        assert finished.returncode != 0
        assert message in finished.stderr
