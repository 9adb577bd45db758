"""Ids for rows that are loaded with COPY, which need them in advance."""

from django.db.models import Model


def next_id(model: type[Model]) -> int:
    """Return the id after the largest one in use."""
    newest = model._default_manager.order_by("-pk").values_list("pk", flat=True).first()
    return (newest or 0) + 1
