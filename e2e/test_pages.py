"""Every page in Chromium: nothing that the Content-Security-Policy blocks, and nothing that axe objects to."""

import json
import re
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from e2e.conftest import PASSWORD_OF, Desk

ADMIN, CUSTOMER = "admin@example.com", "customer@example.com"
# Pages that a crawl from the overview must have found, with ids as #.
EXPECTED = {
    *("/admin/", "/admin/password_change/", "/admin/accounts/user/own-email/"),
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
    return [
        f"{fault['id']}: {node['html'][:200]} {node['failureSummary']}" for fault in found for node in fault["nodes"]
    ]


def name_of(url: str) -> str:
    return re.sub(r"\d+", "#", urlsplit(url).path)


def crawl(desk: Desk) -> dict[str, list[str]]:
    """Visit one page of each kind under /admin/, and return what is wrong with each: what axe finds, and its width."""
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
        found[name_of(path)] = faults(desk.page) + ([] if desk.fits() else ["scrolls sideways"])
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

    assert EXPECTED - found.keys() == set()
    assert {path: page for path, page in found.items() if page} == {}


def test_public(desk: Desk) -> None:
    for name, path in {"root": "/", "missing": "/nothing", "docs": "/docs", "sign-in": "/admin/login/"}.items():
        desk.go(path)
        # The documentation is too long for a picture.
        desk.screenshot(name, whole=name != "docs")
        desk.page.evaluate("document.querySelectorAll('main details').forEach(part => part.open = true)")
        assert (path, faults(desk.page)) == (path, [])
    lock_out(desk)


def lock_out(desk: Desk) -> None:
    """Sign in with a wrong password until the account is locked."""
    page = desk.page
    for _ in range(6):
        if page.get_by_label("Password").count():
            page.get_by_label("E-mail address").fill(f"{desk.name}@example.com")
            page.get_by_label("Password").fill("a wrong password")
            page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Too many failed sign-ins")).to_be_visible()
    desk.screenshot("locked-out")
    assert faults(page) == []


def test_trying_out_calls(desk: Desk) -> None:
    """Without a mouse: sign in, create a ticket and read it."""
    page = desk.page
    desk.go("/docs#signIn")

    credentials = {"email": CUSTOMER, "password": PASSWORD_OF[CUSTOMER]}
    assert "200" in try_out(page, "signIn", {"body": json.dumps(credentials)})
    expect(page.get_by_label("Token for")).not_to_be_empty()
    created = try_out(page, "createTicket", {"body": json.dumps({"title": f"Tried by {desk.name}"})})
    assert "201" in created
    number = re.findall(r'"id": (\d+)', created)[0]
    assert f"Tried by {desk.name}" in try_out(page, "getTicket", {"ticketId": number})
    assert "400" in try_out(page, "listTickets", {"status": "lost"})
    desk.screenshot("tried", whole=False)
    assert faults(page) == []


def try_out(page: Page, call: str, values: dict[str, str]) -> str:
    """Send the form of a call by keyboard and return the response."""
    article = page.locator(f"article[aria-labelledby={call}]")
    article.get_by_text("Try it out").press("Enter")
    for name, value in values.items():
        article.locator(f"[name={name}]").fill(value)
    article.get_by_role("button", name="Execute").press("Enter")
    result = article.get_by_role("status")
    expect(result.locator("pre").first).to_be_visible()
    return result.inner_text()


def test_widgets_of_the_admin(desk: Desk) -> None:
    page = desk.page
    desk.sign_in(ADMIN)

    desk.go("/admin/tickets/ticket/add/")
    page.get_by_role("combobox", name="Project").click()
    page.locator(".select2-search__field").fill("Gen")
    page.get_by_role("option", name="General").click()
    desk.screenshot("autocomplete")

    desk.go("/admin/events/event/add/")
    page.locator("[id^=calendarlink]").first.click()
    page.locator(".calendar td a").first.click()
    expect(page.locator("[name=starts_at_0]")).not_to_be_empty()
    page.locator("[id^=clocklink]").first.click()
    desk.screenshot("clock")
    page.locator(".timelist a").first.click()
    expect(page.locator("[name=starts_at_1]")).not_to_be_empty()

    desk.go("/admin/tickets/ticket/")
    page.locator("#action-toggle").check()
    expect(page.locator("#changelist-actions")).to_be_visible()
    desk.screenshot("actions")
    assert faults(page) == []
    page.keyboard.press("Control+k")
    page.wait_for_load_state("networkidle")
    desk.screenshot("command")
