"""Notes about a person, on the person's page."""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts import services
from accounts.models import MAX_NOTE, User
from accounts.permissions import staff_user
from kit.admin.forms import MultiLineField, ServiceAdmin, is_id
from kit.admin.pages import form_page
from kit.admin.refusals import refusals_as_form_errors

SHOWN_NOTES = 8


class NoteForm(forms.Form):
    text = MultiLineField(
        max_length=MAX_NOTE,
        label="Note (staff only)",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2, "id": "note-text"}),
    )


class Notes(ServiceAdmin):
    """Mix-in for the admin of users."""

    change_form_outer_before_template = "admin/accounts/user/overview.html"

    def get_urls(self) -> list[Any]:
        note = self.admin_site.admin_view(self.note_view)
        return [path("<int:user_id>/note/", note, name="accounts_user_note"), *super().get_urls()]

    def note_view(self, request: HttpRequest, user_id: int) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        person = get_object_or_404(User, pk=user_id)
        page = reverse("admin:accounts_user_change", args=[person.pk])
        form = NoteForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            with refusals_as_form_errors(form):
                services.add_note(user_id=person.pk, by=staff_user(request), at=timezone.now(), **form.cleaned_data)
                self.message_user(request, "Note added.")
                return HttpResponseRedirect(page)
        title = f"Note about {person.name}"
        return form_page(self, request, form, title=title, notes=[], submit="Add note", back=page, row=person)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Add the latest notes, or those before the note `notes`."""
        if person := context["original"]:
            before = request.GET.get("notes", "")
            notes = person.notes.select_related("author").order_by("-pk")
            if is_id(before):
                notes = notes.filter(pk__lt=int(before))
            found = list(notes[: SHOWN_NOTES + 1])
            context |= {
                "notes": found[:SHOWN_NOTES],
                "earlier_notes": found[SHOWN_NOTES - 1].pk if len(found) > SHOWN_NOTES else None,
                "notes_before": is_id(before),
                "note_form": NoteForm(),
            }
        return super().render_change_form(request, context, *args, **kwargs)
