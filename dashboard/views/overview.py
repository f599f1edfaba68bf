"""Overview: what is wrong, spend against budgets, what runs, what failed and what changed. It only looks."""

from datetime import date, timedelta

import streamlit as st

from dashboard import charts, clock, duties, frames, parts, session
from dashboard.client import Document
from dashboard.frames import Row
from dashboard.words import count, plain, short, usd

RUNNING_MOST = 200
FAILURES = 100
"""A caller's newest failures that are counted by fault; an admin's are counted by the gateway."""
LISTED = 5
BUDGETS = 6
WEEK_DAYS = 7
ENDINGS_DAYS = 90
EVERY_S = 5
"""How often what runs is looked at anew."""
ALERTS = 6
KINDS = {
    "New": frozenset({"appeared", "revived"}),
    "Prices": frozenset({"price"}),
    "Ending": frozenset({"deprecated", "stale", "fading", "retired", "successor"}),
}
"""What a week's changes are sorted by."""


def show() -> None:
    parts.heading("Overview", "What are we spending, what runs, and what changed?")
    report = session.recent("/v1/usage", by="day,provider", limit=500)
    today = date.fromisoformat(report["to"])  # the gateway's own day
    budgets = frames.budgets(session.recent("/v1/budgets", limit=200))
    providers = session.recent("/v1/providers")["data"] if session.is_admin() else []
    _alerts(budgets, providers)
    if not report["data"]:
        _first_steps()
    _money(today)
    _running()
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _days(report)
    with right:
        _budgets(budgets)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _changes(today)
    with right:
        _failures(providers, [name for name in charts.names(_by_provider(report), "provider") if name != "others"])


def _alerts(budgets: list[Row], providers: list[Document]) -> None:
    """One strip. Nothing is said where nothing is wrong: an empty strip is the best news and needs no room."""
    ticks = session.live("/v1/ticks")["data"] if session.is_admin() else []
    hooks = session.recent("/v1/webhooks", limit=100)["data"]
    found = duties.alerts(ticks, providers, budgets, hooks, clock.now())
    if not found:
        return
    with st.container(border=True, gap="xxsmall"):
        st.markdown(f":material/warning: **{count(len(found), 'thing')} to look at**")
        for number, alert in enumerate(found[:ALERTS]):
            with st.container(horizontal=True, vertical_alignment="center", key=f"alert-{number}"):
                parts.link(alert.page, plain(alert.words), part=alert.part)
        if len(found) > ALERTS:
            st.caption(f"And {len(found) - ALERTS} more on the pages Operations and Money.")


def _first_steps() -> None:
    """The three things that make the rest of the pages say something."""
    balances = session.recent("/v1/ledger/balances", limit=500)["data"]
    funded = any(each["account"].endswith(":available") and float(each["usd"]) > 0 for each in balances)
    boards = session.recent("/v1/boards")["data"]
    ages = [row["age (days)"] for row in duties.feeds(boards, clock.now())]
    fresh = bool(ages) and min(ages) < duties.OLD_DAYS
    with st.container(border=True):
        st.subheader("The first three things to do", anchor=False)
        fund, make, read = st.columns(3)
        with fund:
            st.markdown(f"{_tick(funded)} **1. Put money on a key**")
            if session.is_admin():
                st.caption("Nothing is spent that was not funded before.")
                parts.link("operations", "Fund a key", part="Keys")
            else:
                st.caption("Ask an admin of this gateway: jobs are paid from your key's balance.")
        with make:
            st.markdown(f"{_tick(False)} **2. Make something**")
            st.caption("The playground shows the price before anything is spent.")
            parts.link("playground", "To the playground")
        with read:
            st.markdown(f"{_tick(fresh)} **3. Read the leaderboards**")
            told = f"Read {min(ages):.0f} days ago." if ages else "None was read yet."
            st.caption("Up to date." if fresh else f"{told} `podium refresh boards` reads them now.")
            parts.link("operations", "Boards and their age", part="Health") if session.is_admin() else None


def _tick(done: bool) -> str:
    return ":material/check_circle:" if done else ":material/radio_button_unchecked:"


