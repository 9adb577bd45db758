"""The ticket list as queues: what is about to breach in one click, filters as chips, and saved views."""

import re

from playwright.sync_api import expect

from e2e.conftest import Desk
from e2e.test_pages import faults

AGENT = "agent@example.com"
LIST = "/admin/tickets/ticket/"
# Two lines of a title, the states and the people.
MAX_HEIGHT_OF_CARD = 136


def test_deadlines_are_one_click_away(desk: Desk) -> None:
    desk.sign_in(AGENT)
    for path in ("/admin/", LIST, "/admin/projects/project/"):
        for queue in ("At risk", "Breached"):
            desk.go(path)
            entry = desk.page.locator("#nav-sidebar-apps").get_by_role("link", name=queue)
            if not entry.is_visible():
                desk.page.get_by_text("dock_to_right").filter(visible=True).click()
            entry.click()
            expect(desk.page.locator(".queues [aria-current]")).to_contain_text(queue)
    desk.screenshot("breached")


def test_views_are_saved_and_deleted(desk: Desk) -> None:
    page, name = desk.page, f"Urgent on {desk.name}"
    desk.sign_in(AGENT)
    desk.go(f"{LIST}?queue=unassigned&priority__exact=high&q=the")
    page.get_by_role("link", name="Remove Search: the").click()
    expect(page.locator(".chip")).to_have_count(1)

    page.get_by_text("Save this view…").click()
    page.get_by_label("Name").fill(name)
    page.keyboard.press("Enter")
    tab = page.locator(".queues").get_by_role("link", name=name)
    expect(tab).to_have_attribute("aria-current", "page")
    expect(tab).to_be_in_viewport()
    desk.screenshot("view")

    page.get_by_text("Delete this view…").click()
    page.get_by_role("button", name="Delete view").click()
    expect(page.get_by_text("View deleted.")).to_be_visible()
    expect(page.locator(".queues").get_by_role("link", name=name)).to_have_count(0)


def test_views_are_renamed_counted_and_get_other_filters(desk: Desk) -> None:
    page, name = desk.page, f"Late on {desk.name}"
    desk.sign_in(AGENT)
    desk.go(f"{LIST}?priority__exact=medium")
    page.get_by_text("Save this view…").click()
    page.get_by_label("Name").fill(name)
    page.keyboard.press("Enter")
    tab = page.locator(".queues [aria-current]")
    expect(tab).to_contain_text(name)
    # Other tests create tickets as well, so there may be more than a page of them.
    expect(tab.locator(".count")).to_have_text(re.compile(r"^\d+\+?$"))

    page.get_by_text("Rename or share this view…").click()
    page.get_by_label("Name").fill(f"{name}, renamed")
    desk.screenshot("rename")
    assert faults(page) == []
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"Saved as “{name}, renamed”.")).to_be_visible()
    expect(tab).to_contain_text("renamed")

    desk.go(f"{LIST}?priority__exact=medium&q={desk.name}")
    page.get_by_text("Save this view…").click()
    page.get_by_label("Or use these filters for").select_option(label=f"{name}, renamed")
    desk.screenshot("replace")
    assert faults(page) == []
    page.get_by_role("button", name="Replace its filters").click()
    expect(tab).to_contain_text(f"{name}, renamed")
    expect(tab.locator(".count")).to_have_text("0")
    page.get_by_text("Delete this view…").click()
    page.get_by_role("button", name="Delete view").click()


def test_tickets_are_short(desk: Desk) -> None:
    desk.sign_in(AGENT)
    desk.go(f"{LIST}?queue=all")
    heights = desk.page.evaluate("[...document.querySelectorAll('.data-row')].map(row => row.offsetHeight)")
    desk.screenshot("all", whole=False)

    assert heights
    assert max(heights) <= MAX_HEIGHT_OF_CARD
    assert desk.fits()
