"""What the apps' admins share: forms that save through the services; and which of the libraries' admins are shown.

A refusal undoes the whole request; the form is then shown again, with the sentence beside the field or row concerned.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from axes.models import AccessAttempt
from axes.utils import reset
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AutocompleteSelect
from django.contrib.auth import admin as _admin_of_groups  # noqa: F401
from django.contrib.auth.models import Group
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, OperationalError, models
from django.db.models import ProtectedError, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import capfirst
from django_otp.plugins.otp_static import admin as _admin_of_recovery_codes  # noqa: F401
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp import admin as _admin_of_apps  # noqa: F401
from django_otp.plugins.otp_totp.models import TOTPDevice
from psycopg.errors import ForeignKeyViolation
from rest_framework_simplejwt.token_blacklist import admin as _admin_of_tokens  # noqa: F401
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.models import User
from ticketing.api import SQLSTATES_OF_BUSY
from ticketing.errors import Busy, Conflict, Refused
from ticketing.fields import NO_CONTROL_CHARACTERS

# Imported above, so that they are there to be taken out: what staff may do follows from their type and not from groups,
# and tokens and the secrets of second factors are no reading for people.
admin.site.unregister([Group, BlacklistedToken, OutstandingToken, StaticDevice, TOTPDevice])


admin.site.index_title = "Overview"

SHOWN_RECORDS = 10
# A bigint has at most 19.
DIGITS_OF_NO_ID = 20
# How the theme marks a link.
LINK = "text-primary-600 dark:text-primary-500"


class InUse(Conflict):
    message = "Something else refers to it, or what it refers to is gone"


class RefusedIn(Exception):
    """A refusal and the form (by its prefix, "" for the page's own) in which it is to be said."""

    def __init__(self, prefix: str, refusal: Refused) -> None:
        super().__init__(refusal.message)
        self.prefix = prefix
        self.refusal = refusal


@contextmanager
def said_in(form: forms.BaseForm) -> Iterator[None]:
    try:
        yield
    except Refused as refusal:
        raise RefusedIn(form.prefix or "", refusal) from refusal


@contextmanager
def database_refusals() -> Iterator[None]:
    """Turn what the database says of a lost race into the refusal that it is; leave everything else alone."""
    try:
        yield
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) in SQLSTATES_OF_BUSY:
            raise Busy from error
        raise
    except ProtectedError as error:
        raise InUse from error
    except IntegrityError as error:
        if isinstance(error.__cause__, ForeignKeyViolation):
            raise InUse from error
        raise


@contextmanager
def refusals_in(form: forms.BaseForm) -> Iterator[None]:
    """Do something within: what refuses it, the form says then."""
    try:
        with database_refusals():
            yield
    except Refused as refusal:
        say_in(form, refusal)


@contextmanager
def refusals_told(request: HttpRequest) -> Iterator[None]:
    """Do something within: what refuses it, the next page says."""
    try:
        with database_refusals():
            yield
    except Refused as refusal:
        messages.error(request, f"{refusal.message}.")


class ForReading:
    """Mix-in of admins and of rows that nobody adds to, changes or deletes there."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


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

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What the page of a deletion shows. Of what forbids it a few, where there may be a million."""
        records = [(ticket.pk, ticket) for doomed in objs for ticket in _newest(doomed.tickets)]
        people = (doomed for doomed in objs if isinstance(doomed, User))
        records += [(comment.ticket_id, comment) for person in people for comment in _newest(person.comments)]
        if not records:
            return super().get_deleted_objects(objs, request)
        page = "admin:tickets_ticket_change"
        links = [
            format_html('<a href="{}" class="{}">{}</a>', reverse(page, args=[ticket_id]), LINK, record)
            for ticket_id, record in records[:SHOWN_RECORDS]
        ]
        return [], {}, set(), [*links, *(["and older ones"] if len(records) > SHOWN_RECORDS else [])]

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            with database_refusals():
                return super().delete_view(request, object_id, extra_context)
        except Refused as refusal:
            self.message_user(request, f"{refusal.message}.", messages.ERROR)
            return HttpResponseRedirect(reverse(f"admin:{self.opts.label_lower.replace('.', '_')}_changelist"))


def form_page(
    model_admin: ModelAdmin,
    request: HttpRequest,
    form: forms.Form,
    *,
    title: str,
    notes: list[str],
    submit: str,
    back: str,
    action: str = "",
) -> HttpResponse:
    """A page that asks for something before it is done: what is known, then a form. `back` is where one gives up to.

    The form is sent to `action`, or to where the page was asked from.
    """
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": title,
        "form": form,
        "notes": notes,
        "submit_label": submit,
        "back": back,
        "action": action,
    }
    return TemplateResponse(request, "admin/form_page.html", context)


def _newest(records: Any) -> Any:
    return records.order_by("-pk")[: SHOWN_RECORDS + 1]


def refusal_lines(refusal: Refused) -> list[tuple[str, str]]:
    """What is wrong, as (field, sentence); the field is "" for a refusal that concerns none."""
    lines = [(name, sentence) for name, sentences in refusal.fields.items() for sentence in sentences]
    return lines or [("", refusal.message)]


def say_in(form: forms.BaseForm, refusal: Refused) -> None:
    for name, sentence in refusal_lines(refusal):
        form.add_error(name if name in form.fields else None, sentence)


def signed_in(request: HttpRequest) -> User:
    """Who is at work; the admin's pages have let nobody else through."""
    return cast(User, request.user)


def refusals_of(request: HttpRequest) -> dict[str, Refused]:
    return getattr(request, "refusals", {})


def without_shortcuts(field: Any) -> Any:
    """Pages of their own make and change what a field refers to; pop-ups beside the field are one way too many."""
    for shortcut in ("can_add_related", "can_change_related", "can_delete_related", "can_view_related"):
        if hasattr(getattr(field, "widget", None), shortcut):
            setattr(field.widget, shortcut, False)
    return field


def changed_values(form: forms.BaseForm) -> dict[str, Any]:
    """What the person changed in the form, by field."""
    return {name: form.cleaned_data[name] for name in form.changed_data if name in form.cleaned_data}


@admin.register(AccessAttempt)
class FailedSignInAdmin(ForReading, ModelAdmin):
    """Failed sign-ins that count towards a lockout; lifting it forgets them."""

    list_display = ["username", "ip_address", "failures_since_start", "attempt_time", "path_info", "user_agent"]
    list_display_links = None
    list_filter = ["attempt_time"]
    search_fields = ["username", "ip_address"]
    ordering = ["-attempt_time", "-id"]
    show_full_result_count = False
    actions = ["lift_lockout"]

    @admin.action(description="Lift the lockout", permissions=["lift"])
    def lift_lockout(self, request: HttpRequest, attempts: QuerySet[AccessAttempt]) -> None:
        for username, address in set(attempts.values_list("username", "ip_address")):
            reset(username=username, ip=address)
            self.message_user(request, capfirst(f"{username} may sign in from {address} again."))

    def has_lift_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("axes.delete_accessattempt")
