"""Decisions: why an offer was chosen, part by part, and why each other was not. It decides nothing."""

import streamlit as st

from dashboard import charts, frames, hindsight, parts, session, tellings
from dashboard.client import Document
from dashboard.words import count, plain

NEWEST = 30
TOLD = 3
"""Runners-up in sentences; the table has more."""


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
        st.caption(frames.PARTS_SAID)
        parts.table(
            frames.ranked(decision), f"{key}-ranked", quote=parts.USD, quality=parts.QUALITY, reliability=parts.SHARE,
            median=parts.SECONDS,
        )  # fmt: skip
        _said(decision)
        _otherwise(decision, key)
    rejected = frames.rejected(decision)
    st.subheader(f"{count(len(rejected), 'offer')} rejected", anchor=False)
    if not rejected:
        st.caption("Nothing was rejected: every offer of this task could do it.")
        return
    _let_in(decision, key)
    reasons, each = st.tabs(["By reason", "Offer by offer"])
    with reasons:
        parts.table(frames.reasons(decision), f"{key}-reasons")
    with each:
        parts.table(rejected, f"{key}-rejected")


def _said(decision: Document) -> None:
    """What the record says of single offers: a queue before an own machine, a rest after failures."""
    for each in frames.remarks(decision):
        st.markdown(f":material/info: `{each['offer']}`: {plain(each['said'])}")


def _otherwise(decision: Document, key: str) -> None:
    """What would have put each of the next few first: told, and then as a table."""
    runners = hindsight.runners_up(decision)
    if not runners:
        return
    st.subheader("What would have changed it", anchor=False)
    for runner in runners[:TOLD]:
        st.markdown(f"- `{runner.offer}` was {plain(tellings.sentence(runner))}")
    policy = decision["policy"]
    weights = ", ".join(f"{name} {weight:g}" for name, weight in hindsight.weights(policy).items())
    st.caption(
        "Each is the smallest single change, to two or three digits, with which the same formula puts that offer "
        f"first; all else stays as it was (weights: {weights}). A dash: no value would do."
    )
    parts.table(
        tellings.table(runners),
        f"{key}-otherwise",
        (),
        **{"price at most": parts.USD, "median time at most": st.column_config.NumberColumn(format="%.3g s")},
    )


def _let_in(decision: Document, key: str) -> None:
    """The limits of the request that turned offers away, and by how much."""
    rows = tellings.lifted(hindsight.lifts(decision))
    if rows:
        st.markdown(f"**{count(len(rows), 'offer')}** would have been let in by another limit, the best placed first:")
        parts.table(rows, f"{key}-lifts")
