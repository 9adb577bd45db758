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
    bound = _bound(rows.model, keys[0], at[0], is_forward=is_forward)
    return found.filter(bound, condition).values_list("pk", flat=True).first()


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
    if value is None:
        is_beyond = Q(pk__in=[]) if _nulls_are_beyond(key, is_forward) else Q(**{f"{name}__isnull": False})
        return is_beyond, Q(**{f"{name}__isnull": True})
    beyond = Q(**{f"{name}__{'gt' if key.descending != is_forward else 'lt'}": value})
    if _nulls_are_beyond(key, is_forward) and _is_nullable(model, key):
        beyond |= Q(**{f"{name}__isnull": True})
    return beyond, Q(**{name: value})


def _bound(model: type[Model], key: OrderBy, value: Any, *, is_forward: bool) -> Q:
    """Return a range of the first sort key that has all rows beyond the position."""
    if value is None or (_nulls_are_beyond(key, is_forward) and _is_nullable(model, key)):
        return Q()
    return Q(**{f"sort_key_0__{'gte' if key.descending != is_forward else 'lte'}": value})


def _nulls_are_beyond(key: OrderBy, is_forward: bool) -> bool:
    # PostgreSQL puts NULL last in ascending order unless told otherwise.
    nulls_come_last = bool(key.nulls_last) or not (key.descending or key.nulls_first)
    return nulls_come_last == is_forward


def _is_nullable(model: type[Model], key: OrderBy) -> bool:
    name = getattr(key.expression, "name", "")
    try:
        return name != "pk" and bool(model._meta.get_field(name).null)
    except FieldDoesNotExist:
        return True
