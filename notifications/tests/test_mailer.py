"""The tasks of the worker that send mail."""

import asyncio
import time

import pytest

from notifications import mailer


class TestSend:
    def test_stops_even_if_it_is_woken_at_that_moment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As when a worker is stopped just after a change. It would then have run on until it was killed."""
        monkeypatch.setattr(mailer, "_deliver", lambda: mailer.Batch(has_more=False))

        async def stop_when_woken() -> bool:
            woken = asyncio.Event()
            sender = asyncio.create_task(mailer._send(woken))
            # It has nothing to send and waits.
            await asyncio.sleep(0.2)
            woken.set()
            sender.cancel()
            await asyncio.wait([sender], timeout=30)
            return sender.cancelled()

        assert asyncio.run(stop_when_woken())

    def test_pauses_after_a_batch_that_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The machine is busy. Once it is idle, mail leaves without pauses."""
        pauses = iter([0.3, 0.0, 0.0])
        started: list[float] = []

        def deliver() -> mailer.Batch:
            started.append(time.monotonic())
            pause = next(pauses, None)
            return mailer.Batch(has_more=pause is not None, pause=pause or 0)

        monkeypatch.setattr(mailer, "_deliver", deliver)

        async def send() -> None:
            sender = asyncio.create_task(mailer._send(asyncio.Event()))
            await asyncio.sleep(1)
            sender.cancel()
            await asyncio.wait([sender], timeout=30)

        asyncio.run(send())

        first, second, _, fourth = started
        assert second - first >= 0.3
        assert fourth - second < 0.3
