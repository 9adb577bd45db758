"""Structured logs, one line each: readable lines locally, JSON in production."""

import json
import sys
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog

from kit.web.request_id import request_id

FORMATS = ("console", "json")


def add_fields(_logger: Any, method: str, line: structlog.types.EventDict) -> structlog.types.EventDict:
    """Add the level, the time and the id of the request. structlog's own processors take several times as long."""
    line["level"] = "error" if method == "exception" else method
    line["timestamp"] = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    if own_id := request_id.get():
        line["request_id"] = own_id
    return line


def configure(*, level: str, line_format: str, has_traces: bool) -> dict[str, Any]:
    """Configure structlog, and return Django's `LOGGING`.

    Our own loggers write to stderr directly, because every request logs a line and the standard library takes several
    times as long. Those of libraries go through it, and look the same.
    """
    added: list[structlog.types.Processor] = [add_fields]
    if has_traces:
        from ticketing.operations.tracing import add_trace_id

        added.append(add_trace_id)
    renderers = _renderers(line_format)
    # Unbuffered: one `write` per line, so that lines of several threads and processes do not mix.
    stderr = open(2, "wb", buffering=0, closefd=False)  # noqa: SIM115
    structlog.configure(
        processors=[*added, *renderers, _as_bytes],
        logger_factory=structlog.BytesLoggerFactory(stderr),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": "structlog.stdlib.ProcessorFormatter",
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers, _as_text],
                "foreign_pre_chain": added,
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Repeats our request line, and would log stack traces twice.
            "django.request": {"level": "CRITICAL"},
            "axes": {"level": "WARNING"},
            # Below WARNING, logs every job, and every task on startup.
            "procrastinate": {"level": "WARNING"},
        },
    }


def _renderers(line_format: str) -> list[structlog.types.Processor]:
    if line_format == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_json)]
    # structlog's default tracebacks print local variables, including passwords.
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]


def _json(line: Any, **options: Any) -> bytes:
    try:
        return orjson.dumps(line, **options)
    except TypeError:
        # A lone surrogate or a huge number: logging must not fail because of what is logged.
        return json.dumps(line, **options).encode()


def _as_bytes(_logger: Any, _method: str, line: Any) -> bytes:
    return line if isinstance(line, bytes) else str(line).encode(errors="backslashreplace")


def _as_text(_logger: Any, _method: str, line: Any) -> str:
    return line.decode() if isinstance(line, bytes) else str(line)
