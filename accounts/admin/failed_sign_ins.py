"""The admin page for failed sign-ins."""

from typing import Any

from axes.models import AccessAttempt
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst
from unfold.admin import ModelAdmin

from accounts import services
from accounts.permissions import staff_user
from kit.admin.once import in_steps
from kit.admin.pages import ReadOnlyMixin
from kit.admin.refusals import long_task_refusals_as_messages
from kit.long_tasks.leases import long_task


@admin.register(AccessAttempt)
class FailedSignInAdmin(ReadOnlyMixin, ModelAdmin):
    """Failed sign-ins that count towards a lockout. Lifting the lockout deletes them and the account's budgets."""

    list_display = ["username", "ip_address", "failures_since_start", "attempt_time", "path_info", "user_agent"]
    list_display_links = None
    list_filter = ["attempt_time"]
    search_fields = ["username", "ip_address"]
    ordering = ["-attempt_time", "-id"]
    show_full_result_count = False
    actions = ["lift_lockout"]

    @admin.action(description="Lift the lockout", permissions=["lift"])
    def lift_lockout(self, request: HttpRequest, attempts: QuerySet[AccessAttempt]) -> None:
        with long_task_refusals_as_messages(request), long_task(staff_user(request).pk) as lease:
            for username, address in set(attempts.values_list("username", "ip_address")):
                services.lift_lockout(account=username, address=address)
                self.message_user(request, capfirst(f"{username} can sign in from {address} again."))
                lease.renew()

    @in_steps
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {"list_name": "Failed sign-ins"} | (extra_context or {}))

    def has_lift_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("axes.delete_accessattempt")
