"""Macros: their own pages, and their use on a ticket's page."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils import timezone
from django.utils.text import capfirst
from unfold.decorators import display

from accounts.permissions import staff_user
from kit.admin.forms import MultiLineField, ServiceAdmin, ServiceForm, changed_values, is_id
from kit.admin.refusals import refusals_as_messages
from kit.admin.stale import SeenAdmin, SeenForm
from kit.search.expressions import SortKey
from tickets import placeholders, services
from tickets.admin.pages import TicketPages, ticket_page
from tickets.forms import LabelsField
from tickets.models import MAX_MESSAGE, Macro, Ticket

# Macros that a ticket's page offers.
MAX_OFFERED = 200


class MacroForm(SeenForm, ServiceForm):
    labels = LabelsField(required=False, label="Add labels", help_text="Separated by commas.")
    is_shared = forms.BooleanField(required=False, label="Shared", help_text="All agents and admins can use it.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "is_shared" in self.fields:
            self.initial["is_shared"] = self.instance.pk is not None and self.instance.is_shared
        for name in ("status", "priority"):
            if name in self.fields:
                choices = self.fields[name].choices  # type: ignore[attr-defined]
                self.fields[name].choices = [("", "Keep"), *(each for each in choices if each[0])]  # type: ignore[attr-defined]


@admin.register(Macro)
class MacroAdmin(SeenAdmin, ServiceAdmin):
    """Agents write their own macros and see the shared ones, which admins write."""

    form = MacroForm
    list_display = ["name", "is_for", "effect"]
    search_fields = ["name", "text"]
    search_help_text = "Words from the name or the text"
    ordering = [SortKey("name"), "id"]
    sortable_by = ["name"]

    @display(description="for", label={"shared": "info", "own": "default"})
    def is_for(self, macro: Macro) -> tuple[str, str]:
        return ("shared", "Everyone") if macro.is_shared else ("own", "You")

    @admin.display(description="does")
    def effect(self, macro: Macro) -> str:
        return capfirst(", ".join(effects(macro)))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Macro]:
        return super().get_queryset(request) & Macro.objects.usable_by(staff_user(request))

    def get_fieldsets(self, request: HttpRequest, obj: Macro | None = None) -> Any:
        shared = ["is_shared"] if staff_user(request).is_admin else []
        changes = [("status", "priority"), "labels", "assigns_me", ("puts_on_hold", "hold_reason")]
        seen = ["seen"] if obj else []
        return [(None, {"fields": [*seen, "name", *shared, "text", "is_internal"]}), ("Changes", {"fields": changes})]

    def get_form(self, request: HttpRequest, obj: Macro | None = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        if "text" in form.base_fields:
            form.base_fields["text"].help_text = f"Placeholders: {placeholders.VALID}."
        return form

    def has_change_permission(self, request: HttpRequest, obj: Macro | None = None) -> bool:
        return super().has_change_permission(request, obj) and (
            obj is None or obj.may_be_changed_by(staff_user(request))
        )

    def has_delete_permission(self, request: HttpRequest, obj: Macro | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (
            obj is None or obj.may_be_changed_by(staff_user(request))
        )

    def save_model(self, request: HttpRequest, macro: Macro, form: Any, change: bool) -> None:
        values = changed_values(form) if change else dict(form.cleaned_data)
        values.pop("seen", None)
        if change:
            services.update_macro(macro_id=macro.pk, by=staff_user(request), **values)
        else:
            macro.pk = services.create_macro(by=staff_user(request), **values).pk

    def delete_model(self, request: HttpRequest, macro: Macro) -> None:
        services.delete_macro(macro_id=macro.pk, by=staff_user(request))


def effects(macro: Macro) -> list[str]:
    """Return in words what a macro does besides replying."""
    found = ["Internal note" if macro.is_internal else "Reply"] if macro.text else []
    if macro.status:
        found.append(f"status “{macro.get_status_display()}”")
    if macro.priority:
        found.append(f"priority “{macro.get_priority_display()}”")
    if macro.labels:
        found.append(f"labels {', '.join(macro.labels)}")
    if macro.assigns_me:
        found.append("assign to me")
    if macro.puts_on_hold:
        found.append("put on hold")
    return found


class UseForm(forms.Form):
    """A reply that was begun with a macro, and possibly edited."""

    macro = forms.IntegerField(min_value=1, max_value=2**63 - 1)
    message = MultiLineField(required=False, max_length=MAX_MESSAGE)


class MacroPage(TicketPages):
    def get_urls(self) -> list[Any]:
        return [*self.urls_of_ticket(macro=self.macro_view), *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Add the macros that the user can choose from."""
        if context["original"]:
            context["macros"] = _offered(request)
        return super().render_change_form(request, context, *args, **kwargs)

    def macro_view(self, request: HttpRequest, ticket_id: int) -> HttpResponse:
        """Return a macro for the ticket, or the macros to choose from, as JSON. POST applies one to the ticket."""
        ticket = self.ticket_or_404(request, ticket_id, "created_by", "project")
        if request.method == "POST":
            return self._use(request, ticket)
        if "macro" not in request.GET:
            return JsonResponse({"macros": [{"id": macro.pk, "name": macro.name} for macro in _offered(request)]})
        number = request.GET["macro"]
        usable = Macro.objects.usable_by(staff_user(request))
        macro = usable.filter(pk=int(number)).first() if is_id(number) else None
        if macro is None:
            raise Http404
        return JsonResponse(
            {
                "id": macro.pk,
                "name": macro.name,
                "text": placeholders.filled(macro.text, ticket=ticket, agent=staff_user(request)),
                "internal": macro.is_internal,
                "effects": effects(macro)[bool(macro.text) :],
            }
        )

    def _use(self, request: HttpRequest, ticket: Ticket) -> HttpResponse:
        form = UseForm(request.POST)
        if not form.is_valid():
            self.message_user(request, "Choose a macro.", messages.ERROR)
            return HttpResponseRedirect(ticket_page(ticket.pk))
        with refusals_as_messages(request):
            values = form.cleaned_data
            ticket = services.apply_macro(
                ticket_id=ticket.pk,
                macro_id=values["macro"],
                by=staff_user(request),
                at=timezone.now(),
                # Without the field, as from a list, the macro's own text.
                message=values["message"] if "message" in request.POST else None,
            )
            self.message_user(request, "Macro applied.", messages.SUCCESS)
        return HttpResponseRedirect(ticket_page(ticket.pk))


def _offered(request: HttpRequest) -> list[Macro]:
    return list(Macro.objects.usable_by(staff_user(request)).only("name")[:MAX_OFFERED])
