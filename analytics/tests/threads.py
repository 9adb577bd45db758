"""Threads with database connections of their own."""

import threading
from collections.abc import Callable

from django.db import connection


def start_thread(work: Callable[[], object]) -> threading.Thread:
    """Start `work` in a thread, and close the thread's connection afterwards."""

    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread
