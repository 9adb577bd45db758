"""Find a customer by name, and hand over the tickets of a colleague who leaves: counted in clicks and page loads."""

from playwright.sync_api import Page, expect

from e2e.conftest import PASSWORD_OF, Desk
from e2e.test_agent import AGENT, create_tickets
from e2e.test_pages import faults
from e2e.walk import Counter

ADMIN, CUSTOMER = "admin@example.com", "customer@example.com"
NUMBER_OF_TICKETS = 30


def make_colleague(desk: Desk, name: str) -> int:
    """Create an agent with open tickets, through the API, and return the agent's id."""
    api = desk.page.request
    sign_in = api.post(f"{desk.site}/auth/login", data={"email": ADMIN, "password": PASSWORD_OF[ADMIN]})
    bearer = {"Authorization": f"Bearer {sign_in.json()['token']}"}
    address = f"{name.split()[0].lower()}@example.com"
    user = {"name": name, "email": address, "type": "agent", "password": "long enough!"}
    created = api.post(f"{desk.site}/users", data=user, headers=bearer)
    assert created.status == 201, created.text()
    colleague_id = int(created.json()["id"])
    items = [{"title": f"Left behind {number}", "assignedUsers": [colleague_id]} for number in range(NUMBER_OF_TICKETS)]
    batch = api.post(f"{desk.site}/tickets/batch", data={"items": items}, headers=bearer)
    assert batch.ok, batch.text()
    return colleague_id


