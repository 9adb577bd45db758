"""Jobs that one room leaves for another, by the name of the task: neither imports the other."""

from typing import Any

from procrastinate.contrib.django import app


def defer(task: str, **arguments: Any) -> None:
    """Queue a job in the caller's transaction: it runs once that commits, and never if it does not."""
    app.configure_task(task).defer(**arguments)
