"""Unreadable requests to the admin get a page with status 400 or 404, and busy rows 503, instead of a 500.

The text of readable ones is composed (NFC).
"""

from collections.abc import Callable
from typing import Any

import structlog
from django.apps import apps
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import BadRequest, FieldDoesNotExist, ValidationError
from django.db import DataError, OperationalError, ProgrammingError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.defaults import bad_request

from kit.errors import Busy
from kit.text import composed
from kit.web.problems import SQLSTATES_OF_BUSY

logger = structlog.get_logger(__name__)

# No column can hold the value.
UNSTORABLE = (DataError, OverflowError)
# What lookups such as `id__range=1` or `ip_address__in=abc` raise once the list runs its query.
UNREADABLE = (ValueError, TypeError, IndexError, ProgrammingError)


class UnreadableRequestMiddleware:
    """Refuse odd ids and fields in requests to the admin; the API validates its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, *_: Any) -> None:
        """Check what the admin's views look up without checking it themselves.

        :raises Http404, BadRequest: the view would fail.
        """
        page = request.resolver_match and request.resolver_match.view_name
        if page == "admin:view_on_site" or (page == "admin:autocomplete" and not _names_relation(request.GET)):
            # No model has a page outside the admin that the first could redirect to.
            raise Http404
        if hasattr(view, "model_admin"):
            _check_ids(request.POST.getlist(ACTION_CHECKBOX_NAME), view.model_admin.model)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return error_page(request, exception)


class ComposedTextMiddleware:
    """Compose the text (NFC) of forms and query strings; the API's fields do this for its input."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.GET, request.POST = _composed(request.GET), _composed(request.POST)  # type: ignore[assignment]
        return self.get_response(request)


def _composed(parameters: QueryDict) -> QueryDict:
    copy = QueryDict(mutable=True, encoding=parameters.encoding)
    for name, values in parameters.lists():
        copy.setlist(name, [composed(value) for value in values])
    copy._mutable = False
    return copy


def error_page(request: HttpRequest, error: Exception) -> HttpResponse | None:
    """Return a page for errors that a request to the admin can cause, and None for others.

    Values that no column can hold or no filter can read are 400. A row that stays locked is 503: going back keeps what
    was filled in.
    """
    if isinstance(error, UNSTORABLE) or (_is_filtered_list(request) and isinstance(error, UNREADABLE)):
        logger.warning("unreadable_request", exc_info=error)
        return bad_request(request, error)
    is_locked = isinstance(error, OperationalError) and getattr(error.__cause__, "sqlstate", None) in SQLSTATES_OF_BUSY
    if is_locked or isinstance(error, Busy):
        context = {"status": 503, "title": "Service Unavailable", "message": Busy.message}
        page = render(request, "pages/error.html", context, status=503)
        page["Retry-After"] = str(Busy.retry_after)
        return page
    return None


def _is_filtered_list(request: HttpRequest) -> bool:
    page = request.resolver_match
    return bool(request.GET) and page is not None and str(page.url_name).endswith("_changelist")


def _names_relation(query: QueryDict) -> bool:
    """Return whether the query names a field that refers to another model, as autocompletes do."""
    try:
        model = apps.get_model(query.get("app_label", ""), query.get("model_name", ""))
        field = model._meta.get_field(query.get("field_name", ""))
    except (LookupError, FieldDoesNotExist):
        return False
    # Reverse relations and plain fields do not have it.
    return hasattr(field, "get_limit_choices_to")


def _check_ids(ids: list[str], model: Any) -> None:
    for each in ids:
        try:
            model._meta.pk.clean(each, None)
        except ValidationError as error:
            raise BadRequest("Unreadable id") from error
