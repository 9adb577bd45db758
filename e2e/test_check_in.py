"""At the door: an agent checks in guests by code and by name, with the keyboard alone, and undoes it."""

from playwright.sync_api import expect

from e2e.conftest import Desk
from e2e.test_event_manager import book, create_event, look_at
from e2e.walk import Counter


def test_check_in(desk: Desk) -> None:
    page, counter = desk.page, Counter(desk.page)
    event, guest = f"Premiere {desk.name}", f"Door {desk.name}"
    desk.sign_in("admin@example.com")
    event_url = create_event(desk, event, capacity=10)
    book(desk, event_url, f"door-{desk.name}@example.com", seats=3, last_name=guest)
    page.get_by_role("searchbox", name="Search bookings").fill(guest)
    page.keyboard.press("Enter")
    page.locator("#result_list tbody a").first.click()
    expect(page.locator(".seats code")).to_have_count(3)
    codes = page.locator(".seats code").all_text_contents()
    look_at(desk, "seats")
    page.wait_for_load_state("networkidle")
    page.context.clear_cookies()
    desk.sign_in("agent@example.com")

    page.goto(event_url)
    desk.act("Check in")
    expect(page.get_by_text("Checked in 0 of 3 expected")).to_be_visible()
    look_at(desk, "empty")
    page.get_by_label("Door (optional)").fill("North door")
    page.get_by_label("Ticket code").focus()
    # As a scanner types, which needs no click: one page per ticket.
    with counter.walk(clicks=0, loads=1):
        page.keyboard.type(codes[0])
        page.keyboard.press("Enter")
        expect(page.locator("#result")).to_contain_text(f"Greta {guest}")
    expect(page.locator(".result-title")).to_have_text("Checked in")
    expect(page.get_by_label("Ticket code")).to_be_focused()
    look_at(desk, "checked-in")
    page.keyboard.type(codes[0].lower().replace("-", " "))
    page.keyboard.press("Enter")
    expect(page.locator(".result-title")).to_have_text("Already checked in")
    expect(page.locator("#result")).to_contain_text("North door")
    look_at(desk, "already-checked-in")
    page.keyboard.type("rubbish")
    page.keyboard.press("Enter")
    expect(page.locator(".result-title")).to_have_text("Ticket not found")
    expect(page.get_by_label("Ticket code")).to_be_focused()
    look_at(desk, "refused")

    # By name, for those who have left their tickets at home.
    page.get_by_role("searchbox", name="Find a guest").fill(guest)
    page.keyboard.press("Enter")
    seats = page.get_by_label(f"Seats of Greta {guest} to check in")
    expect(seats).to_be_focused()
    look_at(desk, "found")
    page.keyboard.press("Enter")
    expect(page.locator("#result")).to_contain_text("Seats 2 and 3 of 3")
    expect(page.get_by_text("Checked in 3 of 3 expected")).to_be_visible()
    page.get_by_role("button", name=f"Undo the check-in of Greta {guest}, seat 3").press("Enter")
    expect(page.locator(".result-title")).to_have_text("Check-in undone")
    look_at(desk, "undone")

    page.get_by_role("link", name="Guest list").click()
    expect(page.get_by_text("2 of 3 in")).to_be_visible()
    look_at(desk, "guest-list")
