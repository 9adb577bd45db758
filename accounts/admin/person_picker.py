"""The field in which staff choose who works on tickets: agents, and customers behind a switch."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts import queries
from accounts.models import User, UserType
from kit.admin.forms import Autocomplete

PAGE_SIZE = 20
MAX_PAGE = 50
MAX_TEXT = 200
AGENTS, EVERYONE = "agents", "everyone"


class PersonPicker(Autocomplete):
    """A field to choose an assignee in. kit/people.js makes the switch change what the field asks for."""

    def get_url(self) -> str:
        return reverse("admin:accounts_user_autocomplete")

    def build_attrs(self, base_attrs: dict[str, Any], extra_attrs: dict[str, Any] | None = None) -> dict[str, Any]:
        # The theme's script sends it with each request.
        return super().build_attrs(base_attrs, extra_attrs) | {"data-field-name": AGENTS}

    def render(self, *args: Any, **kwargs: Any) -> SafeString:
        switch = SafeString('<label><input type="checkbox" data-person-switch> Include customers</label>')
        return format_html('<div class="person-picker">{}{}</div>', super().render(*args, **kwargs), switch)

    @property
    def media(self) -> forms.Media:
        return super().media + forms.Media(js=["kit/people.js"], css={"screen": ["kit/people.css"]})


class PersonField(forms.ModelChoiceField):
    """A form field with the picker, for forms that are not made from a model. `source` is a foreign key to users."""

    def __init__(self, source: Any, **kwargs: Any) -> None:
        widget = PersonPicker(source, admin.site)
        super().__init__(User.objects.filter(is_active=True), widget=widget, **kwargs)


def choices_view(request: HttpRequest) -> JsonResponse:
    """Return a page of people in the format of Select2."""
    if not request.user.has_perm("accounts.view_user"):
        raise PermissionDenied
    number = request.GET.get("page", "")
    page = min(max(int(number), 1), MAX_PAGE) if number.isascii() and number.isdecimal() and len(number) < 9 else 1
    found = queries.assignable(
        text=request.GET.get("term", "").replace("\x00", "").strip()[:MAX_TEXT],
        with_customers=request.GET.get("field_name") == EVERYONE,
        skipped=(page - 1) * PAGE_SIZE,
        limit=PAGE_SIZE + 1,
    )
    results = [{"id": str(person["id"]), "text": _label(person)} for person in found[:PAGE_SIZE]]
    return JsonResponse({"results": results, "pagination": {"more": len(found) > PAGE_SIZE and page < MAX_PAGE}})


def _label(person: queries.Row) -> str:
    kind = " (customer)" if person["type"] == UserType.CUSTOMER else ""
    return f"{person['name']} <{person['email']}>{kind}"
