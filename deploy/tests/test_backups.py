"""deploy/backup.sh and restore.sh: what is restored is what was there, and whatever is not is noticed."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import TransactionTestCase
from pytest_django import DjangoDbBlocker

from deploy.tests.conftest import ROOT
from deploy.tests.test_pgbouncer import POOL_SIZE, pgbouncer
from kit.db import configuration, embedded

TOOLS = ("psql", "pg_dump", "pg_restore")


@pytest.fixture(scope="module")
def environment(source: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment with the programs of the server's version in front."""
    programs = tmp_path_factory.mktemp("programs")
    version = subprocess.run(
        [embedded.program("psql"), "-Atc", "SHOW server_version_num", source], check=True, capture_output=True
    )
    for tool in TOOLS:
        candidates = [embedded.program(tool), str(shutil.which(tool))]
        (programs / tool).symlink_to(
            next(found for found in candidates if major(found) == int(version.stdout) // 10_000)
        )
    return {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "KEEP_DAYS": "14"}


def major(program: str) -> int:
    """Return the major version of one of PostgreSQL's programs, 0 if there is none."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    except OSError:
        return 0
    return int(re.findall(r"\d+", done.stdout)[0])


@pytest.fixture(scope="module")
def source(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """Fill the test database with the demo, and yield its URL."""
    with django_db_blocker.unblock():
        call_command("demo", tickets=60, verbosity=0)
        connection.close()
        # Without Django's own options, which libpq does not know.
        yield configuration.connection_url({**settings.DATABASES["default"], "OPTIONS": {}})
        everything = TransactionTestCase()
        everything.serialized_rollback = True
        everything._fixture_teardown()  # type: ignore[attr-defined]


@pytest.fixture
def empty(source: str, environment: dict[str, str]) -> Iterator[str]:
    """Yield the URL of an empty database."""
    name = f"{settings.DATABASES['default']['NAME']}_restored"
    server = source.replace(f"/{settings.DATABASES['default']['NAME']}?", "/postgres?")
    subprocess.run(["psql", "-qc", f'CREATE DATABASE "{name}"', server], env=environment, check=True)
    yield source.replace(f"/{settings.DATABASES['default']['NAME']}?", f"/{name}?")
    subprocess.run(["psql", "-qc", f'DROP DATABASE "{name}" WITH (FORCE)', server], env=environment, check=True)


def run(script: str, argument: Path, url: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / "deploy" / script), str(argument)]
    return subprocess.run(
        command, env={**environment, "DATABASE_URL": url}, capture_output=True, text=True, check=False
    )


@pytest.fixture
def backup(source: str, environment: dict[str, str], tmp_path: Path) -> Path:
    done = run("backup.sh", tmp_path, source, environment)
    assert done.returncode == 0, done.stderr
    (found,) = tmp_path.iterdir()
    return found


class TestBackup:
    def test_can_be_read_by_its_owner_only(self, backup: Path) -> None:
        assert [file.stat().st_mode & 0o077 for file in [backup, *backup.iterdir()]] == [0] * 5

    def test_leaves_nothing_behind_if_it_fails(self, environment: dict[str, str], tmp_path: Path) -> None:
        done = run("backup.sh", tmp_path, "postgres://nobody@127.0.0.1:9/nothing", environment)

        assert done.returncode != 0
        assert list(tmp_path.iterdir()) == []

    def test_deletes_old_ones_only(self, source: str, environment: dict[str, str], tmp_path: Path) -> None:
        for name, days in {"ticketing-old": 20, "ticketing-recent": 3, "other-old": 20}.items():
            folder = tmp_path / name
            folder.mkdir()
            at = folder.stat().st_mtime - days * 24 * 3600
            os.utime(folder, (at, at))

        run("backup.sh", tmp_path, source, environment)

        assert {folder.name for folder in tmp_path.iterdir()} > {"ticketing-recent", "other-old"}
        assert not (tmp_path / "ticketing-old").exists()


class TestSettings:
    """A copy of the scripts with a `.env` next to them, as they are installed."""

    @pytest.fixture
    def installed(self, tmp_path: Path) -> Path:
        shutil.copytree(ROOT / "deploy", tmp_path / "site/deploy", ignore=shutil.ignore_patterns("tests", "cluster"))
        return tmp_path / "site"

    def back_up(self, installed: Path, environment: dict[str, str], **values: str) -> subprocess.CompletedProcess[str]:
        """Run backup.sh with this `.env`."""
        (installed / ".env").write_text("".join(f"{name}={value}\n" for name, value in values.items()))
        (installed / ".env").chmod(0o640)
        own = {name: value for name, value in environment.items() if "DATABASE" not in name}
        command = [str(installed / "deploy/backup.sh"), str(installed / "backups")]
        # Backups are named by the second.
        time.sleep(1)
        return subprocess.run(command, env=own, capture_output=True, text=True, check=False)

    def test_are_kept_apart_from_the_database(self, installed: Path, source: str, environment: dict[str, str]) -> None:
        done = self.back_up(installed, environment, DATABASE_URL=source, ENCRYPTION_KEYS="open-sesame")

        assert done.returncode == 0, done.stderr
        (backup,) = (installed / "backups").iterdir()
        (kept,) = (installed / "backups-settings").iterdir()
        assert (backup / "settings").read_text().strip() == kept.name
        assert "open-sesame" in kept.read_text()
        assert [path.stat().st_mode & 0o077 for path in (kept, kept.parent)] == [0, 0]
        assert not any(b"open-sesame" in file.read_bytes() for file in backup.iterdir())

    def test_are_copied_when_they_change_and_kept_as_long_as_their_backups(
        self, installed: Path, source: str, environment: dict[str, str]
    ) -> None:
        for key in ("old", "old", "new"):
            self.back_up(installed, environment, DATABASE_URL=source, ENCRYPTION_KEYS=key)
        backups = sorted((installed / "backups").iterdir())
        named = [(backup / "settings").read_text().strip() for backup in backups]
        assert named[0] == named[1] < named[2]
        assert sorted(file.name for file in (installed / "backups-settings").iterdir()) == sorted({*named})

        for backup in backups[:2]:
            os.utime(backup, (0, 0))
        self.back_up(installed, environment, DATABASE_URL=source, ENCRYPTION_KEYS="new")

        assert [file.name for file in (installed / "backups-settings").iterdir()] == [named[2]]


class TestPooler:
    """With PgBouncer in transaction mode."""

    @pytest.fixture
    def pooler(self, source: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
        with pgbouncer(tmp_path_factory.mktemp("pgbouncer")) as url:
            yield url

    def works(self, pooler: str) -> bool:
        """Return whether the site finds its tables in every session that the pooler has."""
        command = ["psql", "--no-psqlrc", "-Atc", "SELECT count(*), pg_sleep(0.5) FROM tickets_ticket", pooler]
        several = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(POOL_SIZE)]
        return [each.wait() for each in several] == [0] * POOL_SIZE

    def test_is_passed_by(
        self, pooler: str, source: str, empty: str, environment: dict[str, str], tmp_path: Path
    ) -> None:
        variables = {"DATABASE_POOLER": "on", "WORKER_DATABASE_URL": source}

        done = run("backup.sh", tmp_path, pooler, environment | variables)

        assert done.returncode == 0, done.stderr
        (backup,) = tmp_path.iterdir()
        assert "public.tickets_ticket" in (backup / "rows").read_text()
        assert self.works(pooler)
        # Into the database past the pooler, and not the one of DATABASE_URL, which is full.
        done = run("restore.sh", backup, pooler, environment | variables | {"WORKER_DATABASE_URL": empty})
        assert done.returncode == 0, done.stderr

    def test_is_never_gone_through(self, pooler: str, environment: dict[str, str], tmp_path: Path) -> None:
        done = run("backup.sh", tmp_path, pooler, environment | {"DATABASE_POOLER": "on"})

        assert done.returncode == 1
        assert done.stderr == "DATABASE_URL leads to a pooler. Set WORKER_DATABASE_URL to PostgreSQL itself.\n"
        assert list(tmp_path.iterdir()) == []


class TestRestore:
    def test_brings_everything_back(self, backup: Path, empty: str, environment: dict[str, str]) -> None:
        done = run("restore.sh", backup, empty, environment)

        assert done.returncode == 0, done.stderr
        assert "No faults." in done.stdout
        counts = dict(line.split("|") for line in (backup / "rows").read_text().splitlines())
        assert int(counts["public.tickets_ticket"]) >= 60
        assert f"Restored {sum(map(int, counts.values()))} rows" in done.stdout

    def test_refuses_a_database_that_is_not_empty(self, backup: Path, source: str, environment: dict[str, str]) -> None:
        done = run("restore.sh", backup, source, environment)

        assert done.returncode == 1
        assert "Restore into an empty one." in done.stderr

    def test_refuses_a_damaged_backup(self, backup: Path, empty: str, environment: dict[str, str]) -> None:
        with (backup / "database.dump").open("r+b") as file:
            file.seek(5000)
            file.write(b"damaged")

        assert run("restore.sh", backup, empty, environment).returncode != 0

    def test_notices_missing_rows(self, backup: Path, empty: str, environment: dict[str, str]) -> None:
        rows = (backup / "rows").read_text().replace("public.tickets_comment|", "public.tickets_comment|9")
        (backup / "rows").write_text(rows)
        subprocess.run("sha256sum -- [!S]* > SHA256SUMS", shell=True, cwd=backup, check=True)

        done = run("restore.sh", backup, empty, environment)

        assert done.returncode == 1
        assert "public.tickets_comment" in done.stdout