def search_for(page: Page, text: str) -> None:
    """Type into the box of the menu, which a link opens on a phone."""
    box = page.locator("#global-search")
    if box.is_visible():
        box.click()
    else:
        page.get_by_role("link", name="Search", exact=True).click()
    expect(box).to_be_focused()
    page.keyboard.type(text)
    expect(page.locator("#global-search-results a").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/accounts/user/*/change/")


def test_customer(desk: Desk) -> None:
    page, counter = desk.page, Counter(desk.page)
    desk.sign_in(ADMIN)
    desk.go(f"/admin/accounts/user/?q={CUSTOMER}")
    name = page.locator("#result_list tbody a").first.inner_text()
    desk.go("/admin/tickets/ticket/")

    with counter.walk(clicks=2, loads=2):
        search_for(page, name)
        expect(page.get_by_role("region", name="Tickets", exact=True)).to_be_visible()
    for panel in ("Bookings", "Sent mail", "Notes"):
        expect(page.get_by_role("region", name=panel)).to_be_visible()
    page.get_by_label("New note").fill(f"Prefers to be called by {desk.name}.")
    page.get_by_role("button", name="Add note").click()
    expect(page.get_by_text(f"Prefers to be called by {desk.name}.")).to_be_visible()
    desk.screenshot("customer")
    assert faults(page) == []

    desk.go("/admin/search/?q=a")
    desk.screenshot("search")
    assert faults(page) == []
    # Where the menu is closed, it opens.
    if page.locator("#global-search").is_visible():
        page.get_by_role("button", name="Show or hide the menu").click()
        expect(page.locator("#global-search")).to_be_hidden()
    page.keyboard.press("Control+k")
    page.keyboard.type("o")
    expect(page.locator("#global-search-results a").first).to_be_visible()
    desk.screenshot("box", whole=False)
    assert faults(page) == []
    page.keyboard.press("Escape")
    expect(page.locator("#global-search-results a")).to_have_count(0)


def test_leaver(desk: Desk) -> None:
    page, counter = desk.page, Counter(desk.page)
    name = f"Leaver{desk.name.title().replace('-', '').replace('_', '')} Lee"
    colleague_id = make_colleague(desk, name)
    desk.sign_in(ADMIN)
    desk.go("/admin/")

    is_phone = not page.locator("#global-search").is_visible()
    # On a phone, the buttons have a menu.
    with counter.walk(clicks=4 + is_phone, loads=3):
        search_for(page, name)
        desk.act("Deactivate")
        page.locator(".select2-selection").click()
        page.keyboard.type("omar")
        # The list of everyone may come first.
        expect(page.locator(".select2-results__option--highlighted")).to_contain_text("agent@example.com")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Deactivate", exact=True).click()
        expect(page.get_by_text(f"{NUMBER_OF_TICKETS} tickets handed over from {name} to")).to_be_visible()
    desk.screenshot("deactivated")
    desk.go(f"/admin/tickets/ticket/of/{colleague_id}/hand-over/")
    expect(page.get_by_text(f"No open tickets are assigned to {name}.")).to_be_visible()
    desk.screenshot("hand-over")
    assert faults(page) == []


def test_picker(desk: Desk) -> None:
    """It offers agents; the switch adds customers. What it did can be undone."""
    page = desk.page
    (ticket_id,) = create_tickets(desk, f"A ticket for {desk.name}")
    desk.sign_in(ADMIN)
    desk.go(f"/admin/tickets/ticket/?q={ticket_id}")
    page.locator("#action-toggle").check()
    page.locator("select[name=action]").select_option(label="Replace assignees")
    page.get_by_role("button", name="Run").click()
    page.locator(".select2-selection").click()
    look_for(page, CUSTOMER)
    expect(page.get_by_text("No results found")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_label("Include customers").check()
    look_for(page, CUSTOMER)
    expect(page.get_by_role("option").filter(has_text=f"<{CUSTOMER}> (customer)")).to_have_count(1)
    desk.screenshot("picker")
    page.keyboard.press("Enter")
    assert faults(page) == []
    page.get_by_role("button", name="Replace assignees").click()
    expect(page.get_by_text(f"only (#{ticket_id}).")).to_be_visible()
    desk.screenshot("replaced", whole=False)
    assert faults(page) == []
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text(f"1 ticket assigned as before (#{ticket_id}).")).to_be_visible()


def look_for(page: Page, name: str) -> None:
    """Type into the open list of a picker."""
    search = page.locator(".select2-search__field").last
    expect(search).to_be_focused()
    search.fill(name)


def test_picker_leaves_out_who_leaves(desk: Desk) -> None:
    """Neither the page to hand over everything nor that of selected tickets offers the colleague who leaves."""
    page = desk.page
    name = f"Mover{desk.name.title().replace('-', '').replace('_', '')} Lee"
    colleague_id = make_colleague(desk, name)
    desk.sign_in(ADMIN)
    desk.go(f"/admin/tickets/ticket/of/{colleague_id}/hand-over/")
    page.get_by_label("Include customers").check()
    look_for(page, name)
    expect(page.get_by_text("No results found")).to_be_visible()
    page.keyboard.press("Escape")
    desk.screenshot("no-leaver", whole=False)

    desk.go("/admin/tickets/ticket/?queue=active")
    page.locator("#action-toggle").check()
    page.locator("select[name=action]").select_option(label="Hand over to a colleague")
    page.get_by_role("button", name="Run").click()
    page.locator(".select2-selection").first.click()
    look_for(page, name)
    page.get_by_role("option").filter(has_text=name).click()
    page.locator(".select2-selection").last.click()
    look_for(page, name)
    expect(page.get_by_text("No results found")).to_be_visible()
    page.keyboard.press("Escape")
    assert faults(page) == []


def test_filter_by_assignee(desk: Desk) -> None:
    page = desk.page
    desk.sign_in(AGENT)
    desk.go("/admin/tickets/ticket/")
    page.get_by_role("button", name="Filters").click()
    picker = page.locator(".person-picker")
    picker.locator(".select2-selection").click()
    look_for(page, CUSTOMER)
    expect(page.get_by_text("No results found")).to_be_visible()
    desk.screenshot("filter", whole=False)
    picker.locator(".select2-selection").click()
    picker.get_by_label("Include customers").check()
    look_for(page, CUSTOMER)
    page.get_by_role("option").filter(has_text=f"<{CUSTOMER}> (customer)").click()
    assert faults(page) == []
    page.get_by_role("button", name="Apply Filters").click()
    expect(page.locator(".chip").filter(has_text="Assignee:")).to_have_count(1)
