"""Operations, for admins: boards and their age, ticks, price proposals, keys. It accepts and revokes nothing."""

import streamlit as st

from dashboard import frames, parts, session


def show() -> None:
    parts.heading("Operations", "Is everything being read and done on time?")
    ticks = session.live("/v1/ticks")["data"]
    late = [each for each in ticks if each["failures"]]
    if not ticks:
        st.info("Nothing here has a worker yet.", icon=":material/pending:")
    elif late:
        st.error("Failing: " + "; ".join(f"{each['name']} ({each['said']})" for each in late), icon=":material/error:")
    else:
        st.success("Every tick's last run went well.", icon=":material/check_circle:")
    st.subheader("Ticks", anchor=False)
    shown = ("name", "said", "started_at", "succeeded_at", "due_at", "runs", "failures")
    if ticks:
        parts.table(frames.stamped(ticks, shown), "ticks", frames.moments(shown))
    else:
        parts.empty("No tick has run: they run where a worker is (`podium up`, or `podium work` beside this gateway).")
    _feeds()
    _proposals()
    _keys()


def _feeds() -> None:
    st.subheader("Leaderboards", anchor=False)
    boards = session.recent("/v1/boards")["data"]
    if not boards:
        parts.empty("No leaderboard was read yet: `podium refresh boards` reads them now.")
        return
    shown = ("board", "taken_at", "read_at", "readings", "rows", "refused", "in_quality", "licence")
    parts.table(frames.stamped(boards, shown), "boards", frames.moments(shown))


def _proposals() -> None:
    st.subheader("Price proposals", anchor=False)
    proposals = session.recent("/v1/prices/proposals", status="open")["data"]
    if not proposals:
        st.caption("None: every price that a source says is the price of its card.")
        return
    st.caption("USD for one unit. Accept or refuse them with `podium prices`.")
    shown = ("offer", "unit", "before_usd", "after_usd", "sources", "first_seen_at", "seen_at", "id")
    parts.table(frames.stamped(proposals, shown), "proposals", frames.moments(shown))


def _keys() -> None:
    st.subheader("Keys", anchor=False)
    shown = ("name", "role", "hint", "created_at", "revoked_at", "id", "project", "plan")
    keys = session.recent("/v1/keys", limit=500)["data"]
    parts.table(frames.stamped(keys, shown), "keys", frames.moments(shown))
