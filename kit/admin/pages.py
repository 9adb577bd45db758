"""Admin pages other than Django's change forms."""

from typing import Any

from django import forms
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.admin import ModelAdmin

# The theme's CSS classes for links.
LINK_CLASSES = "text-primary-600 dark:text-primary-500"


class ReadOnlyMixin:
    """Mix-in for model admins and inlines that only show their rows."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def row_or_404(model_admin: Any, request: HttpRequest, object_id: str) -> Any:
    """Return the row of a page, as far as the model admin shows it.

    :raises Http404: there is none, or the id is malformed.
    """
    row = model_admin.get_object(request, object_id)
    if row is None:
        raise Http404
    return row


def form_page(
    model_admin: ModelAdmin,
    request: HttpRequest,
    form: forms.Form,
    *,
    title: str,
    notes: list[str],
    submit: str,
    back: str,
    row: Model | None = None,
    action: str = "",
    draft: str = "",
    is_destructive: bool = False,
) -> HttpResponse:
    """Return a page with notes and a form. `back` is the URL of its cancel link; breadcrumbs lead to `row`.

    The form is posted to `action`, by default to the page's own URL. `draft` tells apart the drafts of forms that are
    posted to the same URL (kit/static/kit/drafts.js). If the form `is_destructive`, its button is red.
    """
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "original": row,
        "title": title,
        "form": form,
        "notes": notes,
        "submit_label": submit,
        "back": back,
        "action": action,
        "draft": draft,
        "variant": "danger" if is_destructive else "primary",
        # The page's own, so that the breadcrumbs need none.
        "has_heading": True,
    }
    return TemplateResponse(request, "admin/form_page.html", context)
