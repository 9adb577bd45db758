"""OpenAPI descriptions of the saved filters, as decorators for the views."""

from typing import Any

from kit.openapi.describe import describes, invalid, missing
from kit.web import paging
from tickets.saved_filters import services
from tickets.saved_filters.serializers import (
    NewFilterSerializer,
    ReplacedFilterSerializer,
    SavedFilterPageSerializer,
    SavedFilterQuerySerializer,
    SavedFilterSerializer,
)

NEW_FILTER: dict[str, Any] = {"name": "Urgent in Berlin", "query": "priority=high&venue=Berlin", "shared": True}
FILTER: dict[str, Any] = {"id": 4, **NEW_FILTER}
ANSWER = (SavedFilterSerializer, FILTER)
BAD_QUERY = invalid(query='priority: "urgent" is not a valid choice.')

list_filters = describes(
    "List saved filters",
    name="listFilters",
    more="Your own and those that staff share, ordered by name.",
    query=SavedFilterQuerySerializer,
    answers={200: (SavedFilterPageSerializer, {"items": [FILTER], "nextCursor": None})},
    refusals=[paging.BAD_CURSOR],
)

save_filter = describes(
    "Save a filter",
    name="createFilter",
    more="Names are unique among your own filters, regardless of case.",
    request=(NewFilterSerializer, NEW_FILTER),
    answers={201: ANSWER},
    refusals=[missing("name"), BAD_QUERY, services.SharingForStaff, services.FilterNameTaken],
)

replace_filter = describes(
    "Replace a saved filter",
    name="replaceFilter",
    more="Only its owner can. `shared` keeps its value if omitted.",
    request=(ReplacedFilterSerializer, NEW_FILTER),
    answers={200: ANSWER},
    refusals=[
        missing("name"),
        BAD_QUERY,
        services.FilterNotFound,
        services.NotYourFilter,
        services.SharingForStaff,
        services.FilterNameTaken,
    ],
)

delete_filter = describes(
    "Delete a saved filter",
    name="deleteFilter",
    more="Only its owner can.",
    answers={204: None},
    refusals=[services.FilterNotFound, services.NotYourFilter],
)
