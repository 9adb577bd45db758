"""The page for what a member of staff may not do: it says what was refused, and whom to ask."""

from django.contrib import admin
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
    context = {
        **admin.site.each_context(request),
        "title": "Not allowed",
        "refused": _refused(request),
        "role": user.get_type_display(),
        "is_admin": user.is_admin,
        "person": None if user.is_admin else _whom_to_ask(),
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


def _refused(request: HttpRequest) -> str:
    """Return what the page is for: "add events", "New booking"."""
    page = str(request.resolver_match and request.resolver_match.url_name)
    for model, model_admin in admin.site._registry.items():
        prefix, opts = f"{model._meta.app_label}_{model._meta.model_name}_", model._meta
        if not page.startswith(prefix):
            continue
        action = page.removeprefix(prefix)
        if action in VERBS:
            return VERBS[action].format(one=opts.verbose_name, many=opts.verbose_name_plural)
        if description := getattr(getattr(model_admin, action, None), "short_description", None):
            return f"use “{description}”"
    return "open this page"
