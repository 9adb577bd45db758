"""What is typed is never lost: not with a closed tab, a lost session, a stale page or a wrong turn."""

import pytest
from playwright.sync_api import Dialog, Locator, Page, expect

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
    expect(page.get_by_text("Reply sent.")).to_be_visible()
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

    expect(page.get_by_text("Reply sent.")).to_be_visible()
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


def answer_dialogs(page: Page) -> list[str]:
    """Return a list to which the kind of each dialog will be added; each is accepted."""
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", answer)
    return asked


def test_leaving_asks_first(desk: Desk) -> None:
    page = desk.page
    open_ticket(desk)
    asked = answer_dialogs(page)
    page.get_by_label("Reply to customer").press_sequentially("One moment")
    page.get_by_role("link", name="Next").click()
    page.wait_for_load_state("networkidle")

    assert asked == ["beforeunload"]


# What leads to each kind of form: its path, a field and what is typed. `{}` is the name of the test.
FORMS = {
    "adding": ("projects/project/add/", "Name", "Draft of {}"),
    "changing": ("events/event/1/change/", "Venue", "Draft of {}"),
    "policy": ("sla/slapolicy/high/change/", "Hours", "7"),
    "macro": ("tickets/macro/add/", "Text", "Draft of {}"),
    "note": ("accounts/user/2/change/", "New note", "Draft of {}"),
    "booking": ("events/event/1/book/", "First name", "Draft of {}"),
    "hold": ("tickets/ticket/1/hold/", "Reason for hold", "Draft of {}"),
    "address": ("accounts/user/own-email/", "New e-mail address", "draft@example.com"),
    "view": ("tickets/ticket/?status__exact=open", "Name", "Draft of {}"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form(window: Desk, form: str) -> None:
    page, (path, label, text) = window.page, FORMS[form]
    field, text = page.get_by_label(label).first, text.format(form)
    window.sign_in(ADMIN)
    window.go(f"/admin/{path}")
    if form == "view":
        page.get_by_text("Save this view").click()
    field.fill(text)

    window.go("/admin/")
    window.go(f"/admin/{path}")

    expect(page.get_by_text("Draft restored")).to_be_visible()
    expect(field).to_have_value(text)
    window.screenshot(form, whole=False)
    assert faults(page) == []
    page.get_by_role("button", name="Discard draft").click()
    window.go(f"/admin/{path}")
    expect(page.get_by_text("Draft restored")).to_have_count(0)


def test_deleted_record(window: Desk) -> None:
    """What was typed about a record that is gone can still be read, and copied, on a page of its own."""
    page, name = window.page, "Project of drafts"
    window.sign_in(ADMIN)
    window.go("/admin/projects/project/add/")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    url = page.url
    other = page.context.new_page()
    other.goto(url)
    page.get_by_label("Name").fill("Renamed, never sent")
    other.goto(f"{url.removesuffix('change/')}delete/")
    other.get_by_role("button", name="Yes").click()
    expect(other.get_by_text("was deleted successfully")).to_be_visible()
    other.close()

    window.go("/admin/")
    page.get_by_role("button", name="Daria Mendes").click()
    page.get_by_role("link", name="Unsent drafts").click()

    draft = page.locator("#unsent-drafts section").filter(has_text=name)
    expect(draft).to_contain_text("Renamed")
    expect(draft.get_by_role("link")).to_have_attribute("href", url.removeprefix(window.site))
    window.screenshot("unsent")
    assert faults(page) == []
    draft.get_by_role("button", name="Delete the draft").click()
    expect(page.get_by_text("You have no unsent drafts in this browser.")).to_be_visible()
    page.reload()
    expect(page.get_by_text("You have no unsent drafts in this browser.")).to_be_visible()


def test_choices(window: Desk) -> None:
    """The form that follows an action on a list is about the chosen tickets, and so is its draft."""
    page = window.page
    tickets = create_tickets(window, "First draft", "Second draft")
    window.sign_in(ADMIN)

    def open_form(ticket: int) -> Locator:
        window.go(f"/admin/tickets/ticket/?q={ticket}")
        page.locator(f".action-select[value='{ticket}']").check()
        page.locator("select[name=action]").select_option(label="Set status")
        page.get_by_role("button", name="Run").click()
        return page.get_by_label("Status").last

    open_form(tickets[0]).select_option("closed")

    expect(open_form(tickets[1])).not_to_have_value("closed")
    expect(open_form(tickets[0])).to_have_value("closed")
    expect(page.get_by_text("Draft restored")).to_be_visible()


def fill_row(page: Page, place: int, day: str, name: str) -> None:
    page.locator(f"[name=holidays-{place}-day]").fill(day)
    page.locator(f"[name=holidays-{place}-name]").fill(name)


def names_of_rows(page: Page) -> list[str]:
    names = page.locator("[name^=holidays-][name$=-name]:not([name*=__prefix__])")
    return [each.input_value() for each in names.all()]


def test_added_rows(window: Desk) -> None:
    """Rows come back with their draft, also after others have changed the rows, and none is lost with another one."""
    page, text = window.page, "Draft restored"
    window.sign_in(ADMIN)
    window.go("/admin/sla/calendar/add/")
    page.get_by_label("Name").first.fill("Calendar of drafts")
    add = page.locator("#holidays-group .add-row")
    for place, name in enumerate(("First", "Second", "Third")):
        add.click()
        fill_row(page, place, f"2031-01-0{place + 1}", name)
    page.locator("#holidays-group .delete-template").nth(1).click()
    assert names_of_rows(page) == ["First", "Third"]

    window.go("/admin/")
    page.go_back()

    expect(page.get_by_text(text)).to_be_visible()
    assert names_of_rows(page) == ["First", "Third"]
    expect(page.locator("[name=holidays-1-day]")).to_have_value("2031-01-03")
    window.screenshot("rows")
    assert faults(page) == []
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    expect(page.get_by_text(text)).to_have_count(0)
    url = page.url

    # Meanwhile, another user removes a row, adds one, and renames the calendar.
    page.locator("[name=holidays-1-name]").fill("Third, edited")
    page.locator("[name=holidays-0-name]").fill("First, edited")
    add.click()
    fill_row(page, 2, "2031-01-05", "Fourth")
    other = page.context.browser.new_context().new_page()  # type: ignore[union-attr]
    other.goto(url)
    sign_in(other, ADMIN)
    other.locator("[name=holidays-0-DELETE]").evaluate("box => box.click()")
    other.locator("#holidays-group .add-row").click()
    fill_row(other, 2, "2031-01-09", "Theirs")
    other.get_by_role("button", name="Save", exact=True).click()
    expect(other.get_by_text("was changed successfully")).to_be_visible()
    other.context.close()
    page.goto(url)

    expect(page.get_by_text("No longer on this page: “First, edited”.")).to_be_visible()
    assert sorted(names_of_rows(page)) == ["Fourth", "Theirs", "Third, edited"]
    page.get_by_role("button", name="Discard draft").click()
    assert sorted(names_of_rows(page)) == ["Theirs", "Third"]


def test_back_after_sending(window: Desk) -> None:
    """What was sent is not filled in again, or it would be sent twice."""
    page, note = window.page, window.page.get_by_label("New note")
    window.sign_in(ADMIN)
    window.go("/admin/accounts/user/3/change/")
    note.fill("Sent")
    page.get_by_role("button", name="Add note").click()
    expect(page.get_by_text("Note added.")).to_be_visible()

    page.go_back()
    expect(note).to_have_value("")
    note.fill("Not sent")
    window.go("/admin/")
    page.go_back()

    expect(note).to_have_value("Not sent")
    expect(page.get_by_text("Draft restored")).to_be_visible()


def test_back_after_replying(window: Desk) -> None:
    page = window.page
    url = open_ticket(window)
    page.get_by_label("Reply to customer").fill(TEXT)
    page.get_by_role("button", name="Reply", exact=True).click()
    expect(page.get_by_text("Reply sent.")).to_be_visible()

    page.go_back()
    expect(page.get_by_label("Reply to customer")).to_have_value("")
    page.reload()
    expect(page.get_by_label("Reply to customer")).to_have_value("")
    window.go("/admin/")
    page.go_back()
    expect(page.get_by_label("Reply to customer")).to_have_value("")

    page.goto(url)
    expect(page.locator("#ticket-entries li").filter(has_text="Is somebody in?")).to_have_count(1)
    expect(page.get_by_text("Draft restored")).to_have_count(0)


def test_due_date_without_a_time(window: Desk) -> None:
    page = window.page
    open_ticket(window)
    place = page.locator("[data-field=due_at]")

    place.locator("[name=due_at_0]").fill("2099-01-31")
    page.get_by_label("Venue").fill("Attic")
    page.get_by_label("Venue").press("Tab")

    expect(place.get_by_text("Enter a valid time.")).to_be_visible()
    expect(page.locator("#ticket-message")).to_have_text("Saved. Not saved: Due date.")


def test_killed_session_of_a_small_form(window: Desk) -> None:
    page = window.page
    window.sign_in(ADMIN)
    window.go("/admin/events/event/1/book/")
    page.get_by_label("First name").fill("Draft")
    page.context.clear_cookies(name=SESSION)
    page.get_by_role("button", name="Book", exact=True).click()
    expect(page.get_by_text("You were signed out before you sent the form")).to_be_visible()

    window.sign_in(ADMIN)
    window.go("/admin/events/event/1/book/")

    expect(page.get_by_label("First name")).to_have_value("Draft")


def test_leaving_a_small_form_asks_first(window: Desk) -> None:
    page = window.page
    window.sign_in(ADMIN)
    window.go("/admin/accounts/user/2/change/")
    asked = answer_dialogs(page)
    page.get_by_label("New note").press_sequentially("One moment")

    page.get_by_role("link", name="Users").first.click()
    page.wait_for_load_state("networkidle")

    assert asked == ["beforeunload"]


def test_too_long_text_is_refused_rather_than_cut(desk: Desk) -> None:
    page = desk.page
    (ticket,) = create_tickets(desk, f"The log of {desk.name}")
    desk.sign_in(AGENT)
    desk.go(f"/admin/tickets/ticket/{ticket}/change/")
    text = 20_001 * "x"

    page.get_by_label("Reply to customer").click()
    page.keyboard.insert_text(text)
    page.get_by_role("button", name="Reply", exact=True).click()

    expect(page.get_by_text("at most 20000 characters (it has 20001)")).to_be_visible()
    expect(page.get_by_label("Reply to customer")).to_have_value(text)
