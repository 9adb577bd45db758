"""Reads from a streaming replica. Without REPLICA_URL, nothing here costs anything.

Only views that show something use it, marked with `from_replica`, and exports. Whatever decides about a change, and who
a caller is, is read from the primary. `_outcome` is the only place that decides which of the two is read.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import wraps
from typing import Any, TypeVar

import structlog
from django.conf import settings
from django.db import Error, connections
from django.http import HttpRequest

from kit.db import routing, sql
from kit.db.configuration import REPLICA
from kit.web.address import client_address

logger = structlog.get_logger(__name__)

Result = TypeVar("Result")

# How long to leave a replica alone that has failed. Connecting to one that hangs takes a second.
RETRY_SECONDS = 5
# How long to wait before looking again how far it is behind.
PAUSE_SECONDS = 0.05


class Outcome(StrEnum):
    """Where a read went: to the replica, or to the primary because of something."""

    REPLICA = "replica"
    # The replica does not have the caller's last change yet.
    OWN_CHANGE = "own-change"
    BEHIND = "behind"
    DOWN = "down"


@dataclass
class Progress:
    """How far the replica is behind, in seconds.

    It compares positions in the WAL. PostgreSQL's own timestamps say nothing while nobody writes.
    """

    # The last time at which the primary is known to have written no more than what the replica has by now.
    current_at: float = float("-inf")
    # A position of the primary to wait for, and when it was there.
    awaited: tuple[float, int] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def see(self, *, at: float, written: int, replayed: int) -> float:
        """Return the lag, given the primary's position at this time and the replica's, asked for after it."""
        with self.lock:
            if replayed >= written:
                self.current_at, self.awaited = max(self.current_at, at), None
            elif self.awaited is None or replayed >= self.awaited[1]:
                if self.awaited:
                    self.current_at = max(self.current_at, self.awaited[0])
                self.awaited = at, written
            return at - self.current_at


progress = Progress()
# Called with where each read went, by the metrics.
observers: list[Callable[[Outcome], None]] = []
_down_until = float("-inf")


def read(caller: str, call: Callable[[], Result]) -> Result:
    """Return the result of a call that only reads: from the replica if it is up and recent enough for the caller.

    If that fails, the call is repeated with the primary.
    """
    if not settings.REPLICA_URL:
        return call()
    outcome = _outcome(caller)
    if outcome is Outcome.REPLICA:
        try:
            with routing.reading_from(REPLICA):
                result = call()
        except Error as error:
            _give_up(error)
            outcome = Outcome.DOWN
        else:
            _report(outcome)
            return result
    _report(outcome)
    return call()


def from_replica(view: Callable[..., Result]) -> Callable[..., Result]:
    """Let a view read from the replica. It may run twice, so it must not do anything else."""
    if not settings.REPLICA_URL:
        return view

    @wraps(view)
    def reading(self: Any, request: Any, *args: Any, **kwargs: Any) -> Result:
        query = dict(self.query)

        def call() -> Result:
            # Views take parameters out of it.
            self.query = dict(query)
            return view(self, request, *args, **kwargs)

        return read(caller_of(request), call)

    return reading


def caller_of(request: Any) -> str:
    """Return the name under which a caller's changes are remembered: the user's, or the address's if signed out."""
    user = getattr(request, "user", None)
    return caller_with_id(user.pk) if user and user.is_authenticated else f"address/{client_address(request)}"


def caller_with_id(user_id: int) -> str:
    return f"user/{user_id}"


def remember_changes(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Return middleware that remembers, before it responds, that the caller may have changed something."""

    def middleware(request: HttpRequest) -> Any:
        response = get_response(request)
        if request.method in ("POST", "PUT", "PATCH", "DELETE"):
            try:
                sql.run("replicas/remember", caller=caller_of(request))
            except Error as error:
                # The change is made, so the response has to say so.
                logger.warning("change_not_remembered", error=str(error))
        return response

    return middleware


def lag(*, patience: float) -> float | None:
    """Return how many seconds the replica is behind. None if it does not answer.

    If it seems too far behind, look again for some seconds: what a busy primary writes takes a moment to get there, and
    this process may have looked for the last time long ago.
    """
    until = time.monotonic() + patience
    while found := _positions(caller=""):
        if found[0] <= settings.REPLICA_MAX_LAG_SECONDS or time.monotonic() > until:
            return found[0]
        time.sleep(PAUSE_SECONDS)
    return None


def _outcome(caller: str) -> Outcome:
    if time.monotonic() < _down_until or (found := _positions(caller)) is None:
        return Outcome.DOWN
    seconds, has_own_change = found
    if seconds > settings.REPLICA_MAX_LAG_SECONDS:
        return Outcome.BEHIND
    return Outcome.REPLICA if has_own_change else Outcome.OWN_CHANGE


def _positions(caller: str) -> tuple[float, bool] | None:
    """Return by how many seconds the replica is behind, and whether it has the caller's last change. None if down."""
    at = time.monotonic()
    (primary,) = sql.prepared("replicas/written", caller=caller)
    try:
        with routing.reading_from(REPLICA):
            (replica,) = sql.prepared("replicas/replayed")
    except Error as error:
        _give_up(error)
        return None
    seconds = progress.see(at=at, written=primary["written"], replayed=replica["position"])
    return seconds, replica["position"] >= primary["of_caller"]


def _give_up(error: Error) -> None:
    global _down_until
    _down_until = time.monotonic() + RETRY_SECONDS
    connections[REPLICA].close()
    logger.warning("replica_failed", error=str(error))


def _report(outcome: Outcome) -> None:
    for observe in observers:
        observe(outcome)
