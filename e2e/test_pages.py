"""Every page in Chromium: nothing that the Content-Security-Policy blocks, and nothing that axe objects to.

The pages of the admin are looked at in both themes and widths; see var/e2e/admin-light, admin-phone-dark and so on.
"""

import json
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from e2e.conftest import FITS, PASSWORD_OF, SCREENSHOTS, Desk

ADMIN, AGENT, CUSTOMER = "admin@example.com", "agent@example.com", "customer@example.com"
# How every page is looked at: the theme and the width of the window.
LOOKS: dict[str, tuple[str, int]] = {
    "light": ("light", 1366),
    "dark": ("dark", 1366),
    "phone": ("light", 390),
    "phone-dark": ("dark", 390),
}
# Pages that a crawl from the overview must have found, with ids as #.
EXPECTED = {
    *("/admin/", "/admin/password_change/", "/admin/accounts/user/own-email/", "/admin/accounts/user/me/"),
    *(f"/admin/tickets/ticket/{page}" for page in ("", "add/", "#/change/", "#/history/")),
    *(f"/admin/events/event/{page}" for page in ("", "add/", "#/change/", "#/history/", "#/book/", "#/cancel/")),
    *("/admin/events/event/#/guests/", "/admin/events/event/#/check-in/", "/admin/events/booking/#/reissue/"),
    *(f"/admin/events/booking/{page}" for page in ("", "#/change/", "#/history/", "#/cancel/")),
    *(f"/admin/accounts/user/{page}" for page in ("", "add/", "#/change/", "#/history/", "#/password/")),
    *("/admin/notifications/delivery/", "/admin/sla/slapolicy/high/change/", "/admin/sla/calendar/add/"),
    *("/admin/accounts/user/me/keys/", "/admin/accounts/apikey/", "/admin/accounts/auditentry/"),
    "/admin/accounts/auditentry/#/change/",
    *("/admin/webhooks/webhook/", "/admin/webhooks/webhook/add/", "/admin/webhooks/delivery/"),
}
EXPECTED_OF_AGENTS = {
    *("/admin/", "/admin/password_change/", "/admin/accounts/user/me/", "/admin/accounts/user/"),
    "/admin/accounts/user/me/keys/",
    *("/admin/tickets/ticket/", "/admin/tickets/ticket/add/", "/admin/tickets/ticket/#/change/"),
    *("/admin/notifications/delivery/", "/admin/sla/slapolicy/high/change/", "/admin/projects/project/#/change/"),
}
# Where each crawl begins: with rows whose pages offer most actions.
STARTS = ["/admin/", "/admin/events/booking/?status__exact=confirmed", "/admin/events/event/?status__exact=published"]
LINKS = """() => [...document.querySelectorAll("a[href]")].map(link => link.href)"""


# As the theme's switch does.
SET_THEME = """isDark => document.documentElement.classList.toggle("dark", isDark)"""


def faults(page: Page) -> list[str]:
    """Return what axe finds on the page: the rule, and the element."""
    found = Axe().run(page).response["violations"]
    return [
        f"{fault['id']}: {node['html'][:200]} {node['failureSummary']}" for fault in found for node in fault["nodes"]
    ]


def name_of(url: str) -> str:
    return re.sub(r"\d+", "#", urlsplit(url).path)


def crawl(desk: Desk, looks: Sequence[str]) -> dict[str, list[str]]:
    """Visit one page of each kind under /admin/, and return what is wrong with each. axe examines these looks."""
    waiting, found = list(STARTS), {}
    while waiting:
        path = waiting.pop()
        if name_of(path) in found:
            continue
        response = desk.page.goto(desk.site + path)
        assert response
        if "text/html" not in response.headers["content-type"]:
            continue
        desk.page.wait_for_load_state("networkidle")
        links = [urlsplit(link) for link in desk.page.evaluate(LINKS)]
        found[name_of(path)] = faults_in_every_look(desk, name_of(path), examined=looks)
        waiting += [
            f"{link.path}?{link.query}"
            for link in links
            if link.path.startswith("/admin/") and desk.site.endswith(link.netloc) and "export" not in link.path
        ]
    return found


