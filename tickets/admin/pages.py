"""What the pages of one ticket share."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, QueryDict
from django.urls import reverse
from django.utils.http import urlencode

from accounts.permissions import staff_user
from kit.admin.forms import ServiceAdmin
from tickets.models import Ticket

# The query string of the list that a page was opened from, as in the links of the admin's lists.
FILTERS = "_changelist_filters"
# Where in that list the page was opened. Kept while the ticket is changed, which can move it or take it off the list.
POSITION = "at"


class TicketPages(ServiceAdmin):
    def ticket_or_404(self, request: HttpRequest, ticket_id: int) -> Ticket:
        """Return the ticket for a page that changes it.

        :raises PermissionDenied, Http404: the user may not change tickets; there is no such ticket.
        """
        if not self.has_change_permission(request):
            raise PermissionDenied
        ticket = Ticket.objects.visible_to(staff_user(request)).filter(pk=ticket_id).first()
        if ticket is None:
            raise Http404
        return ticket

    def trail(self, request: HttpRequest, ticket: Ticket) -> str:
        """Return the query string by which the page remembers the list that it was opened from."""
        raise NotImplementedError


def trail_of(query: QueryDict) -> str:
    """Return what a page of the ticket passes on to the next one."""
    return urlencode({name: value for name in (FILTERS, POSITION) if (value := query.get(name))})


def ticket_page(ticket_id: Any, trail: str = "", anchor: str = "") -> str:
    url = reverse("admin:tickets_ticket_change", args=[ticket_id])
    return f"{url}{trail and f'?{trail}'}{anchor and f'#{anchor}'}"
