"""`manage.py serve`, as far as it can be tested without starting servers; e2e/ starts them."""

import socket

import pytest
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from ticketing.management.commands import serve


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
