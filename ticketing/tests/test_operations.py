"""Whether the server is ready, what it tells Prometheus, and what `manage.py doctor` finds."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import orjson
import pgtrigger
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.test_second_factor import set_up
from kit.db import sql
from projects.tests.psql import psql
from ticketing.operations import doctor, readiness
from ticketing.tests.server import Client, served
from webhooks.tests.factories import make_webhook

ROOT: Path = settings.BASE_DIR
TOKEN = "token-of-prometheus"
SEEN = "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - %(age)s * interval '1 second')"


@pytest.fixture
def worker(db: None) -> None:
    psql(SEEN, age=5)


@pytest.mark.django_db
class TestReadiness:
    def test_is_ready_with_a_worker(self, worker: None, anonymous: APIClient, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(1):
            answer = anonymous.get("/readyz")

        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})

    def test_names_a_worker_that_was_last_seen_too_long_ago(self, anonymous: APIClient) -> None:
        psql(SEEN, age=121)

        answer = anonymous.get("/readyz")

        assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
        assert answer.json()["errors"] == [{"field": "worker", "message": "No worker has been seen for 2 minutes"}]
        assert answer.headers["Retry-After"]

    def test_names_a_migration_that_was_not_applied(self, worker: None, anonymous: APIClient) -> None:
        psql("DELETE FROM django_migrations WHERE app = 'events' AND name LIKE '0001%%'")

        assert [fault["field"] for fault in anonymous.get("/readyz").json()["errors"]] == ["migrations"]

    @pytest.mark.django_db(transaction=True)
    def test_names_a_database_that_does_not_answer(self, anonymous: APIClient, monkeypatch: Any) -> None:
        connection.close()
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
            monkeypatch.setitem(connection.settings_dict, "PORT", str(closed.getsockname()[1]))

            answer = anonymous.get("/readyz")

        assert answer.status_code == 503
        assert [fault["field"] for fault in answer.json()["errors"]] == ["database"]

    def test_tells_who_asks_with_the_token_how_the_request_arrived(
        self, worker: None, anonymous: APIClient, settings: Any
    ) -> None:
        settings.METRICS_TOKEN = TOKEN

        answer = anonymous.get("/readyz", HTTP_AUTHORIZATION=f"Bearer {TOKEN}")

        assert answer.json() == {"status": "ok", "client": {"address": "127.0.0.1", "scheme": "http"}}


@pytest.mark.django_db
class TestMetrics:
    def test_do_not_exist_without_a_token(self, anonymous: APIClient, settings: Any) -> None:
        settings.METRICS_TOKEN = ""

        assert anonymous.get("/metrics", HTTP_AUTHORIZATION="Bearer ").status_code == 404

    @pytest.mark.parametrize("sent", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer \xff"])
    def test_need_the_token(self, anonymous: APIClient, settings: Any, sent: str) -> None:
        settings.METRICS_TOKEN = TOKEN

        assert anonymous.get("/metrics", HTTP_AUTHORIZATION=sent).status_code == 401

    def test_read_the_database_in_three_statements(self, django_assert_num_queries: Any) -> None:
        from ticketing.operations import metrics

        with django_assert_num_queries(3):
            text = metrics.exposition(at=timezone.now()).decode()

        assert "ticketing_database_up 1.0" in text
        assert 'ticketing_deliveries{state="dead"} 0.0' in text
        assert 'ticketing_webhook_deliveries{state="failed"} 0.0' in text


@pytest.mark.slow
@pytest.mark.usefixtures("django_db_setup")
class TestServedMetrics:
    @pytest.fixture
    def port(self) -> Iterator[int]:
        with served(workers=2, METRICS_TOKEN=TOKEN) as port:
            yield port

    def test_count_the_requests_of_all_processes(self, port: int) -> None:
        def ask(line: str) -> int:
            with Client(port) as client:
                return client.request(line).status

        lines = ["GET /tickets/7", "GET /tickets/8", "GET /nothing/9", "POST /events/99999/bookings"] * 15
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(ask, lines))
        with Client(port) as client:
            text = client.request("GET /metrics", authorization=f"Bearer {TOKEN}").body.decode()

        name = "ticketing_request_duration_seconds_count"
        assert f'{name}{{method="GET",route="/tickets/<int:ticket_id>",status="401"}} 30.0' in text
        assert f'{name}{{method="GET",route="unknown",status="404"}} 15.0' in text
        assert re.search(r'ticketing_refusals_total{code="\w+",route="/events/<int:event_id>/bookings"} 15.0', text)
        assert "ticketing_database_up 1.0" in text

    def test_belong_to_the_server_not_to_what_started_it(self) -> None:
        # A parent may end, as a script does. The next process that counts deletes what ended processes have left.
        code = "import os, django; django.setup(); from ticketing.operations.metrics import FOLDER"
        code += "; print(FOLDER.name, os.getpid())"
        variables = {**os.environ, "METRICS_TOKEN": TOKEN, "DJANGO_SETTINGS_MODULE": "ticketing.settings"}

        def load() -> list[str]:
            command = [sys.executable, "-c", code]
            ran = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=True)
            return ran.stdout.split()

        folder, process = load()
        assert folder == process
        assert (settings.METRICS_DIR / folder).exists()
        load()
        assert not (settings.METRICS_DIR / folder).exists()


def findings(subject: str) -> list[doctor.Finding]:
    return [finding for finding in doctor.examine() if finding.subject == subject]


@pytest.mark.django_db
class TestDoctor:
    @pytest.fixture(autouse=True)
    def triggers(self, db: None) -> None:
        """Turn on the triggers that tests turn off to empty tables (conftest.py)."""
        pgtrigger.enable()

    @pytest.fixture(autouse=True)
    def durable(self, monkeypatch: Any) -> None:
        """The embedded server that tests start is not durable (kit/db/embedded.py)."""
        monkeypatch.setattr(doctor, "REQUIRED", {})

    @pytest.fixture
    def report(self) -> str:
        output = StringIO()
        try:
            call_command("doctor", stdout=output)
        except CommandError as error:
            output.write(str(error))
        return output.getvalue()

    def test_finds_no_fault(self, worker: None, report: str) -> None:
        assert "✗" not in report
        assert report.endswith("No faults.\n")

    def test_names_the_version(self, report: str, settings: Any) -> None:
        assert report.startswith(f"✓ version: Ticketing {settings.VERSION}.\n")

    def test_says_what_to_do_without_a_worker(self, report: str) -> None:
        assert "✗ worker: No worker has been seen for 2 minutes.\n    Start `manage.py worker`" in report
        assert report.endswith("1 fault found.")

    def test_names_triggers_that_are_off(self, worker: None) -> None:
        psql("ALTER TABLE tickets_ticket DISABLE TRIGGER USER")

        (finding,) = findings("functions")

        assert finding.verdict is doctor.Verdict.FAULT
        assert "pgtrigger_record_change" in finding.text

    def test_names_settings_that_lose_data(self, monkeypatch: Any) -> None:
        monkeypatch.setattr(doctor, "REQUIRED", {"synchronous_commit": doctor.LOSES_BOOKINGS})
        psql("SET LOCAL synchronous_commit = off")

        assert [(finding.verdict, finding.text) for finding in findings("database")] == [
            (doctor.Verdict.FAULT, "synchronous_commit is off: a crash can lose confirmed bookings")
        ]

    def test_names_what_a_pooler_does_not_set(self) -> None:
        psql("SET LOCAL lock_timeout = 0")

        faults = [finding for finding in findings("database") if finding.verdict is doctor.Verdict.FAULT]

        assert [finding.text for finding in faults] == ["lock_timeout is 0 instead of 3s"]

    def test_leaves_functions_as_they_are(self) -> None:
        psql("CREATE OR REPLACE FUNCTION events_is_entering() RETURNS boolean AS 'SELECT true' LANGUAGE sql")

        assert "events_is_entering()" in sql.outdated_functions()
        assert "events_is_entering()" in sql.outdated_functions()

    def test_notices_a_mail_server_that_does_not_answer(self, settings: Any) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9

        (finding,) = findings("mail")

        assert finding.verdict is doctor.Verdict.FAULT
        assert "127.0.0.1:9 cannot be used" in finding.text

    def test_finds_secrets_whose_key_is_missing(self, settings: Any, admin: User, agent: User) -> None:
        set_up(agent)
        make_webhook(by=admin)
        assert [finding.text for finding in findings("secrets")] == ["ENCRYPTION_KEYS decrypts all 12 that are stored"]

        settings.ENCRYPTION_KEYS = ["a key under which nothing was encrypted, ever"]
        make_webhook(by=admin)

        (finding,) = findings("secrets")
        assert finding.verdict is doctor.Verdict.FAULT
        assert finding.text == "None of ENCRYPTION_KEYS decrypts 11 of 11 for second factors, 1 of 2 for webhooks"

    @pytest.mark.parametrize(("hours", "verdict"), [(1, "✓"), (27, "✗"), (None, "✗")])
    def test_looks_for_a_recent_backup(self, settings: Any, tmp_path: Path, hours: int | None, verdict: str) -> None:
        settings.BACKUP_DIR = str(tmp_path)
        if hours:
            at = (timezone.now() - timedelta(hours=hours)).timestamp()
            (tmp_path / "backup").touch()
            os.utime(tmp_path / "backup", (at, at))

        assert [finding.verdict for finding in findings("backups")] == [verdict]


class TestDeploymentFiles:
    def test_name_only_metrics_that_exist(self) -> None:
        """Rules and dashboards fail silently if a metric is misspelt."""
        from ticketing.operations import metrics

        known = {f"ticketing_{name}" for name in metrics.GAUGES} | {"ticketing_database_up", "ticketing_refusals_total"}
        known |= {f"ticketing_replica_{name}" for name in ("reads_total", "up", "lag_seconds", "max_lag_seconds")}
        known |= {f"ticketing_request_duration_seconds_{part}" for part in ("bucket", "count", "sum")}
        for file in ("prometheus/alerts.yml", "grafana/ticketing.json"):
            used = set(re.findall(r"ticketing_\w+", (ROOT / "deploy" / file).read_text()))
            assert used, file
            assert used <= known

    def test_alerts_are_explained_in_the_guide(self) -> None:
        alerts = re.findall(r"alert: (\w+)", (ROOT / "deploy/prometheus/alerts.yml").read_text())
        incidents = (ROOT / "docs/operations.md").read_text().split("## Incidents")[1].split("\n### ")[0]

        assert sorted(re.findall(r"`(Ticketing\w+)`", incidents)) == sorted(alerts)

    def test_dashboard_names_routes_that_exist(self) -> None:
        from django.urls import resolve

        panels = orjson.loads((ROOT / "deploy/grafana/ticketing.json").read_bytes())["panels"]
        routes = {
            route
            for panel in panels
            for target in panel["targets"]
            for route in re.findall('route="(.*?)"', target["expr"])
        }

        assert routes == {f"/{resolve('/events/7/bookings').route}"}

    @pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
    @pytest.mark.parametrize("arguments", [["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]])
    def test_rules_pass_promtool(self, arguments: list[str]) -> None:
        subprocess.run(["promtool", *arguments], cwd=ROOT / "deploy/prometheus", check=True, capture_output=True)


def test_readiness_knows_every_migration() -> None:
    """It lists files rather than importing them, which must come to the same."""
    from django.db.migrations.loader import MigrationLoader

    loader = MigrationLoader(None, ignore_no_migrations=True)

    assert {f"{app}.{name}" for app, name in loader.disk_migrations} == readiness._on_disk()


@pytest.mark.django_db(transaction=True)
def test_doctor_goes_on_without_a_database(monkeypatch: Any) -> None:
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
    monkeypatch.setitem(connection.settings_dict, "PORT", "9")

    (finding,) = findings("database")

    assert finding.remedy == "Start PostgreSQL, or correct DATABASE_URL."
