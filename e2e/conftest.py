"""A complete site (database, web server, worker, mail server) and the system's Chromium.

A screenshot of each step is saved in var/e2e/.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from demo.people import SIGN_INS
from kit.db import configuration
from kit.tests.ports import free_port
from notifications.tests.smtp import MailServer
from ticketing.management.commands.serve import health

ROOT = Path(__file__).resolve().parent.parent
SCREENSHOTS = ROOT / "var" / "e2e"
CHROMIUM = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
PASSWORD_OF = {email: password for _, email, password in SIGN_INS}
# All limits leave time for whatever else the machine does.
MILLISECONDS = 60_000
SECONDS_TO_START = 300
SECONDS_FOR_MAIL = 60


@pytest.fixture(autouse=True)
def rows_of_migrations() -> None:
    """Override the fixture of the other tests, which needs their database."""


@pytest.fixture(scope="session")
def mail_server() -> Iterator[MailServer]:
    server = MailServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def site(mail_server: MailServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the demo and yield its URL."""
    port = free_port()
    folder = tmp_path_factory.mktemp("postgres")
    server = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--demo", "--port", str(port), "--workers", "1"],
        cwd=ROOT,
        env=os.environ
        | {
            "TESTING": "off",
            "DEMO": "on",
            "STAFF_SIGNUP": "on",
            "DATABASE_URL": configuration.connection_url(
                configuration.configuration("", folder, durable=False)["default"]
            ),
            "EMAIL_URL": f"smtp://127.0.0.1:{mail_server.port}",
        },
    )
    try:
        wait_until_healthy(port, server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(120)


def wait_until_healthy(port: int, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(OSError):
            if health("127.0.0.1", port) == "200":
                return
        time.sleep(0.2)
    raise AssertionError(f"The site did not start within {SECONDS_TO_START} seconds.")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.fail("Chromium is not installed. On Debian and Ubuntu: apt install chromium")
    expect.set_options(timeout=MILLISECONDS)
    with sync_playwright() as playwright:
        # Chromium refuses its sandbox to root, which containers run as.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


# Chromium logs violations of the Content-Security-Policy as well, but not always.
REPORT_VIOLATIONS = """document.addEventListener("securitypolicyviolation", (event) =>
    console.error(`${event.violatedDirective} blocked ${event.blockedURI} ${event.sample} at ${event.sourceFile}`))"""
# Chromium logs every response of 400 and above as an error. Those of 500 and above are collected anyway.
REFUSAL = "the server responded with a status of 4"


FITS = "document.documentElement.scrollWidth <= window.innerWidth"


class Desk:
    """A browser window in which one person works.

    Collects errors of scripts, in the browser's console and of the server, and blocked scripts and styles.
    """

    def __init__(self, context: BrowserContext, site: str, mail_server: MailServer, name: str) -> None:
        self.page: Page = context.new_page()
        self.site = site
        self.mail_server = mail_server
        self.name = name
        self.screenshots = 0
        self.errors: list[str] = []
        self.page.add_init_script(REPORT_VIOLATIONS)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on(
            "console",
            lambda message: (
                message.type == "error"
                and REFUSAL not in message.text
                and self.errors.append(f"{self.page.url}: {message.text}")
            ),
        )
        self.page.on(
            "response",
            lambda response: response.status >= 500 and self.errors.append(f"{response.status} {response.url}"),
        )

    def sign_in(self, email: str) -> None:
        self.go("/admin/")
        self.page.get_by_label("E-mail address").fill(email)
        self.page.get_by_label("Password").fill(PASSWORD_OF[email])
        self.page.get_by_role("button", name="Log in").click()
        expect(self.page.get_by_label("Password")).to_have_count(0)

    def go(self, path: str) -> None:
        self.page.goto(self.site + path)

    def act(self, name: str) -> None:
        """Click one of the page's actions, which are in a menu on phones."""
        link = self.page.get_by_role("link", name=name, exact=True)
        if not link.is_visible():
            self.page.get_by_text("more_horiz").first.click()
        link.click()

    def screenshot(self, name: str, *, whole: bool = True) -> None:
        """Save a screenshot of the whole page or of what is visible, and check that it does not scroll sideways."""
        self.page.wait_for_load_state("networkidle")
        self.screenshots += 1
        self.page.screenshot(path=SCREENSHOTS / f"{self.name}-{self.screenshots:02}-{name}.png", full_page=whole)
        assert self.fits(), name

    def fits(self) -> bool:
        """Return whether the page is no wider than the window."""
        return bool(self.page.evaluate(FITS))

    def mail_to(self, address: str, subject: str) -> EmailMessage:
        """Return the latest e-mail to an address whose subject contains this text; wait up to SECONDS_FOR_MAIL."""
        deadline = time.monotonic() + SECONDS_FOR_MAIL
        while time.monotonic() < deadline:
            if found := [mail for mail in self.mail_server.of(address) if subject in mail["Subject"]]:
                return found[-1]
            time.sleep(0.2)
        subjects = [mail["Subject"] for mail in self.mail_server.of(address)]
        raise AssertionError(f"No e-mail to {address} about {subject!r}; received: {subjects}")


@pytest.fixture(params=["light", "dark"], ids=["desktop", "phone-dark"])
def desk(request: pytest.FixtureRequest, chromium: Browser, site: str, mail_server: MailServer) -> Iterator[Desk]:
    """Yield a window on a desktop in the light theme, and one on a phone in the dark theme."""
    is_phone = request.param == "dark"
    context = chromium.new_context(
        viewport={"width": 390, "height": 844} if is_phone else {"width": 1366, "height": 900},
        color_scheme=request.param,
        is_mobile=is_phone,
        has_touch=is_phone,
    )
    yield from opened(request, context, site, mail_server)


@pytest.fixture
def window(request: pytest.FixtureRequest, chromium: Browser, site: str, mail_server: MailServer) -> Iterator[Desk]:
    """Yield a window whose test sets its width and theme."""
    yield from opened(request, chromium.new_context(), site, mail_server)


def opened(
    request: pytest.FixtureRequest, context: BrowserContext, site: str, mail_server: MailServer
) -> Iterator[Desk]:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    context.set_default_timeout(MILLISECONDS)
    parameters = f"-{request.node.callspec.id}" if hasattr(request.node, "callspec") else ""
    desk = Desk(context, site, mail_server, request.node.originalname.removeprefix("test_") + parameters)
    yield desk
    context.close()
    assert not desk.errors
