"""Jobs: the list, and one job as it goes: what it made, its events, its attempts and its receipt. It starts none."""

from time import monotonic

import streamlit as st

from dashboard import charts, clock, events, frames, parts, purses, session
from dashboard.client import Document, Refused
from dashboard.events import Heard
from dashboard.standards import standards
from dashboard.views.outputs import cost_said, output_shown
from dashboard.words import count, plain, seconds, short, usd

STATUSES = ("queued", "running", "succeeded", "failed", "canceled")
FINAL = frozenset({"succeeded", "failed", "canceled"})
ROWS = 200
KEYS_MOST = 500
SHOWN = 12
"""Pictures on the wall above the list."""
COLUMNS = 4
EVERY_S = 2
"""How often a job that runs is looked at anew."""
LISTEN_S = 0.3
"""How long one look listens: what came since the last is told at once."""
HEARD = "podium.heard"
HEARD_MOST = 1_000


def show() -> None:
    asked = st.query_params.get("job")
    if asked:
        _one(asked)
    else:
        _listing()


def _listing() -> None:
    parts.heading("Jobs", "What was made, what runs, and what went wrong?")
    keys = _keys()
    status = st.segmented_control("Status", STATUSES, key="status", bind="query-params", on_change=_from_the_newest)
    left, middle, *last = st.columns(3 if keys else 2)
    with left:
        task = st.selectbox(
            "Task", list(standards()), index=None, placeholder="every task", key="of_task", bind="query-params",
            on_change=_from_the_newest,
        )  # fmt: skip
    with middle:
        models = sorted({each["model"] for each in session.steady_rows("/v1/offers", task=task)})
        model = st.selectbox(
            "Model", models, index=None, placeholder="every model", key="of_model", bind="query-params",
            on_change=_from_the_newest,
        )  # fmt: skip
    key = None
    if last:
        with last[0]:
            named = st.selectbox(
                "Key", list(keys), index=None, placeholder="every key", key="of_key", bind="query-params",
                on_change=_from_the_newest,
            )  # fmt: skip
            key = keys.get(str(named))
    after = st.query_params.get("after")
    page = session.live("/v1/jobs", status=status, task=task, model=model, key=key, limit=ROWS, after=after)
    jobs = page["data"]
    if jobs:
        many = f"{len(jobs):,} of them here" if page["next"] or after else count(len(jobs), "job")
        st.caption(f"The newest first, {many}. Choose a row to open it.")
        _table(jobs, {each: name for name, each in keys.items()} or None)
    else:
        parts.empty("No such job. Other filters show others; the playground makes one.")
        parts.link("playground", "To the playground")
    _turned(page, after)
    _wall(jobs)


def _keys() -> dict[str, str]:
    """Ids of keys by name, for an admin to choose one of; a caller has one, and nothing to choose."""
    if not session.is_admin():
        return {}
    named = purses.names_of(session.recent("/v1/keys", limit=KEYS_MOST)["data"])
    return {name: each for each, name in sorted(named.items(), key=lambda pair: pair[1].casefold())}


def _from_the_newest() -> None:
    """Another filter begins anew: `after` spoke of another list."""
    st.query_params.pop("after", None)


def _table(jobs: list[Document], keys: dict[str, str] | None) -> None:
    chosen = st.dataframe(
        frames.jobs({"data": jobs}, keys), hide_index=True, key="jobs-table", on_select="rerun",
        selection_mode="single-row",
        column_config={
            "created": parts.moments(), "took": parts.SECONDS, "cost": parts.USD,
            "job": st.column_config.TextColumn(width="small"),
        },
        placeholder="–",
    )  # fmt: skip
    if rows := chosen["selection"]["rows"]:
        parts.go("jobs", job=jobs[rows[0]]["id"])


def _turned(page: Document, after: str | None) -> None:
    """To older jobs, and back to the newest; the address says where one is."""
    with st.container(horizontal=True):
        if after:
            st.button("Newest", icon=":material/first_page:", on_click=_from_the_newest)
        if page["next"]:
            st.button("Older", icon=":material/chevron_right:", on_click=_older, args=(page["next"],))


def _older(after: str) -> None:
    st.query_params["after"] = after


def _wall(jobs: list[Document]) -> None:
    """The newest outputs themselves."""
    made = [(job, output) for job in jobs for output in job["outputs"] if output["asset"] or output["text"]][:SHOWN]
    if not made:
        return
    st.subheader("Newest outputs", anchor=False)
    for start in range(0, len(made), COLUMNS):
        for column, (job, output) in zip(st.columns(COLUMNS), made[start : start + COLUMNS], strict=False):
            with column, st.container(border=True, height="stretch"):
                output_shown(output)
                parts.link("jobs", f"{job['task']}, {usd(job['cost']['cost_usd'])}", job=job["id"])


