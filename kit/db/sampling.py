"""Samples of rows, chosen by a hash of their ids, which unlike the ids themselves has no pattern."""

from django.db import models
from django.db.models import Func


class IsSampled(Func):
    """Whether a row is in the sample of one in 16. A condition of indexes from which statements read samples."""

    template = "((hashint8(%(expressions)s) & 15) = 0)"
    arity = 1
    output_field = models.BooleanField()