def faults_in_every_look(desk: Desk, name: str, *, examined: Sequence[str]) -> list[str]:
    """Return what axe finds in these looks, and whether the page scrolls sideways in any. Save screenshots of all."""
    page, found = desk.page, []
    for look, (theme, width) in LOOKS.items():
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate(SET_THEME, theme == "dark")
        folder = SCREENSHOTS / f"{desk.name}-{look}"
        folder.mkdir(exist_ok=True)
        page.screenshot(path=folder / f"{name.removeprefix('/admin').strip('/').replace('/', '-') or 'index'}.png")
        found += [f"{look}: {fault}" for fault in faults(page)] if look in examined else []
        found += [] if desk.fits() else [f"{look}: scrolls sideways"]
    return found


# Dark pages on phones have the elements of one look and the colours of another. Agents see parts of the same pages.
@pytest.mark.long
@pytest.mark.parametrize(
    ("email", "expected", "looks"),
    [(ADMIN, EXPECTED, ["light", "dark", "phone"]), (AGENT, EXPECTED_OF_AGENTS, ["light", "phone-dark"])],
    ids=["admin", "agent"],
)
def test_admin(window: Desk, email: str, expected: set[str], looks: list[str]) -> None:
    window.sign_in(email)

    found = crawl(window, looks)

    assert expected - found.keys() == set()
    assert {path: page for path, page in found.items() if page} == {}


def test_long_words(window: Desk) -> None:
    """A customer, a ticket and an event of nothing but a long word, on every page where they appear."""
    word = 3 * "Donaudampfschifffahrtsgesellschaftskapit"
    api, page = window.page.request, window.page
    sign_in = api.post(f"{window.site}/auth/login", data={"email": ADMIN, "password": PASSWORD_OF[ADMIN]})
    bearer = {"Authorization": f"Bearer {sign_in.json()['token']}"}

    def create(path: str, **values: object) -> int:
        created = api.post(f"{window.site}{path}", data=values, headers=bearer)
        assert created.status == 201, created.text()
        return int(created.json()["id"])

    address = f"{60 * 'l'}@{60 * 'd'}.example.com"
    person = create("/users", name=word, email=address, type="agent", password="long enough!")
    project = create("/projects", name=word)
    labels = [f"label {number}" for number in range(20)]
    values = {"title": word, "description": word, "type": word[:50], "projectId": project, "labels": labels}
    ticket = create("/ticket", **values, createdBy=person, assignedUsers=[person])
    create(f"/tickets/{ticket}/comments", message=word)
    api.post(f"{window.site}/tickets/{ticket}/hold", data={"reason": word}, headers=bearer)
    event = create(
        "/events", name=word, venue=word, startsAt="2099-01-01T20:00:00Z", capacity=1_000_000, price=9_999_999
    )
    guest = {"firstName": word, "lastName": word, "email": address}
    booking = create(f"/events/{event}/bookings", quantity=10, guest=guest)

    window.sign_in(ADMIN)
    for path in (
        *("", "search/?q=donau", "tickets/ticket/", "accounts/user/", "projects/project/", "events/event/"),
        *("events/booking/", "notifications/delivery/"),
        *(f"tickets/ticket/{ticket}/{page_name}/" for page_name in ("change", "history", "merge", "hold")),
        *(f"accounts/user/{person}/{page_name}/" for page_name in ("change", "hand-over", "deactivate", "history")),
        *(f"events/event/{event}/{page_name}/" for page_name in ("change", "guests", "book", "cancel", "history")),
        *(f"events/booking/{booking}/{page_name}/" for page_name in ("change", "cancel")),
    ):
        window.go(f"/admin/{path}")
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            # Charts take a moment to shrink.
            page.wait_for_function(FITS)


