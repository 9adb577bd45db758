"""Actions of the ticket list: export, and changes of many tickets after a confirmation page."""

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import path, reverse

from accounts.permissions import staff_user
from kit.admin.forms import ServiceAdmin
from kit.admin.once import in_steps
from kit.admin.pages import form_page
from kit.admin.refusals import long_task_refusals_as_messages
from kit.long_tasks.leases import long_task
from kit.text import counted
from kit.web import csv_export
from tickets import bulk, exports
from tickets.admin.assignees import AssignmentInline
from tickets.admin.merging import merge_field
from tickets.models import Assignment, Ticket, TicketQuerySet


class BulkActions(ServiceAdmin):
    actions: list[str] | None = ["assign_user", "set_status", "set_priority", "merge", "export"]

    @admin.action(description="Assign user", permissions=["change"])
    def assign_user(self, request: HttpRequest, tickets: QuerySet[Ticket]) -> HttpResponse:
        return self._confirm(request, "assign", tickets)

    @admin.action(description="Set status", permissions=["change"])
    def set_status(self, request: HttpRequest, tickets: QuerySet[Ticket]) -> HttpResponse:
        return self._confirm(request, "status", tickets)

    @admin.action(description="Set priority", permissions=["change"])
    def set_priority(self, request: HttpRequest, tickets: QuerySet[Ticket]) -> HttpResponse:
        return self._confirm(request, "priority", tickets)

    @admin.action(description="Merge into …", permissions=["change"])
    def merge(self, request: HttpRequest, tickets: QuerySet[Ticket]) -> HttpResponse:
        return self._confirm(request, "merge", tickets)

    @admin.action(description="Export as CSV", permissions=["view"])
    def export(self, request: HttpRequest, tickets: QuerySet[Ticket]) -> HttpResponseBase:
        user = staff_user(request)
        selected = cast(TicketQuerySet, tickets.prefetch_related(None)).visible_to(user)
        response: HttpResponseBase = HttpResponseRedirect(request.get_full_path())
        with long_task_refusals_as_messages(request):
            response = csv_export.answer("tickets", exports.selected(selected), user_id=user.pk, is_for_excel=True)
        return response  # noqa: RET504  A refusal skips the assignment.

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.bulk_view)
        return [path("bulk/<str:name>/", view, name="tickets_ticket_bulk"), *super().get_urls()]

    @in_steps
    def bulk_view(self, request: HttpRequest, name: str) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        if name not in bulk.CHANGES:
            raise Http404
        if request.method == "POST":
            form = self._bulk_form(request, name, data=request.POST)
            if not form.is_valid():
                return self._confirmation_page(request, name, form)
            change, ticket_ids = bulk.CHANGES[name], form.cleaned_data["tickets"]
            value = form.cleaned_data[change.field]
            user = staff_user(request)
            with long_task_refusals_as_messages(request), long_task(user.pk) as lease:
                outcome = bulk.apply(change, ticket_ids, by=user, value=value, on_each=lease.renew)
                self._report(request, outcome)
        return HttpResponseRedirect(self._list_url(request))

    def _report(self, request: HttpRequest, outcome: bulk.Outcome) -> None:
        if outcome.changed:
            self.message_user(request, f"{counted(len(outcome.changed), 'ticket')} changed.", messages.SUCCESS)
        if outcome.unchanged:
            count = counted(len(outcome.unchanged), "ticket")
            self.message_user(request, f"{count} already had this value.", messages.INFO)
        for reason, refused in outcome.refused.items():
            sentence = f"{counted(len(refused), 'ticket')} not changed: {reason} ({bulk.listed(refused)})."
            self.message_user(request, sentence, messages.WARNING)

    def _confirm(self, request: HttpRequest, name: str, tickets: QuerySet[Ticket]) -> HttpResponse:
        ids = list(tickets.values_list("pk", flat=True)[: bulk.MAX_TICKETS + 1])
        form = self._bulk_form(request, name, initial={"tickets": ",".join(map(str, ids[: bulk.MAX_TICKETS]))})
        return self._confirmation_page(request, name, form, is_cut=len(ids) > bulk.MAX_TICKETS)

    def _bulk_form(self, request: HttpRequest, name: str, **kwargs: Any) -> bulk.BulkForm:
        change = bulk.CHANGES[name]
        if change.choices:
            field = change.choice_field()
        elif name == "merge":
            field = merge_field(self.admin_site)
        else:
            # The same autocomplete field as in the rows of a ticket's assignees.
            inline = AssignmentInline(Ticket, self.admin_site)
            field = inline.formfield_for_dbfield(Assignment._meta.get_field("user"), request)
        return bulk.BulkForm(name=change.field, field=field, **kwargs)

    def _confirmation_page(
        self, request: HttpRequest, name: str, form: bulk.BulkForm, *, is_cut: bool = False
    ) -> HttpResponse:
        ids = str(form["tickets"].value() or "").split(",")
        change, url = bulk.CHANGES[name], reverse("admin:tickets_ticket_bulk", args=[name])
        cut = f"More tickets match. Only the first {bulk.MAX_TICKETS:,} in the order of the list will be updated."
        note = (
            "Tickets are updated one by one; failures are listed afterwards. "
            "The people involved are notified by e-mail."
        )
        return form_page(
            self,
            request,
            form,
            title=f"{change.title} {counted(len(ids), 'ticket')}",
            notes=[cut, note] if is_cut else [note],
            submit=change.submit,
            back=self._list_url(request),
            action=self._with_filters(request, url),
        )

    def _list_url(self, request: HttpRequest) -> str:
        return self._with_filters(request, reverse("admin:tickets_ticket_changelist"))

    def _with_filters(self, request: HttpRequest, url: str) -> str:
        """Keep the filters of the list that the user came from."""
        filters = {"preserved_filters": self.get_preserved_filters(request), "opts": self.opts}
        return str(add_preserved_filters(filters, url))
