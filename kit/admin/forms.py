"""Admin forms that save through services.

If a service refuses a change, the whole request is rolled back, and the form is shown again with the message next to
the field or row it concerns.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet
from django.forms.models import InlineForeignKeyField, construct_instance
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator
from unfold.widgets import UnfoldAdminSplitDateTimeWidget, UnfoldAdminTextareaWidget

from kit.admin.pages import LINK_CLASSES
from kit.admin.refusals import FormRefused, add_refusal, all_or_nothing, refusals_of
from kit.errors import Refused
from kit.web.fields import NO_CONTROL_CHARACTERS
from kit.zones import NoSuchTime, instant, local

SHOWN_RECORDS = 10
# A bigint has at most 19 digits.
MAX_ID_DIGITS = 19


class MultiLineField(forms.CharField):
    """Text stored with `\\n` line endings. Browsers send `\\r\\n`, which would count as a change."""

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).replace("\r\n", "\n")


class LocalTimeField(forms.SplitDateTimeField):
    """A date and time without a zone, which the form adds."""

    def compress(self, data_list: Any) -> datetime | None:
        with timezone.override(UTC):
            moment = super().compress(data_list)
        return moment and moment.replace(tzinfo=None)


class OwnTimeField(LocalTimeField):
    """A date and time in the viewer's zone (`accounts.time_zones`)."""

    # What the form shows. If it is sent back, it is right even if the clocks show it twice.
    shown: datetime | None = None

    def compress(self, data_list: Any) -> datetime | None:
        moment = super().compress(data_list)
        if moment is None:
            return None
        zone = timezone.get_current_timezone_name()
        if self.shown and local(self.shown, zone).replace(microsecond=0, tzinfo=None) == moment:
            return self.shown
        try:
            return instant(moment, zone)
        except NoSuchTime as error:
            raise ValidationError(str(error)) from error


def is_single_line(field: forms.Field) -> bool:
    return isinstance(field, forms.CharField) and isinstance(field.widget, forms.TextInput)


class Autocomplete(AutocompleteSelect):
    """An autocomplete widget that ignores submitted values that are not ids; Django's would fail to redisplay them."""

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        return super().optgroups(name, [each for each in value if is_id(each)], attr)


def is_id(text: Any) -> bool:
    """Return whether the text is a number that the database can look up."""
    return str(text).isascii() and str(text).isdecimal() and len(str(text)) <= MAX_ID_DIGITS


class AutocompleteMixin:
    """Mix-in for model admins and inlines: use our `Autocomplete` widget."""

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):  # type: ignore[attr-defined]
            kwargs.setdefault("widget", Autocomplete(db_field, self.admin_site))  # type: ignore[attr-defined]
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]


class SingleLineMixin:
    """Mix-in for model admins and inlines without a `ServiceForm`: refuse control characters in single-line fields."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        if is_single_line(field):
            field.validators = [*field.validators, NO_CONTROL_CHARACTERS]
        return field


class ServiceForm(forms.ModelForm):
    """A form that checks only types and lengths. Services enforce the rules, and the form shows their errors."""

    # Keyed by form prefix. `ServiceAdmin` sets them when it shows the form again.
    refusals: dict[str, Refused] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            if isinstance(field, OwnTimeField):
                field.shown = self.initial.get(name)
                zone = timezone.get_current_timezone_name()
                field.help_text = f"{field.help_text} Time zone: {zone}.".strip()
            if is_single_line(field) and NO_CONTROL_CHARACTERS not in field.validators:
                field.validators = [*field.validators, NO_CONTROL_CHARACTERS]
            if isinstance(field.widget, forms.SplitDateTimeWidget):
                # The field's label names neither input.
                for part, kind in zip(field.widget.widgets, ("date", "time"), strict=True):
                    part.attrs["aria-label"] = f"{field.label}: {kind}"

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if refusal := self.refusals.get(self.prefix or ""):
            add_refusal(self, refusal)
        return cleaned

    def _post_clean(self) -> None:
        """Check values, but no constraints, each of which is a query: the services and the database check them.

        The services' messages are those of the API, too. Django has no option for this.
        """
        inline_keys = {name for name, field in self.fields.items() if isinstance(field, InlineForeignKeyField)}
        exclude = self._get_validation_exclusions() | inline_keys  # type: ignore[attr-defined]
        construct_instance(self, self.instance, self._meta.fields, self._meta.exclude)
        try:
            self.instance.full_clean(exclude, validate_unique=False, validate_constraints=False)
        except ValidationError as error:
            self._update_errors(error)  # type: ignore[attr-defined]


class ServiceAdmin(AutocompleteMixin, ModelAdmin):
    """A model admin that saves through services. A refusal rolls back the request and shows the form again."""

    form = ServiceForm
    formfield_overrides: dict[Any, Any] = {
        models.TextField: {"form_class": MultiLineField, "widget": UnfoldAdminTextareaWidget(attrs={"rows": 6})},
        models.DateTimeField: {"form_class": OwnTimeField, "widget": UnfoldAdminSplitDateTimeWidget},
    }
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
            with all_or_nothing():
                return super().changeform_view(request, object_id, form_url, extra_context)
        except FormRefused as refused:
            refusals = {refused.prefix: refused.refusal}
        except Refused as refusal:
            refusals = {"": refusal}
        request.refusals = refusals  # type: ignore[attr-defined]
        return super().changeform_view(request, object_id, form_url, extra_context)

    def get_paginator(self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any) -> Any:
        """Return a paginator. For autocomplete, it runs no COUNT, which would scan the table on every keystroke."""
        is_autocomplete = request.path == reverse("admin:autocomplete")
        return (InfinitePaginator if is_autocomplete else self.paginator)(queryset, *args, **kwargs)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        form.refusals = refusals_of(request)
        return form

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return without_related_buttons(super().formfield_for_dbfield(db_field, request, **kwargs))

    def deletion_blockers(self, row: Any) -> Iterable[tuple[str, Any]]:
        """Return what prevents deleting the row, newest first: pairs of a page's URL and the object it shows."""
        return []

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Return what the deletion page lists: at most a few of the possibly many rows that prevent the deletion."""
        blockers = [each for row in objs for each in self.deletion_blockers(row)]
        if not blockers:
            return super().get_deleted_objects(objs, request)
        shown = blockers[:SHOWN_RECORDS]
        links = [format_html('<a href="{}" class="{}">{}</a>', url, LINK_CLASSES, row) for url, row in shown]
        return [], {}, set(), [*links, *(["and older ones"] if len(blockers) > SHOWN_RECORDS else [])]

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method != "POST":
            return super().delete_view(request, object_id, extra_context)
        try:
            with all_or_nothing():
                return super().delete_view(request, object_id, extra_context)
        except Refused as refusal:
            self.message_user(request, f"{refusal.message}.", messages.ERROR)
            return HttpResponseRedirect(reverse(f"admin:{self.opts.label_lower.replace('.', '_')}_changelist"))


def newest(rows: Any) -> Any:
    """Return the newest rows: one more than the deletion page lists."""
    return rows.order_by("-pk")[: SHOWN_RECORDS + 1]


def without_related_buttons(field: Any) -> Any:
    """Remove the buttons next to a foreign key that add or change the related object in a pop-up."""
    for flag in ("can_add_related", "can_change_related", "can_delete_related", "can_view_related"):
        if hasattr(getattr(field, "widget", None), flag):
            setattr(field.widget, flag, False)
    return field


def changed_values(form: forms.BaseForm) -> dict[str, Any]:
    """Return the values of the changed fields."""
    return {name: form.cleaned_data[name] for name in form.changed_data if name in form.cleaned_data}
