"""An event manager's day: create an event, sell it out, raise its capacity and cancel it; guests are notified.

And an agent's on the phone with a guest. Each task of the box office has a limit of clicks and page loads.
"""

from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from e2e.conftest import Desk
from e2e.test_pages import faults
from e2e.walk import Counter

WAITING = 570
NEXT_MONTH = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()


def look_at(desk: Desk, name: str) -> None:
    """Save a screenshot, and check that axe finds nothing."""
    desk.screenshot(name)
    assert faults(desk.page) == [], name


def create_event(desk: Desk, name: str, *, capacity: int) -> str:
    """Create and publish an event, and return the URL of its page."""
    page = desk.page
    desk.go("/admin/events/event/add/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Venue").fill("Town hall")
    page.locator("[name=starts_at_0]").fill(NEXT_MONTH)
    page.locator("[name=starts_at_1]").fill("20:00:00")
    page.get_by_label("Price").fill("25")
    page.get_by_label("Capacity").fill(str(capacity))
    desk.screenshot("new-event")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was created as a draft")).to_be_visible()
    page.get_by_label("Status").select_option("Published")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Published.", exact=True)).to_be_visible()
    return page.url


def book(desk: Desk, event_url: str, address: str, *, seats: int, last_name: str = "Guest") -> None:
    page = desk.page
    page.goto(event_url)
    desk.act("New booking")
    page.get_by_label("First name").fill("Greta")
    page.get_by_label("Last name").fill(last_name)
    page.get_by_label("E-mail address").fill(address)
    page.get_by_label("Seats").fill(str(seats))
    desk.screenshot("book")
    page.get_by_role("button", name="Book", exact=True).click()


def test_event_manager(desk: Desk) -> None:
    page, counter = desk.page, Counter(desk.page)
    event = f"Night of the jazz {desk.name}"
    guest, other = f"first-{desk.name}@example.com", f"second-{desk.name}@example.com"

    desk.sign_in("admin@example.com")
    desk.screenshot("dashboard")

    event_url = create_event(desk, event, capacity=2)
    desk.go("/admin/events/event/")
    expect(page.locator("#result_list").get_by_text("0 of 2 sold, 2 left").first).to_be_visible()
    look_at(desk, "events")
    book(desk, event_url, guest, seats=2)
    book(desk, event_url, other, seats=1, last_name=f"Waiting {desk.name}")
    expect(page.get_by_text("is on the waiting list, at position 1")).to_be_visible()
    desk.mail_to(guest, event)
    desk.mail_to(other, event)

    # Find somebody on the waiting list.
    page.goto(event_url)
    with counter.walk(clicks=2, loads=1):
        page.get_by_role("searchbox", name="Search bookings").click()
        page.get_by_role("searchbox", name="Search bookings").fill("greta waiting")
        page.get_by_role("button", name="Search bookings").click()
        expect(page.locator("#result_list tbody tr")).to_have_count(1)
    look_at(desk, "found")
    page.get_by_role("link", name="Waiting list").click()
    look_at(desk, "waiting-list")
    page.get_by_role("link", name="Print").click()
    expect(page.get_by_role("button", name="Print")).to_be_visible()
    look_at(desk, "printed-list")

    # The capacity cannot be lower than the seats already sold.
    page.goto(event_url)
    page.get_by_label("Capacity").fill("1")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Capacity cannot be lower than the 2 tickets already sold")).to_be_visible()
    desk.screenshot("refused")

    page.goto(event_url)
    with counter.walk(clicks=3, loads=1):
        page.get_by_label("Capacity").click()
        page.get_by_label("Capacity").fill("3")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("Capacity raised to 3. 1 booking promoted:")).to_be_visible()
    expect(page.get_by_role("link", name=f"Greta Waiting {desk.name}")).to_be_visible()
    expect(page.get_by_text("3 of 3 sold").first).to_be_visible()
    look_at(desk, "promoted")

    page.goto(f"{event_url}#bookings")
    desk.screenshot("bookings")

    page.goto(event_url)
    desk.act("Cancel event")
    expect(page.get_by_text("2 confirmed bookings of 3 seats, worth 75.00")).to_be_visible()
    look_at(desk, "cancel-event")
    page.get_by_role("button", name="Cancel event").click()
    expect(page.get_by_text("Everyone with a booking will be notified")).to_be_visible()
    desk.screenshot("cancelled")


