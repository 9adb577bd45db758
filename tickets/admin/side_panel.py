"""The properties beside the conversation, which a script saves one at a time as soon as they are edited."""

from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse, QueryDict
from django.template.loader import render_to_string
from django.utils import timezone

from accounts.models import User
from accounts.permissions import staff_user
from kit.admin.forms import changed_values, is_id
from kit.admin.refusals import all_or_nothing
from kit.admin.stale import number_or_zero, put, shown_by, unbound_formsets
from kit.errors import Refused
from kit.versions import Expected, VersionConflict
from tickets import services
from tickets.admin.conversation import conversation
from tickets.admin.pages import TicketPages, columns
from tickets.admin.stale import rebase
from tickets.admin.watching import is_watching
from tickets.models import Ticket

# In the order in which the panel shows them.
PROPERTIES = [
    *("status", "priority", "labels", "due_at", "project", "type", "venue", "price", "created_by"),
    *("title", "description"),
]
# What the script replaces after a change: the id of the element, and its template.
PARTS = {
    "ticket-head": "head",
    "ticket-entries": "entries",
    "ticket-buttons": "reply_buttons",
    "ticket-assignees": "assignees",
    "ticket-clock": "clock",
    "ticket-details": "details",
    "ticket-differences": "differences",
    "ticket-mail": "mail",
}
# In the place of a user's id.
MYSELF = "me"


class Invalid(Exception):
    """A value that the form refuses."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__(errors)
        self.errors = errors


class SidePanel(TicketPages):
    def get_urls(self) -> list[Any]:
        return [*self.urls_of_ticket(save=self.save_view), *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        if context["original"]:
            formsets = [each.formset for each in context["inline_admin_formsets"]]
            context |= panel(context["adminform"].form, formsets)
        return super().render_change_form(request, context, *args, **kwargs)

    def save_view(self, request: HttpRequest, ticket_id: int) -> HttpResponse:
        """Save the property `field` of the form, or assign or unassign a user.

        Returns the parts of the page that show it. If somebody else has changed the ticket since the page was opened,
        nothing is saved, and the panel shows both versions.
        """
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        ticket = self.ticket_or_404(request, ticket_id)
        try:
            with all_or_nothing():
                said = self._save(request, ticket)
        except VersionConflict:
            return self._conflict(request, ticket)
        except Refused as refusal:
            return JsonResponse({"errors": refusal.fields or {NON_FIELD_ERRORS: [f"{refusal.message}."]}}, status=422)
        except Invalid as invalid:
            return JsonResponse({"errors": invalid.errors}, status=422)
        ticket.refresh_from_db()
        form = self.get_form(request, ticket, change=True)(instance=ticket)
        shown = {"title": str(ticket), "values": _stored(form, request.POST.get("field", ""))}
        parts = _rendered(PARTS, self._context(request, ticket, form), request)
        return JsonResponse({"version": ticket.version, **said, **shown, "parts": parts})

    def _save(self, request: HttpRequest, ticket: Ticket) -> dict[str, Any]:
        """Save, and return what to tell the user and what would undo it."""
        by, sent = staff_user(request), request.POST
        changed: dict[str, Any] = {"ticket_id": ticket.pk, "by": by, "expected": _expected(sent)}
        if (name := sent.get("field", "")) in PROPERTIES:
            services.update(at=timezone.now(), **changed, **self._value(request, ticket, name))
            return {"message": "Saved."}
        if person := sent.get("assign", ""):
            user = services.assign(user_id=_user_id(person, by), **changed).user
            return {"message": f"Assigned to {user.name}. ", "undo": {"unassign": user.pk}}
        if person := sent.get("unassign", ""):
            user_id = _user_id(person, by)
            services.unassign(user_id=user_id, **changed)
            return {"message": "Assignee removed. ", "undo": {"assign": user_id}}
        return {"message": ""}

    def _value(self, request: HttpRequest, ticket: Ticket, name: str) -> dict[str, Any]:
        """Return the property's column and its new value, or nothing if it is unchanged.

        :raises Invalid: the form refuses the value.
        """
        form = self.get_form(request, ticket, change=True)(instance=ticket)
        sent = request.POST.copy()
        for each in form.fields:
            if each != name:
                put(sent, each, shown_by(form[each]))
        bound = type(form)(sent, instance=Ticket.objects.get(pk=ticket.pk))
        if name in bound.errors:
            raise Invalid({name: list(bound.errors[name])})
        values = changed_values(bound)
        return columns({name: values[name]}) if name in values else {}

    def _conflict(self, request: HttpRequest, ticket: Ticket) -> HttpResponse:
        ticket = Ticket.objects.get(pk=ticket.pk)
        form_class = self.get_form(request, ticket, change=True)
        ((assignees, _),) = unbound_formsets(self, request, ticket)
        rebased, stale = rebase(request.POST, ticket, form_class(instance=ticket), assignees)
        form = form_class(rebased, instance=Ticket.objects.get(pk=ticket.pk))
        unsaved = [name for name in form.changed_data if name in PROPERTIES]
        context = {
            **self._context(request, ticket, form),
            "stale": stale,
            "unsaved": unsaved,
            "watching": is_watching(ticket, staff_user(request)),
        }
        parts = _rendered(PARTS | {"ticket-panel": "panel"}, context, request)
        return JsonResponse({"version": ticket.version, "title": str(ticket), "parts": parts}, status=409)

    def _context(self, request: HttpRequest, ticket: Ticket, form: Any) -> dict[str, Any]:
        formsets = [formset for formset, _ in unbound_formsets(self, request, ticket)]
        return {
            # The form has the filter of the entries as `show`, where the page has it in its query string.
            **conversation(ticket, viewer=staff_user(request), query={"show": request.POST.get("show", "")}),
            **panel(form, formsets),
            "trail": self.trail(request, ticket),
            "has_change_permission": True,
            "opts": self.opts,
            "original": ticket,
        }


def _rendered(parts: dict[str, str], context: dict[str, Any], request: HttpRequest) -> dict[str, str]:
    return {
        name: render_to_string(f"admin/tickets/ticket/{template}.html", context, request)
        for name, template in parts.items()
    }


def panel(form: Any, formsets: list[Any]) -> dict[str, Any]:
    """Return the context of the panel. The browser has its own fields for dates and times."""
    (assignees,) = formsets
    assigned = [row.instance.user_id for row in assignees.initial_forms]
    for row in assignees.extra_forms:
        row.fields["user"].widget.widget.without = assigned
    for part, kind in zip(form.fields["due_at"].widget.widgets, ("date", "time"), strict=True):
        part.input_type = kind
        part.attrs["class"] = part.attrs["class"].replace(f"v{kind.capitalize()}Field", "")
    return {
        "panel_form": form,
        "properties": [form[name] for name in PROPERTIES if name in form.fields],
        "assignee_formset": assignees,
    }


def _stored(form: Any, name: str) -> dict[str, str]:
    """Return what the fields of a property have after it was saved, which is not always what was typed."""
    if name not in PROPERTIES or name not in form.fields:
        return {}
    return {f"{name}{suffix}": "".join(values[:1]) for suffix, values in shown_by(form[name]).items()}


def _expected(sent: QueryDict) -> Expected | None:
    seen_version = sent.get("seen_version")
    return None if seen_version is None else Expected([number_or_zero(seen_version)])


def _user_id(text: str, by: User) -> int:
    """Return the id in a field of the panel, or one that no user has."""
    return by.pk if text == MYSELF else int(text) if is_id(text) else 0
