"""Actions of the ticket list: export, and changes of many tickets after a confirmation page."""

import hashlib
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import path, reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.permissions import staff_user
from kit.admin.forms import ServiceAdmin
from kit.admin.once import in_steps
from kit.admin.pages import form_page
from kit.admin.refusals import long_task_refusals_as_messages, refusals_as_messages
from kit.long_tasks.leases import long_task
from kit.text import counted
from kit.web import csv_export
from tickets import bulk, exports, services
from tickets.admin.pages import ticket_page
from tickets.models import Ticket, TicketQuerySet


class BulkActions(ServiceAdmin):
    actions: list[str] | None = [
        "assign_to_me",
        "assign_user",
        "replace_assignees",
        "hand_over",
        "set_status",
        "set_priority",
        "change_labels",
        "merge",
        "export",
    ]

    @admin.action(description="Assign to me", permissions=["change"])
    def assign_to_me(self, request: HttpRequest, tickets: QuerySet[Ticket]) -> HttpResponse:
        ids = list(tickets.values_list("pk", flat=True)[: bulk.MAX_TICKETS])
        self._change(request, bulk.CHANGES["assign"], ids, user=staff_user(request))
        return HttpResponseRedirect(self._list_url(request))

    @admin.action(description="Assign user", permissions=["change"])
    def assign_user(self, request: HttpRequest, tickets: QuerySet[Ticket]) -> HttpResponse:
        return self._confirm(request, "assign", tickets)

    @admin.action(description="Replace assignees", permissions=["change"])
    def replace_assignees(self, request: HttpRequest, tickets: QuerySet[Ticket]) -> HttpResponse:
        return self._confirm(request, "replace", tickets)

    @admin.action(description="Hand over to a colleague", permissions=["change"])
    def hand_over(self, request: HttpRequest, tickets: QuerySet[Ticket]) -> HttpResponse:
        return self._confirm(request, "hand-over", tickets)

    @admin.action(description="Set status", permissions=["change"])
    def set_status(self, request: HttpRequest, tickets: QuerySet[Ticket]) -> HttpResponse:
        return self._confirm(request, "status", tickets)

    @admin.action(description="Set priority", permissions=["change"])
    def set_priority(self, request: HttpRequest, tickets: QuerySet[Ticket]) -> HttpResponse:
        return self._confirm(request, "priority", tickets)

    @admin.action(description="Add or remove labels", permissions=["change"])
    def change_labels(self, request: HttpRequest, tickets: QuerySet[Ticket]) -> HttpResponse:
        return self._confirm(request, "labels", tickets)

    @admin.action(description="Merge into…", permissions=["change"])
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

    @in_steps
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, extra_context)

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.bulk_view)
        assign_me, undo = self.admin_site.admin_view(self.assign_me_view), self.admin_site.admin_view(self.undo_view)
        return [
            path("bulk/<str:name>/", view, name="tickets_ticket_bulk"),
            path("<int:ticket_id>/assign-me/", assign_me, name="tickets_ticket_assign_me"),
            path("undo/<int:undo_id>/", undo, name="tickets_ticket_undo"),
            *super().get_urls(),
        ]

    @in_steps
    def bulk_view(self, request: HttpRequest, name: str) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        if name not in bulk.CHANGES:
            raise Http404
        if request.method == "POST":
            form = bulk.BulkForm(fields=bulk.CHANGES[name].fields(), data=request.POST)
            if not form.is_valid():
                return self._confirmation_page(request, name, form)
            values = dict(form.cleaned_data)
            self._change(request, bulk.CHANGES[name], values.pop("tickets"), **values)
        return HttpResponseRedirect(self._list_url(request))

    @in_steps
    def assign_me_view(self, request: HttpRequest, ticket_id: int) -> HttpResponse:
        """Assign the ticket to the user, and return to its page or to the page `next`, such as a list."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            self._change(request, bulk.CHANGES["assign"], [ticket_id], user=staff_user(request))
        page = ticket_page(ticket_id)
        following = request.POST.get("next", "")
        is_ours = url_has_allowed_host_and_scheme(following, {request.get_host()}, require_https=request.is_secure())
        return HttpResponseRedirect(following if is_ours else page)

    @in_steps
    def undo_view(self, request: HttpRequest, undo_id: int) -> HttpResponse:
        """Ask whether to undo a change of assignees; on POST, undo it on tickets that have not changed since."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        user, tickets = staff_user(request), reverse("admin:tickets_ticket_changelist")
        found = services.undoable(undo_id=undo_id, by=user, at=timezone.now())
        if not found:
            self.message_user(request, f"{services.NothingToUndo.message}.", messages.WARNING)
            return HttpResponseRedirect(tickets)
        if request.method == "POST":
            self._undo(request, undo_id)
            return HttpResponseRedirect(tickets)
        number = counted(len(found.tickets), "ticket")
        note = f"{number} will get the previous assignees back, except tickets that have changed since."
        form = forms.Form()
        return form_page(self, request, form, title="Undo the assignment?", notes=[note], submit="Undo", back=tickets)

    def _undo(self, request: HttpRequest, undo_id: int) -> None:
        user, kept = staff_user(request), {}
        with long_task_refusals_as_messages(request), long_task(user.pk) as lease:
            with refusals_as_messages(request):
                kept = {
                    each.ticket_id: each for each in services.take_undo(undo_id=undo_id, by=user, at=timezone.now())
                }
            outcome = bulk.apply(bulk.UNDO, kept, by=user, on_each=lease.renew, kept=kept)
            self._report(request, outcome, bulk.UNDO.done(kept=kept))

    def _change(self, request: HttpRequest, change: bulk.BulkChange, ticket_ids: list[int], **values: Any) -> None:
        user = staff_user(request)
        with long_task_refusals_as_messages(request), long_task(user.pk) as lease:
            outcome = bulk.apply(change, ticket_ids, by=user, on_each=lease.renew, **values)
            undo_id = services.keep_for_undo(outcome.reassigned, by=user, at=timezone.now())
            self._report(request, outcome, change.done(**values), undo_id)

    def _report(self, request: HttpRequest, outcome: bulk.Outcome, done: str, undo_id: int | None = None) -> None:
        if outcome.changed:
            numbers = f" ({bulk.listed(outcome.changed)})" if done != "changed" else ""
            sentence = f"{counted(len(outcome.changed), 'ticket')} {done}{numbers}."
            self.message_user(request, sentence, messages.SUCCESS, undo_url(undo_id))
        if outcome.unchanged:
            count = counted(len(outcome.unchanged), "ticket")
            self.message_user(request, f"{count} already had this value.", messages.INFO)
        for reason, refused in outcome.refused.items():
            sentence = f"{counted(len(refused), 'ticket')} not changed: {reason} ({bulk.listed(refused)})."
            self.message_user(request, sentence, messages.WARNING)

    def _confirm(self, request: HttpRequest, name: str, tickets: QuerySet[Ticket]) -> HttpResponse:
        ids = list(tickets.values_list("pk", flat=True)[: bulk.MAX_TICKETS + 1])
        initial = {"tickets": ",".join(map(str, ids[: bulk.MAX_TICKETS]))}
        form = bulk.BulkForm(fields=bulk.CHANGES[name].fields(), initial=initial)
        return self._confirmation_page(request, name, form, is_cut=len(ids) > bulk.MAX_TICKETS)

    def _confirmation_page(
        self, request: HttpRequest, name: str, form: bulk.BulkForm, *, is_cut: bool = False
    ) -> HttpResponse:
        tickets = str(form["tickets"].value() or "")
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
            title=f"{change.title} {counted(len(tickets.split(',')), 'ticket')}",
            notes=[cut, note] if is_cut else [note],
            submit=change.submit,
            back=self._list_url(request),
            action=self._with_filters(request, url),
            draft=hashlib.blake2b(tickets.encode(), digest_size=8).hexdigest(),
        )

    def _list_url(self, request: HttpRequest) -> str:
        return self._with_filters(request, reverse("admin:tickets_ticket_changelist"))

    def _with_filters(self, request: HttpRequest, url: str) -> str:
        """Keep the filters of the list that the user came from."""
        filters = {"preserved_filters": self.get_preserved_filters(request), "opts": self.opts}
        return str(add_preserved_filters(filters, url))


def undo_url(undo_id: int | None) -> str:
    """Return the extra tag of a message that lets the user undo what it says (templates/unfold/helpers/messages)."""
    return "" if undo_id is None else reverse("admin:tickets_ticket_undo", args=[undo_id])
