"""The button on the overview with which admins ask for the weekly report, or stop it."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.permissions import staff_user
from analytics import services


@require_POST
def weekly_report(request: HttpRequest) -> HttpResponse:
    viewer = staff_user(request)
    if not viewer.is_admin:
        raise PermissionDenied
    if "stop" in request.POST:
        services.unsubscribe(by=viewer)
        messages.success(request, "You will get no more weekly reports.")
    else:
        services.subscribe(by=viewer, at=timezone.now())
        messages.success(request, f"The weekly report will be sent to {viewer.email} every Monday.")
    return HttpResponseRedirect(reverse("admin:index"))