def test_two_event_managers(desk: Desk) -> None:
    page = desk.page
    desk.sign_in("admin@example.com")
    event_url = create_event(desk, f"Shared evening {desk.name}", capacity=5)

    page.goto(event_url)
    colleague = page.context.new_page()
    colleague.goto(event_url)
    colleague.get_by_label("Venue").fill("Their hall")
    colleague.get_by_role("button", name="Save", exact=True).click()
    expect(colleague.get_by_text("Venue changed.")).to_be_visible()
    colleague.close()
    page.get_by_label("Venue").fill("My hall")
    page.get_by_label("Description").fill("Typed for an hour")
    page.get_by_role("button", name="Save", exact=True).click()

    versions = page.get_by_role("region", name="Changed while you were editing")
    expect(versions.get_by_text("Their hall")).to_be_visible()
    expect(versions.get_by_text("My hall")).to_be_visible()
    expect(page.get_by_label("Description")).to_have_value("Typed for an hour")
    look_at(desk, "both-versions")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Description and venue changed.")).to_be_visible()


def test_find_one_of_many_waiting(window: Desk) -> None:
    desk, page, counter = window, window.page, Counter(window.page)
    desk.sign_in("admin@example.com")
    event_url = create_event(desk, f"Crowd {desk.name}", capacity=1)
    bookings = f"{desk.site}/events/{event_url.split('/')[-3]}/bookings"
    for number in range(WAITING + 1):
        guest = {"firstName": f"Greta{number}", "lastName": "Guest", "email": f"{number}-{desk.name}@example.com"}
        booked = page.request.post(bookings, data={"quantity": 1, "guest": guest})
        assert booked.status == 201, booked.text()

    page.goto(event_url)
    expect(page.get_by_text(f"sold out, {WAITING} waiting").first).to_be_visible()
    with counter.walk(clicks=1, loads=1):
        page.get_by_role("searchbox", name="Search bookings").click()
        page.keyboard.type(f"greta{WAITING} guest")
        page.keyboard.press("Enter")
        expect(page.locator("#result_list tbody tr")).to_have_count(1)
    expect(page.locator("#result_list")).to_contain_text(f"{WAITING}-{desk.name}@example.com")
    look_at(desk, "found-in-crowd")


def test_agent_on_the_phone(desk: Desk) -> None:
    page, counter = desk.page, Counter(desk.page)
    event, name = f"Choir {desk.name}", f"Fivefold {desk.name}"
    desk.sign_in("admin@example.com")
    event_url = create_event(desk, event, capacity=5)
    book(desk, event_url, f"five-{desk.name}@example.com", seats=5, last_name=name)
    page.wait_for_load_state("networkidle")
    page.context.clear_cookies()
    desk.sign_in("agent@example.com")

    desk.go("/admin/events/booking/")
    with counter.walk(clicks=4, loads=3):
        page.locator("#searchbar").click()
        page.locator("#searchbar").fill(f"greta {name}")
        page.keyboard.press("Enter")
        page.locator("#result_list tbody a").first.click()
        page.get_by_label("Seats to cancel").click()
        page.get_by_label("Seats to cancel").fill("2")
        expect(page.get_by_text("Refund: 50.00")).to_be_visible()
        look_at(desk, "refund")
        page.get_by_role("button", name="Cancel 2 seats").click()
        expect(page.get_by_text("2 seats cancelled. Refund: 50.00")).to_be_visible()
    expect(page.get_by_text("3 of 5").first).to_be_visible()
    look_at(desk, "seats-cancelled")

    desk.go("/admin/events/event/add/")
    expect(page.get_by_role("heading", name="You are not allowed to add events")).to_be_visible()
    look_at(desk, "not-allowed")


def test_tabs_are_in_reach(desk: Desk) -> None:
    """Each tab of an event can be clicked, on a phone as well, and the current one is in sight."""
    page = desk.page
    desk.sign_in("admin@example.com")
    create_event(desk, f"Tabs of {desk.name}", capacity=5)
    tabs = page.locator(".page-tabs a")
    assert [text.split()[0] for text in tabs.all_inner_texts()] == [
        "General",
        "Bookings",
        "Waiting",
        "Check-ins",
        "Ledger",
    ]

    for tab in tabs.all():
        tab.click()
        expect(tab).to_have_attribute("aria-current", "true")
        expect(tab).to_be_in_viewport(ratio=1)
    look_at(desk, "ledger")
    page.reload()
    expect(tabs.last).to_have_attribute("aria-current", "true")
    expect(tabs.last).to_be_in_viewport(ratio=1)
