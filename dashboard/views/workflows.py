"""Workflows: the list, and one as a graph with the states of its steps and what they made; begins and cancels them."""

import json
import secrets

import streamlit as st

from dashboard import charts, clock, frames, graphs, parts, session
from dashboard.client import Document, Refused
from dashboard.views.outputs import output_shown, thumbnail
from dashboard.words import count, plain, seconds, usd

STATUSES = ("running", "succeeded", "failed", "canceled")
ROWS = 50
EVERY_S = 2
COLUMNS = 4
TALL_PX = 120
"""Of each figure, with a line below it or without: they stand in one row."""
FAULT = "podium.workflow_fault"
DRAFT = "podium.workflow_draft"


def show() -> None:
    asked = st.query_params.get("workflow")
    if asked:
        _one(asked)
        return
    parts.heading("Workflows", "Which chains of jobs run, what have they made, and what did each cost?")
    with st.expander("Begin one", icon=":material/add:", expanded=DRAFT in st.session_state):
        _begin()
    _listing()


def _begin() -> None:
    st.caption(
        'Steps are jobs. `{{outline.text}}` takes another step\'s words, `"from": "still.outputs.0"` what it made; '
        "each starts when those before it have succeeded. Nothing runs where a step is at fault."
    )
    draft = st.session_state.get(DRAFT) or json.dumps(graphs.EXAMPLE, indent=2, ensure_ascii=False)
    st.html("<style>.st-key-written textarea { font-family: monospace; font-size: 0.875rem; }</style>")
    with st.container(key="written"):
        written = st.text_area("The workflow, as JSON", draft, height=420, key=f"draft-{hash(draft)}")
    with st.container(horizontal=True):
        is_meant = st.button("Run it", type="primary", icon=":material/play_arrow:")
        if DRAFT in st.session_state:
            st.button("Back to the example", on_click=_forgotten)
    if is_meant:
        _begun(written)


def _forgotten() -> None:
    st.session_state.pop(DRAFT, None)


def _begun(written: str) -> None:
    """Begin it and go there, or say what is at fault and where."""
    try:
        asked = json.loads(written)
        if not isinstance(asked, dict):
            raise ValueError("it is no object, with steps in it")
    except ValueError as error:
        st.error(plain(f"That is not the JSON of a workflow: {error}."), icon=":material/error:")
        return
    key = {"idempotency-key": f"dash_{secrets.token_hex(16)}"}
    try:
        made = session.podium().post("/v1/workflows", asked, **key)
    except Refused as refused:
        faults = [f"{each['path']}: {each['message']}" for each in refused.problem.get("errors") or ()]
        for fault in faults or [refused.detail]:
            st.error(plain(fault), icon=":material/error:")
        return
    _forgotten()
    session.forget()
    parts.go("workflows", workflow=made["id"])


def _listing() -> None:
    status = st.segmented_control("Status", STATUSES, key="status", bind="query-params", on_change=_older, args=(None,))
    after = st.query_params.get("after")
    page = session.live("/v1/workflows", status=status, limit=ROWS, after=after)
    if not page["data"]:
        parts.empty("No such workflow. Begin one above: the example makes words, pictures and a clip of them.")
        return
    st.caption(f"{count(len(page['data']), 'workflow')}, the newest first. Choose a row to open it.")
    chosen = st.dataframe(
        graphs.listing(page), hide_index=True, key="workflows-table", on_select="rerun", selection_mode="single-row",
        column_config={
            "created": parts.moments(), "cost": parts.USD, "cap": parts.USD, "took": parts.SECONDS,
            "ended": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1),
            "workflow": st.column_config.TextColumn(width="small"),
        },
        placeholder="–",
    )  # fmt: skip
    if rows := chosen["selection"]["rows"]:
        parts.go("workflows", workflow=page["data"][rows[0]]["id"])
    if after:
        st.button("Newest", icon=":material/first_page:", on_click=_older, args=(None,))
    if page["next"]:
        st.button("Older", icon=":material/chevron_right:", on_click=_older, args=(page["next"],))


def _older(after: str | None) -> None:
    if after:
        st.query_params["after"] = after
    else:
        st.query_params.pop("after", None)


def _one(workflow_id: str) -> None:
    first = session.live(f"/v1/workflows/{workflow_id}")
    st.title(plain(first["name"] or "Workflow"), anchor=False)
    st.code(workflow_id, language=None)
    parts.back("workflows", "All workflows")
    if first["status"] == "running":
        _running(workflow_id)
    else:
        _whole(first)


@st.fragment(run_every=EVERY_S)
def _running(workflow_id: str) -> None:
    workflow = session.live(f"/v1/workflows/{workflow_id}")
    if workflow["status"] != "running":
        st.rerun()
    _whole(workflow)


