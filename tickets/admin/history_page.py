"""The history of a ticket: every change, wherever it was made. Django's own history has only the admin's changes."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from kit.admin.forms import ServiceAdmin
from kit.web import paging
from tickets import queries, readable
from tickets.serializers import HistoryQuerySerializer


class HistoryPage(ServiceAdmin):
    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show one page of the history. An invalid cursor shows the first one."""
        response = super().history_view(request, object_id, extra_context)
        if isinstance(response, TemplateResponse) and response.context_data:
            ticket = response.context_data["object"]
            query = HistoryQuerySerializer(data=request.GET)
            (before_id,) = query.validated_data.get("cursor", [None]) if query.is_valid() else [None]
            found = queries.history(ticket_id=ticket.pk, before_id=before_id, limit=paging.MAX_LIMIT + 1)
            page = paging.page(found, limit=paging.MAX_LIMIT, key=lambda item: (item.id,), texts=queries.Item.texts)
            response.context_data["items"] = list(readable.items(page.items))
            response.context_data["older"] = page.nextCursor
        return response
