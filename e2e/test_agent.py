"""An agent's day: find overdue and unassigned tickets, triage, reply, assign, edit in bulk, put on hold and close."""

import pytest
from playwright.sync_api import Locator, Page, expect

from e2e.conftest import PASSWORD_OF, Desk
from e2e.test_pages import ADMIN, faults
from e2e.walk import Counter

# Wider than a phone's screen.
LONG_ADDRESS = "https://doors.example.com/" + 30 * "the-old-one"
AGENT, CUSTOMER = "agent@example.com", "customer@example.com"


# Visible form fields without an accessible name.
UNLABELED = """() => [...document.querySelectorAll("input, select, textarea")]
    .filter(field => field.type !== "hidden" && field.offsetParent)
    .filter(field => !field.labels?.length && !field.ariaLabel && !field.getAttribute("aria-labelledby"))
    .map(field => field.outerHTML)"""


def create_tickets(desk: Desk, *titles: str) -> list[int]:
    """Create tickets as the customer, through the API, and return their ids."""
    api = desk.page.request
    sign_in = api.post(f"{desk.site}/auth/login", data={"email": CUSTOMER, "password": PASSWORD_OF[CUSTOMER]})
    bearer = {"Authorization": f"Bearer {sign_in.json()['token']}"}
    return [
        api.post(f"{desk.site}/ticket", data={"title": title, "priority": "high"}, headers=bearer).json()["id"]
        for title in titles
    ]


def test_agent(desk: Desk) -> None:
    page = desk.page
    first, *_ = create_tickets(desk, *(f"The {what} of {desk.name} is broken" for what in ("door", "lamp", "tap")))
    ticket_url = f"{desk.site}/admin/tickets/ticket/{first}/change/"

    desk.sign_in(AGENT)
    desk.screenshot("dashboard")
    page.get_by_role("link", name="Breached").first.click()
    desk.screenshot("breached")
    desk.go("/admin/")
    page.get_by_role("link", name="Unassigned").click()
    desk.screenshot("unassigned")
    page.get_by_role("link", name=f"The door of {desk.name} is broken").click()
    desk.screenshot("ticket")
    assert page.evaluate(UNLABELED) == []

    # An internal note, then a reply to the customer.
    page.get_by_label("Reply to customer").fill(f"Is this the old door again? See {LONG_ADDRESS}")
    page.get_by_role("button", name="Internal note").click()
    expect(page.get_by_text("Internal note added")).to_be_visible()
    page.get_by_label("Reply to customer").fill(f"We are on our way to {desk.name}.\nIs somebody in?")
    page.get_by_role("button", name="Reply and start work").click()
    expect(page.locator("#ticket-head").get_by_text("In Progress")).to_be_visible()
    desk.screenshot("conversation")
    mail = desk.mail_to(CUSTOMER, f"#{first}")
    text = mail.get_body(("plain",)).get_content()
    assert f"We are on our way to {desk.name}." in text
    assert "old door" not in text

    # Bulk assignment: two tickets change, and the one already assigned is refused.
    desk.go(f"/admin/tickets/ticket/?q={first}")
    choose_assignee(desk, "Assign user")
    expect(page.get_by_text("1 ticket assigned to")).to_be_visible()
    desk.mail_to(AGENT, f"Ticket #{first} updated")
    desk.go(f"/admin/tickets/ticket/?q={desk.name}+broken")
    choose_assignee(desk, "Assign user", screenshot="assign-many")
    expect(page.get_by_text("2 tickets assigned to")).to_be_visible()
    expect(page.get_by_text(f"1 ticket not changed: User already assigned (#{first})")).to_be_visible()
    desk.screenshot("summary")

    # Two people edit the same ticket, one of them with a reply half written.
    page.goto(ticket_url)
    page.get_by_label("Reply to customer").fill("One moment")
    other = page.context.new_page()
    other.goto(ticket_url)
    edit(other, "Venue", "Back yard")
    edit(other, "Title", f"The back door of {desk.name} is broken")
    other.close()
    page.get_by_label("Title").fill(f"The front door of {desk.name} is broken")
    page.get_by_label("Title").press("Tab")
    expect(page.get_by_text("Changed while you were editing")).to_be_visible()
    expect(page.get_by_label("Venue")).to_have_value("Back yard")
    expect(page.get_by_label("Title")).to_have_value(f"The front door of {desk.name} is broken")
    expect(page.get_by_label("Reply to customer")).to_have_value("One moment")
    expect(page.get_by_text("Is somebody in?")).to_be_visible()
    desk.screenshot("stale")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#ticket-head").get_by_text("The front door")).to_be_visible()
    expect(page.get_by_text("Changed while you were editing")).to_have_count(0)

    # A refusal is shown beside its field.
    page.get_by_label("Price").fill("-1")
    page.get_by_label("Price").press("Tab")
    expect(page.locator("[data-field=price]").get_by_text("greater than or equal to 0")).to_be_visible()
    desk.screenshot("refused")
    edit(page, "Price", "12.50")

    # Sending a reply waits for an edit of a moment ago.
    page.get_by_label("Type").fill("incident")
    page.get_by_label("Reply to customer").fill("The locksmith comes on Monday.")
    page.get_by_label("Reason for hold").fill("Locksmith")
    page.get_by_role("button", name="Reply and hold").click()
    expect(page.locator("#ticket-head").get_by_text("On hold: Locksmith")).to_be_visible()
    expect(page.get_by_text("The locksmith comes on Monday.")).to_be_in_viewport()
    expect(page.get_by_label("Type")).to_have_value("incident")
    expect(page.get_by_text("Draft restored")).to_have_count(0)
    desk.screenshot("hold", whole=False)
    page.get_by_role("button", name="Resume").click()
    page.get_by_label("Reply to customer").fill("The door opens again.")
    page.get_by_role("button", name="Reply and close").click()
    page.locator("summary").filter(has_text="E-mails").click()
    desk.screenshot("closed")
    desk.mail_to(AGENT, f"Ticket #{first} updated")
    assert "The door opens again." in desk.mail_to(CUSTOMER, f"#{first}").get_body(("plain",)).get_content()


