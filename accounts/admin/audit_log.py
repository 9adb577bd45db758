"""The admin page for the audit log."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from unfold.admin import ModelAdmin

from accounts.models import AuditEntry, User
from accounts.permissions import staff_user
from kit.admin.once import in_steps
from kit.admin.pages import ReadOnlyMixin
from kit.admin.refusals import long_task_refusals_as_messages
from kit.templatetags import times
from kit.web import csv_export
from kit.web.fields import utc_text

# In words, where the name of the column is none.
NAMES = {"is_superuser": "superuser", "is_active": "active"}
COLUMNS = ["at", "action", "account", "user", "by", "via", "address", "browser", "request", "details"]


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyMixin, ModelAdmin):
    list_display = ["moment", "action", "account", "actor", "summary", "door", "address"]
    list_display_links = ["moment"]
    list_filter = ["at", "action", "door"]
    search_fields = ["account__iexact", "address"]
    search_help_text = "An e-mail address, or a network address"
    ordering = ["-id"]
    sortable_by: list[str] = []
    show_full_result_count = False
    fields = ["moment", "action", "account", "actor", "summary", "door", "address", "user_agent", "request_id"]
    actions = ["export"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        """Join the users who acted, of whom some have been deleted."""
        return super().get_queryset(request).select_related("by")

    @admin.display(description="when")
    def moment(self, entry: AuditEntry) -> str:
        return times.exact(entry.at)

    @admin.display(description="by")
    def actor(self, entry: AuditEntry) -> str:
        return name_of(entry.by_id, entry.by)

    @admin.display(description="details")
    def summary(self, entry: AuditEntry) -> str:
        return "; ".join(parts(entry.details))

    @admin.action(description="Export as CSV", permissions=["view"])
    def export(self, request: HttpRequest, entries: QuerySet[AuditEntry]) -> HttpResponseBase:
        response: HttpResponseBase = HttpResponseRedirect(request.get_full_path())
        with long_task_refusals_as_messages(request):
            response = csv_export.answer("audit-log", rows(entries), user_id=staff_user(request).pk, is_for_excel=True)
        return response  # noqa: RET504  A refusal skips the assignment.

    @in_steps
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {"list_name": "Audit log"} | (extra_context or {}))


def name_of(user_id: int | None, user: User | None) -> str:
    """Return who a user is; entries outlive users."""
    if user_id is None:
        return ""
    return str(user) if user else f"deleted user {user_id}"


def parts(details: dict[str, Any]) -> Iterator[str]:
    """Yield the details of an entry as text: "type: customer → admin", "scope: read"."""
    for name, value in details.items():
        if isinstance(value, list) and len(value) == 2:
            yield f"{words(name)}: {word(value[0])} → {word(value[1])}"
        # An entry has its user in a column.
        elif value is not None and name != "user_id":
            yield f"{words(name)}: {word(value)}"


def words(name: str) -> str:
    return NAMES.get(name, name.replace("_", " "))


def word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def rows(entries: QuerySet[AuditEntry]) -> Iterator[bytes]:
    """Yield entries as CSV, newest first, in batches."""

    def fetch(last: AuditEntry | None) -> list[AuditEntry]:
        remaining = entries if last is None else entries.filter(pk__lt=last.pk)
        return list(remaining.order_by("-pk")[: csv_export.BATCH])

    return csv_export.encode(COLUMNS, (map(row, batch) for batch in csv_export.batches(fetch)))


def row(entry: AuditEntry) -> dict[str, Any]:
    values = [
        *(utc_text(entry.at), entry.action, entry.account, entry.user_id, name_of(entry.by_id, entry.by), entry.door),
        *(entry.address, entry.user_agent, entry.request_id, "; ".join(parts(entry.details))),
    ]
    return dict(zip(COLUMNS, values, strict=True))
