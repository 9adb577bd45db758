"""Queued jobs, run in the test's own process."""

from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob


def run_jobs(*task_names: str) -> None:
    """Run the queued jobs of these tasks, oldest first, found by name as a worker does. The jobs stay queued."""
    for job in ProcrastinateJob.objects.filter(task_name__in=task_names, status="todo").order_by("id"):
        app.tasks[job.task_name](**job.args)