def test_answer_and_hold(desk: Desk) -> None:
    """On a long ticket, without scrolling."""
    page, counter = desk.page, Counter(desk.page)
    (ticket,) = create_tickets(desk, f"The gate of {desk.name} is broken")
    desk.sign_in(AGENT)
    desk.go(f"/admin/tickets/ticket/{ticket}/change/")
    for number in range(12):
        page.get_by_label("Reply to customer").fill("\n".join(f"Line {line} of note {number}" for line in range(9)))
        page.get_by_role("button", name="Internal note").click()
    desk.go(f"/admin/tickets/ticket/{ticket}/change/")

    with counter.walk(clicks=2, loads=1):
        expect(page.get_by_label("Reply to customer")).to_be_in_viewport(ratio=1)
        page.get_by_label("Reply to customer").click()
        page.keyboard.type("We come on Monday.")
        desk.screenshot("long", whole=False)
        expect(page.get_by_role("button", name="Reply and hold")).to_be_in_viewport(ratio=1)
        page.get_by_role("button", name="Reply and hold").click()
        expect(page.get_by_text("We come on Monday.")).to_be_in_viewport()

    below_head = """entry => entry.getBoundingClientRect().top
        >= document.querySelector(".ticket-head").getBoundingClientRect().bottom"""
    assert page.get_by_text("We come on Monday.").evaluate(below_head)
    expect(page.locator("#ticket-head")).to_be_in_viewport(ratio=1)
    expect(page.locator("#ticket-head").get_by_text("On hold", exact=True)).to_be_visible()
    expect(page.get_by_text("SLA clock paused")).to_be_visible()
    desk.screenshot("held", whole=False)
    assert faults(page) == []


@pytest.mark.parametrize("has_mouse", [True, False], ids=["mouse", "keyboard"])
def test_triage(desk: Desk, has_mouse: bool) -> None:
    """Ten new tickets: read each, take it, set its priority, go on; with a mouse, or by keyboard alone."""
    page, counter = desk.page, Counter(desk.page)

    def use(element: Locator) -> None:
        if has_mouse:
            element.click()
        else:
            element.press("Enter")

    tickets = create_tickets(desk, *(f"Lamp {number} of {desk.name}" for number in range(10)))
    desk.sign_in(AGENT)
    desk.go(f"/admin/tickets/ticket/?queue=unassigned&q={desk.name}")

    with counter.walk(clicks=30 if has_mouse else 0, loads=10):
        # The most urgent comes first.
        use(page.get_by_role("link", name=f"Lamp 0 of {desk.name}"))
        for number in range(10):
            expect(page.locator("#ticket-head h2")).to_contain_text(f"Lamp {number} of {desk.name}")
            use(page.get_by_role("button", name="Assign to me"))
            expect(page.locator("#ticket-message")).to_contain_text("Assigned to Omar Kaya.")
            if has_mouse:
                page.get_by_label("Priority").click()
            page.get_by_label("Priority").press("L")
            # Going on waits until the priority is saved.
            if number < 9:
                use(page.get_by_role("link", name="Next"))

    # All that came before have left the list.
    page.get_by_role("link", name="Previous").press("Enter")
    expect(page.get_by_text("That was the first ticket of the list.")).to_be_visible()
    for ticket in (tickets[0], tickets[-1]):
        desk.go(f"/admin/tickets/ticket/{ticket}/change/")
        expect(page.locator("#ticket-head").get_by_text("Low priority")).to_be_visible()


