"""Models: one model, its quality, its places on boards over time, its offers compared. It changes nothing."""

from datetime import timedelta

import streamlit as st

from dashboard import charts, clock, frames, offers, parts, session, timelines
from dashboard.client import Document
from dashboard.standards import standards
from dashboard.views import clicks, lately
from dashboard.words import count, plain

SINCE_DAYS = 365
"""How far back boards are shown."""


def show() -> None:
    parts.heading("Models", "How good is this model, where can it be had, and how long will it last?")
    models = {each["id"]: each for each in session.steady_rows("/v1/models", all="true")}
    if not models:
        parts.empty("The catalog is empty: check PODIUM_CATALOG_DIR.")
        return
    names = sorted(models, key=lambda name: (not models[name]["available"], name))
    help_words = "Those that can be had here come first."
    name = st.selectbox("Model", names, key="model", bind="query-params", help=help_words)
    _one(models[str(name)])


def _one(model: Document) -> None:
    st.header(model["name"], anchor=False)
    stage, until, weights, count_of = st.columns(4)
    stage.metric("Life stage", model["stage"], border=True, height="stretch")
    until.metric("Ends", model["ends"] or "not known", border=True, height="stretch")
    weights.metric("Weights", "open" if model["open_weights"] else "closed", border=True, height="stretch")
    count_of.metric("Offers", len(model["offers"]), border=True, height="stretch")
    facts = [f"by {model['maker']}", f"for {', '.join(model['tasks'])}"]
    facts += [f"released {model['released']}"] if model["released"] else []
    st.caption(" · ".join(facts))
    since = f" since {model['stage_since']}" if model["stage_since"] else ""
    st.markdown(f"**{model['stage'].capitalize()}**{since}: {plain(model['stage_evidence'])}.")
    if not model["available"]:
        why = "the tables below say what stands in the way" if model["offers"] else "no provider here offers it"
        st.warning(f"It cannot be had here now: {why}.", icon=":material/block:")
    if model["successor"]:
        parts.link("models", f"Its successor is {model['successor']}", model=model["successor"])
    if model["unsure"]:
        st.caption(f"Unsure: {model['unsure']}")
    _quality(model)
    for task in model["tasks"]:
        _offers(model, task)
    lately.show(model["id"])
    _boards(model)


def _quality(model: Document) -> None:
    rows = [{"name": task} | quality for task, quality in model["quality"].items()]
    st.subheader("Quality by task", anchor=False)
    parts.chart(charts.qualities(rows), "model-quality", "Quality with its 95 % interval, by task")
    st.caption("; ".join(f"**{row['name']}**: {plain(row['source'])}" for row in rows) + ".")


def _offers(model: Document, task: str) -> None:
    own = [each for each in session.steady_rows("/v1/offers", task=task) if each["model"] == model["id"]]
    rows = frames.offers(own, task)
    if not rows:
        return
    st.subheader(f"{count(len(rows), 'offer')} for {task}", anchor=False)
    _compared(model, task)
    hazards = offers.hazards(own, task)
    ends = {each["offer"]: each["within a year"] for each in hazards}
    parts.table(
        [_with_chance(row, ends.get(row["offer"])) for row in rows], f"offers-{task}", (),
        median=parts.SECONDS, reliability=parts.SHARE,
        **{
            "19 of 20 within": parts.SECONDS, "price": st.column_config.TextColumn(width="medium"),
            "ends within a year": st.column_config.NumberColumn(
                format="percent", help="The chance by the hazard that this gateway measured for the provider's offers."
            ),
        },
    )  # fmt: skip
    if hazards:
        soonest = max(hazards, key=lambda each: float(each["per_day"]))
        st.caption(
            f"By the hazards that this gateway measures, the likeliest to end is {soonest['offer']}: it has "
            f"{soonest['words']}."
        )


def _with_chance(row: frames.Row, chance: float | None) -> frames.Row:
    """The chance of an end stands beside the end that is known."""
    known = {name: row[name] for name in row if name != "obstacle"}
    return known | {"ends within a year": None if chance is None else round(chance, 2), "obstacle": row["obstacle"]}


def _compared(model: Document, task: str) -> None:
    """Price, time and reliability of the offers that can be had, by one standard output of the task."""
    if task not in standards():
        return
    standard = standards()[task]
    rows = offers.compared(session.routed(standard.body), model["id"])
    if not rows:
        st.caption("None of them can be had here now; the table says why.")
        return
    st.caption(f"For {standard.words}, as quoted now. Thin lines reach to what 19 of 20 runs stay within.")
    told = "; ".join(f"{row['offer']}: {row['price']}, {row['median']}, {row['reliable']}" for row in rows)
    price, time, reliability = st.columns(3)
    with price:
        drawn = timelines.compared(rows, "price_usd", "price of a standard output (USD)")
        parts.chart(drawn, f"model-price-{task}", f"Prices. {told}")
    with time:
        drawn = timelines.compared(rows, "p50_s", "median time (seconds)", high="p95_s")
        parts.chart(drawn, f"model-time-{task}", f"Times. {told}")
    with reliability:
        drawn = timelines.compared(rows, "reliability", "runs that succeed (share)", percent=True)
        parts.chart(drawn, f"model-reliability-{task}", f"Reliability. {told}")


def _boards(model: Document) -> None:
    boards = sorted({each["board"] for quality in model["quality"].values() for each in quality["boards"]})
    st.subheader("On leaderboards", anchor=False)
    if not boards:
        parts.empty("No board of its tasks lists it, so its quality is taken with a wide interval.")
        return
    since = (clock.now() - timedelta(days=SINCE_DAYS)).date().isoformat()
    columns = st.columns(2, gap="large")
    for number, board in enumerate(boards):
        with columns[number % 2]:
            _board(model, board, since)


def _board(model: Document, board: str, since: str) -> None:
    history = clicks.history(board, since)
    rows = frames.standings(history, model["id"])
    if not rows:
        st.markdown(f"**{board}**: not listed since {since}")
        return
    newest = rows[-1]
    st.markdown(f"**{board}**: place {newest['rank']} of {newest['of']} on {newest['taken_at'][:10]} (UTC)")
    if len(rows) > 1:
        parts.chart(charts.ratings(rows), f"ratings-{board}", f"Rating on {board} over time with its interval")
    else:
        low, high = newest["low"], newest["high"]
        interval = f" ({low:.0f} to {high:.0f})" if low is not None and high is not None else ""
        st.caption(f"Rating {newest['rating']:.0f}{interval}; one reading so far, so there is no line to draw.")
    parts.link("leaderboards", "The whole board", board=board, model=model["id"])
    st.caption(f"{plain(history['attribution'] or '')}, {plain(history['licence'] or 'licence not known')}")
