"""Labels: suggested while somebody types, by keyboard alone, and added to many tickets at once."""

from playwright.sync_api import expect

from e2e.conftest import Desk
from e2e.test_agent import AGENT, create_tickets
from e2e.test_pages import faults

OPTIONS = ".label-suggestions [role=option]"


def test_labels(desk: Desk) -> None:
    page, label = desk.page, f"zinc {desk.name}"[:50]
    tickets = create_tickets(desk, *(f"The pipe {number} of {desk.name} leaks" for number in range(3)))
    desk.sign_in(AGENT)
    desk.go(f"/admin/tickets/ticket/?q={desk.name}")
    page.locator("#action-toggle").check()
    page.locator("select[name=action]").select_option(label="Add or remove labels")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_label("Add")).to_be_focused()
    page.keyboard.type(label.upper())
    desk.screenshot("add")
    assert faults(page) == []
    page.get_by_role("button", name="Change labels").click()
    expect(page.get_by_text(f"3 tickets labelled {label} (")).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)

    # Suggested by its beginning, chosen with the arrow keys, and saved by leaving the field.
    desk.go(f"/admin/tickets/ticket/{tickets[0]}/change/")
    field = page.get_by_label("Labels")
    field.fill("")
    page.keyboard.press("Tab")
    expect(page.locator("#ticket-message")).to_have_text("Saved.")
    page.locator("#ticket-message").evaluate("message => message.replaceChildren()")
    field.focus()
    page.keyboard.type(label[:8])
    option = page.locator(OPTIONS).filter(has_text=label)
    expect(option).to_contain_text("2 tickets")
    page.keyboard.press("ArrowDown")
    expect(page.locator(OPTIONS).first).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", "label-suggestion-0")
    desk.screenshot("suggested", whole=False)
    assert faults(page) == []
    page.keyboard.press("Escape")
    expect(page.locator(OPTIONS)).to_have_count(0)
    expect(field).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("ArrowDown")
    option.click()
    expect(field).to_have_value(f"{label}, ")
    page.keyboard.press("Tab")
    expect(page.locator("#ticket-message")).to_have_text("Saved.")
    expect(field).to_have_value(label)
    expect(page.locator("#ticket-head")).to_contain_text(label)


def test_own_tickets_by_keyboard(desk: Desk) -> None:
    """The shortcut has an entry in the menu, so it works on every page."""
    desk.sign_in(AGENT)
    for path in ("/admin/", "/admin/events/event/"):
        desk.go(path)
        desk.page.keyboard.press("g")
        desk.page.keyboard.press("q")
        desk.page.wait_for_url("**/admin/tickets/ticket/?queue=mine")
        expect(desk.page.locator(".queues [aria-current]")).to_contain_text("Mine")
