"""The page that tells a member of staff what was refused, and whom to ask."""

from copy import copy
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.defaults import permission_denied

from accounts.admin.kept_forms import SECRET, KeptForm
from accounts.models import User, UserType
from kit.web.paths import is_in_admin

# What the last word of a page's name means.
VERBS = {
    "changelist": "open the list of {many}",
    "add": "add {many}",
    "change": "open or change this {one}",
    "delete": "delete this {one}",
    "history": "open the history of this {one}",
}


def forbidden_page(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return a page in the admin's look if staff was refused something there, or else Django's."""
    user = getattr(request, "user", None)
    if not (isinstance(user, User) and is_in_admin(request) and admin.site.has_permission(request)):
        return permission_denied(request, exception)
    model_admin, action = _page_of(request)
    person = None if user.is_admin else _whom_to_ask()
    context = {
        **admin.site.each_context(request),
        "title": "Not allowed",
        "refused": _refused(model_admin, action),
        "role": user.get_type_display(),
        "is_admin": user.is_admin,
        "person": person,
        "is_impossible": person is not None and not _is_allowed(request, person, model_admin, action),
        "instead": getattr(model_admin, "instead_of", {}).get(action, ""),
        "typed": _typed(request),
    }
    return render(request, "admin/forbidden.html", context, status=403)


def _typed(request: HttpRequest) -> list[tuple[str, str]]:
    """Return what was filled in, so that nobody has to type it again elsewhere."""
    pairs = [[name, value] for name, values in request.POST.lists() for value in values if not SECRET.search(name)]
    return KeptForm(request.get_full_path(), pairs).filled_in


def _whom_to_ask() -> User | None:
    """Return the admin who has been here longest."""
    return User.objects.filter(type=UserType.ADMIN, is_active=True).order_by("pk").first()


def _page_of(request: HttpRequest) -> tuple[Any, str]:
    """Return the model admin that the page belongs to, or None, and the last word of the page's name."""
    page = str(request.resolver_match and request.resolver_match.url_name)
    for model, model_admin in admin.site._registry.items():
        prefix = f"{model._meta.app_label}_{model._meta.model_name}_"
        if page.startswith(prefix):
            return model_admin, page.removeprefix(prefix)
    return None, page


def _refused(model_admin: Any, action: str) -> str:
    """Return what the page is for: "add events", "New booking"."""
    if model_admin and action in VERBS:
        return VERBS[action].format(one=model_admin.opts.verbose_name, many=model_admin.opts.verbose_name_plural)
    if description := getattr(getattr(model_admin, action, None), "short_description", None):
        return f"use “{description}”"
    return "open this page"


def _is_allowed(request: HttpRequest, person: User, model_admin: Any, action: str) -> bool:
    """Return whether this admin could add, change or delete what the page is about; true for all else."""
    asked = copy(request)
    asked.user = person
    if action == "add":
        return bool(model_admin.has_add_permission(asked))
    if action in ("change", "delete") and asked.resolver_match:
        row = model_admin.get_object(asked, unquote(asked.resolver_match.kwargs["object_id"]))
        return bool(getattr(model_admin, f"has_{action}_permission")(asked, row))
    return True
