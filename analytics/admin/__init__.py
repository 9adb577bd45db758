"""The admin's first page: the state of the desk and the box office at a glance."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.permissions import staff_user
from analytics import queries
from analytics.admin.answered import AnsweredFilter, chip
from analytics.admin.box_office import sales, upcoming
from analytics.admin.desk import desk
from analytics.admin.figures import alert
from analytics.admin.period import PRESETS, chosen
from analytics.models import ReportSubscription
from notifications.models import Delivery, Outage
from tickets.admin import TicketAdmin
from tickets.admin.queues import TEXTS

admin.site.index_title = "Overview"
# The tickets' own pages know nothing of first responses.
TicketAdmin.list_filter = [*TicketAdmin.list_filter, AnsweredFilter]
TEXTS[AnsweredFilter.parameter_name] = ("First response", chip)


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Return the context of templates/admin/index.html, with what the user may view. Runs up to seven queries.

    The theme calls it (`DASHBOARD_CALLBACK`).
    """
    at = timezone.now()
    period, viewer = chosen(request, at), staff_user(request)
    context |= {"presets": PRESETS, "period": period}
    if viewer.has_perm("tickets.view_ticket"):
        context |= desk(request, period, at)
    if viewer.has_perm("events.view_event"):
        context |= upcoming(at)
    if viewer.is_admin:
        context |= sales(period)
        context["gets_report"] = ReportSubscription.objects.filter(user=viewer).exists()
    if viewer.has_perm("notifications.view_delivery"):
        context |= mail(viewer)
    return context


def mail(viewer: User) -> dict[str, Any]:
    given_up = Delivery.objects.visible_to(viewer).given_up()[: queries.COUNT_LIMIT].count()
    failed = f"{reverse('admin:notifications_delivery_changelist')}?state=given-up"
    return {
        "mail_card": alert("E-mails not delivered", given_up, failed, limit=queries.COUNT_LIMIT),
        "outage": Outage.objects.first(),
    }
