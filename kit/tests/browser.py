"""The admin as a person's browser sees it: pages that are fetched, and forms that are sent back as they were shown."""

from html.parser import HTMLParser
from typing import Any

from django.test import Client

from accounts.models import User


class Browser(Client):
    """Signed in as somebody, without the way through the sign-in page."""

    def __init__(self, user: User) -> None:
        super().__init__()
        self.force_login(user, backend="accounts.permissions.RoleBackend")

    def submit(self, url: str, **changes: Any) -> Any:
        """Open a page, change fields of its form (None leaves one out) and send it."""
        shown = fields(self.get(url))
        sent = {name: value for name, value in {**shown, **changes}.items() if value is not None}
        return self.post(url, {"_save": "Save", **sent})


def fields(page: Any) -> dict[str, str]:
    """What the browser would send back of a page's form if nobody touched it."""
    form = _Form()
    form.feed(page.content.decode())
    return form.values


def errors(page: Any) -> dict[str, list[str]]:
    """What the shown form says is wrong, by field; the rows' fields bear the prefix of their row."""
    said = dict(page.context["adminform"].form.errors)
    for formset in page.context["inline_admin_formsets"]:
        for row in formset.formset.forms:
            said.update({f"{row.prefix}-{name}": sentences for name, sentences in row.errors.items()})
        if whole := formset.formset.non_form_errors():
            said[formset.formset.prefix] = whole
    return {name: list(sentences) for name, sentences in said.items()}


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
            # A browser drops the first line end and sends the others as \r\n.
            text = self.values[self._textarea].replace("\r\n", "\n").removeprefix("\n")
            self.values[self._textarea] = text.replace("\n", "\r\n")
            self._textarea = ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.values[self._textarea] += data
