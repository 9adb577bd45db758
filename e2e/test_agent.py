"""An agent's day: find overdue and unassigned tickets, reply, assign, edit in bulk, put on hold and close."""

from playwright.sync_api import expect

from e2e.conftest import PASSWORD_OF, Desk

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
    page.get_by_label("Internal note (staff only)").check()
    page.get_by_role("button", name="Reply", exact=True).click()
    expect(page.get_by_text("Comment added")).to_be_visible()
    page.get_by_label("Reply to customer").fill(f"We are on our way to {desk.name}.\nIs somebody in?")
    page.get_by_role("button", name="Reply and start work").click()
    expect(page.get_by_text("Status:")).to_be_visible()
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

    # Two people edit the same ticket.
    page.goto(ticket_url)
    other = page.context.new_page()
    other.goto(ticket_url)
    other.get_by_label("Venue").fill("Back yard")
    other.get_by_label("Title").fill(f"The back door of {desk.name} is broken")
    other.get_by_role("button", name="Save and continue editing").click()
    expect(other.get_by_text("was changed successfully")).to_be_visible()
    other.close()
    page.get_by_label("Title").fill(f"The front door of {desk.name} is broken")
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.get_by_text("your changes were not saved")).to_be_visible()
    expect(page.get_by_label("Venue")).to_have_value("Back yard")
    expect(page.get_by_label("Title")).to_have_value(f"The front door of {desk.name} is broken")
    desk.screenshot("stale")
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()

    page.get_by_role("link", name="Put on hold").click()
    page.get_by_label("Reason").fill("The locksmith comes on Monday")
    desk.screenshot("hold")
    page.get_by_role("button", name="Put on hold").click()
    expect(page.get_by_text("The locksmith comes on Monday").first).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    page.get_by_label("Reply to customer").fill("The door opens again.")
    page.get_by_role("button", name="Reply and close").click()
    page.locator("summary").filter(has_text="E-mails").click()
    desk.screenshot("closed")
    desk.mail_to(AGENT, f"Ticket #{first} updated")
    assert "The door opens again." in desk.mail_to(CUSTOMER, f"#{first}").get_body(("plain",)).get_content()


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
