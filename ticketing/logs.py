"""Structured logs: readable lines locally, JSON in production."""

import sys
from typing import Any

import structlog


def configure(*, level: str, is_local: bool) -> dict[str, Any]:
    """Configure structlog, and return Django's `LOGGING`."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": "structlog.stdlib.ProcessorFormatter",
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(is_local)],
                "foreign_pre_chain": shared,
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


def _renderers(is_local: bool) -> list[structlog.types.Processor]:
    if not is_local:
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    # structlog's default tracebacks print local variables, including passwords.
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
