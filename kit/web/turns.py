"""A queue in which callers take turns, so that one with many requests does not keep the others waiting."""

import threading
from collections import OrderedDict, deque
from queue import SimpleQueue
from typing import Generic, TypeVar

Job = TypeVar("Job")


# Whose turns the requests with a credential take, by the `Authorization` headers that were accepted lately.
_owners: dict[str, str] = {}
MAX_OWNERS = 10_000


def remember_owner(credential: str, user_id: int) -> None:
    """Have requests with this credential take the turns of its user, who may have several."""
    if credential not in _owners:
        if len(_owners) >= MAX_OWNERS:
            _owners.clear()
        _owners[credential] = f"user {user_id}"


def owner_of(credential: str) -> str:
    """Return the user of a credential if it was accepted lately; otherwise the credential, as an owner of its own."""
    return _owners.get(credential, credential)


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
