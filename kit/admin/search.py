"""Search boxes and autocompletes that search as the API does."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest


class SearchMixin:
    """Mix-in for model admins that search with the `search` method of the QuerySet instead of Django's `icontains`.

    Django shows a search box if `search_fields` names anything; list the fields that `search` looks at.
    """

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        text = search_term.strip()
        return (queryset.search(text) if text else queryset), False  # type: ignore[attr-defined]
