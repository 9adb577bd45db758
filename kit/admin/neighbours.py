"""The row before or after a position in a sorted list, found by its sort keys: as fast far down as at the top."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import F, Model, Q, QuerySet
from django.db.models.expressions import OrderBy


def position(rows: QuerySet[Any], row: Model) -> list[Any]:
    """Return the sort keys of a row, which need not be in the list. One query."""
    keys = _keys(rows)
    everywhere = rows.model._base_manager.filter(pk=row.pk).annotate(**_annotations(keys))
    return list(everywhere.values_list(*_annotations(keys)).get())


def neighbour(rows: QuerySet[Any], at: Sequence[Any], *, is_forward: bool) -> Any | None:
    """Return the key of the row that comes after these sort keys, or before them, or None. One query."""
    rows = rows.prefetch_related(None).select_related(None)
    keys = _keys(rows)
    found = (rows if is_forward else rows.reverse()).annotate(**_annotations(keys))
    condition = Q()
    for number in reversed(range(len(keys))):
        beyond, level = _beyond(rows.model, keys, number, at[number], is_forward=is_forward)
        condition = beyond | (level & condition) if condition else beyond
    # Implied by the condition, and the only part of it that an index can start from.
    beyond, level = _beyond(rows.model, keys, 0, at[0], is_forward=is_forward)
    return found.filter(beyond | level, condition).values_list("pk", flat=True).first()


def _keys(rows: QuerySet[Any]) -> list[OrderBy]:
    return [_key(term) for term in rows.query.order_by]


def _key(term: Any) -> OrderBy:
    if isinstance(term, str):
        return OrderBy(F(term.lstrip("-")), descending=term.startswith("-"))
    return term if isinstance(term, OrderBy) else term.asc()


def _annotations(keys: Sequence[OrderBy]) -> dict[str, Any]:
    return {f"sort_key_{number}": key.expression for number, key in enumerate(keys)}


def _beyond(model: type[Model], keys: Sequence[OrderBy], number: int, value: Any, *, is_forward: bool) -> tuple[Q, Q]:
    """Return what selects the rows beyond a sort key, and those level with it."""
    key, name = keys[number], f"sort_key_{number}"
    is_rising = key.descending != is_forward
    # PostgreSQL puts NULL last in ascending order unless told otherwise.
    nulls_come_last = bool(key.nulls_last) or not (key.descending or key.nulls_first)
    nulls_are_beyond = nulls_come_last == is_forward
    if value is None:
        return (Q(pk__in=[]) if nulls_are_beyond else Q(**{f"{name}__isnull": False})), Q(**{f"{name}__isnull": True})
    beyond = Q(**{f"{name}__{'gt' if is_rising else 'lt'}": value})
    if nulls_are_beyond and _is_nullable(model, key):
        beyond |= Q(**{f"{name}__isnull": True})
    return beyond, Q(**{name: value})


def _is_nullable(model: type[Model], key: OrderBy) -> bool:
    name = getattr(key.expression, "name", "")
    try:
        return name != "pk" and bool(model._meta.get_field(name).null)
    except FieldDoesNotExist:
        return True
