"""Every page in Chromium: nothing that the Content-Security-Policy blocks, and nothing that axe objects to."""

import re
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from e2e.conftest import PASSWORD_OF, Desk

ADMIN, CUSTOMER = "admin@example.com", "customer@example.com"
# Pages that a crawl from the overview must have found, with ids as #.
EXPECTED = {
    *("/admin/", "/admin/password_change/"),
    *(f"/admin/tickets/ticket/{page}" for page in ("", "add/", "#/change/", "#/history/")),
    *(f"/admin/events/event/{page}" for page in ("", "add/", "#/change/", "#/history/", "#/book/", "#/cancel/")),
    *(f"/admin/events/booking/{page}" for page in ("", "#/change/", "#/history/", "#/cancel/")),
    *(f"/admin/accounts/user/{page}" for page in ("", "add/", "#/change/", "#/history/", "#/password/")),
    *("/admin/notifications/delivery/", "/admin/sla/slapolicy/high/change/", "/admin/sla/calendar/add/"),
}
LINKS = """() => [...document.querySelectorAll("a[href]")].map(link => link.href)"""


def faults(page: Page) -> list[str]:
    """Return what axe finds on the page: the rule, and the element."""
    found = Axe().run(page).response["violations"]
    return [f"{fault['id']}: {node['html'][:200]} {node['failureSummary']}" for fault in found for node in fault["nodes"]]


def name_of(url: str) -> str:
    return re.sub(r"\d+", "#", urlsplit(url).path)


def crawl(desk: Desk) -> dict[str, list[str]]:
    """Visit one page of each kind under /admin/, and return what axe found on each."""
    waiting, found = ["/admin/"], {}
    while waiting:
        path = waiting.pop()
        if name_of(path) in found:
            continue
        response = desk.page.goto(desk.site + path)
        assert response
        if "text/html" not in response.headers["content-type"]:
            continue
        desk.page.wait_for_load_state("networkidle")
        found[name_of(path)] = faults(desk.page)
        links = [urlsplit(link) for link in desk.page.evaluate(LINKS)]
        waiting += [
            f"{link.path}?{link.query}"
            for link in links
            if link.path.startswith("/admin/") and desk.site.endswith(link.netloc) and "export" not in link.path
        ]
    return found


def test_admin(desk: Desk) -> None:
    desk.sign_in(ADMIN)

    found = crawl(desk)

    print(sorted(found))
    assert EXPECTED - found.keys() == set()
    assert {path: page for path, page in found.items() if page} == {}