def test_without_a_mouse(window: Desk) -> None:
    page = window.page
    page.set_viewport_size({"width": 1366, "height": 900})
    window.sign_in(ADMIN)
    window.go("/admin/projects/project/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#content :focus")).to_have_count(1)

    account = page.get_by_role("button", name="Daria Mendes")
    account.press("Enter")
    expect(page.get_by_role("link", name="My account")).to_be_visible()
    window.screenshot("account")
    assert faults(page) == []
    page.get_by_role("button", name="Dark").press("Enter")
    expect(page.locator("html.dark")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="My account")).to_be_hidden()
    expect(account).to_be_focused()

    # What the theme makes of elements that only a mouse can click.
    page.get_by_role("button", name="Filters").press("Enter")
    expect(page.locator("#changelist-filter")).to_be_visible()
    window.screenshot("filters")
    assert faults(page) == []

    page.set_viewport_size({"width": 390, "height": 900})
    window.go("/admin/projects/project/")
    page.get_by_role("button", name="Show or hide the menu").press("Enter")
    expect(page.get_by_role("link", name="Calendars")).to_be_visible()
    window.screenshot("menu")
    assert faults(page) == []


def test_focus_where_typing_goes_on(desk: Desk) -> None:
    page = desk.page
    desk.sign_in(ADMIN)

    desk.go("/admin/accounts/user/own-email/")
    expect(page.get_by_label("New e-mail address")).to_be_focused()
    page.get_by_label("New e-mail address").fill(ADMIN)
    page.get_by_label("Current password").press("Enter")
    expect(page.get_by_text("This is already your address.")).to_be_visible()
    expect(page.get_by_label("New e-mail address")).to_be_focused()
    desk.screenshot("error")


def test_time_zone(window: Desk) -> None:
    """A user's own zone, without the note of Django about the difference to the browser's."""
    page = window.page
    window.sign_in(AGENT)
    window.go("/admin/accounts/user/me/")
    page.get_by_label("Time zone").select_option("Asia/Kolkata")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text(re.compile(r"For you it is .* IST"))).to_be_visible()
    window.go("/admin/tickets/ticket/add/")
    expect(page.get_by_text("Time zone: Asia/Kolkata.")).to_be_visible()
    expect(page.get_by_text("server time").locator("visible=true")).to_have_count(0)
    window.go("/admin/accounts/user/me/")
    page.get_by_label("Time zone").select_option("")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your settings were saved.")).to_be_visible()


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


# A sheet of A4 without its margins.
PAPER = {"width": 718, "height": 1000}
SHOWN_CONTROLS = """() => [...document.querySelectorAll("#content :is(button, .person-picker)")]
    .filter(element => element.checkVisibility()).map(element => element.outerHTML.slice(0, 200))"""


@pytest.mark.parametrize(
    "path", ["tickets/ticket/", "tickets/ticket/1/change/", "events/event/4/change/", "events/booking/"]
)
def test_paper(window: Desk, path: str) -> None:
    """On paper, a list is a table of the sheet's width, and a form reads like text."""
    page = window.page
    window.sign_in(ADMIN)
    page.set_viewport_size(PAPER)  # type: ignore[arg-type]
    window.go(f"/admin/{path}")
    page.emulate_media(media="print")

    assert page.evaluate(SHOWN_CONTROLS) == []
    assert page.evaluate("[...document.querySelectorAll('.data-row')].every(row => row.checkVisibility())")
    displays = "[...new Set([...document.querySelectorAll('.data-row')].map(row => getComputedStyle(row).display))]"
    assert page.evaluate(displays) in ([], ["table-row"])
    window.screenshot("paper")


def test_picker_after_a_row_was_removed(window: Desk) -> None:
    page = window.page
    window.sign_in(AGENT)
    window.go("/admin/tickets/ticket/add/")
    pickers = page.locator(".person-picker .select2-selection:visible")

    def choose(row: int, name: str) -> None:
        pickers.nth(row).click()
        page.locator(".select2-search__field").last.fill(name)
        page.get_by_role("option").filter(has_text=name).click()
        expect(pickers.nth(row)).to_contain_text(name)

    for row, name in enumerate(("Noah", "Marta")):
        page.locator("#assignments-group .add-row").click()
        choose(row, name)
    page.locator("#assignments-group .delete-template:visible").first.click()

    expect(pickers).to_have_count(1)
    expect(pickers.first).to_contain_text("Marta")
    choose(0, "Omar")
    assert faults(page) == []
