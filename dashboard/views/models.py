"""Models: one model, its quality, its places on boards over time, its offers compared. It changes nothing."""

import streamlit as st

from dashboard import charts, frames, parts, session
from dashboard.client import Document
from dashboard.words import count

SINCE = "2000-01-01"
"""All readings that are kept; the API gives a hundred at most."""


def show() -> None:
    parts.heading("Models", "How good is this model, where can it be had, and how long will it last?")
    models = {each["id"]: each for each in session.steady_rows("/v1/models", all="true")}
    if not models:
        parts.empty("The catalog is empty: check PODIUM_CATALOG_DIR.")
        return
    names = sorted(models, key=lambda name: (not models[name]["available"], name))
    name = st.selectbox(
        "Model", names, key="model", bind="query-params",
        format_func=lambda each: each if models[each]["available"] else f"{each} (not to be had here)",
    )  # fmt: skip
    _one(models[str(name)])


def _one(model: Document) -> None:
    st.header(model["name"], anchor=False)
    stage, until, weights, offers = st.columns(4)
    stage.metric("Life stage", model["stage"], border=True, help=model["stage_evidence"])
    until.metric("Ends", model["ends"] or "not known", border=True)
    weights.metric("Weights", "open" if model["open_weights"] else "closed", border=True)
    offers.metric("Offers", len(model["offers"]), border=True)
    facts = [f"by {model['maker']}", f"for {', '.join(model['tasks'])}"]
    facts += [f"released {model['released']}"] if model["released"] else []
    st.caption(" · ".join(facts))
    if model["successor"]:
        parts.link("models", f"Its successor is {model['successor']}", model=model["successor"])
    if model["unsure"]:
        st.caption(f"Unsure: {model['unsure']}")
    _quality(model)
    for task in model["tasks"]:
        _offers(model, task)
    _boards(model)


def _quality(model: Document) -> None:
    rows = [{"name": task} | quality for task, quality in model["quality"].items()]
    st.subheader("Quality by task", anchor=False)
    parts.chart(charts.qualities(rows), "model-quality", "Quality with its 95 % interval, by task")
    for row in rows:
        st.caption(f"{row['name']}: {row['source']}")


def _offers(model: Document, task: str) -> None:
    own = [each for each in session.steady_rows("/v1/offers", task=task) if each["model"] == model["id"]]
    rows = frames.offers(own, task)
    if not rows:
        return
    st.subheader(f"{count(len(rows), 'offer')} for {task}", anchor=False)
    parts.table(
        rows, f"offers-{task}", (), median=parts.SECONDS, reliability=parts.SHARE,
        **{"19 of 20 within": parts.SECONDS, "price": st.column_config.TextColumn(width="medium")},
    )  # fmt: skip


def _boards(model: Document) -> None:
    boards = sorted({each["board"] for quality in model["quality"].values() for each in quality["boards"]})
    st.subheader("On leaderboards", anchor=False)
    if not boards:
        parts.empty("No board of its tasks lists it, so its quality is taken with a wide interval.")
        return
    for board in boards:
        history = session.steady(f"/v1/boards/{board}", since=SINCE)
        rows = frames.standings(history, model["id"])
        if not rows:
            continue
        newest = rows[-1]
        st.markdown(f"**{board}**: place {newest['rank']} of {newest['of']} on {newest['taken_at'][:10]} (UTC)")
        if len(rows) > 1:
            parts.chart(charts.ratings(rows), f"ratings-{board}", f"Rating on {board} over time with its interval")
        st.caption(f"{history['attribution']}, {history['licence']}")
