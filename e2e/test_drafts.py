"""What is typed is never lost: not with a closed tab, a lost session, a stale page or a wrong turn."""

from playwright.sync_api import Dialog, Page, expect

from e2e.conftest import Desk
from e2e.test_agent import AGENT, create_tickets, edit
from e2e.test_kept_forms import SESSION, sign_in
from e2e.test_pages import ADMIN, faults

TEXT = "We are on our way.\nIs somebody in?"


def open_ticket(desk: Desk) -> str:
    """Sign in, open a new ticket and return the URL of its page."""
    (ticket,) = create_tickets(desk, f"The bell of {desk.name} is broken")
    desk.sign_in(AGENT)
    url = f"{desk.site}/admin/tickets/ticket/{ticket}/change/"
    desk.page.goto(url)
    return url


def reply_of(page: Page) -> str:
    return page.get_by_label("Reply to customer").input_value()


def test_closed_tab(desk: Desk) -> None:
    page = desk.page
    url = open_ticket(desk)
    other = page.context.new_page()
    other.goto(url)
    other.get_by_label("Reply to customer").fill(TEXT)
    other.close()

    page.goto(url)

    expect(page.get_by_text("Draft restored")).to_be_visible()
    assert reply_of(page) == TEXT
    desk.screenshot("restored", whole=False)
    assert faults(page) == []
    # Sent once, it is gone.
    page.get_by_label("Reply to customer").focus()
    page.get_by_role("button", name="Reply", exact=True).click()
    expect(page.get_by_text("Comment added.")).to_be_visible()
    page.goto(url)
    expect(page.get_by_text("Draft restored")).to_have_count(0)
    assert reply_of(page) == ""


def test_discarded(desk: Desk) -> None:
    page = desk.page
    url = open_ticket(desk)
    page.get_by_label("Reply to customer").fill(TEXT)
    page.goto(url)

    page.get_by_role("button", name="Discard draft").click()

    assert reply_of(page) == ""
    page.goto(url)
    expect(page.get_by_text("Draft restored")).to_have_count(0)


def test_killed_session(desk: Desk) -> None:
    page = desk.page
    url = open_ticket(desk)
    page.get_by_label("Reply to customer").fill(TEXT)
    page.context.clear_cookies(name=SESSION)

    page.get_by_role("button", name="Reply", exact=True).click()
    expect(page.get_by_text("You were signed out before you sent the form")).to_be_visible()
    # Not sent: the tab is closed instead. What the server kept is lost with it.
    page.goto(url)
    sign_in(page, AGENT)

    page.goto(url)
    expect(page.get_by_text("Draft restored")).to_be_visible()
    assert reply_of(page) == TEXT


def test_killed_session_then_sent_again(desk: Desk) -> None:
    page = desk.page
    url = open_ticket(desk)
    page.get_by_label("Reply to customer").fill(TEXT)
    page.context.clear_cookies(name=SESSION)

    page.get_by_role("button", name="Reply", exact=True).click()
    sign_in(page, AGENT)
    page.get_by_role("button", name="Send as").click()

    expect(page.get_by_text("Comment added.")).to_be_visible()
    page.goto(url)
    expect(page.get_by_text("Draft restored")).to_have_count(0)


def test_edit_while_signed_out(desk: Desk) -> None:
    page = desk.page
    url = open_ticket(desk)
    page.context.clear_cookies(name=SESSION)

    page.get_by_label("Venue").fill("Back yard")
    page.get_by_label("Venue").press("Tab")
    expect(page.get_by_text("Not saved: you are signed out")).to_be_visible()
    desk.screenshot("signed-out")
    desk.sign_in(AGENT)
    page.goto(url)

    expect(page.get_by_label("Venue")).to_have_value("Back yard")
    desk.screenshot("edit-restored")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#ticket-message")).to_have_text("Saved.")
    page.goto(url)
    expect(page.get_by_text("Draft restored")).to_have_count(0)


def test_stale_page(desk: Desk) -> None:
    """Somebody else has changed what the draft is about."""
    page = desk.page
    url = open_ticket(desk)
    page.get_by_label("Reply to customer").fill(TEXT)
    page.context.set_offline(True)
    page.get_by_label("Venue").fill("Back yard")
    page.get_by_label("Venue").press("Tab")
    expect(page.get_by_text("Not saved: the server cannot be reached")).to_be_visible()
    page.context.set_offline(False)
    # Chromium logs the request that failed.
    desk.errors.clear()
    other = page.context.browser.new_context().new_page()  # type: ignore[union-attr]
    other.goto(url)
    sign_in(other, ADMIN)
    edit(other, "Venue", "Garden")
    other.context.close()

    page.goto(url)

    expect(page.get_by_text("Venue has been changed to “Garden” since.")).to_be_visible()
    expect(page.get_by_label("Venue")).to_have_value("Back yard")
    assert reply_of(page) == TEXT


def test_nobody_gets_the_draft_of_somebody_else(desk: Desk) -> None:
    page = desk.page
    url = open_ticket(desk)
    page.get_by_label("Reply to customer").fill(TEXT)
    page.context.clear_cookies(name=SESSION)
    desk.sign_in(ADMIN)

    page.goto(url)

    assert reply_of(page) == ""


def test_leaving_asks_first(desk: Desk) -> None:
    page = desk.page
    open_ticket(desk)
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", answer)
    page.get_by_label("Reply to customer").press_sequentially("One moment")
    page.get_by_role("link", name="Next").click()
    page.wait_for_load_state("networkidle")

    assert asked == ["beforeunload"]


def test_other_forms(desk: Desk) -> None:
    page = desk.page
    desk.sign_in(ADMIN)
    for path, label, message in (
        ("projects/project/add/", "Name", "successfully"),
        ("events/event/1/change/", "Venue", "Venue changed."),
    ):
        desk.go(f"/admin/{path}")
        page.get_by_label(label).first.fill(f"Draft of {desk.name}")
        desk.go("/admin/")
        desk.go(f"/admin/{path}")
        expect(page.get_by_label(label).first).to_have_value(f"Draft of {desk.name}")
        expect(page.get_by_text("Draft restored")).to_be_visible()
        desk.screenshot("form", whole=False)
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text(message)).to_be_visible()
        desk.go(f"/admin/{path}")
        expect(page.get_by_text("Draft restored")).to_have_count(0)
