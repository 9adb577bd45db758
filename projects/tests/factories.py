import itertools
from typing import Any

from projects.models import Project

_numbers = itertools.count(1)


def make_project(name: str = "", **fields: Any) -> Project:
    return Project.objects.create(name=name or f"Project {next(_numbers)}", **fields)
