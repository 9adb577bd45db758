"""Watching a ticket from its page."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse

from accounts.models import User
from accounts.permissions import staff_user
from kit.admin.forms import ServiceAdmin
from tickets import services
from tickets.models import Ticket, Watch


class WatchPages(ServiceAdmin):
    def get_urls(self) -> list[Any]:
        pages = {"watch": self.watch_view, "unwatch": self.unwatch_view}
        urls = [
            path(f"<int:ticket_id>/{name}/", self.admin_site.admin_view(view), name=f"tickets_ticket_{name}")
            for name, view in pages.items()
        ]
        return [*urls, *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Add whether the user watches the ticket."""
        if ticket := context["original"]:
            context["watching"] = is_watching(ticket, staff_user(request))
        return super().render_change_form(request, context, *args, **kwargs)

    def watch_view(self, request: HttpRequest, ticket_id: int) -> HttpResponse:
        return self._apply(request, ticket_id, services.watch, "You will get the e-mails that assignees get.")

    def unwatch_view(self, request: HttpRequest, ticket_id: int) -> HttpResponse:
        return self._apply(request, ticket_id, services.unwatch, "You no longer watch this ticket.")

    def _apply(self, request: HttpRequest, ticket_id: int, change: Any, message: str) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            try:
                change(ticket_id=ticket_id, by=staff_user(request))
            except services.TicketNotFound as error:
                raise Http404 from error
            self.message_user(request, message, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:tickets_ticket_change", args=[ticket_id]))


def is_watching(ticket: Ticket, user: User) -> bool:
    return Watch.objects.filter(ticket=ticket, user=user).exists()
