"""Traces with OpenTelemetry: requests, jobs, mail, webhooks, and the statements that each of them runs.

Nothing imports this module unless OTEL_EXPORTER_OTLP_ENDPOINT is set, and only then are its packages needed
(requirements-telemetry.in). The SDK reads the other OTEL_… variables itself.

OpenTelemetry's instrumentation of psycopg wraps cursors, so it would miss the prepared statements, which libpq runs
without one (kit/db/backend/prepared.py). So the connections are told to call `_trace_statement`.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.util import Finalize
from threading import Timer
from typing import Any, cast

from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from opentelemetry import propagate, trace
from opentelemetry.propagators.textmap import Getter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer

from kit import tracing
from kit.db import sql
from kit.db.backend.base import DatabaseWrapper

# The most of a statement that a span holds.
MAX_STATEMENT = 4_000
# For what is left to send when the process ends.
SECONDS_TO_STOP = 3

_tracer: Tracer = trace.NoOpTracer()


def start(processor: SpanProcessor | None = None) -> None:
    """Make spans in this process from now on, and send them to the collector, or to `processor`.

    Call it in the process that is to send them, after the fork: the thread that sends them would not survive one.
    """
    global _tracer
    if not isinstance(_tracer, trace.NoOpTracer):
        return
    attributes = {"service.name": settings.OTEL_SERVICE_NAME, "service.version": settings.VERSION}
    provider = TracerProvider(resource=Resource.create(attributes), shutdown_on_exit=False)
    provider.add_span_processor(processor or _to_collector())
    # Web processes are forked, so they end without `atexit`.
    Finalize(None, provider.shutdown, exitpriority=0)
    _tracer = provider.get_tracer("ticketing", settings.VERSION)
    tracing.use(_span)
    connection_created.connect(_watch)
    for connection in connections.all(initialized_only=True):
        _watch(connection)


def stop() -> None:
    """Make no more spans."""
    global _tracer
    _tracer = trace.NoOpTracer()
    tracing.use(None)
    connection_created.disconnect(_watch)
    for connection in connections.all(initialized_only=True):
        if _trace_statement in connection.execute_wrappers:
            connection.execute_wrappers.remove(_trace_statement)
        cast(DatabaseWrapper, connection).wrap_prepared = None


def _to_collector() -> SpanProcessor:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    class Processor(BatchSpanProcessor):
        """Sends what is left when the process ends, but does not wait long for a collector that is down."""

        def shutdown(self) -> None:
            giving_up = Timer(SECONDS_TO_STOP, self.span_exporter.shutdown)
            giving_up.daemon = True
            giving_up.start()
            super().shutdown()
            giving_up.cancel()

    return Processor(OTLPSpanExporter())


# --- Requests ----------------------------------------------------------------------------------------------------


class _Headers(Getter[Mapping[str, Any]]):
    def get(self, carrier: Mapping[str, Any], key: str) -> list[str] | None:
        value = carrier.get(f"HTTP_{key.upper().replace('-', '_')}")
        return None if value is None else [value]

    def keys(self, carrier: Mapping[str, Any]) -> list[str]:
        return [name.removeprefix("HTTP_").replace("_", "-").lower() for name in carrier if name.startswith("HTTP_")]


HEADERS = _Headers()


def trace_requests(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Return middleware that makes a span of each request, as part of its caller's trace if it names one."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        method = request.method or ""
        span = _tracer.start_span(
            method,
            context=propagate.extract(request.META, getter=HEADERS),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": method, "url.path": request.path, "url.scheme": request.scheme or ""},
        )
        response: HttpResponseBase | None = None
        try:
            with trace.use_span(span, record_exception=False, set_status_on_exception=False):
                response = get_response(request)
            _describe(span, request, response)
        finally:
            if isinstance(response, StreamingHttpResponse):
                response.streaming_content = _traced(iter(response), span)
            else:
                span.end()
        return response

    return middleware


def _describe(span: trace.Span, request: HttpRequest, response: HttpResponseBase) -> None:
    match = request.resolver_match
    if match and match.route:
        span.update_name(f"{request.method} /{match.route}")
        span.set_attribute("http.route", f"/{match.route}")
    span.set_attribute("http.response.status_code", response.status_code)
    span.set_attribute("ticketing.request_id", response.headers.get("X-Request-ID", ""))
    if response.status_code >= 500:
        span.set_status(StatusCode.ERROR)


def _traced(content: Iterable[bytes], span: trace.Span) -> Iterator[bytes]:
    """Yield the content, which another thread sends, within the span of its request. It ends with the last part."""
    parts = iter(content)
    try:
        while True:
            with trace.use_span(span, record_exception=False, set_status_on_exception=False):
                part = next(parts, None)
            if part is None:
                break
            yield part
    finally:
        span.end()


# --- The worker --------------------------------------------------------------------------------------------------


async def trace_job(call_next: Callable[[], Awaitable[Any]], context: Any, _worker: Any) -> Any:
    """Make a span of each job (a middleware of procrastinate)."""
    with _span(context.job.task_name, kind=SpanKind.CONSUMER) as attributes:
        attributes["ticketing.job"] = context.job.id
        return await call_next()


@contextmanager
def _span(name: str, kind: SpanKind = SpanKind.CLIENT) -> Iterator[tracing.Attributes]:
    """Make a span. It has only the type of an exception, because the message may name people."""
    attributes: tracing.Attributes = {}
    with _tracer.start_as_current_span(name, kind=kind, record_exception=False, set_status_on_exception=False) as span:
        try:
            yield attributes
        except Exception as error:
            attributes["error.type"] = type(error).__name__
            span.set_status(Status(StatusCode.ERROR))
            raise
        finally:
            span.set_attributes(attributes)


# --- SQL ---------------------------------------------------------------------------------------------------------


def _watch(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if _trace_statement not in connection.execute_wrappers:
        # Outside of what others add to the statement.
        connection.execute_wrappers.insert(0, _trace_statement)
    cast(DatabaseWrapper, connection).wrap_prepared = _trace_statement


def _trace_statement(execute: Callable[..., Any], statement: Any, params: Any, many: bool, context: Any) -> Any:
    """Make a span of a statement, never with its parameters. Polling for work is part of no trace, and makes none."""
    if not trace.get_current_span().is_recording():
        return execute(statement, params, many, context)
    # psycopg's own objects contain values.
    text = statement if isinstance(statement, str) else ""
    with _span(sql.names.get(text) or text.partition(" ")[0].strip() or "SQL") as attributes:
        attributes["db.system.name"] = "postgresql"
        attributes["db.namespace"] = context["connection"].settings_dict["NAME"]
        attributes["db.query.text"] = text[:MAX_STATEMENT]
        return execute(statement, params, many, context)


# --- Logs --------------------------------------------------------------------------------------------------------


def add_trace_id(_logger: Any, _method: str, line: Any) -> Any:
    """Add the id of the current trace, by which its lines are found (a processor of structlog)."""
    current = trace.get_current_span().get_span_context()
    if current.is_valid:
        line["trace_id"] = trace.format_trace_id(current.trace_id)
    return line
