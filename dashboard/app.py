"""The pages and their menu, run by Streamlit for each look. It draws none, and takes no key: entrance.py does."""

from collections.abc import Callable
from typing import NamedTuple

import streamlit as st
from PIL import Image

from dashboard import parts, session
from dashboard.client import Refused
from dashboard.views import (
    arena,
    churn,
    decisions,
    frontier,
    jobs,
    leaderboards,
    models,
    money,
    operations,
    overview,
    playground,
    workflows,
)


class Place(NamedTuple):
    """One page: its name is its path. `admins` alone are shown the way to it."""

    section: str
    name: str
    show: Callable[[], None]
    icon: str
    for_admins: bool = False


PLACES = (
    Place("Choose", "overview", overview.show, "space_dashboard"),
    Place("Choose", "frontier", frontier.show, "show_chart"),
    Place("Choose", "models", models.show, "deployed_code"),
    Place("Choose", "leaderboards", leaderboards.show, "leaderboard"),
    Place("Choose", "churn", churn.show, "sync_alt"),
    Place("Work", "playground", playground.show, "brush"),
    Place("Work", "jobs", jobs.show, "photo_library"),
    Place("Work", "workflows", workflows.show, "account_tree"),
    Place("Work", "arena", arena.show, "swords"),
    Place("Work", "decisions", decisions.show, "rule"),
    Place("Account", "money", money.show, "payments"),
    Place("Account", "operations", operations.show, "monitor_heart", for_admins=True),
)
"""In the order of the menu; the first is where one begins."""


def icon() -> Image.Image:
    """Three steps of a podium: drawn here, so that no page's symbol is fetched from elsewhere."""
    drawn = Image.new("RGB", (32, 32), "white")
    for left, top, colour in ((2, 16, "#56b4e9"), (12, 6, "#2684c7"), (22, 20, "#e69f00")):
        drawn.paste(colour, (left, top, left + 8, 30))
    return drawn


def lead() -> None:
    """Draw the menu, and the page that the address names."""
    pages = {place.name: _page(place) for place in PLACES}
    parts.register(pages)
    sections: dict[str, list[st.Page]] = {}
    for place in PLACES:
        sections.setdefault(place.section, []).append(pages[place.name])
    visit = session.visit()
    page = st.navigation(sections, position="sidebar" if visit else "hidden")
    if visit is None:
        parts.turned_away()
        return
    with st.sidebar:
        st.caption("Admin: sees everything" if visit.is_admin else "Caller: sees its own")
        st.button("Sign out", icon=":material/logout:", on_click=session.sign_out, width="stretch")
        st.caption(f"Times are in {session.zone_name()}; days of money are UTC.")
    try:
        page.run()
    except Refused as refused:
        parts.refused(refused)


def _page(place: Place) -> st.Page:
    shown = not place.for_admins or session.is_admin()
    return st.Page(
        place.show, title=place.name.capitalize(), icon=f":material/{place.icon}:", url_path=place.name,
        default=place is PLACES[0], visibility="visible" if shown else "hidden",
    )  # fmt: skip


def main() -> None:
    st.set_page_config(page_title="Podium", page_icon=icon(), layout="wide")
    parts.dress()
    lead()


if __name__ == "__main__":
    main()
