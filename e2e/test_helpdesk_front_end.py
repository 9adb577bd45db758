"""A front end for document 004 on another port: sign in, create, list, comment, change, and read every refusal."""

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Page, expect

from e2e.conftest import PASSWORD_OF, Desk

FOLDER = Path(__file__).parent / "helpdesk_front_end"
PASSWORD = "123456"
# The next failed sign-in locks the account.
FAILURES = 4


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture(scope="module")
def front_end() -> Iterator[str]:
    """Serve the front end from another port and host than the API, and yield its URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(FOLDER))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()


def sign_in(page: Page, email: str, password: str) -> None:
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def change_as_agent(desk: Desk, title: str) -> None:
    """Change the priority of the newest ticket with this title."""
    api, email = desk.page.request, "agent@example.com"
    token = api.post(f"{desk.site}/api/auth/login", data={"email": email, "password": PASSWORD_OF[email]}).json()
    bearer = {"Authorization": f"Bearer {token['token']}"}
    items = api.get(f"{desk.site}/api/tickets", headers=bearer).json()["items"]
    ticket = next(item for item in items if item["title"] == title)
    changed = api.patch(f"{desk.site}/api/tickets/{ticket['_id']}", data={"priority": "low"}, headers=bearer)
    assert changed.status == 200


def test_helpdesk_front_end(desk: Desk, front_end: str) -> None:
    page, error = desk.page, desk.page.get_by_role("alert")
    email, title = f"{desk.name}@example.org", f"Server of {desk.name} is down"
    page.goto(f"{front_end}?api={desk.site}")
    # Left over from another day; it does not keep anyone from signing up or in.
    page.evaluate("localStorage.setItem('token', 'expired')")

    sign_in(page, email, PASSWORD)
    expect(error).to_have_text("401 INVALID_CREDENTIALS: Invalid email or password")
    page.get_by_label("Name").fill("Hackathon User")
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_text("User registered successfully: Hackathon User")).to_be_visible()
    desk.screenshot("registered")
    sign_in(page, email, PASSWORD)
    expect(page.get_by_role("heading", name="My tickets")).to_be_visible()

    page.get_by_label("Title").fill(title)
    page.get_by_label("Description").fill("Staging server not responding")
    with page.expect_response(lambda response: response.request.method == "POST" and response.status == 201):
        page.get_by_role("button", name="Create and stay").click()
    page.get_by_role("button", name="Create", exact=True).click()
    expect(error).to_have_text("409 DUPLICATE_REQUEST")
    desk.screenshot("duplicate")
    page.reload()
    sign_in(page, email, PASSWORD)
    expect(page.get_by_role("listitem")).to_have_text([f"{title} high, open"])

    page.get_by_role("button", name=title).click()
    page.get_by_label("Comment").fill("We are working on this issue.")
    page.get_by_role("button", name="Send").click()
    comment = page.get_by_role("listitem").filter(has_text="We are working on this issue.")
    expect(comment).to_contain_text("Hackathon User on ")

    change_as_agent(desk, title)
    page.get_by_label("Status").select_option("in_progress")
    page.get_by_role("button", name="Change").click()
    expect(error).to_have_text("409 Conflict - Ticket already updated (409)")
    desk.screenshot("conflict")
    page.get_by_role("button", name="Reload").click()
    expect(page.get_by_text("open, version 2")).to_be_visible()
    page.get_by_label("Status").select_option("in_progress")
    page.get_by_role("button", name="Change").click()
    expect(page.get_by_text("in_progress, version 3")).to_be_visible()
    expect(comment).to_be_visible()
    desk.screenshot("changed")

    page.evaluate("localStorage.setItem('token', 'expired')")
    page.get_by_role("button", name="Reload").click()
    expect(error).to_have_text("401 INVALID_TOKEN: Invalid or expired token")

    page.reload()
    for _ in range(FAILURES):
        sign_in(page, f"nobody-{email}", "wrong")
        expect(error).to_contain_text("INVALID_CREDENTIALS")
        page.evaluate("document.getElementById('error').textContent = ''")
    sign_in(page, f"nobody-{email}", "wrong")
    expect(error).to_contain_text("429 RATE_LIMIT")
    expect(error).to_contain_text("try again in")
    expect(error).not_to_contain_text("no request id")
    desk.screenshot("locked-out")
