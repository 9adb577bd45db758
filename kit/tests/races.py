"""Several at once, each in a thread and a connection of its own, stopped where they wait for each other."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connection, transaction

from kit.errors import Refused
from projects.tests.psql import psql

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def during(held: Callable[[], Any], *calls: Callable[[], Any]) -> list[Any]:
    """Do `held`, and commit it only when each call, in a thread and a connection of its own, waits for it or has ended.

    Returns what each call returned or was refused by.
    """
    with ThreadPoolExecutor(len(calls)) as pool:
        with transaction.atomic():
            held()
            futures = [pool.submit(apart, call) for call in calls]
            until_all_wait(futures)
        return [future.result() for future in futures]


def together(*calls: Callable[[], Any]) -> list[Any]:
    """Make the calls at the same time. Returns what each returned or was refused by."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(apart, calls))


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each of several threads gets that begin in the same moment; what one of them raises is raised."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            barrier.wait()
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def apart(call: Callable[[], Any]) -> Any:
    """Make the call in this thread, whose connection is closed afterwards."""
    try:
        return call()
    except Refused as refusal:
        return type(refusal)
    finally:
        connection.close()


def until_all_wait(futures: list[Future[Any]]) -> None:
    """Within a transaction: return when each of these calls waits for a lock or has ended."""
    # Whoever waits gives up after three seconds, the limit that the settings set.
    deadline = time.monotonic() + 2.8
    while sum(future.done() for future in futures) + psql(WAITING)[0][0] < len(futures):
        assert time.monotonic() < deadline, "some call neither ends nor waits"
        # In a transaction the numbers stand still unless they are let go.
        psql("SELECT pg_stat_clear_snapshot()")
        time.sleep(0.01)
