"""Requests, jobs, mail and webhooks make spans with OTEL_EXPORTER_OTLP_ENDPOINT, and nothing without it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from django.conf import settings as configured
from django.db import connection
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.factories import PASSWORD
from kit.db import configuration, sql
from notifications.tests.smtp import wait_until
from projects.tests.factories import make_project
from ticketing import middleware
from ticketing.tests.server import Client as RawClient
from ticketing.tests.server import reserved_port, served
from tickets.models import Ticket
from tickets.tests.factories import assign, make_ticket
from webhooks.tests.factories import make_webhook
from webhooks.tests.receivers import Receiver

pytest.importorskip("opentelemetry.sdk", reason="requirements-telemetry.txt is not installed.")

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ticketing.operations import tracing

SignedIn = Callable[[User], APIClient]
TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"


class Spans:
    """The spans that have ended."""

    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self.exporter = exporter

    def __iter__(self) -> Iterator[ReadableSpan]:
        return iter(self.exporter.get_finished_spans())

    def named(self, name: str) -> ReadableSpan:
        (only,) = (span for span in self if span.name == name)
        return only

    def within(self, parent: ReadableSpan) -> list[str]:
        return [span.name for span in self if span.parent and span.parent.span_id == parent.context.span_id]


@pytest.fixture
def spans(settings: Any) -> Iterator[Spans]:
    settings.MIDDLEWARE = ["ticketing.operations.tracing.trace_requests", *middleware.ALL]
    exporter = InMemorySpanExporter()
    tracing.start(SimpleSpanProcessor(exporter))
    yield Spans(exporter)
    tracing.stop()


@pytest.fixture
def ticket(owner: User) -> Ticket:
    return make_ticket(owner)


@pytest.mark.django_db
class TestRequest:
    def test_has_a_span_named_after_its_route(
        self, spans: Spans, signed_in: SignedIn, owner: User, ticket: Ticket
    ) -> None:
        answer = signed_in(owner).get(f"/tickets/{ticket.pk}?fields=id")

        span = spans.named("GET /tickets/<int:ticket_id>")
        assert span.attributes == {
            "http.request.method": "GET",
            "http.route": "/tickets/<int:ticket_id>",
            "http.response.status_code": answer.status_code,
            "url.path": f"/tickets/{ticket.pk}",
            "url.scheme": "http",
            "ticketing.request_id": answer["X-Request-ID"],
        }

    def test_contains_the_statements_of_the_api(
        self, spans: Spans, signed_in: SignedIn, owner: User, ticket: Ticket
    ) -> None:
        """Among them those that libpq runs without psycopg's cursor."""
        signed_in(owner).get(f"/tickets/{ticket.pk}")

        assert "tickets/ticket" in spans.within(spans.named("GET /tickets/<int:ticket_id>"))
        span = spans.named("tickets/ticket")
        assert span.attributes is not None
        assert span.attributes["db.query.text"] == sql.text("tickets/ticket")[: tracing.MAX_STATEMENT]

    def test_contains_the_statements_of_a_write_and_of_pages(
        self, spans: Spans, signed_in: SignedIn, owner: User, ticket: Ticket, client: Client, admin: User
    ) -> None:
        signed_in(owner).patch(f"/tickets/{ticket.pk}", {"title": "Changed"}, format="json")
        client.force_login(admin)
        client.get("/admin/")

        assert "UPDATE" in spans.within(spans.named("PATCH /tickets/<int:ticket_id>"))
        assert "SELECT" in spans.within(spans.named("GET /admin/"))

    def test_of_a_stream_ends_with_it(self, spans: Spans, signed_in: SignedIn, admin: User, ticket: Ticket) -> None:
        response = signed_in(admin).get("/tickets/export")
        assert not [span for span in spans if span.name.startswith("GET ")]

        b"".join(response.streaming_content)  # type: ignore[attr-defined]

        assert "tickets/by_created_at_desc" in spans.within(spans.named("GET /tickets/export"))

    def test_goes_on_with_the_trace_of_its_caller(self, spans: Spans, anonymous: APIClient) -> None:
        with structlog.testing.capture_logs([tracing.add_trace_id]) as lines:
            anonymous.get("/auth/me", HTTP_TRACEPARENT=TRACEPARENT)

        span = spans.named("GET /auth/me")
        assert f"{span.context.trace_id:032x}" == TRACE
        assert span.parent is not None
        assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
        assert [line["trace_id"] for line in lines if line["event"] == "request_finished"] == [TRACE]

    def test_never_tells_parameters(self, spans: Spans, anonymous: APIClient, owner: User) -> None:
        anonymous.post("/auth/login?hint=sesame", {"email": owner.email, "password": PASSWORD}, format="json")
        anonymous.post("/users", {"name": "Nora", "email": owner.email, "password": PASSWORD}, format="json")

        told = " ".join(span.to_json() for span in spans)
        assert "POST /auth/login" in told
        for secret in (owner.email, PASSWORD, "Nora", "sesame"):
            assert secret not in told


