"""Money: usage by dimension and day, budgets with their editor, a month's statement. It changes budgets alone."""

from collections.abc import Callable
from datetime import date, timedelta

import streamlit as st

from dashboard import charts, frames, parts, session
from dashboard.client import Document, Refused
from dashboard.words import plain, usd

DIMENSIONS = ("model", "provider", "task", "unit", "key", "project")
SPANS_DAYS = {"7 days": 7, "30 days": 30, "90 days": 90}
GROUPS = 500


def show() -> None:
    parts.heading("Money", "What did it cost, by whom and for what, and how near are the limits?")
    usage, budgets, statement = st.tabs(["Usage", "Budgets", "Statement"])
    with usage:
        _usage()
    with budgets:
        _budgets()
    with statement:
        _statement()


def _usage() -> None:
    left, right = st.columns([2, 1])
    with left:
        dimension = str(st.segmented_control(
            "By", DIMENSIONS, default="model", key="by", bind="query-params", required=True) or "model")  # fmt: skip
    with right:
        span = st.segmented_control(
            "Over", list(SPANS_DAYS), default="30 days", key="over", bind="query-params", required=True
        )
    today = date.fromisoformat(session.recent("/v1/usage")["to"])
    first = (today - timedelta(days=SPANS_DAYS[str(span or "30 days")] - 1)).isoformat()
    report = session.recent("/v1/usage", **{"from": first, "by": f"day,{dimension}", "limit": GROUPS})
    _total(report["total"])
    rows = frames.largest(frames.spend(report, dimension), dimension)
    if not rows:
        parts.empty(f"Nothing was settled from {first} on. A longer time may show something.")
        return
    if report["next"]:
        st.caption(f"The first {GROUPS} groups are drawn; the API gives the rest, also as CSV.")
    days = frames.days(report["from"], report["to"])
    dollars, units = st.columns(2)
    with dollars:
        st.subheader("Dollars", anchor=False)
        parts.chart(charts.by_day(rows, days, dimension, "spend_usd", "spend (USD)"), "money-usd", "Spend by day")
    with units:
        st.subheader("Compute units", anchor=False, help="What was made, whatever it cost: 100 for each megapixel.")
        parts.chart(
            charts.by_day(rows, days, dimension, "compute_units", "compute units"), "money-cu", "Compute units by day"
        )
    sums = session.recent("/v1/usage", **{"from": first, "by": dimension, "limit": GROUPS})
    parts.table(
        [
            {name: each for name, each in row.items() if name != "day"}
            for row in frames.dearest_first(frames.spend(sums, dimension))
        ],
        "money-table", spend_usd=st.column_config.NumberColumn("spend", format="%.6g USD"),
        compute_units=st.column_config.NumberColumn("compute units", format="%.1f"),
    )  # fmt: skip


def _total(total: Document) -> None:
    spend, margin, units, each = st.columns(4)
    spend.metric("Spend", usd(total["spend_usd"]), border=True)
    margin.metric("Of it our margin", usd(total["margin_usd"]), border=True)
    units.metric("Compute units", f"{total['compute_units']:,.0f}", border=True)
    each.metric("A job on average", usd(total["averages"]["per_job_usd"]), border=True)


def _budgets() -> None:
    page = session.recent("/v1/budgets", limit=200)
    rows = frames.budgets(page)
    if not rows:
        parts.empty("No budget holds here: nothing but the balance limits what a key spends.", ":material/savings:")
    for row in rows:
        with st.container(border=True):
            kind = "refuses what would pass it" if row["hard"] else "only tells"
            words = f"**{plain(row['budget'])}** · {row['scope']} · each {row['window']} · {kind}"
            st.progress(min(1.0, row["filled"]), text=f"{words}: {usd(row['spent'])} of {usd(row['limit'])}")
            if session.is_admin():
                _edit(row)
    if session.is_admin():
        _new()
    else:
        st.caption("Only an admin's key can change budgets.")


def _edit(row: Document) -> None:
    with st.popover("Change", icon=":material/edit:"):
        with st.form(f"edit-{row['id']}", border=False):
            limit = st.text_input("Limit (USD)", row["limit"])
            hard = st.toggle("Refuse what would pass it", row["hard"])
            if st.form_submit_button("Save", type="primary"):
                _do(lambda: session.podium().patch(f"/v1/budgets/{row['id']}", {"limit_usd": limit, "hard": hard}))
        if st.button("End this budget", key=f"end-{row['id']}", icon=":material/delete:"):
            _do(lambda: session.podium().delete(f"/v1/budgets/{row['id']}"))


def _new() -> None:
    with st.expander("A new budget", icon=":material/add:"), st.form("new-budget", border=False):
        name = st.text_input("Name", placeholder="Everybody, each day")
        left, middle, right = st.columns(3)
        scope = left.selectbox("For", ("organisation", "key", "project", "plan"))
        subject = middle.text_input("Its id", placeholder="key_…, none for the organisation")
        window = right.selectbox("Each", ("day", "week", "month", "total"))
        limit = st.text_input("Limit (USD)", "10.00")
        hard = st.toggle("Refuse what would pass it", True)
        if st.form_submit_button("Make it", type="primary"):
            body = {"name": name, "scope": scope, "window": window, "limit_usd": limit, "hard": hard}
            _do(lambda: session.podium().post("/v1/budgets", body | ({"subject": subject} if subject else {})))


def _do(change: Callable[[], Document]) -> None:
    """Ask for a change, and look anew; what the gateway refuses is said where it was asked."""
    try:
        change()
    except Refused as refused:
        st.error(plain(refused.detail))
    else:
        session.forget()
        st.rerun()


def _statement() -> None:
    keys = _keys()
    if not keys:
        parts.empty("No key has an account yet: fund one, and its months have statements.")
        return
    left, right = st.columns(2)
    key = left.selectbox("Key", list(keys), format_func=lambda each: keys.get(each, each), key="of_key")
    today = session.recent("/v1/usage")["to"]
    month = right.text_input("Month", today[:7], placeholder="2026-11")
    found = session.recent(f"/v1/statements/{key}/{month}")
    opening, funded, spent, closing = st.columns(4)
    opening.metric("Opening balance", usd(found["opening_usd"]), border=True)
    funded.metric("Funded", usd(found["funded_usd"]), border=True)
    spent.metric("Spent", usd(found["spend_usd"]), border=True)
    closing.metric("Closing balance", usd(found["closing_usd"]), border=True)
    lines = [
        {"model": each["model"], "unit": each["unit"], "quantity": each["quantity"], "USD": each["spend_usd"]}
        for each in found["lines"]
    ]
    if lines:
        parts.table(lines, "statement-lines")
    csv = session.podium().text(f"/v1/statements/{key}/{month}", format="csv")
    st.download_button("Save as CSV", csv, f"{key}-{month}.csv", "text/csv", icon=":material/download:")


def _keys() -> dict[str, str]:
    """Keys with an account, by id; an admin sees their names too."""
    accounts = session.recent("/v1/ledger/balances", limit=500)["data"]
    ids = sorted({each["account"].split(":")[1] for each in accounts if each["account"].startswith("key:")})
    listed = session.recent("/v1/keys", limit=500)["data"] if session.is_admin() else []
    names = {each["id"]: f"{each['name']} ({each['id']})" for each in listed}
    return {each: names.get(each, each) for each in ids}
