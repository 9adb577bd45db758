"""A queue in which callers take turns, so that one with many requests does not keep the others waiting."""

import threading
from collections import OrderedDict, deque
from queue import SimpleQueue
from typing import Generic, TypeVar

Job = TypeVar("Job")


class Turns(Generic[Job]):
    """Jobs of one caller run in order. The next turn goes to the caller who has waited longest for one."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiting: OrderedDict[str, deque[Job]] = OrderedDict()
        # One item per job, so that `get` can wait for one.
        self.arrivals: SimpleQueue[None] = SimpleQueue()

    def put(self, caller: str, job: Job) -> None:
        with self.lock:
            self.waiting.setdefault(caller, deque()).append(job)
        self.arrivals.put(None)

    def get(self) -> Job:
        """Wait for a job and return it."""
        self.arrivals.get()
        with self.lock:
            caller, jobs = self.waiting.popitem(last=False)
            job = jobs.popleft()
            if jobs:
                self.waiting[caller] = jobs
            return job