def _one(job_id: str) -> None:
    st.title("Job", anchor=False)
    st.code(job_id, language=None)
    parts.back("jobs", "All jobs")
    first = session.live(f"/v1/jobs/{job_id}")
    if first["status"] in FINAL:
        job_shown(first)
        _log(job_id)
    else:
        _running(job_id)


@st.fragment(run_every=EVERY_S)
def _running(job_id: str) -> None:
    heard = _listened(job_id)
    job = session.live(f"/v1/jobs/{job_id}")
    if job["status"] in FINAL:
        st.rerun()
    waits, stops = st.columns([6, 1], vertical_alignment="center")
    waits.progress(min(1.0, job["progress"] or 0.0), text=f"{job['status']} at {plain(job['offer'])} …")
    stops.button("Cancel", icon=":material/stop_circle:", on_click=_cancel, args=(job_id,), width="stretch")
    said = [each.event for each in heard]
    if words := events.text(said):
        with st.container(border=True):
            st.text(words)
    if picture := events.partial(said):
        st.image(picture, width=480, alt="The picture so far")
    job_shown(job)
    _log(job_id)


def _listened(job_id: str) -> list[Heard]:
    """All that was heard of a job on this page, each with when; what is new is asked for first."""
    heard: list[Heard] = st.session_state.setdefault(HEARD, {}).setdefault(job_id, [])
    last = heard[-1].event.id if heard else ""
    try:
        news = session.podium().events(f"/v1/jobs/{job_id}/events", last, LISTEN_S)
    except Refused:
        return heard  # the look at the job itself says what is wrong
    heard += [Heard(monotonic(), event) for event in news]
    del heard[:-HEARD_MOST]
    return heard


def _log(job_id: str) -> None:
    heard: list[Heard] = st.session_state.get(HEARD, {}).get(job_id, [])
    if rows := events.log(heard):
        st.subheader("Events as they came", anchor=False)
        parts.table(rows, f"events-{job_id}", heard=parts.SECONDS)


def _cancel(job_id: str) -> None:
    session.podium().post(f"/v1/jobs/{job_id}/cancel", {})
    session.forget()


def job_shown(job: Document) -> None:
    """A job whole: facts, outputs, attempts, receipt, and the way to its decision."""
    _facts(job)
    if job["error"]:
        st.error(
            f"{job['error'].get('code', 'failed')}: {plain(str(job['error'].get('message', '')))}",
            icon=":material/error:",
        )
    for change in job["adjustments"]:
        st.caption(f"Adjusted: {', '.join(f'{name} {value}' for name, value in change.items())}")
    left, right = st.columns([5, 4], gap="medium")
    with left:
        _made(job["outputs"])
        if not job["outputs"]:
            _attempts(job)
    with right:
        _receipt(job)
    if job["outputs"]:
        _attempts(job)


def _made(outputs: list[Document]) -> None:
    columns = 1 if len(outputs) == 1 else 2
    for start in range(0, len(outputs), columns):
        for column, output in zip(st.columns(columns), outputs[start : start + columns], strict=False):
            with column:
                output_shown(output, details=True)
                _goes_on(output)


def _attempts(job: Document) -> None:
    st.subheader("Attempts", anchor=False)
    bars = frames.waterfall(job, clock.now().isoformat())
    parts.chart(charts.waterfall(bars), f"attempts-{job['id']}", "Attempts of the job in seconds")
    for each in job["attempts"]:
        if each["message"]:
            st.caption(f"`{each['offer']}` {each['fault']}: {plain(each['message'])}")


def _receipt(job: Document) -> None:
    st.subheader("Receipt", anchor=False)
    if job["cost"]["lines"]:
        parts.table(frames.receipt(job), f"receipt-{job['id']}")
    cost_said(job)
    parts.link("decisions", "Why this offer was chosen", decision=job["decision"])


def _facts(job: Document) -> None:
    status, offer, took, cost = st.columns([1.5, 2.2, 1, 1.7])
    status.metric("Status", job["status"], border=True)
    offer.metric("Model", short(job["offer"]), border=True)
    took.metric(
        "Took", seconds(frames.span_s(job["created_at"], job["ended_at"] or clock.now().isoformat())), border=True
    )
    cost.metric("Cost", usd(job["cost"]["cost_usd"]), border=True)
    created, ended = parts.moment(job["created_at"]), parts.moment(job["ended_at"])
    st.caption(f"{job['task']} at {job['offer']}, created {created}, ended {ended}")


def _goes_on(output: Document) -> None:
    """A picture can be where another thing starts."""
    if output["asset"] and output["mime"].startswith("image/"):
        with st.container(horizontal=True):
            parts.link("playground", "Edit it", task="image-edit", picture=output["asset"])
            parts.link("playground", "Make it move", task="image-to-video", picture=output["asset"])
