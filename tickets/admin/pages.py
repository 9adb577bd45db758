"""What the pages of one ticket share."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, QueryDict
from django.urls import path, reverse
from django.utils.http import urlencode

from accounts.permissions import staff_user
from kit.admin.forms import ServiceAdmin
from tickets.models import Ticket

# The query string of the list that a page was opened from, as in the links of the admin's lists.
FILTERS = "_changelist_filters"
# Where in that list the page was opened. Kept while the ticket is changed, which can move it or take it off the list.
POSITION = "at"


class TicketPages(ServiceAdmin):
    def urls_of_ticket(self, **views: Any) -> list[Any]:
        """Return the URL pattern of each of these views of a ticket."""
        return [
            path(f"<int:ticket_id>/{name}/", self.admin_site.admin_view(view), name=f"tickets_ticket_{name}")
            for name, view in views.items()
        ]

    def ticket_or_404(self, request: HttpRequest, ticket_id: int, *related: str) -> Ticket:
        """Return the ticket, with these related rows, for a page that changes it.

        :raises PermissionDenied, Http404: the user may not change tickets; there is no such ticket.
        """
        if not self.has_change_permission(request):
            raise PermissionDenied
        tickets = Ticket.objects.visible_to(staff_user(request)).filter(pk=ticket_id)
        ticket = (tickets.select_related(*related) if related else tickets).first()
        if ticket is None:
            raise Http404
        return ticket

    def trail(self, request: HttpRequest, ticket: Ticket) -> str:
        """Return the query string by which the page remembers the list that it was opened from."""
        raise NotImplementedError


def columns(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a form as the services take them, with ids in place of rows."""
    return {
        f"{name}_id" if isinstance(value, Model) else name: value.pk if isinstance(value, Model) else value
        for name, value in values.items()
    }


def trail_of(query: QueryDict) -> str:
    """Return what a page of the ticket passes on to the next one."""
    return urlencode({name: value for name in (FILTERS, POSITION) if (value := query.get(name))})


def ticket_page(ticket_id: Any, trail: str = "", anchor: str = "") -> str:
    url = reverse("admin:tickets_ticket_change", args=[ticket_id])
    return f"{url}{trail and f'?{trail}'}{anchor and f'#{anchor}'}"
