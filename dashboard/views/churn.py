"""Churn: how long places at the top last, what comes to an end, what changed. It follows, and predicts no names."""

import streamlit as st

from dashboard import charts, frames, parts, session
from dashboard.client import Refused
from dashboard.words import count


def show() -> None:
    parts.heading("Churn", "How long will today's best model stay the best, and what is about to end?")
    boards = [each for each in session.recent("/v1/boards")["data"] if not each["board"].endswith("/top")]
    if not boards:
        parts.empty("No leaderboard was read yet: `podium refresh boards` reads them now.", ":material/leaderboard:")
        return
    names = [each["board"] for each in sorted(boards, key=lambda each: (-each["readings"], each["board"]))]
    left, right = st.columns([3, 1])
    board = left.selectbox("Board", names, key="board", bind="query-params")
    places = right.slider("Places followed", 1, 20, 5, key="top", bind="query-params")
    try:
        churn = session.steady("/v1/churn", board=board, top=places)
    except Refused as refused:
        if refused.status != 404:
            raise
        parts.empty(f"{refused.detail}. Boards are read anew every six hours once a provider has a key.")
    else:
        _lasting(churn)
    _endings()
    _changes()


def _lasting(churn: frames.Row) -> None:
    half_life, places = churn["half_life_days"], churn["top"]
    value, spells, readings = st.columns(3)
    value.metric(
        "Half-life of a place", _days(half_life["value"]), border=True, height="stretch",
        delta=f"95 %: {_days(half_life['low'])} to {_days(half_life['high'])}", delta_color="off", delta_arrow="off",
    )  # fmt: skip
    spells.metric("Spells that ended", f"{churn['exits']} of {churn['spells']}", border=True, height="stretch")
    readings.metric("Days with a reading", f"{churn['readings']}", border=True, height="stretch")
    st.caption(f"Among the first {places} of {churn['board']}, {churn['since']} to {churn['until']}.")
    left, right = st.columns(2)
    with left:
        st.subheader("How long a place lasts", anchor=False)
        drawn = charts.survival(frames.survival(churn), half_life["value"])
        parts.chart(drawn, "churn-survival", "The share of places still held, by days, with its 95 % band")
    with right:
        st.subheader("Who came and went", anchor=False)
        parts.chart(charts.months(frames.months(churn)), "churn-months", "Models that came and went, by month")
    now = ", ".join(f"{place}. {name}" for place, name in enumerate(churn["now"], 1))
    st.markdown(f"**Now:** {now}")


def _days(value: float | None) -> str:
    return "not reached" if value is None else f"{value:,.0f} days"


def _endings() -> None:
    rows = frames.endings(session.steady_rows("/v1/offers"))
    st.subheader("What comes to an end", anchor=False)
    if not rows:
        parts.empty("No provider has announced an end.", ":material/event_available:")
        return
    st.caption(f"{count(len(rows), 'offer')} with a known end, the next first.")
    parts.table(rows, "churn-endings")


def _changes() -> None:
    st.subheader("Changes", anchor=False)
    rows = frames.changes(session.recent("/v1/changes", limit=500))
    if not rows:
        parts.empty("Nothing has changed since this gateway began to look.", ":material/event_available:")
        return
    parts.table(rows, "churn-changes", ["seen"])
