"""Run calls concurrently, each in a thread with its own connection."""

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
    """Run `held` in a transaction, and commit it once each call waits for its locks or has ended.

    Return the calls' results, with the class of the error for a call that was refused.
    """
    with ThreadPoolExecutor(len(calls)) as pool:
        with transaction.atomic():
            held()
            futures = [pool.submit(apart, call) for call in calls]
            until_all_wait(futures)
        return [future.result() for future in futures]


def together(*calls: Callable[[], Any]) -> list[Any]:
    """Run the calls concurrently. Return their results, with the class of the error for a call that was refused."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(apart, calls))


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Start the calls at the same moment and return their results. Any exception propagates."""
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
    """Run the call, close this thread's connection, and return the result or the class of a refusal."""
    try:
        return call()
    except Refused as refusal:
        return type(refusal)
    finally:
        connection.close()


def until_all_wait(futures: list[Future[Any]]) -> None:
    """Return once each of these calls waits for a lock or has ended. Call this inside a transaction."""
    # Calls give up after the three seconds of lock_timeout in the settings.
    deadline = time.monotonic() + 2.8
    while sum(future.done() for future in futures) + psql(WAITING)[0][0] < len(futures):
        assert time.monotonic() < deadline, "a call neither ends nor waits"
        # Inside a transaction, pg_stat_activity is cached until the snapshot is cleared.
        psql("SELECT pg_stat_clear_snapshot()")
        time.sleep(0.01)
