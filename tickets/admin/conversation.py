"""A ticket's page as a conversation: its head, comments and changes, the reply box, hold and resume."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone

from accounts.models import User
from accounts.permissions import staff_user
from kit.admin.pages import form_page
from kit.admin.refusals import refusals_as_form_errors, refusals_as_messages
from kit.web import paging
from tickets import queries, readable, services
from tickets.admin.labels import deadline, state
from tickets.admin.pages import TicketPages, ticket_page, trail_of
from tickets.forms import HoldForm, ReplyForm
from tickets.models import Comment, Status, Ticket
from tickets.serializers import ConversationQuerySerializer

SHOWN_ENTRIES = 30
# Descriptions of more characters, or more lines, are folded.
LONG_DESCRIPTION = 2_000
MANY_LINES = 20
# Buttons that set the status along with a reply.
STATUS_BUTTONS = {
    Status.OPEN: [(Status.CLOSED, "Reply and close"), (Status.IN_PROGRESS, "Reply and start work")],
    Status.IN_PROGRESS: [(Status.CLOSED, "Reply and close")],
    Status.CLOSED: [(Status.OPEN, "Reply and reopen")],
}
# What is said about the status that was set along with a reply.
SET_STATUS: dict[str | None, str] = {
    Status.CLOSED: " Ticket closed.",
    Status.IN_PROGRESS: " Work started.",
    Status.OPEN: " Ticket reopened.",
}
# Filters of the conversation, and their labels.
KINDS = {queries.ALL: "All", queries.COMMENTS: "Comments only", queries.CHANGES: "Changes only"}
# Where the page is after something was sent: at the last comment.
LATEST = "latest"


class ConversationPages(TicketPages):
    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        if ticket := context["original"]:
            # A form with errors may have changed the instance.
            ticket = Ticket.objects.get(pk=ticket.pk) if request.method == "POST" else ticket
            context |= conversation(ticket, viewer=staff_user(request), query=request.GET)
            context["trail"] = self.trail(request, ticket)
            context["reply_form"] = getattr(request, "reply_form", context["reply_form"])
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> list[Any]:
        urls = self.urls_of_ticket(
            comment=self.comment_view, hold=self.hold_view, resume=self.resume_view, looking=self.looking_view
        )
        return [*urls, *super().get_urls()]

    def comment_view(self, request: HttpRequest, ticket_id: int) -> HttpResponse:
        """Send what is in the reply box. If that is refused, show the page again with the text."""
        ticket = self.ticket_or_404(request, ticket_id)
        form = ReplyForm(request.POST or None, auto_id="reply_%s")
        if form.is_valid():
            with refusals_as_form_errors(form):
                message = self._reply(request, ticket, **form.cleaned_data)
                self.message_user(request, message, messages.SUCCESS)
                return HttpResponseRedirect(ticket_page(ticket.pk, trail_of(request.GET), LATEST))
        shown: Any = request
        shown.reply_form, shown.method = form, "GET"
        return self.change_view(request, str(ticket.pk))

    def _reply(
        self, request: HttpRequest, ticket: Ticket, *, is_hold: bool, reason: str, status: str | None, **comment: Any
    ) -> str:
        """Comment, and put the ticket on hold or set its status. Return what to tell the user."""
        sent: dict[str, Any] = {"ticket_id": ticket.pk, "by": staff_user(request), "at": timezone.now(), **comment}
        if is_hold:
            services.reply_and_hold(reason=reason, **sent)
            return "Reply sent. On hold. SLA clock paused."
        services.reply(status=status, **sent)
        said = SET_STATUS.get(status, "") if status != ticket.status else ""
        return "Internal note added." if comment["is_internal"] else f"Reply sent.{said}"

    def looking_view(self, request: HttpRequest, ticket_id: int) -> HttpResponse:
        """Note that the user has the page open, and return who else has."""
        ticket = self.ticket_or_404(request, ticket_id)
        others = []
        if request.method == "POST":
            others = services.look(ticket_id=ticket.pk, by=staff_user(request), at=timezone.now())
        return TemplateResponse(request, "admin/tickets/ticket/looking.html", {"others": others})

    def hold_view(self, request: HttpRequest, ticket_id: int) -> HttpResponse:
        ticket = self.ticket_or_404(request, ticket_id)
        form = HoldForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            with refusals_as_form_errors(form):
                services.hold(ticket_id=ticket.pk, by=staff_user(request), at=timezone.now(), **form.cleaned_data)
                self.message_user(request, "On hold. SLA clock paused.", messages.SUCCESS)
                return HttpResponseRedirect(ticket_page(ticket.pk, trail_of(request.GET)))
        notes = ["The SLA clock is paused until the ticket is resumed or closed."]
        return self._form_page(request, ticket, form, title="Put on hold:", notes=notes, submit="Put on hold")

    def resume_view(self, request: HttpRequest, ticket_id: int) -> HttpResponse:
        ticket = self.ticket_or_404(request, ticket_id)
        if request.method == "POST":
            with refusals_as_messages(request):
                services.resume(ticket_id=ticket.pk, by=staff_user(request), at=timezone.now())
                self.message_user(request, "Resumed. SLA clock running.", messages.SUCCESS)
        return HttpResponseRedirect(ticket_page(ticket.pk, trail_of(request.GET)))

    def _form_page(
        self, request: HttpRequest, ticket: Ticket, form: forms.Form, *, title: str, notes: list[str], submit: str
    ) -> HttpResponse:
        title = f"{title} #{ticket.pk} {ticket.title}"
        back = ticket_page(ticket.pk, trail_of(request.GET))
        return form_page(self, request, form, title=title, notes=notes, submit=submit, back=back, row=ticket)


def conversation(ticket: Ticket, *, viewer: User, query: Any) -> dict[str, Any]:
    """Return the context of the page. An invalid cursor shows the latest entries, an unknown filter all of them."""
    page = ConversationQuerySerializer(data=query)
    read = page.validated_data if page.is_valid() else {}
    before, kind = read.get("cursor", queries.NEWEST), read.get("show", queries.ALL)
    found, earlier = queries.conversation(
        ticket_id=ticket.pk, viewer=viewer, before=before, limit=SHOWN_ENTRIES, kind=kind
    )
    assignees = [assignment.user for assignment in ticket.assignments.select_related("user")]
    changes = readable.items(entry for entry in found if isinstance(entry, queries.Item))
    items = {item["id"]: item | {"is_change": True} for item in changes}
    latest = next((entry for entry in reversed(found) if isinstance(entry, Comment)), None)
    return {
        "ticket": ticket,
        "state": list(state(ticket)),
        "deadline": deadline(ticket, timezone.now()),
        "assignees": assignees,
        "is_mine": viewer in assignees,
        "is_closed": ticket.status == Status.CLOSED,
        "entries": [
            items[entry.id] if isinstance(entry, queries.Item) else {"comment": entry, "is_latest": entry is latest}
            for entry in found
        ],
        "is_long": _is_long(ticket.description),
        "earlier": earlier and paging.encode(*earlier),
        "is_newest": before == queries.NEWEST,
        "show": kind,
        "kinds": KINDS,
        "reply_form": ReplyForm(auto_id="reply_%s"),
        "status_buttons": STATUS_BUTTONS[Status(ticket.status)],
        "can_be_held": ticket.held_at is None and ticket.status != Status.CLOSED,
    }


def _is_long(description: str) -> bool:
    return len(description) > LONG_DESCRIPTION or description.count("\n") >= MANY_LINES
