"""Churn: how long places at the top last, what comes to an end, what changed. It follows, and predicts no names."""

import streamlit as st

from dashboard import charts, frames, parts, ranks, session, timelines
from dashboard.client import Refused
from dashboard.views import clicks
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
        churn = session.steady("/v1/churn", board=board, top=places, spells="true")
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
    _stays(churn)


def _stays(churn: frames.Row) -> None:
    rows = ranks.stays(churn)
    st.subheader(f"Who was among the first {churn['top']}, and when", anchor=False)
    now = "; ".join(f"{place}. {name}" for place, name in enumerate(churn["now"], 1))
    drawn = timelines.stays(rows, churn["top"])
    model = clicks.chart(drawn, "churn-stays", f"Stays among the first {churn['top']}. Now: {now}", field="subject")
    if model and "/" in model:
        parts.go("models", model=model)
    before = sum(row["began_before"] for row in rows)
    st.caption(
        "Now on top, in the order of their places; then those who went, the last to go first. An arrow to the right: "
        f"the stay goes on. An orange arrow to the left ({count(before, 'stay')}): it was under way at the first "
        "reading, so it is older than it looks. Absences of three days or less are bridged."
    )
    with st.expander("Stays as a table", icon=":material/table:"):
        shown = ("name", "began", "until", "state", "stayed", "began_before", "subject")
        parts.table(
            [{name: row[name] for name in shown} for row in rows], "churn-stays-table",
            began_before=st.column_config.CheckboxColumn("began before the first reading"),
        )  # fmt: skip
    parts.link("leaderboards", "This board, place by place", board=churn["board"], top=str(max(3, churn["top"])))


def _days(value: float | None) -> str:
    return "not reached" if value is None else f"{value:,.0f} days"


def _endings() -> None:
    offers = session.steady_rows("/v1/offers")
    rows = frames.endings(offers)
    st.subheader("What comes to an end", anchor=False)
    if not rows:
        parts.empty("No provider has announced an end.", ":material/event_available:")
        return
    next_ones = ranks.retirements(offers)
    st.caption(
        f"{count(len(rows), 'offer')} with a known end. Shown: the next {count(len(next_ones), 'model')}, each at the "
        "first end of any of its offers; the larger the dot, the more offers end. A click leads to the model."
    )
    told = "; ".join(f"{row['name']} on {row['ends']}" for row in next_ones)
    clicks.to_model(timelines.retirements(next_ones), "churn-retirements", f"What ends when: {told}")
    with st.expander("Every offer that ends, with what says so", icon=":material/table:"):
        parts.table(rows, "churn-endings")


def _changes() -> None:
    st.subheader("Changes", anchor=False)
    found = session.steady_rows("/v1/changes")
    rows = frames.changes({"data": found})
    if not rows:
        parts.empty("Nothing has changed since this gateway began to look.", ":material/event_available:")
        return
    monthly = ranks.by_month(found)
    kinds = [kind for kind in ranks.KINDS.values() if any(row["what"] == kind for row in monthly)]
    told = "; ".join(f"{row['month']}: {row['changes']} {row['what']}" for row in monthly)
    st.caption("What this gateway saw on boards, listings and price lists, by the month in which it saw it.")
    parts.chart(timelines.changes(monthly, kinds), "churn-changes-months", f"Changes by month. {told}")
    with st.expander(f"All {count(len(rows), 'change')}, the newest first", icon=":material/table:"):
        parts.table(rows, "churn-changes", ["seen"])