def _whole(workflow: Document) -> None:
    _facts(workflow)
    if workflow["error"]:
        error = workflow["error"]
        st.error(f"{error['step']}: {plain(str(error['message']))} ({error['code']})", icon=":material/error:")
    _said()
    pictures = {each["id"]: small for each in workflow["steps"] for small in [_small(each)] if small}
    rows = graphs.boxes(workflow, pictures)
    states = ", ".join(f"{row['step']} {row['status']}" for row in rows)
    drawn = charts.graph(rows, graphs.edges(rows, workflow))
    st.altair_chart(drawn, key=f"graph-{workflow['id']}", width="content", alt=f"The steps: {states}")
    _steps(workflow)
    _outputs(workflow)


def _small(step: Document) -> str | None:
    return next((small for each in step["outputs"] for small in [thumbnail(each)] if small), None)


def _facts(workflow: Document) -> None:
    status, done, cost, took, doing = st.columns([1.4, 1.6, 2, 1.2, 1.4], vertical_alignment="center")
    status.metric("Status", workflow["status"], border=True, height=TALL_PX)
    done.metric(
        "Steps that succeeded",
        f"{workflow['counts'].get('succeeded', 0)} of {len(workflow['steps'])}",
        border=True,
        height=TALL_PX,
    )
    cap = workflow["max_cost_usd"]
    cost.metric(
        "Cost", usd(workflow["cost_usd"]), border=True, height=TALL_PX, delta_color="off", delta_arrow="off",
        delta=f"of {usd(cap)} at most" if cap else f"quoted {usd(workflow['quote_usd'])}, no cap",
    )  # fmt: skip
    took.metric(
        "Took",
        seconds(frames.span_s(workflow["created_at"], workflow["ended_at"] or clock.now().isoformat())),
        border=True,
        height=TALL_PX,
    )
    with doing:
        _doing(workflow)
    ended = f", ended {parts.moment(workflow['ended_at'])}" if workflow["ended_at"] else ""
    if workflow["status"] != "succeeded":  # then every step did, and a full bar says nothing more
        st.progress(min(1.0, workflow["progress"]), text=graphs.counted(workflow["counts"]) + _held(workflow))
    st.caption(f"Begun {parts.moment(workflow['created_at'])}{ended}.")


def _held(workflow: Document) -> str:
    return f"; {usd(workflow['held_usd'])} held" if float(workflow["held_usd"]) else ""


def _doing(workflow: Document) -> None:
    if workflow["status"] == "running":
        st.button(
            "Cancel", icon=":material/stop_circle:", on_click=_cancel, args=(workflow["id"],), width="stretch",
            help="Starts nothing more of it, and cancels the jobs that run.",
        )  # fmt: skip
        return
    st.button(
        "Run again", icon=":material/replay:", on_click=_drafted, args=(workflow["request"],), width="stretch",
        help="Opens what it was made of, to be changed and run.",
    )  # fmt: skip


def _said() -> None:
    if fault := st.session_state.pop(FAULT, None):
        st.error(plain(fault), icon=":material/error:")


def _cancel(workflow_id: str) -> None:
    try:
        session.podium().post(f"/v1/workflows/{workflow_id}/cancel", {})
    except Refused as refused:
        st.session_state[FAULT] = refused.detail
    session.forget()


def _drafted(asked: Document) -> None:
    st.session_state[DRAFT] = json.dumps(asked, indent=2, ensure_ascii=False)
    st.query_params.clear()


def _steps(workflow: Document) -> None:
    st.subheader("Steps", anchor=False)
    rows = graphs.steps(workflow)
    for row in rows:
        row["job"] = f"jobs?job={row['job']}" if row["job"] else None
    parts.table(
        rows, f"steps-{workflow['id']}", quoted=parts.USD, cost=parts.USD, took=parts.SECONDS,
        job=st.column_config.LinkColumn(display_text="open"),
    )  # fmt: skip


def _outputs(workflow: Document) -> None:
    made = [(each, output) for each in workflow["steps"] for output in each["outputs"]]
    if not made:
        return
    st.subheader("What it made", anchor=False)
    made.sort(key=lambda pair: pair[0]["level"])
    for start in range(0, len(made), COLUMNS):
        for column, (step, output) in zip(st.columns(COLUMNS), made[start : start + COLUMNS], strict=False):
            with column, st.container(border=True, height="stretch"):
                st.markdown(f"**{plain(step['id'])}**")
                output_shown(output, told=f"What the step {step['id']} made")
                parts.link("jobs", f"{step['task']}, {usd(step['cost_usd'])}", job=step["job"])
