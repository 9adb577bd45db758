"""Conditions on text, for constraints."""

from django.db import models
from django.db.models import Func
from django.db.models.constraints import CheckConstraint


class IsComposed(Func):
    """Whether a text is in Unicode's composed form; see `kit.text.composed`."""

    template = "(%(expressions)s IS NFC NORMALIZED)"
    arity = 1
    output_field = models.BooleanField()


def composed_constraint(column: str, *, name: str) -> CheckConstraint:
    """Return a constraint that the column's text is composed, so that equal text has equal characters."""
    return CheckConstraint(condition=IsComposed(column), name=name)
