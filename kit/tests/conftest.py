"""Fixtures that several tests of the ground floor use."""

from collections.abc import Iterator

import pytest

from kit.web import throttling


@pytest.fixture
def fresh_rate_limits() -> Iterator[None]:
    """Start with nothing counted, and leave nothing counted for other tests."""
    throttling.counter.cache_clear()
    yield
    throttling.counter.cache_clear()
