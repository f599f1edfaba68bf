"""Money: usage by dimension and day, margin, what is held, statements, cheaper models. Budgets are another file."""

import json
from datetime import date, timedelta
from typing import Any

import streamlit as st

from dashboard import charts, clock, deeds, frames, pareto, parts, purses, session
from dashboard.client import Document
from dashboard.frames import Row
from dashboard.purses import Swap
from dashboard.standards import standards
from dashboard.views import budgets
from dashboard.words import plain, share, usd

DIMENSIONS = ("model", "provider", "task", "unit", "key", "project")
SPANS_DAYS = {"7 days": 7, "30 days": 30, "90 days": 90}
GROUPS = 500
HOLDS_MOST = 500
SWAPS = 8
"""Model and task pairs that are looked at for something cheaper: the dearest. A quote for each task is asked once."""


def show() -> None:
    parts.heading("Money", "What did it cost, by whom and for what, and how near are the limits?")
    deeds.said()
    shown = {"Usage": _usage, "Budgets": budgets.show, "Holds": _holds, "Cheaper": _cheaper, "Statement": _statement}
    for tab, draw in zip(parts.sections(list(shown)), shown.values(), strict=True):
        if tab.open:
            with tab:
                draw()


def _names(dimension: str) -> dict[str, str]:
    """What keys or projects are called, as far as an admin may know."""
    if dimension not in ("key", "project") or not session.is_admin():
        return {}
    return purses.names_of(session.recent(f"/v1/{dimension}s", limit=500)["data"])


def _since() -> tuple[str, date]:
    span = st.segmented_control(
        "Over", list(SPANS_DAYS), default="30 days", key="over", bind="query-params", required=True
    )
    today = date.fromisoformat(session.recent("/v1/usage")["to"])
    return (today - timedelta(days=SPANS_DAYS[str(span or "30 days")] - 1)).isoformat(), today


def _usage() -> None:
    left, right = st.columns([2, 1])
    with left:
        dimension = str(st.segmented_control(
            "By", DIMENSIONS, default="model", key="by", bind="query-params", required=True) or "model")  # fmt: skip
    with right:
        first, _ = _since()
    names = _names(dimension)
    found = session.recent("/v1/usage", **{"from": first, "by": f"day,{dimension}", "limit": GROUPS})
    report = purses.relabeled(found, dimension, names)
    _total(report["total"])
    rows = frames.largest(frames.spend(report, dimension), dimension)
    if not rows:
        parts.empty(f"Nothing was settled from {first} on. A longer time may show something.")
        return
    if report["next"]:
        st.caption(f"The charts draw the first {GROUPS} groups by day; the table below has every {dimension}'s sum.")
    days = frames.days(report["from"], report["to"])
    dollars, units = st.columns(2, gap="medium")
    with dollars:
        st.subheader("Dollars", anchor=False)
        parts.chart(charts.by_day(rows, days, dimension, "spend_usd", "spend (USD)"), "money-usd", "Spend by day")
    with units:
        st.subheader("Compute units", anchor=False, help="What was made, whatever it cost: 100 for each megapixel.")
        parts.chart(
            charts.by_day(rows, days, dimension, "compute_units", "compute units"), "money-cu", "Compute units by day"
        )
    sums = session.recent("/v1/usage", **{"from": first, "by": dimension, "limit": GROUPS})
    _table(purses.spend(sums, dimension, names), dimension)
    if session.is_admin():
        _margin(first)


def _total(total: Document) -> None:
    spend, units, each, last = st.columns(4)
    spend.metric("Spend", usd(total["spend_usd"]), border=True)
    units.metric("Compute units", f"{total['compute_units']:,.0f}", border=True)
    each.metric("A job on average", usd(total["averages"]["per_job_usd"]), border=True)
    last.metric("Jobs settled", f"{total['jobs']:,}", border=True)


def _table(rows: list[Row], dimension: str) -> None:
    for_admins = ("cost", "margin", "overrun")
    kept = rows if session.is_admin() else [{k: v for k, v in row.items() if k not in for_admins} for row in rows]
    shown: dict[str, Any] = {name: parts.SUMS for name in ("spend", *for_admins) if kept and name in kept[0]}
    shown |= dict.fromkeys(("compute units", "jobs", "succeeded"), st.column_config.NumberColumn(format="localized"))
    shown["a job on average"] = st.column_config.NumberColumn(format="%.4f USD")
    parts.table(kept, f"money-table-{dimension}", (), **shown)


def _margin(first: str) -> None:
    st.subheader(
        "Margin", anchor=False,
        help="What keys paid against what providers are owed. Overrun: cost beyond the holds, paid by the gateway.",
    )  # fmt: skip
    report = session.recent("/v1/usage", **{"from": first, "by": "day", "limit": GROUPS})
    total = report["total"]
    paid, owed, kept, over = st.columns(4)
    paid.metric("Paid by keys", usd(total["spend_usd"]), border=True)
    owed.metric("Owed to providers", usd(total["cost_usd"]), border=True)
    spend = float(total["spend_usd"])
    part = share(float(total["margin_usd"]) / spend) if spend else "–"
    kept.metric("Margin", usd(total["margin_usd"]), border=True, help=f"{part} of what keys paid.")
    over.metric("Overrun", usd(total["overrun_usd"]), border=True, help="Negative: jobs cost less than was booked.")
    rows = sorted(purses.spend(report, "day", {}), key=lambda row: row["day"])
    parts.chart(charts.prices_and_costs(rows), "money-margin", "What keys paid and providers are owed, by day")


