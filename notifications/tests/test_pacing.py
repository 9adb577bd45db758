"""Pauses while the machine is busy."""

import pathlib
import threading
import time

import pytest

from notifications import pacing
from notifications.pacing import Effort


class TestPause:
    def test_is_none_while_the_machine_has_time(self) -> None:
        assert pacing.pause([Effort(ran=0.010, waited=0.002)], seconds=0.030) == 0

    def test_is_six_times_the_work_while_others_need_the_machine(self) -> None:
        assert pacing.pause([Effort(ran=0.010, waited=0.020)], seconds=0.050) == pytest.approx(0.3)

    def test_does_not_follow_from_a_single_slow_batch(self) -> None:
        calm, slow = Effort(ran=0.010, waited=0.002), Effort(ran=0.010, waited=0.010)

        assert pacing.pause([calm, calm, calm, slow], seconds=0.050) == 0
        assert pacing.pause([calm, slow, slow, slow], seconds=0.050) > 0

    def test_is_never_longer_than_half_a_second(self) -> None:
        assert pacing.pause([Effort(ran=0.010, waited=2.0)], seconds=3.0) == 0.5

    def test_is_none_where_the_kernel_does_not_tell(
        self, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pacing, "SCHEDULED", tmp_path / "missing")

        assert pacing.pause([pacing.effort() - pacing.effort()], seconds=1.0) == 0


@pytest.mark.skipif(not pacing.SCHEDULED.exists(), reason="The kernel does not tell.")
class TestEffort:
    def test_is_that_of_the_current_thread(self) -> None:
        found: list[Effort] = []
        before = pacing.effort()
        other = threading.Thread(target=lambda: found.append(spent_on(0.05)))
        other.start()
        other.join()

        assert found[0].ran >= 0.05
        assert (pacing.effort() - before).ran < 0.05


def spent_on(seconds: float) -> Effort:
    """Compute for some seconds, and return what that took."""
    before, ends_at = pacing.effort(), time.thread_time() + seconds
    while time.thread_time() < ends_at:
        pass
    return pacing.effort() - before
