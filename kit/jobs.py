"""Queue a task of another room by its name, so that the rooms need not import each other."""

from typing import Any

from procrastinate.contrib.django import app


def defer(task: str, **arguments: Any) -> None:
    """Queue a job in the caller's transaction: it runs after the commit, and never after a rollback."""
    app.configure_task(task).defer(**arguments)
