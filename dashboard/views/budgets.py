"""Budgets: how full they are, and, for admins, made, changed and ended, with what a change would do said before."""

from typing import Any

import streamlit as st

from dashboard import charts, deeds, frames, parts, purses, session
from dashboard.client import Document
from dashboard.frames import Row
from dashboard.words import plain, usd

WINDOWS = ("day", "week", "month", "hour", "total")
SCOPES = {"organisation": "everybody here", "key": "one key", "project": "a project's keys together",
          "plan": "each key on a plan"}  # fmt: skip


def show() -> None:
    rows = frames.budgets(session.recent("/v1/budgets", limit=200))
    if not rows:
        parts.empty("No budget holds here: nothing but the balance limits what a key spends.", ":material/savings:")
    else:
        shown = [row | {"words": frames.filled_words(row)} for row in rows]
        parts.chart(charts.budgets(shown), "money-budgets", "How full each budget is")
    names = _subjects() if session.is_admin() else {}
    for row in rows:
        _one(row, names)
    if session.is_admin():
        _new(names)
    else:
        st.caption("Only an admin's key can change budgets.")


def _subjects() -> dict[str, str]:
    """Keys in force, projects and plans by id."""
    lists = [session.recent(f"/v1/{name}", limit=500)["data"] for name in ("keys", "projects", "plans")]
    return purses.names_of(each for rows in lists for each in rows if not each.get("revoked_at"))


def _one(row: Row, names: dict[str, str]) -> None:
    with st.container(
        border=True,
        horizontal=True,
        horizontal_alignment="distribute",
        vertical_alignment="center",
        key=f"budget-{row['id']}",
    ):
        kind = "refuses what would pass it" if row["hard"] else "only tells"
        scope = " ".join(names.get(word, word) for word in row["scope"].split())
        until = "" if row["window"] == "total" else f" · begins again {parts.moment(row['ends_at'])}"
        window = "in total" if row["window"] == "total" else f"each {row['window']}"
        st.markdown(
            f"**{plain(row['budget'])}** · {usd(row['spent'])} of {usd(row['limit'])} spent or held  \n"
            f"{plain(scope)} · {window} · {kind}{until}"
        )
        if session.is_admin():
            _edit(row)


def _edit(row: Row) -> None:
    with st.popover("Change", icon=":material/edit:", width="content"):
        limit = st.text_input("Limit (USD)", row["limit"], key=f"limit-{row['id']}")
        hard = st.toggle("Refuse what would pass it", row["hard"], key=f"hard-{row['id']}")
        if st.button("Save", type="primary", key=f"save-{row['id']}"):
            body = {"limit_usd": str(purses.usd_of(limit) or limit), "hard": hard}
            told = f"{plain(row['budget'])} is {usd(purses.usd_of(limit))} now, for jobs from now on."
            deeds.do(lambda: session.podium().patch(f"/v1/budgets/{row['id']}", body), told)
        until = parts.moment(row["ends_at"]) if row["ends_at"] else "it is made larger"
        st.caption(f"What that would do: {purses.consequence(row, limit, hard, until)}")
        st.divider()
        sure = st.checkbox("It shall limit nothing any more", key=f"sure-{row['id']}")
        if st.button("End this budget", key=f"end-{row['id']}", icon=":material/delete:", disabled=not sure):
            told = f"{plain(row['budget'])} has ended. What was charged to it stays on record."
            deeds.do(lambda: session.podium().delete(f"/v1/budgets/{row['id']}"), told)


def _new(names: dict[str, str]) -> None:
    with st.expander("A new budget", icon=":material/add:"):
        name = st.text_input("Name", placeholder="Everybody, each day")
        left, middle, right = st.columns(3)
        scope = str(left.selectbox("For", list(SCOPES), format_func=lambda each: SCOPES[each]))
        prefix = {"key": "key_", "project": "prj_", "plan": "pln_"}.get(scope, "none")
        choices = [each for each in names if each.startswith(prefix)]
        subject = middle.selectbox(
            "Which", choices, format_func=lambda each: names.get(each, each), disabled=scope == "organisation",
            placeholder="all of them" if scope == "organisation" else "choose one", index=None,
        )  # fmt: skip
        window = right.selectbox("Each", WINDOWS, format_func=lambda each: "in total" if each == "total" else each)
        limit = st.text_input("Limit (USD)", "10.00", key="new-limit")
        hard = st.toggle("Refuse what would pass it", True, key="new-hard")
        if st.button("Make it", type="primary", key="new-budget"):
            body: dict[str, Any] = {"name": name, "scope": scope, "window": window, "hard": hard}
            body |= {"limit_usd": str(purses.usd_of(limit) or limit)} | ({"subject": subject} if subject else {})
            deeds.do(lambda: _made(body), f"{plain(name)} holds from now on.")


def _made(body: Document) -> Document:
    return session.podium().post("/v1/budgets", body)
