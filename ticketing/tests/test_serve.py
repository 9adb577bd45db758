"""`manage.py serve`, as far as it can be tested without starting servers; e2e/ starts them."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from pytest_django import DjangoDbBlocker

from kit.tests.ports import free_port
from kit.tests.template import migrated_database
from ticketing.management.commands import serve

SECONDS = 120


@pytest.mark.django_db
class TestCheckOrigin:
    @staticmethod
    def check() -> None:
        serve.check_origin(MigrationLoader(connection))

    def test_accepts_a_database_of_this_version(self) -> None:
        self.check()

    @pytest.mark.parametrize(("app", "name"), [("accounts", "0002_people"), ("ticketing", "0001_initial")])
    def test_refuses_a_database_with_a_migration_that_is_gone(self, app: str, name: str) -> None:
        MigrationRecorder(connection).record_applied(app, name)

        with pytest.raises(CommandError, match=rf"migration {app}\.{name} is unknown here"):
            self.check()

    def test_accepts_a_migration_that_a_library_has_removed(self) -> None:
        MigrationRecorder(connection).record_applied("axes", "0000_squashed_since")

        self.check()

    @pytest.mark.parametrize(
        ("url", "remedy"), [("", "remove or rename var/"), ("postgres://db/x", "set DATABASE_URL to an empty database")]
    )
    def test_says_what_to_do(self, monkeypatch: pytest.MonkeyPatch, url: str, remedy: str) -> None:
        MigrationRecorder(connection).record_applied("events", "0003_book")
        monkeypatch.setenv("DATABASE_URL", url)

        with pytest.raises(CommandError, match=remedy):
            self.check()

    def test_comes_before_any_migration(self) -> None:
        recorder = MigrationRecorder(connection)
        recorder.record_unapplied("events", "0002_sql")
        recorder.record_applied("events", "0003_book")

        with pytest.raises(CommandError, match=r"events\.0003_book"):
            serve.Command().prepare_database(demo=False)

        assert ("events", "0002_sql") not in recorder.applied_migrations()


class TestCheckPort:
    def test_accepts_a_free_port(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]

        serve.check_port("127.0.0.1", port)

    def test_refuses_a_port_in_use(self) -> None:
        with (
            socket.create_server(("127.0.0.1", 0)) as server,
            pytest.raises(CommandError, match="Try another, such as PORT=8001"),
        ):
            serve.check_port("127.0.0.1", server.getsockname()[1])


class TestAddress:
    @pytest.mark.parametrize(
        ("host", "url"),
        [
            ("127.0.0.1", "http://127.0.0.1:8123"),
            ("0.0.0.0", "http://127.0.0.1:8123"),
            ("::", "http://[::1]:8123"),
            ("::1", "http://[::1]:8123"),
            ("desk.example.com", "http://desk.example.com:8123"),
        ],
    )
    def test_is_reachable_from_this_machine(self, host: str, url: str) -> None:
        assert serve.address(host, 8123) == url


class TestSupervisor:
    def test_loads_no_django(self) -> None:
        """It lives as long as the site does, so that would take 100 MB for nothing."""
        program = "import sys, ticketing.supervisor; print('django' in sys.modules)"

        found = subprocess.run([sys.executable, "-c", program], cwd=settings.BASE_DIR, capture_output=True, check=True)

        assert found.stdout == b"False\n"


@pytest.mark.slow
class TestSiteUrl:
    """Links in mail, without SITE_URL, follow the host and port that the server listens on."""

    @pytest.mark.parametrize(("configured", "host"), [("", "127.0.0.1"), ("https://desk.example.com/", "0.0.0.0")])
    def test_is_where_mail_links_to(
        self, tmp_path: Path, django_db_blocker: DjangoDbBlocker, configured: str, host: str
    ) -> None:
        port = free_port()
        with django_db_blocker.unblock(), migrated_database(f"test_serve_{port}") as url:
            environment = os.environ | {
                "TESTING": "off",
                "DEMO": "on",
                "DATABASE_URL": url,
                "EMAIL_URL": f"filemail:///{tmp_path}/mail",
                "SITE_URL": configured,
            }
            server = subprocess.Popen(
                [sys.executable, "manage.py", "serve", "--host", host, "--port", str(port), "--workers", "1"],
                cwd=settings.BASE_DIR,
                env=environment,
            )
            try:
                self.request_a_password(port)
                links = self.links_in_mail(tmp_path / "mail")
            finally:
                server.send_signal(signal.SIGTERM)
                server.wait(30)

        assert links == {"https://desk.example.com" if configured else f"http://127.0.0.1:{port}"}

    @staticmethod
    def request_a_password(port: int) -> None:
        """Sign up and ask for a mail."""
        person = b'{"name": "Olga", "email": "olga@example.com", "type": "customer", "password": "s3cret-pass"}'
        deadline = time.monotonic() + SECONDS
        for path, body in (("/users", person), ("/auth/password/reset", b'{"email": "olga@example.com"}')):
            while True:
                call = Request(f"http://127.0.0.1:{port}{path}", body, {"Content-Type": "application/json"})
                try:
                    urlopen(call, timeout=10).close()
                    break
                except ConnectionError:
                    pass
                except OSError as error:
                    # urllib wraps a refused connection.
                    if not isinstance(getattr(error, "reason", None), ConnectionError):
                        raise
                assert time.monotonic() < deadline
                time.sleep(0.2)

    @staticmethod
    def links_in_mail(folder: Path) -> set[str]:
        deadline = time.monotonic() + SECONDS
        while not (files := list(folder.glob("*")) if folder.exists() else []):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        return set(re.findall(r"(https?://[^/\s]+)/docs", files[0].read_text()))
