"""Forms of the admin that save through the services.

A refusal undoes the whole request; the form is then shown again, with the sentence beside the field or row concerned.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator
from unfold.widgets import UnfoldAdminTextareaWidget

from kit.admin.pages import LINK
from kit.admin.refusals import RefusedIn, database_refusals, refusals_of, say_in
from kit.errors import Refused
from kit.web.fields import NO_CONTROL_CHARACTERS

SHOWN_RECORDS = 10
# A bigint has at most 19.
DIGITS_OF_NO_ID = 20


class MultiLineField(forms.CharField):
    """Text with `\\n` at its lines' ends, as it is stored; browsers send `\\r\\n`, which would count as a change."""

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).replace("\r\n", "\n")


class Autocomplete(AutocompleteSelect):
    """Found as it is typed. What is no id chooses nothing; Django's own looks it up to show it again, and fails."""

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        return super().optgroups(name, [each for each in value if is_id(each)], attr)


def is_id(text: Any) -> bool:
    return str(text).isascii() and str(text).isdecimal() and len(str(text)) < DIGITS_OF_NO_ID


class FoundAsTyped:
    """Mix-in of admins and of their rows."""

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):  # type: ignore[attr-defined]
            kwargs.setdefault("widget", Autocomplete(db_field, self.admin_site))  # type: ignore[attr-defined]
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]


class ServiceForm(forms.ModelForm):
    """A form whose rules are the services': it checks shapes, and says what they refused."""

    # By the prefix of the form; set by the admin on the second showing.
    refusals: dict[str, Refused] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, forms.CharField) and isinstance(field.widget, forms.TextInput):
                field.validators = [*field.validators, NO_CONTROL_CHARACTERS]
            if isinstance(field.widget, forms.SplitDateTimeWidget):
                # The label beside them names neither.
                for part, what in zip(field.widget.widgets, ("date", "time"), strict=True):
                    part.attrs["aria-label"] = f"{field.label}: {what}"

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if refusal := self.refusals.get(self.prefix or ""):
            say_in(self, refusal)
        return cleaned

    def validate_unique(self) -> None:
        """Left to the services, which say it in the API's words."""

    def _update_errors(self, errors: ValidationError) -> None:
        """Likewise the constraints, which the model names for no field."""
        errors.error_dict.pop(NON_FIELD_ERRORS, None)
        super()._update_errors(errors)  # type: ignore[misc]


class ServiceAdmin(FoundAsTyped, ModelAdmin):
    """Django saves a page in one transaction; a refusal rolls it back and shows the form again."""

    form = ServiceForm
    formfield_overrides = {
        models.TextField: {"form_class": MultiLineField, "widget": UnfoldAdminTextareaWidget(attrs={"rows": 6})}
    }
    warn_unsaved_form = True
    show_full_result_count = False
    actions: list[str] | None = None

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        if request.method != "POST":
            return super().changeform_view(request, object_id, form_url, extra_context)
        try:
            with database_refusals():
                return super().changeform_view(request, object_id, form_url, extra_context)
        except RefusedIn as refused:
            refusals = {refused.prefix: refused.refusal}
        except Refused as refusal:
            refusals = {"": refusal}
        request.refusals = refusals  # type: ignore[attr-defined]
        return super().changeform_view(request, object_id, form_url, extra_context)

    def get_paginator(self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any) -> Any:
        """What is offered while somebody types is not counted: that would read a whole table at each letter."""
        is_offer = request.path == reverse("admin:autocomplete")
        return (InfinitePaginator if is_offer else self.paginator)(queryset, *args, **kwargs)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        form.refusals = refusals_of(request)
        return form

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return without_shortcuts(super().formfield_for_dbfield(db_field, request, **kwargs))

    def protecting(self, row: Any) -> Iterable[tuple[str, Any]]:
        """What forbids the deletion of a row, newest first: the address of a page and what is linked to it."""
        return []

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What the page of a deletion shows. Of what forbids it a few, where there may be a million."""
        found = [each for doomed in objs for each in self.protecting(doomed)]
        if not found:
            return super().get_deleted_objects(objs, request)
        links = [format_html('<a href="{}" class="{}">{}</a>', url, LINK, row) for url, row in found[:SHOWN_RECORDS]]
        return [], {}, set(), [*links, *(["and older ones"] if len(found) > SHOWN_RECORDS else [])]

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            with database_refusals():
                return super().delete_view(request, object_id, extra_context)
        except Refused as refusal:
            self.message_user(request, f"{refusal.message}.", messages.ERROR)
            return HttpResponseRedirect(reverse(f"admin:{self.opts.label_lower.replace('.', '_')}_changelist"))


def newest(rows: Any) -> Any:
    """As many rows as the page of a deletion shows, and one more."""
    return rows.order_by("-pk")[: SHOWN_RECORDS + 1]


def without_shortcuts(field: Any) -> Any:
    """Pages of their own make and change what a field refers to; pop-ups beside the field are one way too many."""
    for shortcut in ("can_add_related", "can_change_related", "can_delete_related", "can_view_related"):
        if hasattr(getattr(field, "widget", None), shortcut):
            setattr(field.widget, shortcut, False)
    return field


def changed_values(form: forms.BaseForm) -> dict[str, Any]:
    """What the person changed in the form, by field."""
    return {name: form.cleaned_data[name] for name in form.changed_data if name in form.cleaned_data}
