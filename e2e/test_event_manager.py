"""An event manager's day: create an event, sell it out, raise its capacity and cancel it; guests are notified."""

from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from e2e.conftest import Desk

NEXT_MONTH = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()


def test_event_manager(desk: Desk) -> None:
    page = desk.page
    event = f"Night of the jazz {desk.name}"
    guest, other = f"first-{desk.name}@example.com", f"second-{desk.name}@example.com"

    desk.sign_in("admin@example.com")
    desk.screenshot("dashboard")

    desk.go("/admin/events/event/add/")
    page.get_by_label("Name").fill(event)
    page.get_by_label("Venue").fill("Town hall")
    page.locator("[name=starts_at_0]").fill(NEXT_MONTH)
    page.locator("[name=starts_at_1]").fill("20:00:00")
    page.get_by_label("Price").fill("25")
    page.get_by_label("Capacity").fill("2")
    desk.screenshot("new-event")
    page.get_by_role("button", name="Save", exact=True).click()

    page.get_by_role("link", name=event).first.click()
    event_url = page.url
    for address, seats in ((guest, "2"), (other, "1")):
        page.goto(event_url)
        desk.act("New booking")
        page.get_by_label("First name").fill("Greta")
        page.get_by_label("Last name").fill("Guest")
        page.get_by_label("E-mail address").fill(address)
        page.get_by_label("Seats").fill(seats)
        desk.screenshot("book")
        page.get_by_role("button", name="Book", exact=True).click()
    expect(page.get_by_text("is on the waiting list, at position 1")).to_be_visible()
    desk.mail_to(guest, event)
    desk.mail_to(other, event)
    page.get_by_role("link", name="Waiting list").click()
    desk.screenshot("waiting-list")

    # The capacity cannot be lower than the seats already sold.
    page.goto(event_url)
    page.get_by_label("Capacity").fill("1")
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.get_by_text("Capacity cannot be lower than the 2 tickets already sold")).to_be_visible()
    desk.screenshot("refused")

    page.get_by_label("Capacity").fill("3")
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.get_by_text("3 of 3")).to_be_visible()

    page.locator('a[href="#bookings"]').click()
    desk.screenshot("bookings")
    page.goto(f"{desk.site}/admin/events/booking/?q={guest}")
    page.locator("#result_list a[href*='/change/']").first.click()
    desk.act("Cancel seats")
    page.get_by_label("How many").fill("1")
    desk.screenshot("cancel-seats")
    page.get_by_role("button", name="Cancel seats").click()
    expect(page.get_by_text("1 of 2")).to_be_visible()

    page.goto(event_url)
    desk.act("Cancel event")
    expect(page.get_by_text("2 confirmed bookings of 2 seats, worth 50.00")).to_be_visible()
    desk.screenshot("cancel-event")
    page.get_by_role("button", name="Cancel event").click()
    expect(page.get_by_text("Everyone with a booking will be notified")).to_be_visible()
    desk.screenshot("cancelled")
