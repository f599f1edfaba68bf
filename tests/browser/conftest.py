"""A gateway with a past, the dashboard before it, and a real browser; all of them last for the whole run."""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks import browser as browsers
from tests.browser.filled import Filled, fill
from tests.stories.conftest import close_gateway, gateways, new_gateway, sandbox, template  # noqa: F401 - fixtures
from tests.stories.house import (
    ADMIN_SECRET,
    ROOT,
    START_S,
    Child,
    Gateway,
    answers,
    child_environment,
    eventually,
    free_port,
)

expect.set_options(timeout=browsers.WITHIN_MS)
"""Machines are shared: a page may take its time, and none of these tests is about how long."""
SCREENS = ROOT / "out" / "screens"
NOWHERE = "http://127.0.0.1:9"
"""Where the providers are whose keys we pretend to have: nothing listens there, so nothing can be spent."""
KEYS = ("FAL_KEY", "REPLICATE_API_TOKEN", "OPENAI_API_KEY", "GOOGLE_API_KEY", "TOGETHER_API_KEY", "BFL_API_KEY",
        "ANTHROPIC_API_KEY", "RUNWARE_API_KEY")  # fmt: skip
MOVED = ("FAL", "REPLICATE", "OPENAI", "GOOGLE", "TOGETHER", "BLACK_FOREST_LABS", "ANTHROPIC", "RUNWARE")
PRETENDED = dict.fromkeys(KEYS, "made-up") | {f"PODIUM_PROVIDER_{name}_BASE_URL": NOWHERE for name in MOVED}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Where there is none these tests are skipped; where tests must be whole, they fail.

    It ends with its file: while it is there an event loop runs in this thread, and no other can.
    """
    try:
        with browsers.chromium() as running:
            yield running
    except browsers.NoBrowser as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def seeded() -> Filled:
    return fill()


@pytest.fixture(scope="session")
def lived(
    seeded: Filled,
    tmp_path_factory: pytest.TempPathFactory,
    new_gateway: Callable[..., Gateway],  # noqa: F811
    close_gateway: Callable[[Gateway], None],  # noqa: F811
) -> Iterator[Gateway]:
    """A gateway that goes on with the filled past, its worker and the sandbox beside it."""
    variables = seeded.copy(tmp_path_factory.mktemp("filled"))
    gateway = new_gateway(variables.pop("PODIUM_DATABASE_URL"), PODIUM_SANDBOX="on", **variables, **PRETENDED)
    yield gateway.start()
    close_gateway(gateway)


@dataclass
class Dashboard:
    """The dashboard's process before a gateway."""

    gateway: Gateway
    folder: Path
    path: str = ""
    port: int = field(default_factory=free_port)
    child: Child = field(init=False)

    def __post_init__(self) -> None:
        environment = child_environment(
            PODIUM_URL=self.gateway.url, PODIUM_DASHBOARD_PORT=str(self.port), PODIUM_DASHBOARD_PATH=self.path,
            HOME=str(self.folder),
        )  # fmt: skip
        self.child = Child([sys.executable, "-m", "gateway.cli", "dashboard"], self.folder, environment)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "Dashboard":
        self.child.begin()
        health = f"{self.url}/{self.path + '/' if self.path else ''}_stcore/health"
        eventually(lambda: answers(health) or not self.child.is_alive(), "the dashboard listens", START_S)
        assert self.child.is_alive(), self.child.log.read_text()
        return self


@pytest.fixture(scope="session")
def dashboard(lived: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    running = Dashboard(lived, tmp_path_factory.mktemp("dashboard")).start()
    yield running
    running.child.stop()


@dataclass
class Opened:
    """A page in a browser of its own, and what went wrong in it."""

    page: Page
    wrong: list[str] = field(default_factory=list)

    def go(self, path: str) -> "Opened":
        self.page.goto(path)
        browsers.settled(self.page)
        return self

    @property
    def words(self) -> str:
        return self.page.get_by_test_id("stMain").inner_text()

    def check(self) -> None:
        """Nothing was said to the console, no exception is shown, and nothing came from elsewhere."""
        assert self.wrong == []
        assert self.page.get_by_test_id("stException").count() == 0


@pytest.fixture
def opened(browser: Browser, dashboard: Dashboard) -> Iterator[Callable[..., Opened]]:
    """Open the dashboard as somebody: signed in by a key, or as a stranger."""
    contexts = []

    def open_as(secret: str | None = ADMIN_SECRET, scheme: str = "light", at: Dashboard = dashboard) -> Opened:
        context = browsers.visitor(browser, at.url, scheme)
        contexts.append(context)
        opened = Opened(context.new_page())
        opened.page.on("console", lambda said: opened.wrong.append(said.text) if said.type == "error" else None)
        opened.page.on("pageerror", lambda error: opened.wrong.append(str(error)))
        opened.page.on("request", lambda asked: _is_ours(asked.url, at) or opened.wrong.append(f"asked {asked.url}"))
        opened.page.goto(f"/{at.path}")
        if secret is not None:
            browsers.sign_in(opened.page, secret)
        return opened

    yield open_as
    for context in contexts:
        context.close()


def _is_ours(url: str, dashboard: Dashboard) -> bool:
    return url.startswith((dashboard.url, "data:", "blob:", "about:"))
