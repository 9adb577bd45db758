"""The field in which staff choose who works on tickets: agents, and customers behind a switch."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.contrib.filters.forms import AutocompleteDropdownForm

from accounts import queries
from accounts.models import User, UserType
from kit.admin.forms import Autocomplete, is_id

PAGE_SIZE = 20
MAX_PAGE = 50
MAX_TEXT = 200
MAX_LEFT_OUT = 50
# What a field asks for, followed by the ids of users to leave out: "agents-7-12".
AGENTS, EVERYONE, CUSTOMERS = "agents", "everyone", "customers"


class PersonPicker(Autocomplete):
    """A field to choose an assignee in. kit/people.js makes the switch change what the field asks for.

    It does not offer the users with the ids `without`, nor the one chosen in the form's field `unlike`.
    """

    offers = AGENTS
    without: Iterable[int] = ()
    unlike = ""

    def get_url(self) -> str:
        return reverse("admin:accounts_user_autocomplete")

    def build_attrs(self, base_attrs: dict[str, Any], extra_attrs: dict[str, Any] | None = None) -> dict[str, Any]:
        # The theme's script sends it with each request.
        left_out = "-".join(map(str, self.without))
        kinds = {"data-field-name": f"{self.offers}-{left_out}".removesuffix("-"), "data-without": left_out}
        return super().build_attrs(base_attrs, extra_attrs) | kinds | {"data-unlike": self.unlike}

    def render(self, *args: Any, **kwargs: Any) -> SafeString:
        switch = SafeString('<label><input type="checkbox" data-person-switch> Include customers</label>')
        return format_html('<div class="person-picker">{}{}</div>', super().render(*args, **kwargs), switch)

    @property
    def media(self) -> forms.Media:
        return super().media + forms.Media(js=["kit/people.js"], css={"screen": ["kit/people.css"]})


class CustomerPicker(PersonPicker):
    """A field in which agents choose a customer or themselves."""

    offers = CUSTOMERS

    def render(self, *args: Any, **kwargs: Any) -> SafeString:
        return super(PersonPicker, self).render(*args, **kwargs)


class PersonField(forms.ModelChoiceField):
    """A form field with the picker, for forms that are not made from a model. `source` is a foreign key to users."""

    def __init__(self, source: Any, *, without: Iterable[int] = (), unlike: str = "", **kwargs: Any) -> None:
        widget = PersonPicker(source, admin.site)
        widget.without, widget.unlike = without, unlike
        super().__init__(User.objects.filter(is_active=True), widget=widget, **kwargs)


class PersonFilterForm(AutocompleteDropdownForm):
    widget = PersonPicker

    class Media(AutocompleteDropdownForm.Media):
        js = (*AutocompleteDropdownForm.Media.js, "kit/people.js")
        css = {"screen": (*AutocompleteDropdownForm.Media.css["screen"], "kit/people.css")}


class PersonFilter(AutocompleteSelectFilter):
    """A filter of a list by assignee, with the picker."""

    form_class = PersonFilterForm


def choices_view(request: HttpRequest) -> JsonResponse:
    """Return a page of people in the format of Select2."""
    if not request.user.has_perm("accounts.view_user"):
        raise PermissionDenied
    number = request.GET.get("page", "")
    page = min(max(int(number), 1), MAX_PAGE) if number.isascii() and number.isdecimal() and len(number) < 9 else 1
    kind, *left_out = request.GET.get("field_name", "").split("-")
    found = queries.assignable(
        text=request.GET.get("term", "").replace("\x00", "").strip()[:MAX_TEXT],
        with_customers=kind in (EVERYONE, CUSTOMERS),
        only_agent_id=request.user.pk if kind == CUSTOMERS else None,
        without=[int(each) for each in left_out[:MAX_LEFT_OUT] if is_id(each)],
        skipped=(page - 1) * PAGE_SIZE,
        limit=PAGE_SIZE + 1,
    )
    results = [{"id": str(person["id"]), "text": _label(person)} for person in found[:PAGE_SIZE]]
    return JsonResponse({"results": results, "pagination": {"more": len(found) > PAGE_SIZE and page < MAX_PAGE}})


def _label(person: queries.Row) -> str:
    kind = " (customer)" if person["type"] == UserType.CUSTOMER else ""
    return f"{person['name']} <{person['email']}>{kind}"
