"""Changes that a page asks the gateway for: each says what it did, and the page looks anew. It decides nothing."""

from collections.abc import Callable

import streamlit as st

from dashboard import session
from dashboard.client import Document, Refused
from dashboard.words import plain

_SAID = "podium.said"


def do(change: Callable[[], Document], told: str) -> None:
    """Ask for a change and look anew; `told` is said above the page. What the gateway refuses is said where it was
    asked."""
    try:
        change()
    except Refused as refused:
        st.error(plain(refused.detail), icon=":material/error:")
    else:
        again(told)


def again(told: str) -> None:
    """After a change: look anew, and say so once."""
    st.session_state[_SAID] = told
    session.forget()
    st.rerun()


def said() -> None:
    """What was done just now, at the top of the page."""
    told = st.session_state.pop(_SAID, None)
    if told:
        st.success(told, icon=":material/check_circle:")
