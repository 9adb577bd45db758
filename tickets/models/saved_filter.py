"""Filters of the ticket list that somebody saved under a name."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Trim, Upper
from django.db.models.lookups import Exact

from accounts.models import User
from kit.db.text import composed_constraint
from kit.search.expressions import SortKey

MAX_FILTER_NAME, MAX_FILTER_QUERY = 100, 2_000


class SavedFilterQuerySet(models.QuerySet["SavedFilter"]):
    def readable_by(self, user: User) -> Self:
        """Select the user's own filters and those that anybody shares."""
        return self.filter(Q(owner=user) | Q(is_shared=True))


class SavedFilter(models.Model):
    """A named query string of the ticket list, with the parameters of the API."""

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_filters", db_index=False)
    name = models.CharField(max_length=MAX_FILTER_NAME)
    query = models.TextField(max_length=MAX_FILTER_QUERY)
    is_shared = models.BooleanField(default=False, db_default=False)

    objects = SavedFilterQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index("owner", SortKey("name"), "id", name="saved_filter_own"),
            models.Index(SortKey("name"), "id", condition=Q(is_shared=True), name="saved_filter_shared"),
        ]
        constraints = [
            models.UniqueConstraint("owner", Upper("name"), name="saved_filter_name"),
            models.CheckConstraint(condition=~Exact(Trim("name"), ""), name="saved_filter_has_name"),
            composed_constraint("name", name="saved_filter_name_composed"),
        ]

    def __str__(self) -> str:
        return self.name
