"""Decisions: why an offer was chosen, part by part, and why each other was not. It decides nothing."""

import streamlit as st

from dashboard import charts, frames, parts, session
from dashboard.client import Document
from dashboard.words import count

NEWEST = 30


def show() -> None:
    parts.heading("Decisions", "Why was this offer chosen, and what spoke against the others?")
    asked = st.query_params.get("decision") or _pick()
    if asked is None:
        parts.empty(
            "No job was decided yet. The playground makes one, and shows its decision before anything is spent."
        )
        parts.link("playground", "To the playground")
        return
    decision = session.steady(f"/v1/decisions/{asked}")
    st.code(asked, language=None)
    decision_shown(decision)


def _pick() -> str | None:
    """One of the newest jobs' decisions; a deep link names another."""
    jobs = session.live("/v1/jobs", limit=NEWEST)["data"]
    if not jobs:
        return None
    names: dict[str, str] = {
        each["decision"]: f"{parts.moment(each['created_at'])} · {each['task']} · {each['offer']}" for each in jobs
    }
    labels = list(names)
    return st.selectbox("Of which job", labels, format_func=lambda each: names.get(each, str(each)), key="of_job")


def decision_shown(decision: Document, key: str = "decision") -> None:
    """A decision whole: policy, the scores in parts, the ranking, every rejection."""
    policy = decision["policy"]
    weights = ", ".join(f"{name} {weight:g}" for name, weight in policy["weights"])
    evidence = f"evidence {decision['evidence_id']}"
    st.caption(f"Policy **{policy['name']}** ({weights}), {evidence}, {parts.moment(decision['created_at'])}")
    st.markdown(frames.margin_words(decision))
    rows = frames.parts(decision)
    if rows:
        parts.chart(charts.parts(rows), f"{key}-parts", "Scores in parts: " + frames.margin_words(decision))
        parts.table(
            frames.ranked(decision), f"{key}-ranked", quote=parts.USD, quality=parts.QUALITY, reliability=parts.SHARE,
            median=parts.SECONDS,
        )  # fmt: skip
    rejected = frames.rejected(decision)
    st.subheader(f"{count(len(rejected), 'offer')} rejected", anchor=False)
    if not rejected:
        st.caption("Nothing was rejected: every offer of this task could do it.")
        return
    reasons, each = st.tabs(["By reason", "Offer by offer"])
    with reasons:
        parts.table(frames.reasons(decision), f"{key}-reasons")
    with each:
        parts.table(rejected, f"{key}-rejected")
