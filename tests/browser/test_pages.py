"""Every page in a real browser, in light and in dark: it opens, shows what it is for, and nothing is wrong in it."""

import pytest

from benchmarks.browser import shoot
from tests.browser.conftest import SCREENS
from tests.browser.pages import LOOKS, address


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_opens_without_an_error_and_shows_what_it_is_for(opened, lived, scheme):
    seen = opened(scheme=scheme)
    for look in LOOKS:
        seen.go(address(look, lived))
        shoot(seen.page, SCREENS / f"{look.name}-{scheme}.png")
        said = seen.words
        assert all(words in said for words in look.told), (look.name, said[:2_000])
        seen.check()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_way_in_needs_no_script_and_shows_where_it_leads(opened, scheme):
    seen = opened(secret=None, scheme=scheme)
    assert seen.page.get_by_role("heading", name="Podium").is_visible()
    seen.page.screenshot(path=str(SCREENS / f"sign-in-{scheme}.png"))
    assert seen.wrong == []
