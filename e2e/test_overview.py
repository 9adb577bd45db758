"""The overview: choose days by dates and by dragging, read a chart's numbers, open what they count, get the report."""

import re

from playwright.sync_api import expect

from e2e.conftest import Desk
from e2e.test_pages import faults


def test_overview(desk: Desk) -> None:
    page = desk.page
    desk.sign_in("admin@example.com")
    expect(page.get_by_role("img", name="Chart of “Created against closed”")).to_be_visible()

    page.get_by_text("Numbers of “Created by priority”").click()
    table = page.get_by_role("region", name="Created by priority").get_by_role("table")
    expect(table.get_by_role("rowheader")).to_have_text(["Low", "Medium", "High"])
    desk.screenshot("numbers")
    assert faults(page) == []
    table.get_by_role("link").last.click()
    expect(page).to_have_url(re.compile("priority__exact=high&created_at__gte="))

    desk.go("/admin/")
    chart = page.get_by_role("img", name="Chart of “Created against closed”")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 20, middle, steps=5)
    page.mouse.up()
    page.wait_for_url(re.compile(r"start=\d{4}-\d\d-\d\d&end="))

    first_day = page.get_by_label("From", exact=True).input_value()
    page.get_by_label("To", exact=True).fill(first_day)
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page).to_have_url(re.compile(f"start={first_day}&end={first_day}"))
    desk.screenshot("one-day")
    page.get_by_label("From", exact=True).fill("2020-01-01")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_text("Choose at most 366 days.")).to_be_visible()
    assert faults(page) == []

    page.get_by_role("button", name="E-mail me the weekly report").click()
    expect(page.get_by_text("every Monday.").first).to_be_visible()
    page.get_by_role("button", name="Stop the weekly report").click()
    expect(page.get_by_text("You will get no more weekly reports.")).to_be_visible()
