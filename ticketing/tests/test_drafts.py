"""Every form of the admin with something to type has a draft in the browser (kit/static/kit/drafts.js)."""

from html.parser import HTMLParser

import pytest

from accounts.models import User
from kit.tests.browser import Browser
from ticketing.tests.pages import everything, make_examples

NOT_TYPED = {"hidden", "submit", "button", "password", "search", "checkbox", "radio"}


class Page(HTMLParser):
    """Which user the page names, and the fields of its forms that are posted."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.user: str | None = None
        self.typed: set[str] = set()
        self._is_posted = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "meta" and found.get("name") == "user":
            self.user = found["content"]
        if tag == "form":
            self._is_posted = found.get("method") == "post" and found.get("id") != "changelist-form"
        is_typed = tag == "textarea" or (tag == "input" and found.get("type", "text") not in NOT_TYPED)
        if self._is_posted and is_typed and "__prefix__" not in found.get("name", ""):
            self.typed.add(found.get("name", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_posted = False


@pytest.mark.django_db
def test_every_form_knows_whose_draft_it_has(superuser: User) -> None:
    browser, typed = Browser(superuser), {}
    for page in everything(make_examples()):
        answer = browser.post(page.url, page.action) if page.action else browser.get(page.url, page.query)
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
            shown = Page(answer.content.decode())
            if shown.typed:
                typed[page.key] = shown.user

    assert typed.items() >= {
        ("events_event_change", str(superuser.pk)),
        ("accounts_user_note", str(superuser.pk)),
        ("tickets_ticket_hold", str(superuser.pk)),
    }
    assert set(typed.values()) == {str(superuser.pk)}