def _money(today: date) -> None:
    day = session.recent("/v1/usage", **{"from": today.isoformat(), "to": today.isoformat()})["total"]
    month = session.recent("/v1/usage", **{"from": today.replace(day=1).isoformat(), "to": today.isoformat()})["total"]
    spent, spent_month, made, failed = st.columns(4)
    spent.metric("Spent today (UTC)", usd(day["spend_usd"]), border=True)
    spent_month.metric(f"Spent in {today:%B}", usd(month["spend_usd"]), border=True)
    made.metric("Jobs settled today", f"{day['jobs']:,}", border=True)
    failed.metric(
        "Failed or canceled today", f"{day['jobs'] - day['succeeded']:,}", border=True,
        help="Of the jobs settled today (UTC), those that did not bring what was asked.",
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


def _by_provider(report: Document) -> list[Row]:
    return frames.largest(frames.spend(report, "provider"), "provider")


def _days(report: Document) -> None:
    st.subheader("The last 30 days", anchor=False)
    rows = _by_provider(report)
    if not rows:
        parts.empty("Nothing was spent yet. The playground makes a first picture, and shows its price before it does.")
        return
    drawn = charts.by_day(rows, frames.days(report["from"], report["to"]), "provider", "spend_usd", "spend (USD)")
    parts.chart(drawn, "overview-days", "Spend by day and provider")


def _budgets(rows: list[Row]) -> None:
    st.subheader("Budgets", anchor=False)
    if not rows:
        parts.empty("No budget holds. An admin sets one on the page Money.", ":material/savings:")
        return
    shown = [row | {"words": frames.filled_words(row)} for row in rows[:BUDGETS]]
    parts.chart(charts.budgets(shown), "overview-budgets", "How full each budget is")
    more = f"All {len(rows)} budgets" if len(rows) > BUDGETS else "Budgets and their limits"
    parts.link("money", more, part="Budgets")


def _failures(providers: list[Document], beside: list[str]) -> None:
    st.subheader("Failures", anchor=False)
    failed = session.live("/v1/jobs", status="failed", limit=LISTED if session.is_admin() else FAILURES)["data"]
    rows = duties.faults(providers) if session.is_admin() else duties.failed_jobs(failed)
    over = "attempts of the last 24 hours" if session.is_admin() else f"your newest {FAILURES} failed jobs at most"
    if rows:
        st.caption(f"By fault: {over}.")
        parts.chart(charts.faults(rows, beside if session.is_admin() else ()), "overview-faults", "Failures by fault")
    else:
        st.caption(":material/check_circle: None." if not session.is_admin() else
                   ":material/check_circle: No attempt failed in the last 24 hours.")  # fmt: skip
    for job in failed[:LISTED]:
        code = str((job["error"] or {}).get("code", "failed")).replace("_", " ")
        at = parts.recently(job["created_at"])
        parts.link("jobs", f"{at} · {code} · {short(job['offer'])}", job=job["id"])


def _changes(today: date) -> None:
    st.subheader("What changed this week", anchor=False)
    since = (today - timedelta(days=WEEK_DAYS)).isoformat()
    rows = frames.changes(session.recent("/v1/changes", since=since, limit=500))
    before = (today + timedelta(days=ENDINGS_DAYS)).isoformat()
    ends = frames.endings(session.steady("/v1/offers", ends_before=before, limit=200)["data"])
    by_kind = {name: duties.changes_of(rows, kinds) for name, kinds in KINDS.items()}
    tabs = st.tabs([*[f"{name} ({len(each)})" for name, each in by_kind.items()], f"To come ({len(ends)})"])
    for tab, (name, each) in zip(tabs, by_kind.items(), strict=False):
        with tab:
            if each:
                parts.table([_told(row, name) for row in each], f"overview-changes-{name}", ["seen"])
            else:
                parts.empty(f"Nothing of this kind since {since}.", ":material/event_available:")
    with tabs[-1]:
        if ends:
            parts.table(ends, "overview-endings", successor="use instead")
        else:
            parts.empty(f"No offer here is announced to end before {before}.", ":material/event_available:")
    parts.link("churn", "Survival, retirements and changes")


def _told(row: Row, name: str) -> Row:
    """What is the same in every row of a kind takes no room."""
    without = {"New": ("what", "before", "evidence"), "Prices": ("what",), "Ending": ("before",)}[name]
    return {key: value for key, value in row.items() if key not in without}
