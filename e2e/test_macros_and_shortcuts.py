"""Macros, merging and watching by keyboard alone, and keyboard shortcuts that can be switched off."""

from playwright.sync_api import expect

from e2e.conftest import Desk
from e2e.test_agent import AGENT, UNLABELED, create_tickets

DIALOG = "dialog.shortcuts"


def test_macros_and_shortcuts(desk: Desk) -> None:
    page, macro = desk.page, f"Close {desk.name}"
    first, second = create_tickets(desk, f"The first of {desk.name}", f"The second of {desk.name}")
    ticket_url = f"{desk.site}/admin/tickets/ticket/{first}/change/"
    desk.sign_in(AGENT)

    # A misspelt placeholder is refused next to the text.
    desk.go("/admin/tickets/macro/add/")
    page.get_by_label("Name").fill(macro)
    page.get_by_label("Text").fill("Hello {{ custmer.name }}")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("There is no placeholder {{ custmer.name }}.")).to_be_visible()
    desk.screenshot("misspelt")
    page.get_by_label("Text").fill("Ticket {{ ticket.id }} is done.")
    page.get_by_label("Status").select_option("closed")
    page.get_by_label("Add labels").fill("Done")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name=macro)).to_be_visible()
    desk.screenshot("macros")

    # Keys work outside of fields only.
    desk.go("/admin/tickets/ticket/")
    page.keyboard.press("j")
    expect(page.locator("#result_list tbody th a").first).to_be_focused()
    page.keyboard.press("/")
    page.keyboard.type("jr?")
    expect(page.locator("#searchbar")).to_have_value("jr?")
    expect(page.locator(DIALOG)).to_have_count(0)

    page.goto(ticket_url)
    page.keyboard.press("?")
    expect(page.locator(DIALOG)).to_contain_text("Write a reply")
    desk.screenshot("shortcuts", whole=False)
    page.keyboard.press("Escape")
    expect(page.locator(DIALOG)).to_have_count(0)
    page.keyboard.press("r")
    expect(page.get_by_label("Reply to customer")).to_be_focused()

    # The macro's text can be edited before the macro is applied.
    page.get_by_label("Macro", exact=True).select_option(label=macro)
    expect(page.get_by_label("Reply to customer")).to_have_value(f"Ticket {first} is done.")
    page.keyboard.type(" Thanks!")
    desk.screenshot("macro")
    assert page.evaluate(UNLABELED) == []
    page.get_by_role("button", name="Apply macro").click()
    expect(page.get_by_text("Macro applied.")).to_be_visible()
    expect(page.get_by_text(f"Ticket {first} is done. Thanks!")).to_be_visible()

    page.keyboard.press("w")
    expect(page.get_by_role("button", name="Stop watching")).to_be_visible()
    page.get_by_role("link", name="Merge into…").click()
    page.get_by_role("combobox").click()
    page.get_by_role("searchbox").last.fill(str(second))
    page.get_by_role("option", name=f"#{second} ").click()
    desk.screenshot("merge")
    page.get_by_role("button", name="Merge").click()
    expect(page.get_by_text(f"#{first} was merged into this ticket.")).to_be_visible()
    expect(page.get_by_text(f"Ticket {first} is done. Thanks!")).to_be_visible()
    desk.screenshot("merged")

    # Switched off for this browser, and on again from the menu under the name.
    page.keyboard.press("?")
    page.get_by_label("Use keyboard shortcuts in this browser").uncheck()
    page.get_by_role("button", name="Close", exact=True).click()
    page.reload()
    page.keyboard.press("?")
    page.keyboard.press("r")
    expect(page.get_by_label("Reply to customer")).not_to_be_focused()
    expect(page.locator(DIALOG)).to_have_count(0)
    page.evaluate("document.querySelector(\"a[href='#shortcuts']\").click()")
    page.get_by_label("Use keyboard shortcuts in this browser").check()
    page.keyboard.press("Escape")
    expect(page.locator(DIALOG)).to_have_count(0)
    page.keyboard.press("r")
    expect(page.get_by_label("Reply to customer")).to_be_focused()
