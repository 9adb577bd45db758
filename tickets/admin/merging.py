"""Merging a ticket into another one from its page."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone

from accounts.permissions import staff_user
from kit.admin.pages import form_page
from kit.admin.refusals import refusals_as_form_errors
from tickets import bulk, services
from tickets.admin.pages import TicketPages, ticket_page


class MergeForm(forms.Form):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["into"] = bulk.merge_field()


class MergePage(TicketPages):
    def get_urls(self) -> list[Any]:
        return [*self.urls_of_ticket(merge=self.merge_view), *super().get_urls()]

    def merge_view(self, request: HttpRequest, ticket_id: int) -> HttpResponse:
        ticket = self.ticket_or_404(request, ticket_id)
        form = MergeForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            with refusals_as_form_errors(form):
                into = form.cleaned_data["into"]
                services.merge(ticket_id=ticket.pk, into_id=into.pk, by=staff_user(request), at=timezone.now())
                self.message_user(request, f"#{ticket.pk} was merged into this ticket.", messages.SUCCESS)
                return HttpResponseRedirect(ticket_page(into.pk))
        return form_page(
            self,
            request,
            form,
            title=f"Merge #{ticket.pk} {ticket.title}",
            notes=[
                "Comments, watchers and assignees move to the other ticket, and this one is closed. "
                "Later comments go to the other ticket. This cannot be undone.",
                "Everyone who can see the other ticket can then read the comments of this one.",
            ],
            submit="Merge",
            back=ticket_page(ticket.pk),
            row=ticket,
            is_destructive=True,
        )
