"""Count what a task costs the person who does it: clicks and page loads."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Page

# A click that a key causes, such as Enter on a button, has no `detail`.
REPORT_CLICKS = """document.addEventListener("click", (event) => event.detail && reportClick(), true)"""


@dataclass
class Walk:
    clicks: int = 0
    loads: int = 0

    def click(self) -> None:
        self.clicks += 1

    def load(self) -> None:
        self.loads += 1


class Counter:
    """Counts the trusted clicks and the loads of a page from now on, in `walk`s."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.current = Walk()
        page.expose_function("reportClick", lambda: self.current.click())
        page.add_init_script(REPORT_CLICKS)
        page.on("domcontentloaded", lambda _: self.current.load())

    @contextmanager
    def walk(self, *, clicks: int, loads: int) -> Iterator[Walk]:
        """Yield the count of what the block does, and check that it is at most this."""
        self.current = walk = Walk()
        yield walk
        self.page.wait_for_load_state("networkidle")
        assert walk.clicks <= clicks, walk
        assert walk.loads <= loads, walk
