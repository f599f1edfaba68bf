"""A real gateway with a few sandbox jobs behind the dashboard, and its pages run headless."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard import session
from dashboard.client import Podium
from dashboard.visits import VISITS
from tests.stories.conftest import (  # noqa: F401 - fixtures
    close_gateway,
    gateways,
    house,
    new_gateway,
    sandbox,
    template,
)
from tests.stories.house import ADMIN_SECRET, Customer, Gateway

APP = Path(__file__).resolve().parents[2] / "dashboard" / "app.py"
LIMIT_S = 60
PICTURE = {"task": "text-to-image", "prompt": "a red fox in fresh snow", "seed": 7}


class Lived(NamedTuple):
    """A gateway with a past: one caller, what it made, and the budget that holds it."""

    gateway: Gateway
    caller: Customer
    picture: dict[str, Any]
    words: dict[str, Any]
    budget: dict[str, Any]

    @property
    def admin(self) -> Podium:
        return Podium(self.gateway.url, ADMIN_SECRET)

    @property
    def podium(self) -> Podium:
        return Podium(self.gateway.url, self.caller.secret)


@pytest.fixture(scope="session")
def lived(house: Gateway) -> Lived:  # noqa: F811
    caller = house.customer("5")
    budget = {"name": "A caller's day", "scope": "key", "subject": caller.id, "window": "day", "limit_usd": "1.00"}
    made = house.admin.post("/v1/budgets", budget)
    assert made.status_code == 201, made.text
    words = caller.done({"task": "text", "prompt": "a haiku on snow", "max_tokens": 60})
    return Lived(house, caller, caller.done(PICTURE), words, made.json())


@pytest.fixture
def opened(lived: Lived, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., AppTest]]:
    """Open a page as somebody who is signed in, at an address with these words after the question mark.

    Streamlit's tester has no cookies, so the visit's id is put where the page would read it.
    """
    st.cache_data.clear()
    came: list[str] = []
    monkeypatch.setattr(session, "visit_id", lambda: came[-1])

    def open_page(page: str = "overview", secret: str = ADMIN_SECRET, **query: str) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=LIMIT_S)
        for name, value in query.items():
            app.query_params[name] = value
        came.append(VISITS.begin(lived.gateway.url, secret))
        app.run()
        if page != "overview":  # the default page has no path
            app._page_hash = next(
                key for key, info in app._registered_pages.items() if info.get("url_pathname") == page
            )
        return app.run()

    yield open_page
    st.cache_data.clear()


def told(app: AppTest) -> str:
    """All words of a page."""
    kinds = (
        "title",
        "header",
        "subheader",
        "markdown",
        "caption",
        "info",
        "error",
        "warning",
        "success",
        "code",
        "text",
    )
    words = [str(each.value) for kind in kinds for each in app.get(kind)]
    words += [f"{each.label} {each.value}" for each in app.metric]
    return "\n".join(words)
