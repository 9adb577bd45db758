"""Pages of the admin beside the change forms."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.admin import ModelAdmin

# How the theme marks a link.
LINK = "text-primary-600 dark:text-primary-500"


class ForReading:
    """Mix-in of admins and of rows that nobody adds to, changes or deletes there."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


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
