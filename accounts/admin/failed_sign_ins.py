"""The admin page for failed sign-ins."""

from datetime import datetime
from typing import Any

from axes.models import AccessAttempt
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from accounts import services
from accounts.permissions import staff_user
from kit.admin.once import in_steps
from kit.admin.pages import ReadOnlyMixin
from kit.admin.refusals import long_task_refusals_as_messages
from kit.long_tasks.leases import long_task

# Instead of "access attempt".
AccessAttempt._meta.verbose_name = "failed sign-in"
AccessAttempt._meta.verbose_name_plural = "failed sign-ins"


@admin.register(AccessAttempt)
class FailedSignInAdmin(ReadOnlyMixin, ModelAdmin):
    """Failed sign-ins that count towards a lockout. Lifting the lockout deletes them and the account's budgets."""

    list_display = ["account", "ip_address", "failures", "last_failed", "path_info", "browser"]
    list_display_links = None
    list_filter = ["attempt_time"]
    search_fields = ["username", "ip_address"]
    search_help_text = "Part of an e-mail address or IP address"
    empty_note = "Failed sign-ins appear here, and you can lift lockouts."
    ordering = ["-attempt_time", "-id"]
    show_full_result_count = False
    actions = ["lift_lockout"]

    @admin.display(description="account", ordering="username")
    def account(self, attempt: AccessAttempt) -> str:
        return attempt.username.lower()

    @admin.display(description="failures", ordering="failures_since_start")
    def failures(self, attempt: AccessAttempt) -> int:
        return attempt.failures_since_start

    @admin.display(description="last failed", ordering="attempt_time")
    def last_failed(self, attempt: AccessAttempt) -> datetime:
        return attempt.attempt_time

    @admin.display(description="browser", ordering="user_agent")
    def browser(self, attempt: AccessAttempt) -> str:
        return attempt.user_agent

    @admin.action(description="Lift the lockout", permissions=["lift"])
    def lift_lockout(self, request: HttpRequest, attempts: QuerySet[AccessAttempt]) -> None:
        with long_task_refusals_as_messages(request), long_task(staff_user(request).pk) as lease:
            for username, address in set(attempts.values_list("username", "ip_address")):
                services.lift_lockout(account=username, address=address)
                self.message_user(request, f"Lockout lifted: {username.lower()} can sign in from {address} again.")
                lease.renew()

    @in_steps
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, extra_context)

    def has_lift_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("axes.delete_accessattempt")
