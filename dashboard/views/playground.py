"""Playground: what a request would get at which weights, before anything is spent; then the run and its receipt."""

import secrets

import streamlit as st

from dashboard import charts, frames, parts, session
from dashboard.client import Document, Refused
from dashboard.views.jobs import job_shown
from dashboard.words import count, plain, usd

TASKS = ("text-to-image", "text-to-video", "text")
"""Tasks that need nothing but words."""
WAIT_S = 55
"""How long a run is waited for here; it goes on, and its page shows it."""
SHOWN = 8
JOB = "podium.playground_job"


def show() -> None:
    parts.heading("Playground", "What would be chosen for this, at what price? Nothing is spent until you run it.")
    asked, choice = st.columns([2, 3], gap="large")
    with asked:
        body = _body()
    with choice:
        _choose(body)
    made = st.session_state.get(JOB)
    if made:
        st.divider()
        job_shown(session.live(f"/v1/jobs/{made}"))


def _body() -> Document:
    task = str(st.segmented_control(
        "Task", TASKS, default=TASKS[0], key="play", bind="query-params", required=True) or TASKS[0])  # fmt: skip
    prompt = st.text_area("Prompt", "a red fox in fresh snow", max_chars=4000)
    body: Document = {"task": task, "prompt": prompt or " "}
    match task:
        case "text-to-image":
            body |= {"width": 1024, "height": 1024}
        case "text-to-video":
            body |= {"duration_s": st.slider("Seconds", 1, 10, 5), "strict": False}
        case _:
            body |= {"max_tokens": st.slider("Tokens at most", 50, 4000, 500, step=50)}
    st.markdown("**What matters**")
    weights = {
        "quality": st.slider("Quality", 0.0, 3.0, 1.0, 0.1, key="quality", bind="query-params"),
        "cost": st.slider("Low cost", 0.0, 3.0, 0.5, 0.1, key="cost", bind="query-params"),
        "latency": st.slider("Speed", 0.0, 3.0, 0.2, 0.1, key="latency", bind="query-params"),
    }
    providers = sorted({each["provider"] for each in session.steady_rows("/v1/offers", task=task) if each["available"]})
    only = st.multiselect("Only these providers", providers, placeholder="all")
    return body | {"routing": {"weights": weights} | ({"only": only} if only else {})}


def _choose(body: Document) -> None:
    decision = session.routed(body)
    if not decision["ranked"]:
        parts.empty("No offer can do this; the commonest reasons are below.", ":material/block:")
        parts.table(frames.reasons(decision), "play-reasons")
        return
    first = decision["ranked"][0]
    st.markdown(f"**{first['offer']}** at **{usd(first['quote_usd'])}**, of {count(len(decision['ranked']), 'offer')}")
    st.caption(frames.margin_words(decision))
    parts.chart(charts.parts(frames.parts(decision, SHOWN)), "play-parts", "Scores in parts of the first offers")
    if st.button(f"Run it, quoted {usd(first['quote_usd'])}", type="primary", icon=":material/play_arrow:"):
        _run(body)


def _run(body: Document) -> None:
    headers = {"prefer": f"wait={WAIT_S}", "idempotency-key": f"dash_{secrets.token_hex(16)}"}
    with st.spinner("Running …", show_time=True):
        try:
            job = session.podium().post("/v1/jobs", body, **headers)
        except Refused as refused:
            st.error(plain(refused.detail), icon=":material/error:")
            return
    st.session_state[JOB] = job["id"]
    session.forget()
