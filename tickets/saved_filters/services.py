"""Use cases that change saved filters, with the acting user as `by`."""

from django.db import IntegrityError, transaction

from accounts.models import User
from kit.db.sql import MAX_ID, violated
from kit.errors import Conflict, Forbidden, Missing
from tickets.models import SavedFilter


class FilterNotFound(Missing):
    message = "Filter not found"


class NotYourFilter(Forbidden):
    message = "Only its owner can change this filter"


class SharingForStaff(Forbidden):
    message = "Only staff can share filters"


class FilterNameTaken(Conflict):
    message = "You already have a filter with this name"


def create(*, name: str, query: str, is_shared: bool = False, by: User) -> SavedFilter:
    """Save a filter. The caller has validated its query string.

    :raises SharingForStaff: `by` is not staff.
    :raises FilterNameTaken: `by` has a filter with this name, regardless of case.
    """
    return _save(SavedFilter(owner=by, name=name, query=query, is_shared=is_shared), by=by)


@transaction.atomic
def update(
    *, filter_id: int, name: str | None = None, query: str | None = None, is_shared: bool | None = None, by: User
) -> SavedFilter:
    """Replace the name and the query string, and share the filter or not. None keeps what it has.

    :raises FilterNotFound, NotYourFilter: `by` cannot see it, or it belongs to somebody else.
    :raises SharingForStaff, FilterNameTaken: as for `create`.
    """
    saved = _lock(filter_id, by=by)
    saved.name = saved.name if name is None else name
    saved.query = saved.query if query is None else query
    saved.is_shared = saved.is_shared if is_shared is None else is_shared
    return _save(saved, by=by)


@transaction.atomic
def delete(*, filter_id: int, by: User) -> None:
    """Delete a filter.

    :raises FilterNotFound, NotYourFilter: as for `update`.
    """
    _lock(filter_id, by=by).delete()


def _lock(filter_id: int, *, by: User) -> SavedFilter:
    readable = SavedFilter.objects.readable_by(by).select_for_update()
    saved = readable.filter(pk=filter_id).first() if filter_id <= MAX_ID else None
    if saved is None:
        raise FilterNotFound
    if saved.owner_id != by.pk:
        raise NotYourFilter
    return saved


def _save(saved: SavedFilter, *, by: User) -> SavedFilter:
    if saved.is_shared and not by.is_staff:
        raise SharingForStaff
    try:
        with transaction.atomic():
            saved.save()
    except IntegrityError as error:
        if violated(error) == "saved_filter_name":
            raise FilterNameTaken(fields={"name": [FilterNameTaken.message]}) from error
        raise
    return saved
