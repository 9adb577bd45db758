"""Lists of what has changed since a time, by any room: `updatedSince`."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, cast

from rest_framework import exceptions, serializers
from rest_framework.request import Request

from kit.db import sql
from kit.web.fields import UtcDateTimeField
from kit.web.paging import CursorField, Page, PageSerializer, encode, fitting, moment, row_id
from kit.web.query_strings import read_query

Row = dict[str, Any]

# Changed records to look at for one page. A caller who may see none of them gets an empty page, and goes on from there.
SCAN = 2_000
BATCH = 1_000
ORDERINGS = ["updatedDate"]
ONLY_SINCE = "Only with updatedSince."
ALONE = "Cannot be combined with updatedSince."


class SinceSerializer(serializers.Serializer[Any]):
    """The parameter, for the query strings of lists that have it."""

    updatedSince = UtcDateTimeField(
        required=False,
        help_text="Changed at or after this time, the least recent change first. Only with `ordering=updatedDate`, "
        "`limit` and `cursor`. A page can be empty and still have a next one.",
    )

    # The query string with it.
    changed: ClassVar[type[serializers.Serializer[Any]]]


class OrderedSinceSerializer(SinceSerializer):
    """For lists without other orders."""

    ordering = serializers.ChoiceField(
        choices=ORDERINGS, required=False, allow_blank=True, help_text="Only with `updatedSince`."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.pop("ordering", "") and "updatedSince" not in attrs:
            raise serializers.ValidationError({"ordering": ONLY_SINCE})
        return attrs


class ChangedSerializer(PageSerializer, OrderedSinceSerializer):
    """The query string of a list with `updatedSince`."""

    updatedSince = UtcDateTimeField()
    cursor = CursorField([moment, row_id])


SinceSerializer.changed = ChangedSerializer


def page(
    kind: str,
    query: Mapping[str, Any],
    find: Callable[[list[int]], Iterable[Row]],
    *,
    prepare: Callable[[list[Row]], object] | None = None,
    texts: Callable[[Row], list[str]] | None = None,
) -> Page[Row]:
    """Return the records of a type that have changed, in the order of their changes.

    `find` returns the rows, with `id`, of those of some records that the caller may see. `texts` as in `paging.page`;
    before, `prepare` is called once with all rows that it may be called for.
    """
    limit, place = query["limit"], query.get("cursor", ("-infinity", 0))
    while sql.prepared("activity/settle", number=BATCH)[0]["taken"] == BATCH:
        pass
    found: list[tuple[Any, Row]] = []
    scanned, has_more = 0, True
    while has_more and len(found) <= limit and scanned < SCAN:
        # Usually the caller may see them all. Otherwise, few statements look at many.
        size = limit + 1 if scanned == 0 else SCAN // 4
        changed = sql.prepared(
            "activity/since", type=kind, since=query["updatedSince"], after=place[0], after_id=place[1], row_limit=size
        )
        scanned, has_more = scanned + len(changed), len(changed) == size
        places = [(change["at"], change["id"]) for change in changed]
        rows = {row["id"]: row for row in find([number for _, number in places])} if places else {}
        found += [(each, rows[each[1]]) for each in places if each[1] in rows]
        place = places[-1] if places else place
    items = [row for _, row in found[:limit]]
    if prepare:
        prepare(items)
    items = fitting(items, texts) if texts else items
    if len(items) < len(found):
        place, has_more = found[len(items) - 1][0], True
    return Page(items, encode(*place) if has_more else None)


def read_changed(shape: type[SinceSerializer], request: Request) -> dict[str, Any]:
    """Return the query string of a list with `updatedSince`.

    :raises ValidationError: it is invalid, or has other parameters of the list.
    """
    try:
        return read_query(shape.changed, request, is_strict=True)
    except exceptions.ValidationError as error:
        detail = cast("dict[str, Any]", error.detail)
        others = shape().fields.keys() & detail.keys() - shape.changed().fields.keys()
        raise exceptions.ValidationError(detail | {name: [ALONE] for name in others}) from error


def has_since(request: Request) -> bool:
    """Return whether a list is asked for what has changed since a time."""
    return "updatedSince" in request.META.get("QUERY_STRING", "") and request.query_params.get("updatedSince", "") != ""
