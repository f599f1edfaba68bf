"""What waits for an operator's decision: prices that changed, ends that were observed, labels that mean nothing yet."""

import streamlit as st

from dashboard import deeds, duties, parts, session
from dashboard.client import Document
from dashboard.words import count, plain

SHOWN = 10
"""Decisions of a kind with buttons at once; the next come when these are made."""
LABELS = 500
NONE_OF_OURS = "none"


def show() -> None:
    proposals = session.recent("/v1/prices/proposals", status="open", limit=200)["data"]
    words = session.recent("/v1/offers/words")
    labels = session.recent("/v1/names/unresolved", limit=LABELS)
    prices, ends, names = st.columns(3)
    prices.metric("Prices to decide", f"{len(proposals):,}", border=True)
    ends.metric("Retirements to confirm", f"{words['total']:,}", border=True)
    names.metric("Names to settle", f"{labels['total']:,}", border=True)
    _proposals(proposals)
    _retirements(words)
    _labels(labels)


def _proposals(proposals: list[Document]) -> None:
    st.subheader("Price proposals", anchor=False)
    if not proposals:
        st.caption(":material/check_circle: None: every price that a source says is the price of its card.")
        return
    st.caption("Accepted, a price is in force for every quote from then on; jobs made before keep theirs.")
    for each in proposals[:SHOWN]:
        _proposal(each)
    if len(proposals) > SHOWN:
        st.caption(f"And {count(len(proposals) - SHOWN, 'more proposal')}, once these are decided.")


def _proposal(each: Document) -> None:
    with st.container(
        border=True,
        horizontal=True,
        horizontal_alignment="distribute",
        vertical_alignment="center",
        key=f"price-{each['id']}",
    ):
        when = duties.condition_words(each["when"])
        said = f"said by {', '.join(each['sources'])} · first seen {parts.moment(each['first_seen_at'])}"
        st.markdown(
            f"**{plain(each['offer'])}** {plain(f'({when})') if when else ''}  \n"
            f"{plain(duties.change_words(each))}  \n:small[{plain(said)}]"
        )
        path = f"/v1/prices/proposals/{each['id']}"
        with st.container(horizontal=True, width="content"):
            accept = st.button("Accept", key=f"accept-{each['id']}", type="primary", icon=":material/check:")
            refuse = st.button("Refuse", key=f"refuse-{each['id']}", icon=":material/close:")
    if accept:
        told = f"{plain(each['offer'])} costs {each['after_usd']} USD now, for every quote from now on."
        deeds.do(lambda: session.podium().post(f"{path}/accept", {}), told)
    if refuse:
        told = f"{plain(each['offer'])} stays at {each['before_usd']} USD; the same is not proposed again."
        deeds.do(lambda: session.podium().post(f"{path}/refuse", {}), told)


def _retirements(words: Document) -> None:
    st.subheader("Retirements to confirm", anchor=False)
    rows = words["to_confirm"]
    if not rows:
        st.caption(":material/check_circle: None: every offer that is stale or retired was announced, or decided here.")
    for each in rows[:SHOWN]:
        with st.container(
            border=True,
            horizontal=True,
            horizontal_alignment="distribute",
            vertical_alignment="center",
            key=f"end-{each['offer']}",
        ):
            st.markdown(
                f"**{plain(each['offer'])}** is {each['stage']} since {each['stage_since']}"
                f"{'' if each['usable'] else ' · not set up here'}  \n:small[{plain(each['stage_evidence'])}]"
            )
            with st.container(horizontal=True, width="content"):
                confirm = st.button("Confirm", key=f"retire-{each['offer']}", icon=":material/event_busy:")
                keep = st.button("Keep", key=f"keep-{each['offer']}", icon=":material/event_available:")
        if confirm:
            _say(each["offer"], "retired", "is retired: no job gets it any more.")
        if keep:
            _say(each["offer"], "keep", "is kept, whatever was observed.")
    if words["total"] > SHOWN:
        st.caption(f"And {count(words['total'] - SHOWN, 'more offer')}, once these are decided.")
    _said(words["data"])
    with st.expander("Retire another offer", icon=":material/event_busy:"), st.form("retire", border=False):
        offer = st.text_input("Offer", placeholder="fal/google/veo-3.1")
        why = st.text_input("Why", placeholder="told wherever it is the reason")
        if st.form_submit_button("Retire it"):
            _say(offer, "retired", "is retired: no job gets it any more.", why)


def _said(rows: list[Document]) -> None:
    if not rows:
        return
    with st.expander(f"{count(len(rows), 'word')} said before", icon=":material/history:"):
        parts.table(
            [{"offer": row["offer"], "word": row["word"], "why": row["why"], "said": row["said_at"]} for row in rows],
            "offer-words", ["said"],
        )  # fmt: skip
        offer = st.selectbox("Take back", [row["offer"] for row in rows], index=None, placeholder="choose an offer")
        if offer and st.button("Take the word back", icon=":material/undo:"):
            _say(offer, "clear", "is judged by the evidence again.")


def _say(offer: str, word: str, told: str, why: str = "") -> None:
    body = {"offer": offer, "word": word, "why": why}
    deeds.do(lambda: session.podium().post("/v1/offers/word", body), f"{plain(offer)} {told}")


def _labels(page: Document) -> None:
    st.subheader("Unresolved names", anchor=False)
    rows = page["data"]
    if not rows:
        st.caption(":material/check_circle: None: every label on a board means a model of ours, or none.")
        return
    st.caption("Labels on leaderboards that mean no model of ours yet. Until they are settled they count for nothing.")
    by_label = {each["label"]: each for each in rows}
    label = str(
        st.selectbox("Label", list(by_label), key="label", help="Those with a resembling id are the likeliest.")
    )
    each = by_label[label]
    st.caption(f"Seen in {plain(duties.seen_words(each))}.")
    choices = [*each["near"], NONE_OF_OURS]
    model = st.selectbox(
        "Means", choices, key=f"means-{label}", accept_new_options=True,
        format_func=lambda name: "none of our models" if name == NONE_OF_OURS else str(name),
        help="A suggestion, or any id or name of a model: type it.",
    )  # fmt: skip
    if st.button("Settle", type="primary", icon=":material/check:", key="settle"):
        told = (
            f"{plain(label)} means {'none of our models' if model == NONE_OF_OURS else plain(str(model))} from now on."
        )
        deeds.do(lambda: session.podium().post("/v1/names/settle", {"label": label, "model": str(model)}), told)
    with st.expander(f"All {count(page['total'], 'label')}", icon=":material/list:"):
        table = [{"label": row["label"], "resembles": ", ".join(row["near"]), "seen in": duties.seen_words(row)}
                 for row in rows]  # fmt: skip
        parts.table(table, "labels")
