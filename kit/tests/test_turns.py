"""Callers take turns."""

import threading
import time

from kit.web.turns import Turns


class TestTurns:
    def test_alternate_between_callers(self) -> None:
        turns: Turns[str] = Turns()
        for number in range(3):
            turns.put("greedy", f"greedy {number}")
        turns.put("modest", "modest")

        assert [turns.get() for _ in range(4)] == ["greedy 0", "modest", "greedy 1", "greedy 2"]

    def test_are_not_taken_twice_before_the_others(self) -> None:
        turns: Turns[str] = Turns()
        for caller in ("first", "second", "third"):
            turns.put(caller, caller)
        turns.put("first", "first again")

        assert [turns.get() for _ in range(4)] == ["first", "second", "third", "first again"]

    def test_forget_callers_without_jobs(self) -> None:
        turns: Turns[int] = Turns()
        for number in range(1000):
            turns.put(str(number), number)
            turns.get()

        assert not turns.waiting

    def test_wait_for_a_job(self) -> None:
        turns: Turns[str] = Turns()
        found: list[str] = []
        waiting = threading.Thread(target=lambda: found.append(turns.get()), daemon=True)
        waiting.start()
        time.sleep(0.05)

        assert not found
        turns.put("late", "job")
        waiting.join(5)
        assert found == ["job"]

    def test_lose_and_repeat_nothing_with_many_threads(self) -> None:
        turns: Turns[int] = Turns()
        found: list[int] = []
        takers = [threading.Thread(target=lambda: [found.append(turns.get()) for _ in range(500)]) for _ in range(4)]
        for taker in takers:
            taker.start()
        for number in range(2000):
            turns.put(str(number % 7), number)
        for taker in takers:
            taker.join(10)

        assert sorted(found) == list(range(2000))
