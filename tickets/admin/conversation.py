"""The conversation above a ticket's form, and the pages it leads to: reply, hold and resume."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone

from accounts.models import User
from accounts.permissions import staff_user
from kit.admin.forms import ServiceAdmin
from kit.admin.pages import form_page
from kit.admin.refusals import refusals_as_form_errors, refusals_as_messages
from kit.web import paging
from tickets import queries, readable, services
from tickets.admin.labels import labels
from tickets.forms import HoldForm, ReplyForm
from tickets.models import Status, Ticket
from tickets.serializers import ConversationQuerySerializer

SHOWN_ENTRIES = 30
# Buttons that set the status along with a reply.
STATUS_BUTTONS = {
    Status.OPEN: [(Status.IN_PROGRESS, "Reply and start work"), (Status.CLOSED, "Reply and close")],
    Status.IN_PROGRESS: [(Status.CLOSED, "Reply and close"), (Status.OPEN, "Reply and set to open")],
    Status.CLOSED: [(Status.OPEN, "Reply and reopen")],
}


class ConversationPages(ServiceAdmin):
    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Add the conversation, unless a form with errors is shown again."""
        ticket = context["original"]
        if ticket and request.method == "GET":
            context |= conversation(ticket, viewer=staff_user(request), query=request.GET)
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> list[Any]:
        pages = {"comment": self.comment_view, "hold": self.hold_view, "resume": self.resume_view}
        urls = [
            path(f"<int:ticket_id>/{name}/", self.admin_site.admin_view(view), name=f"tickets_ticket_{name}")
            for name, view in pages.items()
        ]
        return [*urls, *super().get_urls()]

    def comment_view(self, request: HttpRequest, ticket_id: int) -> HttpResponse:
        ticket = self._ticket(request, ticket_id)
        form = ReplyForm(request.POST or None)
        if form.is_valid():
            with refusals_as_form_errors(form):
                services.reply(ticket_id=ticket.pk, by=staff_user(request), at=timezone.now(), **form.cleaned_data)
                self.message_user(request, "Comment added.", messages.SUCCESS)
                return HttpResponseRedirect(ticket_page(ticket))
        status = dict(Status.choices).get(form["status"].value())
        notes = [f"This also sets the status to “{status}”."] if status else []
        return self._form_page(request, ticket, form, title="Reply to", notes=notes, submit="Reply")

    def hold_view(self, request: HttpRequest, ticket_id: int) -> HttpResponse:
        ticket = self._ticket(request, ticket_id)
        form = HoldForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            with refusals_as_form_errors(form):
                services.hold(ticket_id=ticket.pk, by=staff_user(request), at=timezone.now(), **form.cleaned_data)
                self.message_user(request, "On hold. SLA clock paused.", messages.SUCCESS)
                return HttpResponseRedirect(ticket_page(ticket))
        notes = ["The SLA clock is paused until the ticket is resumed or closed."]
        return self._form_page(request, ticket, form, title="Put on hold:", notes=notes, submit="Put on hold")

    def resume_view(self, request: HttpRequest, ticket_id: int) -> HttpResponse:
        ticket = self._ticket(request, ticket_id)
        if request.method == "POST":
            with refusals_as_messages(request):
                services.resume(ticket_id=ticket.pk, by=staff_user(request), at=timezone.now())
                self.message_user(request, "Resumed. SLA clock running.", messages.SUCCESS)
        return HttpResponseRedirect(ticket_page(ticket))

    def _ticket(self, request: HttpRequest, ticket_id: int) -> Ticket:
        if not self.has_change_permission(request):
            raise PermissionDenied
        ticket = Ticket.objects.visible_to(staff_user(request)).filter(pk=ticket_id).first()
        if ticket is None:
            raise Http404
        return ticket

    def _form_page(
        self, request: HttpRequest, ticket: Ticket, form: forms.Form, *, title: str, notes: list[str], submit: str
    ) -> HttpResponse:
        title = f"{title} #{ticket.pk} {ticket.title}"
        return form_page(self, request, form, title=title, notes=notes, submit=submit, back=ticket_page(ticket))


def conversation(ticket: Ticket, *, viewer: User, query: Any) -> dict[str, Any]:
    """Return the context of conversation.html. An invalid cursor shows the latest entries."""
    page = ConversationQuerySerializer(data=query)
    before = page.validated_data.get("cursor", queries.NEWEST) if page.is_valid() else queries.NEWEST
    found, earlier = queries.conversation(ticket_id=ticket.pk, viewer=viewer, before=before, limit=SHOWN_ENTRIES)
    items = {item["id"]: item for item in readable.items(entry for entry in found if isinstance(entry, queries.Item))}
    return {
        "ticket": ticket,
        "labels": list(labels(ticket)),
        "assignees": [assignment.user for assignment in ticket.assignments.select_related("user")],
        "entries": [items[entry.id] if isinstance(entry, queries.Item) else {"comment": entry} for entry in found],
        "earlier": earlier and paging.encode(*earlier),
        "is_newest": before == queries.NEWEST,
        "reply_form": ReplyForm(auto_id="reply_%s"),
        "status_buttons": STATUS_BUTTONS[Status(ticket.status)],
    }


def ticket_page(ticket: Ticket) -> str:
    return reverse("admin:tickets_ticket_change", args=[ticket.pk])
