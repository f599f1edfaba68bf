"""Frontier: which model gives how much quality for which price, and what would be cheaper or better. Spends nothing."""

import streamlit as st

from dashboard import charts, pareto, parts, session, timelines
from dashboard.client import Document
from dashboard.frames import Row
from dashboard.standards import standards
from dashboard.views import clicks
from dashboard.words import count

FREE_MOST = 4


def show() -> None:
    parts.heading("Frontier", "Quality against price: which model is worth its money, task by task?")
    task, every_offer = _asked()
    standard = standards()[task]
    decision = session.routed(standard.body)
    points = pareto.frontier(decision, every_offer)
    if not points:
        parts.empty(
            f"No offer for {task} has a price here. Give the gateway a provider's key (the settings page of the "
            "documentation lists them) and come back; the reasons are below."
        )
        _missing(decision, -1.0)
        return
    st.caption(
        f"For **{standard.words}**, as quoted now. Bars are 95 % intervals; size is the median time; a click "
        "leads to the model. "
        f"{count(len(points), 'offer' if every_offer else 'model')} shown"
        + ("." if every_offer else ", each by its cheapest offer.")
    )
    chosen = _chosen(points, decision["ranked"][0]["model"])
    drawn = charts.frontier(points, chosen["offer"]).add_params(timelines.picked("model"))
    clicks.to_model(drawn, "frontier-chart", _said(points))
    _free(decision)
    _advice(points, chosen)
    with st.expander("All as a table", icon=":material/table:"):
        _table(points)
    _missing(decision, max(row["quality"] for row in points if row["is_best"]) - 0.2)


def _asked() -> tuple[str, bool]:
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    with left:
        task = st.segmented_control(
            "Task", list(standards()), default="text-to-image", key="task", bind="query-params", required=True
        )
    with right:
        every_offer = st.toggle(
            "Every offer", key="every", bind="query-params", help="Else the cheapest of each model."
        )
    return str(task or "text-to-image"), bool(every_offer)


def _chosen(points: list[Row], auto: str) -> Row:
    """The offer to compare with; at first one of the model that `auto` chooses now."""
    offers = [row["offer"] for row in points]
    first = next((row["offer"] for row in points if row["model"] == auto), offers[0])
    asked = st.selectbox(
        "Compare with", offers, index=offers.index(first), key="offer", bind="query-params",
        help="At first what `auto` chooses. Name the one you use, or think of using: it is ringed in the chart.",
    )  # fmt: skip
    return next((row for row in points if row["offer"] == asked), points[0])


def _advice(points: list[Row], chosen: Row) -> None:
    cheaper, better = pareto.cheaper_as_good(points, chosen), pareto.better_for_the_same(points, chosen)
    down, up = pareto.beside(points, chosen)
    left, right = st.columns(2)
    with left, st.container(border=True, height="stretch"):
        st.markdown("**A cheaper model as good**")
        if cheaper is None:
            st.markdown(f"None: nothing cheaper than {chosen['price']} comes within {pareto.AS_GOOD} of its quality.")
            _step("One step down the line", down)
        else:
            saved = 1 - cheaper["price_usd"] / chosen["price_usd"]
            st.markdown(
                f"`{cheaper['offer']}` at **{cheaper['price']}**, {saved:.0%} less, "
                f"with quality {cheaper['quality']:.2f} against {chosen['quality']:.2f}."
            )
            parts.link("models", cheaper["name"], model=cheaper["model"])
    with right, st.container(border=True, height="stretch"):
        st.markdown("**A better model for the same money**")
        if better is None:
            st.markdown(f"None: nothing at {chosen['price']} or less is clearly better than {chosen['quality']:.2f}.")
            _step("One step up the line", up)
        else:
            st.markdown(
                f"`{better['offer']}` at **{better['price']}**, "
                f"with quality {better['quality']:.2f} against {chosen['quality']:.2f}."
            )
            parts.link("models", better["name"], model=better["model"])
    parts.link("models", f"More about {chosen['name']}", model=chosen["model"])


def _step(which: str, row: Row | None) -> None:
    """Where nothing is as good for less, or better for as much, the nearest that is near."""
    if row is not None:
        st.markdown(f"{which}: `{row['offer']}` at **{row['price']}**, with quality {row['quality']:.2f}.")
        parts.link("models", row["name"], model=row["model"])


def _said(points: list[Row]) -> str:
    best = [f"{row['model']} ({row['price']}, quality {row['quality']:.2f})" for row in points if row["is_best"]]
    return "Quality against price. On the Pareto line: " + "; ".join(best)


def _table(points: list[Row]) -> None:
    shown = ("model", "offer", "price_usd", "quality", "low", "high", "median_s", "reliability", "stage", "is_best")
    parts.table(
        [{name: row[name] for name in shown} for row in points], "frontier-table",
        price_usd=st.column_config.NumberColumn("price", format="%.6g USD"), quality=parts.QUALITY, low=parts.QUALITY,
        high=parts.QUALITY, median_s=st.column_config.NumberColumn("median time", format="%.1f s"),
        reliability=parts.SHARE, stage=st.column_config.TextColumn("life stage"),
        is_best=st.column_config.CheckboxColumn("on the line"),
    )  # fmt: skip


def _free(decision: Document) -> None:
    """Offers that cost nothing have no place on a log scale, and are named beside it."""
    rows = pareto.free(decision)
    if rows:
        named = ", ".join(f"`{row['offer']}` (quality {row['quality']:.2f})" for row in rows[:FREE_MOST])
        more = f" and {len(rows) - FREE_MOST} more" if len(rows) > FREE_MOST else ""
        st.caption(f"Not drawn, for a log scale has no zero: {named}{more} cost nothing here.")


def _missing(decision: dict[str, object], above: float) -> None:
    rows = pareto.missing(decision, above)
    if rows:
        with st.expander(f"{count(len(rows), 'good model')} not to be had here, and why", icon=":material/block:"):
            parts.table(rows, "frontier-missing", quality=parts.QUALITY)