def test_who_else_is_looking(desk: Desk) -> None:
    page = desk.page
    (ticket,) = create_tickets(desk, f"The roof of {desk.name} leaks")
    desk.sign_in(AGENT)
    desk.go(f"/admin/tickets/ticket/{ticket}/change/")
    page.wait_for_load_state("networkidle")
    expect(page.get_by_text("looking at this ticket")).to_have_count(0)

    page.context.clear_cookies(name="sessionid")
    desk.sign_in(ADMIN)
    desk.go(f"/admin/tickets/ticket/{ticket}/change/")

    expect(page.get_by_text("Omar Kaya is looking at this ticket too.")).to_be_visible()
    desk.screenshot("looking", whole=False)


def test_filter_of_the_conversation(desk: Desk) -> None:
    page = desk.page
    (ticket,) = create_tickets(desk, f"The wall of {desk.name} is wet")
    desk.sign_in(AGENT)
    desk.go(f"/admin/tickets/ticket/{ticket}/change/")
    page.get_by_label("Reply to customer").fill("Which wall?")
    page.get_by_role("button", name="Reply and start work").click()
    page.get_by_label("Reply to customer").fill("Half a sentence")

    page.get_by_role("link", name="Changes only").click()
    expect(page.get_by_text("Which wall?")).to_have_count(0)
    expect(page.get_by_text("In Progress").first).to_be_visible()
    page.get_by_role("link", name="Comments only").click()
    expect(page.get_by_text("Which wall?")).to_be_visible()
    expect(page.get_by_label("Reply to customer")).to_have_value("Half a sentence")


def test_page_shows_what_was_saved(desk: Desk) -> None:
    """Everything on the page that depends on a property follows it; the reply and the chosen filter stay."""
    page = desk.page
    (ticket,) = create_tickets(desk, f"The stairs of {desk.name} creak")
    desk.sign_in(AGENT)
    desk.go(f"/admin/tickets/ticket/{ticket}/change/")
    page.get_by_label("Reply to customer").fill("Which stairs?")
    page.get_by_role("button", name="Internal note").click()
    page.get_by_label("Reply to customer").fill("Half a sentence")
    page.get_by_label("Reason for hold").fill("Carpenter")
    page.get_by_role("link", name="Changes only").click()
    expect(page.get_by_text("Which stairs?")).to_have_count(0)
    deadline = page.locator("#ticket-details dd").first.inner_text()

    page.get_by_role("button", name="Assign to me").click()
    expect(page.locator("#ticket-message")).to_contain_text("Assigned to")
    page.get_by_label("Priority").select_option("low")
    expect(page.locator("#ticket-details dd").first).not_to_have_text(deadline)
    edit(page, "Labels", "Wood, stairs, wood")
    edit(page, "Title", f"The old stairs of {desk.name} creak")

    expect(page.locator("#ticket-entries").get_by_text("wood").first).to_be_attached()
    expect(page.get_by_text("Which stairs?")).to_have_count(0)
    expect(page.get_by_text("Changes only")).to_have_attribute("aria-current", "true")
    expect(page.locator("#ticket-head")).to_contain_text("Low priority")
    expect(page.get_by_label("Labels")).to_have_value("stairs, wood")
    expect(page.locator("h1, .breadcrumbs [aria-current]")).to_contain_text("The old stairs")
    assert "The old stairs" in page.title()
    page.locator("summary").filter(has_text="E-mails").click()
    expect(page.locator("#ticket-mail").get_by_text(AGENT).first).to_be_visible()
    expect(page.get_by_label("Reply to customer")).to_have_value("Half a sentence")
    expect(page.get_by_label("Reason for hold")).to_have_value("Carpenter")
    desk.screenshot("saved")
    assert faults(page) == []
    page.get_by_label("Status").select_option("closed")
    expect(page.get_by_role("button", name="Reply and reopen")).to_be_visible()
    expect(page.get_by_text("Put on hold…")).to_have_count(0)
    expect(page.locator("#ticket-mail details")).to_have_attribute("open", "")


def edit(page: Page, label: str, value: str) -> None:
    """Edit a property of the ticket, and wait until it is saved."""
    page.get_by_label(label).fill(value)
    page.get_by_label(label).press("Tab")
    expect(page.locator("#ticket-message")).to_have_text("Saved.")
    page.locator("#ticket-message").evaluate("message => message.replaceChildren()")


def choose_assignee(desk: Desk, action: str, screenshot: str = "") -> None:
    """Run an action on all tickets of the list and choose the agent."""
    page = desk.page
    page.locator("#action-toggle").check()
    page.locator("select[name=action]").select_option(label=action)
    if screenshot:
        desk.screenshot("chosen")
    page.get_by_role("button", name="Run").click()
    # A script replaces the plain select shortly after the page has loaded.
    page.locator(".select2-selection").click()
    page.get_by_role("searchbox").last.fill("agent@example")
    page.get_by_role("option").filter(has_text="agent@example.com").click()
    if screenshot:
        desk.screenshot(screenshot)
    page.get_by_role("button", name="Assign", exact=True).click()
