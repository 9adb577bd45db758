"""The next and the previous ticket of the list that the user came from."""

import base64
import copy
from datetime import datetime
from functools import partial
from typing import Any

import orjson
from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import ValidationError
from django.db import DataError, ProgrammingError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.http import urlencode

from kit.admin import neighbours
from kit.web import paging
from tickets.admin.pages import FILTERS, POSITION, TicketPages, ticket_page
from tickets.models import Ticket

NO_MORE = {"next": "That was the last ticket of the list.", "previous": "That was the first ticket of the list."}
# What filters of a made-up query string can raise.
UNREADABLE = (
    *(ValueError, TypeError, OverflowError, IndexError, ValidationError),
    *(DataError, ProgrammingError, IncorrectLookupParameters),
)


class Unread:
    """Mix-in for a list of which no page is read."""

    def get_results(self, request: HttpRequest) -> None:
        """Do nothing."""


class NeighbourPages(TicketPages):
    def get_urls(self) -> list[Any]:
        views = {which: partial(self.neighbour_view, which=which) for which in NO_MORE}
        return [*self.urls_of_ticket(**views), *super().get_urls()]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        listing = super().get_changelist(request, **kwargs)
        return type("UnreadList", (Unread, listing), {}) if hasattr(request, "is_unread") else listing

    def neighbour_view(self, request: HttpRequest, ticket_id: int, which: str) -> HttpResponse:
        """Redirect to the next or the previous ticket, or to the list if there is none."""
        ticket = self.ticket_or_404(request, ticket_id)
        filters = request.GET.get(FILTERS, "")
        try:
            rows = self._rows(request, filters)
            at = _decoded(request.GET.get(POSITION, ""), len(rows.query.order_by)) or neighbours.position(rows, ticket)
            found = neighbours.neighbour(rows, at, is_forward=which == "next")
        except UNREADABLE:
            found = None
        if found is not None:
            return HttpResponseRedirect(ticket_page(found, urlencode({FILTERS: filters} if filters else {})))
        self.message_user(request, NO_MORE[which], messages.INFO)
        return HttpResponseRedirect(f"{reverse('admin:tickets_ticket_changelist')}?{filters}".rstrip("?"))

    def trail(self, request: HttpRequest, ticket: Ticket) -> str:
        """Return the query string that remembers the list, and where in it the page was opened. One query, or none."""
        filters, at = request.GET.get(FILTERS, ""), request.GET.get(POSITION, "")
        try:
            at = at or paging.encode(*map(_encodable, neighbours.position(self._rows(request, filters), ticket)))
        except UNREADABLE:
            at = ""
        return urlencode({name: value for name, value in ((FILTERS, filters), (POSITION, at)) if value})

    def _rows(self, request: HttpRequest, filters: str) -> QuerySet[Ticket]:
        """Return the rows of the list with these filters, in its order."""
        listing_request: Any = copy.copy(request)
        listing_request.method, listing_request.GET, listing_request.is_unread = "GET", QueryDict(filters), True
        rows: QuerySet[Ticket] = self.get_changelist_instance(listing_request).queryset
        return rows


def _encodable(key: Any) -> Any:
    """Return a sort key that a cursor can contain."""
    return key if key is None or isinstance(key, bool | int | float | str | datetime) else str(key)


def _decoded(text: str, length: int) -> list[Any] | None:
    """Return the sort keys of a position, or None if it does not fit the list."""
    try:
        keys = orjson.loads(base64.urlsafe_b64decode(f"{text}=="))
    except ValueError:
        return None
    is_flat = isinstance(keys, list) and not any(isinstance(key, list | dict) for key in keys)
    return keys if is_flat and len(keys) == length else None