@pytest.mark.django_db
class TestStatement:
    def test_outside_of_a_span_makes_none(self, spans: Spans) -> None:
        User.objects.count()

        assert list(spans) == []

    def test_that_fails_has_only_the_type_of_its_error(self, spans: Spans, owner: User) -> None:
        with tracing._span("a job"), pytest.raises(Exception, match="unique"):
            User.objects.create(email=owner.email, name="Twin")

        span = spans.named("INSERT")
        assert span.attributes is not None
        assert span.attributes["error.type"] == "IntegrityError"
        assert not span.status.is_ok
        assert owner.email not in span.to_json()


class TestOff:
    PROGRAM = "import sys, ticketing.rsgi; print([name for name in sys.modules if 'opentelemetry' in name])"
    WITHOUT_PACKAGES = """
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "opentelemetry" else found(name, *more)
import ticketing.rsgi
"""

    def run(self, program: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        everything = os.environ | {"DATABASE_URL": "postgres://unused/unused", **environment}
        command = [sys.executable, "-c", program]
        return subprocess.run(
            command, env=everything, cwd=configured.BASE_DIR, capture_output=True, text=True, check=False
        )

    def test_imports_nothing(self) -> None:
        assert self.run(self.PROGRAM).stdout == "[]\n"
        assert "opentelemetry.sdk" in self.run(self.PROGRAM, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1").stdout

    def test_on_without_the_packages_is_an_error_that_says_so(self) -> None:
        assert self.run(self.WITHOUT_PACKAGES).returncode == 0

        run = self.run(self.WITHOUT_PACKAGES, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1")

        assert "Install requirements-telemetry.txt." in run.stderr


class Collector(Receiver):
    """An OpenTelemetry collector that takes spans over HTTP."""

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def spans(self) -> list[tuple[str, str, str]]:
        """Return the service, the process and the name of each span received."""
        found = []
        for received in [*self.received]:
            for resource in ExportTraceServiceRequest.FromString(received.body).resource_spans:
                attributes = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
                names = [span.name for scope in resource.scope_spans for span in scope.spans]
                found += [(attributes["service.name"], attributes["service.instance.id"], name) for name in names]
        return found

    def names(self) -> set[str]:
        return {name for _, _, name in self.spans()}


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.stop()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestProcesses:
    def environment(self, collector: Collector) -> dict[str, str]:
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
            "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
            "OTEL_SERVICE_NAME": "desk",
            "OTEL_BSP_SCHEDULE_DELAY": "200",
        }

    def test_of_the_web_server_each_send_their_spans(self, collector: Collector) -> None:
        def instances() -> set[str]:
            return {instance for _, instance, name in collector.spans() if name == "GET /readyz"}

        with served(workers=2, **self.environment(collector)) as port:

            def ask() -> bool:
                with RawClient(port) as client:
                    client.request("GET /readyz")
                return len(instances()) == 2

            wait_until(ask)

        assert {service for service, _, _ in collector.spans()} == {"desk"}
        assert "ticketing/readiness" in collector.names()

    def test_of_the_web_server_send_what_is_left_when_they_stop(self, collector: Collector) -> None:
        late = self.environment(collector) | {"OTEL_BSP_SCHEDULE_DELAY": "60000"}
        with served(**late) as port, RawClient(port) as client:
            client.request("GET /nothing")
            assert collector.names() == set()

        assert "GET" in collector.names()

    def test_stop_in_time_without_a_collector(self) -> None:
        with reserved_port() as unused:
            environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{unused}", "LOG_LEVEL": "CRITICAL"}
            with served(**environment) as port:
                with RawClient(port) as client:
                    client.request("GET /nothing")
                began = time.monotonic()

        assert time.monotonic() - began < tracing.SECONDS_TO_STOP + 2

    def test_of_the_worker_send_spans_of_jobs_mail_and_webhooks(
        self, collector: Collector, admin: User, owner: User, assignee: User, settings: Any, tmp_path: Path
    ) -> None:
        settings.WEBHOOK_ALLOW_PRIVATE = True
        receiver = Receiver()
        make_webhook(receiver.url, by=admin, events=["project.*"])
        environment = self.environment(collector) | {
            "EMAIL_URL": f"filemail:///{tmp_path}",
            "DATABASE_URL": configuration.connection_url(connection.settings_dict),
            "WEBHOOK_ALLOW_PRIVATE": "on",
        }
        command = [sys.executable, "manage.py", "worker"]
        worker = subprocess.Popen(command, cwd=configured.BASE_DIR, env={**os.environ, **environment})
        try:
            make_project("Website")
            ticket = make_ticket(owner)
            assign(ticket, assignee)
            sent = {"send webhook", "send mail", "kit.tasks.retry_stalled_jobs"}
            wait_until(lambda: sent <= collector.names())
        finally:
            worker.terminate()
            worker.wait()
            receiver.stop()
