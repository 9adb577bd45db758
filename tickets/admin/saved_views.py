"""Saved filters as tabs above the list of tickets. The admin's list has other names for the API's parameters."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import MINYEAR, datetime
from typing import Any, cast

from django.contrib import messages
from django.contrib.admin.views.main import ERROR_FLAG, ORDER_VAR, PAGE_VAR
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST
from rest_framework.exceptions import ValidationError

from accounts.permissions import staff_user
from kit.admin.forms import ServiceAdmin, is_id
from kit.dates import MILLISECOND
from kit.errors import Invalid, Refused
from kit.web.bodies import read_object
from kit.web.query_strings import read_text
from tickets.admin.filters import QUEUE, SEARCH, LabelFilter, SlaFilter
from tickets.models import MAX_FILTER_NAME
from tickets.saved_filters import services
from tickets.saved_filters.serializers import ChangedFilterSerializer, NewFilterSerializer
from tickets.serializers import TicketFilterSerializer

# The API's names of parameters, by the admin's.
API_NAMES = {
    QUEUE: "queue",
    SEARCH: "search",
    SlaFilter.parameter_name: "sla",
    "status__exact": "status",
    "priority__exact": "priority",
    "type__exact": "type",
    "venue__exact": "venue",
    "project__id__exact": "project",
    "assignees__id__exact": "assignee",
    "created_by__id__exact": "createdBy",
}
# One parameter in the admin, separated by commas, and one per label in the API.
LABEL = LabelFilter.parameter_name
CREATED_FROM, CREATED_BEFORE = "created_at__gte", "created_at__lt"
# What the list shows of the tickets, not which.
NOT_SAVED = {ORDER_VAR, PAGE_VAR, ERROR_FLAG}


class NotSavable(Invalid):
    """A filter of the admin's list that the API does not have."""


def to_admin(query: str) -> str:
    """Return the query string of the admin's list for one of a saved filter. The order of tickets is left out."""
    chosen = read_text(TicketFilterSerializer, query)["filter"]
    span = chosen.span
    given = QueryDict(query)
    found = QueryDict(mutable=True)
    for name, name_in_api in API_NAMES.items():
        if value := given.get(name_in_api):
            found[name] = value
    if chosen.queue:
        found[QUEUE] = chosen.queue.value
    if labels := given.getlist(LABEL):
        found[LABEL] = ",".join(labels)
    for name, moment in ((CREATED_FROM, span.starts_at), (CREATED_BEFORE, span.ends_at)):
        if moment:
            found[name] = moment.isoformat()
    return found.urlencode()


def to_api(query: QueryDict) -> str:
    """Return the query string of the API for one of the admin's list.

    :raises NotSavable: the API has no such filter.
    """
    found = QueryDict(mutable=True)
    for name, value in query.items():
        if name in NOT_SAVED or not value:
            continue
        if name == CREATED_FROM:
            found["startDate"] = _moment(name, str(value)).isoformat()
        elif name == CREATED_BEFORE:
            # The API's bound is inclusive.
            found["endDate"] = (_moment(name, str(value)) - MILLISECOND).isoformat()
        elif name == LABEL:
            found.setlist(LABEL, [label.strip() for label in str(value).split(",") if label.strip()])
        elif name in API_NAMES:
            found[API_NAMES[name]] = str(value)
        else:
            raise NotSavable(f'The filter "{name}" cannot be saved')
    return found.urlencode()


def _moment(name: str, value: str) -> datetime:
    try:
        moment = parse_datetime(value)
    except ValueError:
        moment = None
    if moment is None or moment.year == MINYEAR:
        raise NotSavable(f'The value of "{name}" cannot be saved')
    return moment if moment.tzinfo else timezone.make_aware(moment)


class SavedViews(ServiceAdmin):
    """Save the filters of the list as a view, rename views or replace their filters, count and delete them."""

    def get_urls(self) -> list[Any]:
        save = self.admin_site.admin_view(self.keep_view)
        delete = self.admin_site.admin_view(self.delete_saved_view)
        change = self.admin_site.admin_view(self.change_saved_view)
        return [
            path("views/change/", change, name="tickets_ticket_change_view"),
            path("views/", save, name="tickets_ticket_save_view"),
            path("views/<int:filter_id>/delete/", delete, name="tickets_ticket_delete_view"),
            *super().get_urls(),
        ]

    @method_decorator(require_POST)
    def keep_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        shown = request.POST.get("query", "")
        body: dict[str, Any] = {"name": request.POST.get("name", ""), "shared": "shared" in request.POST}
        with self._refusals_as_messages(request, f"View “{body['name'][:MAX_FILTER_NAME]}” not saved."):
            body["query"] = to_api(QueryDict(shown))
            saved = services.create(**read_object(NewFilterSerializer, body), by=staff_user(request))
            self.message_user(request, f"Saved as “{saved.name}”.", messages.SUCCESS)
        return HttpResponseRedirect(f"{self._list()}?{QueryDict(shown).urlencode()}")

    @method_decorator(require_POST)
    def change_saved_view(self, request: HttpRequest) -> HttpResponse:
        """Rename the view `view` and share it or not, or else replace its filters by those that the list shows."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        sent, shown, body = request.POST, request.POST.get("query", ""), {}
        number = sent.get("view", "")
        with self._refusals_as_messages(request, "View not changed."):
            if "name" in sent:
                body = {"name": sent["name"], "shared": "shared" in sent}
            else:
                body = {"query": to_api(QueryDict(shown))}
            values = read_object(ChangedFilterSerializer, body)
            filter_id = int(number) if is_id(number) else 0
            saved = services.update(filter_id=filter_id, by=staff_user(request), **values)
            done = (
                f"Saved as “{saved.name}”." if "name" in body else f"“{saved.name}” now has the filters of this list."
            )
            self.message_user(request, done, messages.SUCCESS)
        return HttpResponseRedirect(f"{self._list()}?{QueryDict(shown).urlencode()}")

    @method_decorator(require_POST)
    def delete_saved_view(self, request: HttpRequest, filter_id: int) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        with self._refusals_as_messages(request, "View not deleted."):
            services.delete(filter_id=filter_id, by=staff_user(request))
            self.message_user(request, "View deleted.", messages.SUCCESS)
        return HttpResponseRedirect(self._list())

    @contextmanager
    def _refusals_as_messages(self, request: HttpRequest, what: str) -> Iterator[None]:
        """Tell the user why something was refused, after the sentence `what`."""
        try:
            yield
        except ValidationError as error:
            for name, faults in cast("dict[str, list[str]]", error.detail).items():
                self.message_user(request, f"{what} {name.capitalize()}: {faults[0]}", messages.ERROR)
        except Refused as refusal:
            self.message_user(request, f"{what} {refusal.message}.", messages.ERROR)

    def _list(self) -> str:
        return reverse("admin:tickets_ticket_changelist")
