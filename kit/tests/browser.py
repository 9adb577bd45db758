"""A browser for the admin: fetches pages and submits their forms as they were shown."""

from html.parser import HTMLParser
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.test import Client

from accounts.models import User


class Browser(Client):
    """A client that is signed in, without going through the sign-in page."""

    def __init__(self, user: User) -> None:
        super().__init__()
        # Otherwise the first page in a process runs one more query than the others.
        ContentType.objects.get_for_models(*apps.get_models())
        self.force_login(user, backend="accounts.permissions.RoleBackend")

    def submit(self, url: str, /, **changes: Any) -> Any:
        """Open a page, change fields of its form (None omits one) and submit it."""
        shown = fields(self.get(url))
        values = {name: value for name, value in {**shown, **changes}.items() if value is not None}
        return self.post(url, {"_save": "Save", **values})


def fields(page: Any) -> dict[str, str]:
    """Return what a browser would submit if nothing in the form was changed."""
    form = _Form()
    form.feed(page.content.decode())
    return form.values


def errors(page: Any) -> dict[str, list[str]]:
    """Return the form's error messages by field. Fields of inline rows have their row's prefix."""
    found = dict(page.context["adminform"].form.errors)
    for formset in page.context["inline_admin_formsets"]:
        for row in formset.formset.forms:
            found.update({f"{row.prefix}-{name}": sentences for name, sentences in row.errors.items()})
        if whole := formset.formset.non_form_errors():
            found[formset.formset.prefix] = whole
    return {name: list(sentences) for name, sentences in found.items()}


class _Form(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._select = ""
        self._textarea = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        name, value = attributes.get("name") or "", attributes.get("value")
        if tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in attributes or self._select not in self.values):
            self.values[self._select] = value or ""
        elif tag == "textarea":
            self._textarea = name
            self.values[name] = ""
        elif tag == "input" and name and attributes.get("type") not in ("submit", "button", "checkbox", "search"):
            self.values[name] = value or ""
        elif tag == "input" and name and attributes.get("type") == "checkbox" and "checked" in attributes:
            self.values[name] = value or "on"

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        elif tag == "textarea":
            # A browser drops the first newline and sends the others as \r\n.
            text = self.values[self._textarea].replace("\r\n", "\n").removeprefix("\n")
            self.values[self._textarea] = text.replace("\n", "\r\n")
            self._textarea = ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.values[self._textarea] += data
