"""A real browser for the dashboard's tests and measurements: found, started, signed in, and waited for."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, ViewportSize, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SIZE: ViewportSize = {"width": 1440, "height": 900}
WITHIN_MS = 30_000
"""The longest that a page may take on a busy machine."""
QUIET_MS = 250
"""A page that has done nothing for so long is done."""
TALLEST_PX = 12_000
SAID = "PODIUM_CHROMIUM"

_DONE = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  if (!app || app.getAttribute('data-test-script-state') !== 'notRunning') return false;
  if (document.querySelector('[data-testid="stSkeleton"], [data-testid="stSpinner"]')) return false;
  if (document.querySelector('[data-stale="true"]')) return false;
  return [...document.querySelectorAll('[data-testid="stVegaLiteChart"]')].every(e => e.querySelector('canvas, svg'));
}"""
_HEIGHT = """() => Math.max(0, ...[...document.querySelectorAll('[data-testid="stMain"]')].map(e => e.scrollHeight))"""


class NoBrowser(RuntimeError):
    """No Chromium is on this machine."""


def executable(playwright: Playwright) -> str | None:
    """Where Chromium is: as PODIUM_CHROMIUM says, Playwright's own, or on the PATH. None where it is nowhere."""
    if said := os.environ.get(SAID):
        return said
    own = playwright.chromium.executable_path
    return own if Path(own).is_file() else next(filter(None, map(shutil.which, NAMES)), None)


def is_here() -> bool:
    """Whether there is a Chromium on this machine."""
    with sync_playwright() as playwright:
        return executable(playwright) is not None


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser. Raises NoBrowser."""
    with sync_playwright() as playwright:
        found = executable(playwright)
        if found is None:
            raise NoBrowser(f"there is no Chromium: `make install` looks for one, {SAID} names one")
        root = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=found, args=["--disable-dev-shm-usage", *root])
        try:
            yield browser
        finally:
            browser.close()


def visitor(browser: Browser, url: str, scheme: str = "light", zone: str = "Europe/Berlin") -> BrowserContext:
    """Somebody with an empty browser at the dashboard's address."""
    context = browser.new_context(
        base_url=url, viewport=SIZE, color_scheme="dark" if scheme == "dark" else "light", timezone_id=zone,
        reduced_motion="reduce", locale="en-GB",
    )  # fmt: skip
    context.set_default_timeout(WITHIN_MS)
    return context


def sign_in(page: Page, secret: str) -> None:
    """By the form, as a person does; wherever the page then leads."""
    page.get_by_label("Podium key").fill(secret)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)


def settled(page: Page) -> None:
    """Wait until the page has drawn all it has, and does nothing more."""
    page.wait_for_function(_DONE)
    page.wait_for_timeout(QUIET_MS)
    page.wait_for_function(_DONE)


def shoot(page: Page, path: Path) -> None:
    """A picture of the whole page: Streamlit scrolls inside it, so the window is made as tall as that."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tall = min(TALLEST_PX, max(SIZE["height"], int(page.evaluate(_HEIGHT))))
    page.set_viewport_size({"width": SIZE["width"], "height": tall})
    settled(page)
    page.screenshot(path=str(path), animations="disabled")
    page.set_viewport_size({"width": SIZE["width"], "height": SIZE["height"]})
