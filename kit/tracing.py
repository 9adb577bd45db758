"""Spans of what a worker sends. They cost nothing unless ticketing/operations/tracing.py has started."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

Attributes = dict[str, Any]
Span = Callable[[str], AbstractContextManager[Attributes]]


def _no_span(name: str) -> AbstractContextManager[Attributes]:
    return nullcontext({})


_begin: Span = _no_span


def span(name: str) -> AbstractContextManager[Attributes]:
    """Return a context manager for what is to be seen in traces. It gives a dict for the span's attributes."""
    return _begin(name)


def use(begin: Span | None) -> None:
    """Let `begin` make the spans; None makes none."""
    global _begin
    _begin = begin or _no_span
