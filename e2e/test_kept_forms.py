"""A reply that is sent after the session has ended, or after signing in again in another tab, is not lost."""

from playwright.sync_api import Page, expect

from e2e.conftest import PASSWORD_OF, Desk
from e2e.test_agent import AGENT, create_tickets
from e2e.test_pages import ADMIN, faults

SESSION = "sessionid"
TEXT = "We are on our way.\n\nIs somebody in? See https://doors.example.com/" + 30 * "the-old-one"


def sign_in(page: Page, email: str) -> None:
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD_OF[email])
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_label("Password")).to_have_count(0)


def write_reply(desk: Desk) -> str:
    """Fill in the reply to a new ticket, and return the URL of its page."""
    (ticket_id,) = create_tickets(desk, f"The bell of {desk.name} is broken")
    url = f"{desk.site}/admin/tickets/ticket/{ticket_id}/change/"
    desk.page.goto(url)
    desk.page.get_by_label("Reply to customer").fill(TEXT)
    return url


def sign_in_elsewhere(desk: Desk, email: str) -> None:
    """Sign in with another tab of the same browser, whose session has ended."""
    desk.page.context.clear_cookies(name=SESSION)
    other = desk.page.context.new_page()
    other.goto(f"{desk.site}/admin/")
    sign_in(other, email)
    other.close()


def test_reply_after_the_session_has_ended(desk: Desk) -> None:
    page = desk.page
    desk.sign_in(AGENT)
    url = write_reply(desk)
    page.context.clear_cookies(name=SESSION)

    page.get_by_role("button", name="Reply and close").click()
    expect(page.get_by_text("You were signed out before you sent the form")).to_be_visible()
    desk.screenshot("signed-out")
    assert faults(page) == []
    page.get_by_label("E-mail address").fill(AGENT)
    page.get_by_label("Password").fill("a wrong password")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("You were signed out before you sent the form")).to_be_visible()
    sign_in(page, AGENT)
    expect(page.get_by_text("Is somebody in?")).to_be_visible()
    desk.screenshot("send-again")
    assert faults(page) == []
    page.reload()
    page.get_by_role("button", name="Send as").click()

    expect(page.get_by_text("Reply sent.")).to_be_visible()
    assert page.url.startswith(url)
    expect(page.get_by_text("Is somebody in?")).to_have_count(1)
    page.get_by_label("Reply to customer").focus()
    expect(page.get_by_role("button", name="Reply and reopen")).to_be_visible()
    desk.screenshot("sent")


def test_reply_after_signing_in_elsewhere(desk: Desk) -> None:
    page = desk.page
    desk.sign_in(AGENT)
    write_reply(desk)
    sign_in_elsewhere(desk, AGENT)

    page.get_by_role("button", name="Internal note").click()
    expect(page.get_by_text("Nothing was saved")).to_be_visible()
    desk.screenshot("signed-in-elsewhere")
    assert faults(page) == []
    page.get_by_role("button", name="Send as").click()

    expect(page.get_by_text("Internal note added.")).to_be_visible()
    expect(page.get_by_text("Is somebody in?")).to_have_count(1)
    expect(page.locator("ol").get_by_text("Internal", exact=True)).to_be_visible()


def test_reply_after_another_user_signed_in(desk: Desk) -> None:
    page = desk.page
    desk.sign_in(AGENT)
    url = write_reply(desk)
    sign_in_elsewhere(desk, ADMIN)

    page.get_by_role("button", name="Reply", exact=True).click()
    expect(page.get_by_text(f"({ADMIN})")).to_be_visible()
    desk.screenshot("another-user")
    page.get_by_role("button", name="Discard").click()

    page.goto(url)
    expect(page.get_by_text("Is somebody in?")).to_have_count(0)
