"""Constraints that call a function with the whole row.

PostgreSQL parses the text of every CHECK constraint again for each statement that writes to the table. It keeps the
plan of a function, so a table that is written often has one call instead of many conditions.
"""

from collections.abc import Sequence
from typing import Any

from django.db.models import BooleanField, Func
from django.db.models.constraints import CheckConstraint


class RowConstraint(CheckConstraint):
    """A CHECK constraint by a function in `<app>/sql/functions/`, which takes the row and returns whether it is valid.

    A function that checks several rules raises `check_violation` with the name of the broken one as the constraint.
    """

    def __init__(self, *, function: str, table: str, name: str) -> None:
        self.function, self.table = function, table
        call = Func(template="%(function)s(%(table)s)", function=function, table=table, output_field=BooleanField())
        super().__init__(condition=call, name=name)

    def validate(self, *args: Any, **kwargs: Any) -> None:
        """Leave the check to the database: before it is written, there is no row to pass."""

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        path, args, kwargs = super().deconstruct()
        del kwargs["condition"]
        return path, args, kwargs | {"function": self.function, "table": self.table}
