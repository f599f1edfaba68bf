"""Jobs: the list, and one job with what it made, its attempts in time and its receipt. It starts and stops none."""

import streamlit as st

from dashboard import charts, frames, parts, session
from dashboard.client import Document
from dashboard.standards import standards
from dashboard.words import count, plain, seconds, short, size, usd

STATUSES = ("queued", "running", "succeeded", "failed", "canceled")
FINAL = frozenset({"succeeded", "failed", "canceled"})
ROWS = 200
SHOWN = 12
"""Pictures on the wall above the list."""
COLUMNS = 4
EVERY_S = 2
"""How often a job that runs is looked at anew."""


def show() -> None:
    asked = st.query_params.get("job")
    if asked:
        _one(asked)
    else:
        _listing()


def _listing() -> None:
    parts.heading("Jobs", "What was made, what runs, and what went wrong?")
    left, right = st.columns(2)
    with left:
        status = st.segmented_control("Status", STATUSES, key="status", bind="query-params")
    with right:
        task = st.selectbox(
            "Task", list(standards()), index=None, placeholder="every task", key="of_task", bind="query-params"
        )
    page = session.live("/v1/jobs", status=status, task=task, limit=ROWS)
    if not page["data"]:
        parts.empty("No such job. Other filters show others; the playground makes one.")
        parts.link("playground", "To the playground")
        return
    more = f" The newest {ROWS} are shown; filters find older ones." if page["next"] else ""
    st.caption(f"{count(len(page['data']), 'job')}.{more} Choose a row to open it.")
    chosen = st.dataframe(
        frames.jobs(page), hide_index=True, key="jobs-table", on_select="rerun", selection_mode="single-row",
        column_config={
            "created": parts.moments(), "took": parts.SECONDS, "cost": parts.USD,
            "job": st.column_config.TextColumn(width="small"),
        },
        placeholder="–",
    )  # fmt: skip
    rows = chosen["selection"]["rows"]
    if rows:
        parts.go("jobs", job=page["data"][rows[0]]["id"])
    _wall(page["data"])


def _wall(jobs: list[Document]) -> None:
    """The newest outputs themselves."""
    made = [(job, output) for job in jobs for output in job["outputs"] if output["asset"] or output["text"]][:SHOWN]
    if not made:
        return
    st.subheader("Newest outputs", anchor=False)
    for start in range(0, len(made), COLUMNS):
        for column, (job, output) in zip(st.columns(COLUMNS), made[start : start + COLUMNS], strict=False):
            with column, st.container(border=True):
                output_shown(output)
                parts.link("jobs", f"{job['task']}, {usd(job['cost']['cost_usd'])}", job=job["id"])


def _one(job_id: str) -> None:
    parts.link("jobs", "All jobs")
    st.title("Job", anchor=False)
    st.code(job_id, language=None)
    first = session.live(f"/v1/jobs/{job_id}")
    if first["status"] in FINAL:
        job_shown(first)
    else:
        _running(job_id)


@st.fragment(run_every=EVERY_S)
def _running(job_id: str) -> None:
    job = session.live(f"/v1/jobs/{job_id}")
    if job["status"] in FINAL:
        st.rerun()
    st.progress(min(1.0, job["progress"] or 0.0), text=f"{job['status']} at {job['offer']} …")
    job_shown(job)


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
    for column, output in zip(st.columns(2), job["outputs"], strict=False):
        with column:
            output_shown(output, details=True)
    for output in job["outputs"][2:]:
        output_shown(output, details=True)
    left, right = st.columns([3, 2])
    with left:
        st.subheader("Attempts", anchor=False)
        parts.chart(charts.waterfall(frames.waterfall(job)), f"attempts-{job['id']}", "Attempts of the job in seconds")
        for each in job["attempts"]:
            if each["message"]:
                st.caption(f"`{each['offer']}` {each['fault']}: {plain(each['message'])}")
    with right:
        _receipt(job)
    parts.link("decisions", "Why this offer was chosen", decision=job["decision"])


def _facts(job: Document) -> None:
    status, offer, took, cost = st.columns([1.5, 2.2, 1, 1.7])
    status.metric("Status", job["status"], border=True)
    offer.metric("Model", short(job["offer"]), border=True)
    took.metric("Took", seconds(frames.span_s(job["created_at"], job["ended_at"])), border=True)
    cost.metric("Cost", usd(job["cost"]["cost_usd"]), border=True)
    created, ended = parts.moment(job["created_at"]), parts.moment(job["ended_at"])
    st.caption(f"{job['task']} at {job['offer']}, created {created}, ended {ended}")


def output_shown(output: Document, details: bool = False) -> None:
    """A picture, a clip, a sound or words; one too large to hold is linked to."""
    kind = output["mime"].partition("/")[0]
    if output["text"] is not None:
        st.text(output["text"])
    elif output["size_bytes"] > session.MEDIA_BYTES:
        st.link_button(f"Open ({size(output['size_bytes'])})", output["url"])
    else:
        data = session.media(output["asset"])
        match kind:
            case "image":
                st.image(data, width="stretch")
            case "video":
                st.video(data, format=output["mime"])
            case "audio":
                st.audio(data, format=output["mime"])
            case _:
                st.download_button("Save", data, file_name=output["asset"], mime=output["mime"], key=output["asset"])
    if details:
        st.caption(_details(output))


def _details(output: Document) -> str:
    facts = [output["mime"], size(output["size_bytes"])]
    if output["width"]:
        facts.insert(0, f"{output['width']}×{output['height']} pixels")
    if output["duration_s"]:
        facts.insert(0, seconds(output["duration_s"]))
    return " · ".join(facts)


def _receipt(job: Document) -> None:
    st.subheader("Receipt", anchor=False)
    cost = job["cost"]
    if not cost["lines"]:
        st.caption(f"Quoted {cost['quote_usd']} USD, held {cost['held_usd']} USD; not settled by lines.")
        return
    parts.table(frames.receipt(job), f"receipt-{job['id']}")
    told = {"table": "by the price table", "provider": "as the provider said"}.get(str(cost["source"]), cost["source"])
    st.markdown(
        f"**{cost['cost_usd']} USD**, {told}. Quoted {cost['quote_usd']} USD, held {cost['held_usd']} USD. "
        f"{job['compute_units'] or 0:,.1f} compute units."
    )