def _holds() -> None:
    st.caption("Money that is reserved for jobs that run: the most that each can cost. What is not needed comes back.")
    names = _names("key")
    by_key = purses.held_by_key(session.live("/v1/ledger/balances", limit=500)["data"], names)
    jobs = [
        each
        for status in ("running", "queued")
        for each in session.live("/v1/jobs", status=status, limit=HOLDS_MOST)["data"]
    ]
    rows = purses.holds(jobs, clock.now(), names)
    if not by_key and not rows:
        parts.empty("Nothing is held: no job is under way.", ":material/check_circle:")
        return
    total, oldest, open_jobs = st.columns(3)
    total.metric("Held now", usd(purses.total(by_key)), border=True)
    oldest.metric("Oldest hold", rows[0]["for"] if rows else "–", border=True)
    open_jobs.metric("Jobs that hold", f"{len(rows):,}", border=True)
    st.subheader("By job, the oldest first", anchor=False)
    parts.table(rows, "holds-jobs", ["since"])
    rest = purses.total(by_key) - purses.total(rows)
    if rest > 0:
        st.caption(f"{usd(rest)} more is held by canceled jobs that their provider still works on, or by jobs beyond "
                   f"the newest {HOLDS_MOST}.")  # fmt: skip
    st.subheader("By key", anchor=False)
    parts.table(by_key, "holds-keys")
    if rows:
        job = st.selectbox("Open a job", [row["job"] for row in rows], index=None, placeholder="job_…", key="of_hold")
        if job:
            parts.go("jobs", job=job)


def _cheaper() -> None:
    st.caption("What costs most, and a model that is as good by its boards and costs less for the standard output of "
               "the task. A price of another size or length may differ: try it in the playground.")  # fmt: skip
    first, _ = _since()
    found = session.recent("/v1/usage", **{"from": first, "by": "model,task", "limit": GROUPS})["data"]
    dearest = sorted(found, key=lambda each: -float(each["spend_usd"]))
    rows = [_swap(each) for each in [each for each in dearest if each["task"] in standards()][:SWAPS]]
    if not rows:
        parts.empty(f"Nothing was spent from {first} on that could have cost less.")
        return
    saved = sum(each.spent_usd * each.saves for each in rows)
    st.markdown(
        f"Of {usd(sum(each.spent_usd for each in rows))} about **{usd(round(saved, 2))}** might have been saved."
    )
    shown: dict[str, Any] = {"spend": parts.SUMS, "would have saved about": parts.SUMS}
    shown |= {
        "as good and cheaper": st.column_config.TextColumn(width="medium"),
        "its price is lower by": parts.SHARE,
        "quality now": parts.QUALITY,
        "quality then": parts.QUALITY,
    }
    parts.table(purses.swaps_table(sorted(rows, key=lambda each: -each.spent_usd * each.saves)), "cheaper", (), **shown)
    for each in [each for each in rows if each.instead][:3]:
        parts.link("frontier", f"{plain(each.model)} beside {plain(str(each.instead))}", task=each.task)


def _swap(group: Document) -> Swap:
    points = pareto.frontier(session.routed(standards()[group["task"]].body))
    return purses.swap(group["task"], group["model"], float(group["spend_usd"]), points)


def _statement() -> None:
    keys = _keys()
    if not keys:
        parts.empty("No key has an account yet: fund one, and its months have statements.")
        return
    left, right = st.columns(2)
    key = left.selectbox("Key", list(keys), format_func=lambda each: keys.get(each, each), key="of_key",
                         bind="query-params")  # fmt: skip
    today = date.fromisoformat(session.recent("/v1/usage")["to"])
    month = right.selectbox("Month", purses.months_back(today), key="month", bind="query-params")
    found = session.recent(f"/v1/statements/{key}/{month}")
    opening, funded, spent, closing = st.columns(4)
    opening.metric("Opening balance", usd(found["opening_usd"]), border=True)
    funded.metric("Funded", usd(found["funded_usd"]), border=True)
    spent.metric("Spent", usd(found["spend_usd"]), border=True)
    closing.metric("Closing balance", usd(found["closing_usd"]), border=True)
    if not found["ties"]:
        st.warning("The lines do not add up to the balances: run `podium ledger verify`.", icon=":material/warning:")
    parts.table(
        [
            {"model": each["model"], "unit": each["unit"].replace("_", " "), "quantity": each["quantity"],
             "jobs": each["jobs"], "USD": each["spend_usd"]}
            for each in found["lines"]
        ],
        "statement-lines",
    )  # fmt: skip
    with st.container(horizontal=True):
        csv = session.podium().text(f"/v1/statements/{key}/{month}", format="csv")
        name = f"{key}-{month}"
        st.download_button("Save as CSV", csv, f"{name}.csv", "text/csv", icon=":material/download:", on_click="ignore")
        st.download_button(
            "Save as JSON", json.dumps(found, indent=2), f"{name}.json", "application/json",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip


def _keys() -> dict[str, str]:
    """Keys with an account, by id; an admin sees their names too."""
    accounts = session.recent("/v1/ledger/balances", limit=500)["data"]
    ids = sorted({each["account"].split(":")[1] for each in accounts if each["account"].startswith("key:")})
    names = _names("key")
    return {each: names.get(each, each) for each in sorted(ids, key=lambda each: names.get(each, each))}
