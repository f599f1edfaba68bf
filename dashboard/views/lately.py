"""The latest jobs of one model, each with the way to its decision. It lists no more than a glance takes in."""

import streamlit as st

from dashboard import frames, parts, session
from dashboard.client import Document
from dashboard.words import count, seconds, usd

SHOWN = 6


def show(model: str) -> None:
    """What the viewer may see of them: an admin all, a caller its own."""
    st.subheader("Latest jobs", anchor=False)
    jobs = session.live("/v1/jobs", model=model, limit=SHOWN)["data"]
    if not jobs:
        whose = "No job" if session.is_admin() else "No job of yours"
        st.caption(f"{whose} ran on it yet. The playground quotes it, and runs it if you want that.")
        parts.link("playground", "To the playground")
        return
    with st.container(border=True, key="lately"):
        for each in jobs:
            _one(each)
    parts.link("jobs", "All jobs of this model", of_model=model)


def _one(job: Document) -> None:
    """A line, and two ways on."""
    words, why, whole = st.columns([6, 1.6, 1], vertical_alignment="center")
    tried = count(len(job["attempts"]), "attempt")
    took = seconds(frames.span_s(job["created_at"], job["ended_at"]))
    words.markdown(
        f"{parts.moment(job['created_at'])} · {job['task']} · `{job['offer']}` · **{job['status']}**  \n"
        f"{usd(job['cost']['cost_usd'])} · {took} · {tried}"
    )
    with why:
        parts.link("decisions", "Why this offer", decision=job["decision"])
    with whole:
        parts.link("jobs", "Job", job=job["id"])
