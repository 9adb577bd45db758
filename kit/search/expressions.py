"""Searching and sorting by folded text. The functions in sql/functions are the only definition of both."""

from typing import Any

from django.contrib.postgres.search import SearchQueryField, SearchVectorField
from django.db import models
from django.db.models import BooleanField, F, Func, Q, Value
from django.db.models.functions import Coalesce


class SortKey(Func):
    """The key that names and titles are sorted by, ignoring accents and case. Ties need a second key."""

    function = "search_sort_key"
    output_field = models.TextField()


class SearchVector(Func):
    """The words of some columns, none of which may be NULL. Stored in a generated column, or only in an index.

    Not a SQL function, which PostgreSQL would inline again for every INSERT.
    """

    template = "search_split(search_fold(%(expressions)s))::tsvector"
    arg_joiner = " || ' ' || "
    output_field = SearchVectorField()


class MarkedVector(SearchVector):
    """The same words, with the marks that search_whole and search_longer need to find them faster."""

    template = "search_marked(search_split(search_fold(%(expressions)s)))::tsvector"


class _Contains(Func):
    arg_joiner = " @@ "
    template = "(%(expressions)s)"
    output_field = BooleanField()


def _query(text: str, *, is_lookup: bool) -> Func:
    return Func(Value(text), Value(is_lookup), function="search_query", output_field=SearchQueryField())


def contains(vector: F | Func, text: str) -> Q:
    """Return the condition that the vector has every word of `text`, by prefix. Text without words matches nothing."""
    others: Any = _Contains(vector, _query(text, is_lookup=False))
    # COALESCE keeps PostgreSQL from using an index for the second condition, which is true if there are no other words.
    return Q(_Contains(vector, _query(text, is_lookup=True))) & Q(Coalesce(others, Value(True)))
