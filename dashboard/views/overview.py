"""Overview: spend against budgets, what runs, what failed and what changed this week. It only looks."""

from datetime import date, timedelta

import streamlit as st

from dashboard import charts, frames, parts, session
from dashboard.client import Document
from dashboard.words import count, plain, short, usd

RUNNING_MOST = 200
FAILURES = 5
WEEK_DAYS = 7
EVERY_S = 5
"""How often what runs is looked at anew."""


def show() -> None:
    parts.heading("Overview", "What are we spending, what runs, and what changed?")
    report = session.recent("/v1/usage", by="day,provider", limit=500)
    today = date.fromisoformat(report["to"])  # the gateway's own day
    _money(today)
    _running()
    left, right = st.columns([3, 2])
    with left:
        _days(report)
    with right:
        _budgets()
    _failures()
    _changes(today)


def _money(today: date) -> None:
    day = session.recent("/v1/usage", **{"from": today.isoformat(), "to": today.isoformat()})["total"]
    month = session.recent("/v1/usage", **{"from": today.replace(day=1).isoformat(), "to": today.isoformat()})["total"]
    spent, spent_month, made, failed = st.columns(4)
    spent.metric("Spent today (UTC)", usd(day["spend_usd"]), border=True)
    spent_month.metric(f"Spent in {today:%B}", usd(month["spend_usd"]), border=True)
    made.metric("Jobs settled today", f"{day['jobs']:,}", border=True)
    failed.metric(
        "Of them brought nothing", f"{day['jobs'] - day['succeeded']:,}", border=True,
        help="Settled jobs that did not bring what was asked: failed, refused or canceled.",
    )  # fmt: skip


@st.fragment(run_every=EVERY_S)
def _running() -> None:
    queued, running = (
        session.live("/v1/jobs", status=status, limit=RUNNING_MOST)["data"] for status in ("queued", "running")
    )
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        if not queued and not running:
            st.markdown(":material/check_circle: Nothing is running.")
        else:
            more = " at least" if RUNNING_MOST in (len(queued), len(running)) else ""
            st.markdown(f":material/pending: **{count(len(running), 'job')}** running, **{len(queued)}** queued{more}.")
        parts.link("jobs", "All jobs")


def _days(report: Document) -> None:
    st.subheader("The last 30 days", anchor=False)
    rows = frames.largest(frames.spend(report, "provider"), "provider")
    if not rows:
        parts.empty("Nothing was spent yet. The playground makes a first picture, and shows its price before it does.")
        parts.link("playground", "To the playground")
        return
    drawn = charts.by_day(rows, frames.days(report["from"], report["to"]), "provider", "spend_usd", "spend (USD)")
    parts.chart(drawn, "overview-days", "Spend by day and provider")


def _budgets() -> None:
    st.subheader("Budgets", anchor=False)
    rows = frames.budgets(session.recent("/v1/budgets", limit=50))
    if not rows:
        parts.empty("No budget holds. An admin sets one on the page Money.", ":material/savings:")
        return
    for row in rows[:6]:
        kind = "refuses beyond it" if row["hard"] else "only tells"
        words = f"**{plain(row['budget'])}**: {usd(row['spent'])} of {usd(row['limit'])}, {kind}"
        st.progress(min(1.0, row["filled"]), text=words)


def _failures() -> None:
    failed = session.live("/v1/jobs", status="failed", limit=FAILURES)["data"]
    if not failed:
        return
    st.subheader("The newest failures", anchor=False)
    with st.container(border=True, gap="xxsmall"):
        for job in failed:
            code = str((job["error"] or {}).get("code", "failed")).replace("_", " ")
            told = f"{parts.moment(job['created_at'])} · {code} · {short(job['offer'])}"
            parts.link("jobs", told, job=job["id"])


def _changes(today: date) -> None:
    st.subheader("What changed this week", anchor=False)
    since = (today - timedelta(days=WEEK_DAYS)).isoformat()
    rows = frames.changes(session.recent("/v1/changes", since=since, limit=200))
    if not rows:
        parts.empty(f"No model or price changed since {since}.", ":material/event_available:")
        return
    parts.table(rows, "overview-changes", ["seen"])
