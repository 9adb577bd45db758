"""Watching a ticket from its page."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect

from accounts.models import User
from accounts.permissions import staff_user
from tickets import services
from tickets.admin.pages import TicketPages, ticket_page
from tickets.models import Ticket, Watch


class WatchPages(TicketPages):
    def get_urls(self) -> list[Any]:
        return [*self.urls_of_ticket(watch=self.watch_view, unwatch=self.unwatch_view), *super().get_urls()]

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
        return HttpResponseRedirect(ticket_page(ticket_id))


def is_watching(ticket: Ticket, user: User) -> bool:
    return Watch.objects.filter(ticket=ticket, user=user).exists()
