"""Receivers on this machine, to which webhooks may go in these tests unless they say otherwise."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from webhooks.tests.receivers import Receiver

StartReceiver = Callable[[], Receiver]


@pytest.fixture(autouse=True)
def private_addresses(settings: Any) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = True


@pytest.fixture
def start_receiver() -> Iterator[StartReceiver]:
    started: list[Receiver] = []

    def start() -> Receiver:
        started.append(Receiver())
        return started[-1]

    yield start
    for receiver in started:
        receiver.stop()


@pytest.fixture
def receiver(start_receiver: StartReceiver) -> Receiver:
    return start_receiver()
