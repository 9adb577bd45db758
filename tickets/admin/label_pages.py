"""Suggestions for fields of labels as you type (kit/static/kit/labels.js)."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from kit.admin.forms import ServiceAdmin
from tickets import queries
from tickets.models import MAX_LABEL, MAX_LABELS
from tickets.models.label import normalized

MAX_SUGGESTIONS = 8


class LabelPages(ServiceAdmin):
    def get_urls(self) -> list[Any]:
        labels = self.admin_site.admin_view(self.labels_view)
        return [path("labels/", labels, name="tickets_ticket_labels"), *super().get_urls()]

    def labels_view(self, request: HttpRequest) -> HttpResponse:
        """Return labels that begin with `start`, with their numbers of tickets, except those in `given`."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        start = "".join(normalized([request.GET.get("start", "").replace("\x00", "")[: MAX_LABEL + 1]]))
        given = request.GET.get("given", "").replace("\x00", "").split(",")[: 2 * MAX_LABELS]
        found = queries.label_suggestions(start=start, without=normalized(given), limit=MAX_SUGGESTIONS)
        return JsonResponse({"labels": found})
