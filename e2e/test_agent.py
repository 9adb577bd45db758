"""An agent's day: what is late and nobody's is found, talked about, handed on, changed by the dozen and closed."""

from playwright.sync_api import expect

from e2e.conftest import PASSWORD_OF, Desk

# Nothing on a phone is as wide as this.
LONG_ADDRESS = "https://doors.example.com/" + 30 * "the-old-one"
AGENT, CUSTOMER = "agent@example.com", "customer@example.com"


# What one can type into or choose from, without a name that a screen reader could say.
UNLABELLED = """() => [...document.querySelectorAll("input, select, textarea")]
    .filter(field => field.type !== "hidden" && field.offsetParent)
    .filter(field => !field.labels?.length && !field.ariaLabel && !field.getAttribute("aria-labelledby"))
    .map(field => field.outerHTML)"""


def new_tickets(desk: Desk, *titles: str) -> list[int]:
    """Made by the customer, over the API."""
    api = desk.page.request
    sign_in = api.post(f"{desk.site}/auth/login", data={"email": CUSTOMER, "password": PASSWORD_OF[CUSTOMER]})
    bearer = {"Authorization": f"Bearer {sign_in.json()['token']}"}
    return [
        api.post(f"{desk.site}/ticket", data={"title": title, "priority": "high"}, headers=bearer).json()["id"]
        for title in titles
    ]


def test_agent(desk: Desk) -> None:
    page = desk.page
    first, *_ = new_tickets(desk, *(f"The {what} of {desk.name} is broken" for what in ("door", "lamp", "tap")))
    there = f"{desk.site}/admin/tickets/ticket/{first}/change/"

    desk.sign_in(AGENT)
    desk.see("dashboard")
    page.get_by_role("link", name="Breached").first.click()
    desk.see("breached")
    desk.go("/admin/")
    page.get_by_role("link", name="Unassigned").click()
    desk.see("nobodys")
    page.get_by_role("link", name=f"The door of {desk.name} is broken").click()
    desk.see("ticket")
    assert page.evaluate(UNLABELLED) == []

    # Said among staff, then to the customer.
    page.get_by_label("Reply to customer").fill(f"Is this the old door again? See {LONG_ADDRESS}")
    page.get_by_label("Internal note (staff only)").check()
    page.get_by_role("button", name="Reply", exact=True).click()
    expect(page.get_by_text("Comment added")).to_be_visible()
    page.get_by_label("Reply to customer").fill(f"We are on our way to {desk.name}.\nIs somebody in?")
    page.get_by_role("button", name="Reply and start work").click()
    expect(page.get_by_text("Status:")).to_be_visible()
    desk.see("conversation")
    mail = desk.mail_to(CUSTOMER, f"#{first}")
    text = mail.get_body(("plain",)).get_content()
    assert f"We are on our way to {desk.name}." in text
    assert "old door" not in text

    # A few at once: somebody is assigned to two, and refused on the one that they have already.
    desk.go(f"/admin/tickets/ticket/?q={first}")
    choose_somebody(desk, "Assign user")
    expect(page.get_by_text("1 ticket changed")).to_be_visible()
    desk.mail_to(AGENT, f"Ticket #{first} updated")
    desk.go(f"/admin/tickets/ticket/?q={desk.name}+broken")
    choose_somebody(desk, "Assign user", picture="assign-many")
    expect(page.get_by_text("2 tickets changed")).to_be_visible()
    expect(page.get_by_text(f"1 ticket not changed: User already assigned (#{first})")).to_be_visible()
    desk.see("summary")

    # Two people change the same ticket.
    page.goto(there)
    other = page.context.new_page()
    other.goto(there)
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
    desk.see("stale")
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()

    page.get_by_role("link", name="Put on hold").click()
    page.get_by_label("Reason").fill("The locksmith comes on Monday")
    desk.see("hold")
    page.get_by_role("button", name="Put on hold").click()
    expect(page.get_by_text("The locksmith comes on Monday").first).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    page.get_by_label("Reply to customer").fill("The door opens again.")
    page.get_by_role("button", name="Reply and close").click()
    page.get_by_text("E-mails for this ticket").click()
    desk.see("closed")
    desk.mail_to(AGENT, f"Ticket #{first} updated")
    assert "The door opens again." in desk.mail_to(CUSTOMER, f"#{first}").get_body(("plain",)).get_content()


def choose_somebody(desk: Desk, action: str, picture: str = "") -> None:
    """All that the list shows, for the agent."""
    page = desk.page
    page.locator("#action-toggle").check()
    page.locator("select[name=action]").select_option(label=action)
    if picture:
        desk.see("chosen")
    page.get_by_role("button", name="Run").click()
    # The plain select is replaced a moment after the page is there.
    page.locator(".select2-selection").click()
    page.get_by_role("searchbox").last.fill("agent@example")
    page.get_by_role("option").filter(has_text="agent@example.com").click()
    if picture:
        desk.see(picture)
    page.get_by_role("button", name="Assign", exact=True).click()
