"""Pieces that several pages are made of: headings, tables, charts, empty and refused states, ways to other pages."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import streamlit as st

from dashboard import session, words
from dashboard.client import Refused
from dashboard.words import plain

_PLACES = "podium.places"

USD = st.column_config.NumberColumn(format="%.6g USD")
SUMS = st.column_config.NumberColumn(format="%.2f USD")
"""Of many jobs: to the cent, so that the points stand below one another."""
QUALITY = st.column_config.NumberColumn(
    format="%.2f", help="The chance to win against the median model of its boards, from 0 to 1."
)
SECONDS = st.column_config.NumberColumn(format="%.1f s")
SHARE = st.column_config.NumberColumn(format="percent")


def register(pages: dict[str, Any]) -> None:
    """The pages by name, so that one can lead to another."""
    st.session_state[_PLACES] = pages


def go(page: str, **query: str) -> None:
    st.switch_page(st.session_state[_PLACES][page], query_params=query)


def link(page: str, label: str, **query: str) -> None:
    st.page_link(st.session_state[_PLACES][page], label=label, icon=":material/arrow_forward:", query_params=query)


def back(page: str, label: str, **query: str) -> None:
    """From one thing to the list that it is of."""
    st.page_link(st.session_state[_PLACES][page], label=label, icon=":material/arrow_back:", query_params=query)


STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding-top: 3.75rem; padding-bottom: 3rem; max-width: 90rem; }
[data-testid="stMain"] :focus-visible, [data-testid="stSidebar"] :focus-visible {
  outline: 2px solid #2684c7; outline-offset: 2px; }
[data-testid="stMain"] [data-testid="stPageLink-NavLink"]:not(:hover) { background: transparent; }
[data-testid="stMain"] [data-testid="stPageLink-NavLink"] * { font-weight: 400; }
</style>"""


def dress() -> None:
    """What the theme cannot say: less air above a page, a focus that is seen, and links in a page that look alike,
    whether they lead to another page or to another thing on this one."""
    st.html(STYLE)


def heading(title: str, question: str) -> None:
    st.title(title, anchor=False)
    st.caption(question)


def sections(names: Sequence[str]) -> Any:
    """A page's sections as tabs, the chosen one in the address. Only an open one need be drawn, and asked for."""
    return st.tabs(list(names), key="part", on_change="rerun", bind="query-params")


def chart(drawn: alt.Chart | alt.LayerChart | alt.HConcatChart, key: str, alternative: str) -> None:
    """A chart as wide as the page. `alternative` says what it shows to who cannot see it."""
    st.altair_chart(drawn, key=key, width="stretch", alt=alternative)


def moment(at: str | None) -> str:
    """A moment of the API in the viewer's own zone."""
    return words.moment(at, session.zone())


def recently(at: str) -> str:
    """A moment of the last days in the viewer's own zone, without a year and seconds."""
    return words.recently(at, session.zone())


def moments() -> Any:
    """A column of the API's moments, shown in the viewer's own zone; it sorts by time."""
    return st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm:ss", timezone=session.zone_name())


def table(rows: Sequence[dict[str, Any]], key: str, times: Sequence[str] = (), **columns: Any) -> None:
    """A table that sorts by a click on a column; its menu searches it and saves it as CSV. `times` are columns of
    moments. Without rows it says so: a head with nothing below looks broken."""
    if not rows:
        st.caption("None.")
        return
    config = {name: moments() for name in times} | columns
    st.dataframe(list(rows), hide_index=True, column_config=config, key=key, placeholder="–")


def empty(told: str, icon: str = ":material/inbox:") -> None:
    """Nothing to show, and what to do about it."""
    st.info(told, icon=icon)


SIGN_IN_AGAIN = """<p>You are not signed in.</p>
<p><a href="{base}/sign-in" target="_self">Sign in</a></p>
<script>
const here = window.location.pathname + window.location.search;
window.location.replace("{base}/sign-in?next=" + encodeURIComponent(here));
</script>"""


def turned_away() -> None:
    """To the sign-in, and back to this page after it. Nothing of anybody's is in this script."""
    base = "/" + str(st.get_option("server.baseUrlPath") or "").strip("/")
    st.html(SIGN_IN_AGAIN.format(base=base.rstrip("/")), unsafe_allow_javascript=True)


def refused(error: Refused) -> None:
    """What the gateway said, and what can be done here."""
    match error.status:
        case 0:
            st.error(error.detail, icon=":material/cloud_off:")
        case 401:
            session.sign_out()
            st.error("The gateway no longer knows this key. Sign in with another.", icon=":material/key_off:")
        case 403:
            st.warning(f"{plain(error.detail)}: sign in with an admin's key to see this.", icon=":material/lock:")
        case _:
            st.error(f"{plain(error.detail)} ({error.code})", icon=":material/error:")
    if st.button("Ask again", icon=":material/refresh:"):
        session.forget()
        st.rerun()
