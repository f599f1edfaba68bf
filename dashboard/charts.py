"""Rows into Altair charts by one grammar: position before colour, a unit on every axis, one palette. Pure.

The colours are those of Okabe and Ito's palette that stand out on white and on near-black alike; colour never says
anything alone: a shape, a label or a position says it too.
"""

from collections.abc import Sequence
from typing import Any

import altair as alt

from dashboard.frames import PARTS, Row
from dashboard.pareto import steps

BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GOLD = (
    "#2684c7", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#b8a400",
)  # fmt: skip
GREY = "#8a8f98"
PALETTE = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GOLD, GREY)
STATUS_COLOURS = {
    "waiting": GREY, "running": SKY, "pending": SKY, "succeeded": GREEN, "failed": RED, "canceled": GOLD,
    "unknown": PURPLE, "ready": BLUE, "queued": BLUE, "skipped": GREY,
}  # fmt: skip
INK = "currentColor"
"""The colour of the page's own words, whatever its theme: a canvas takes it from the page."""
HEIGHT_PX = 340
TALL_PX = 460
BAR_PX = 30
FRAME_PX = 130
"""What the axis, its title and the legend take of a chart's height."""
LEGEND_PX = 50
USD_FORMAT = "~g"
AMOUNT_FORMAT = ",~r"
QUALITY = "quality (chance to win against the median)"


def _data(rows: Sequence[Row]) -> Any:
    return alt.InlineData(values=list(rows))


def _finished(chart: Any, height: int = HEIGHT_PX, legend_columns: int = 5) -> Any:
    return (
        chart.properties(height=height)
        .configure_view(stroke=None)
        .configure_axis(labelLimit=280, titleFontWeight="normal", gridOpacity=0.35, labelFontSize=12)
        .configure_legend(labelLimit=220, orient="bottom", title=None, labelFontSize=12, columns=legend_columns)
    )


def frontier(points: Sequence[Row], chosen: str | None = None) -> Any:
    """Quality against price on a log scale, with each model's interval, and the Pareto line through the best."""
    base = alt.Chart(_data(points))
    price = alt.X(
        "price_usd:Q",
        scale=alt.Scale(type="log", nice=False, padding=48),
        axis=alt.Axis(title="price of a standard output (USD, log scale)", format=USD_FORMAT, tickCount=6),
    )
    quality = alt.Y("quality:Q", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(title=QUALITY, tickCount=5))
    kind = alt.Color(
        "group:N", scale=alt.Scale(domain=["on the Pareto line", "behind it"], range=[BLUE, GREY]), legend=alt.Legend()
    )
    grouped = base.transform_calculate(group="datum.is_best ? 'on the Pareto line' : 'behind it'")
    told = [
        alt.Tooltip("model:N"), alt.Tooltip("offer:N"), alt.Tooltip("price:N"), alt.Tooltip("quality:Q", format=".3f"),
        alt.Tooltip("low:Q", format=".2f"), alt.Tooltip("high:Q", format=".2f"),
        alt.Tooltip("median_s:Q", format=".1f", title="median seconds"),
        alt.Tooltip("reliability:Q", format=".0%"), alt.Tooltip("stage:N", title="life stage"),
        alt.Tooltip("source:N", title="quality says"),
    ]  # fmt: skip
    line = (
        alt.Chart(_data(steps(points)))
        .mark_line(interpolate="step-after", color=BLUE, strokeWidth=2, opacity=0.6)
        .encode(x=price, y=quality)
    )
    interval = grouped.mark_rule(strokeWidth=1.5).encode(
        x=price, y=alt.Y("low:Q"), y2="high:Q", color=kind,
        opacity=alt.condition("datum.is_best", alt.value(0.75), alt.value(0.18)),
    )  # fmt: skip
    dots = grouped.mark_point(filled=True, opacity=0.9).encode(
        x=price, y=quality, color=kind, tooltip=told,
        size=alt.Size(
            "median_s:Q", scale=alt.Scale(type="sqrt", range=[30, 320]),
            legend=alt.Legend(title="median seconds", symbolFillColor=GREY, values=[1, 10, 60], columns=3),
        ),
        shape=alt.Shape(
            "where:N", scale=alt.Scale(domain=["provider", "self-hosted"], range=["circle", "diamond"]),
            legend=alt.Legend() if any(row["where"] == "self-hosted" for row in points) else None,
        ),
    )  # fmt: skip
    names = (
        base.transform_filter("datum.is_named")
        .mark_text(align="center", dy=-16, fontSize=12, color=BLUE, fontWeight="bold")
        .encode(x=price, y=quality, text="name:N")
    )
    ring = (
        base.transform_filter(alt.datum.offer == (chosen or ""))
        .mark_point(size=500, stroke=ORANGE, strokeWidth=3, filled=False)
        .encode(x=price, y=quality)
    )
    return _finished(alt.layer(line, interval, dots, names, ring), TALL_PX)


def parts(rows: Sequence[Row]) -> Any:
    """Scores as stacked bars, one for each offer, the first on top."""
    names = [name for name in PARTS if any(row["part"] == name for row in rows)]
    offers = sorted({(row["rank"], row["offer"]) for row in rows})
    chart = (
        alt.Chart(_data(rows))
        .mark_bar(cornerRadius=2)
        .encode(
            x=alt.X("points:Q", axis=alt.Axis(title="points (parts of the score, stacked)")),
            y=alt.Y("offer:N", sort=[offer for _, offer in offers], axis=alt.Axis(title=None)),
            color=alt.Color("part:N", scale=alt.Scale(domain=names, range=list(PALETTE[: len(names)]))),
            order=alt.Order("order:Q"),
            tooltip=["offer:N", "part:N", alt.Tooltip("points:Q", format=".3f"), alt.Tooltip("score:Q", format=".3f")],
        )
    )
    return _finished(chart, _bars(len(offers)))


def _bars(count: int) -> int:
    return BAR_PX * count + FRAME_PX


def waterfall(bars: Sequence[Row]) -> Any:
    """A job's waiting and its attempts, in seconds since it was created."""
    statuses = sorted({row["status"] for row in bars}, key=list(STATUS_COLOURS).index)
    chart = (
        alt.Chart(_data(bars))
        .mark_bar(cornerRadius=3, height=16)
        .encode(
            x=alt.X("from_s:Q", axis=alt.Axis(title="seconds since the job was created")),
            x2="to_s:Q",
            y=alt.Y("label:N", sort=[row["label"] for row in bars], axis=alt.Axis(title=None)),
            color=alt.Color(
                "status:N", scale=alt.Scale(domain=statuses, range=[STATUS_COLOURS[name] for name in statuses])
            ),
            tooltip=["label:N", "status:N", "fault:N", alt.Tooltip("from_s:Q", format=".2f", title="from (s)"),
                     alt.Tooltip("to_s:Q", format=".2f", title="to (s)")],
        )
    )  # fmt: skip
    return _finished(chart, _bars(len(bars)))


def by_day(rows: Sequence[Row], days: Sequence[str], dimension: str, field: str, title: str) -> Any:
    """Spend or compute units, stacked by one dimension, on every one of these days."""
    names = sorted({row[dimension] for row in rows}, key=lambda name: (name == "others", name))
    chart = (
        alt.Chart(_data(rows))
        .mark_bar(cornerRadius=2)
        .encode(
            x=alt.X(
                "day:O", scale=alt.Scale(domain=list(days)),
                axis=alt.Axis(
                    title="day (UTC)", labelExpr="substring(datum.value, 5)", labelOverlap=True, labelAngle=0
                ),
            ),
            y=alt.Y(f"sum({field}):Q", axis=alt.Axis(title=title, format=AMOUNT_FORMAT)),
            color=alt.Color(f"{dimension}:N", scale=alt.Scale(domain=names, range=list(PALETTE))),
            tooltip=[
                alt.Tooltip("day:O", title="day (UTC)"), f"{dimension}:N",
                alt.Tooltip(f"sum({field}):Q", title=title, format=".6~g"),
                alt.Tooltip("sum(jobs):Q", title="jobs"),
            ],
        )
    )  # fmt: skip
    return _finished(chart, legend_columns=2)


def survival(rows: Sequence[Row], half_life_days: float | None) -> Any:
    """The share of places that last, as steps with their 95 % band; a dashed rule at the half-life."""
    base = alt.Chart(_data(rows)).encode(
        x=alt.X("day:Q", axis=alt.Axis(title="days since it came among the first")),
    )
    share = alt.Y("alive:Q", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(title="still there (share)", format="%"))
    band = base.mark_area(interpolate="step-after", color=SKY, opacity=0.25).encode(y=alt.Y("low:Q"), y2="high:Q")
    curve = base.mark_line(interpolate="step-after", color=BLUE, strokeWidth=3).encode(
        y=share,
        tooltip=["day:Q", alt.Tooltip("alive:Q", format=".0%"), alt.Tooltip("low:Q", format=".0%"),
                 alt.Tooltip("high:Q", format=".0%")],
    )  # fmt: skip
    layers = [band, curve]
    if half_life_days is not None:
        at = alt.Chart(_data([{"day": half_life_days, "label": f"half-life {half_life_days:.0f} days"}]))
        layers.append(at.mark_rule(strokeDash=[5, 4], color=ORANGE, strokeWidth=2).encode(x="day:Q"))
        layers.append(
            at.mark_text(align="right", dx=-6, y=12, color=ORANGE, fontSize=12).encode(x="day:Q", text="label:N")
        )
    return _finished(alt.layer(*layers))


def months(rows: Sequence[Row]) -> Any:
    """Models that came above the line and that went below it, by month."""
    chart = (
        alt.Chart(_data(rows))
        .mark_bar(cornerRadius=2)
        .encode(
            x=alt.X("month:O", axis=alt.Axis(title="month", labelAngle=0)),
            y=alt.Y("models:Q", axis=alt.Axis(title="models (went below zero)", tickMinStep=1)),
            color=alt.Color("what:N", scale=alt.Scale(domain=["came", "went"], range=[BLUE, RED])),
            tooltip=["month:O", "what:N", alt.Tooltip("size:Q", title="models")],
        )
    )
    return _finished(chart)


def ratings(rows: Sequence[Row]) -> Any:
    """A model's rating on one board over time, with its interval."""
    day = alt.Axis(title="reading of (UTC)", format="%d %b", tickCount=6)
    base = alt.Chart(_data(rows)).encode(x=alt.X("taken_at:T", axis=day))
    y = alt.Y("rating:Q", scale=alt.Scale(zero=False), axis=alt.Axis(title="rating (the board's own points)"))
    band = base.mark_area(color=SKY, opacity=0.25).encode(y=alt.Y("low:Q", scale=alt.Scale(zero=False)), y2="high:Q")
    line = base.mark_line(color=BLUE, strokeWidth=2, point=alt.OverlayMarkDef(filled=True, size=50)).encode(
        y=y,
        tooltip=[alt.Tooltip("utcyearmonthdate(taken_at):T", title="reading of"), "rank:Q", "of:Q", "label:N",
                 alt.Tooltip("rating:Q", format=".0f"), alt.Tooltip("low:Q", format=".0f"),
                 alt.Tooltip("high:Q", format=".0f")],
    )  # fmt: skip
    return _finished(alt.layer(band, line))


def qualities(rows: Sequence[Row]) -> Any:
    """Qualities with their intervals, one line for each name."""
    base = alt.Chart(_data(rows)).encode(
        y=alt.Y("name:N", sort=[row["name"] for row in rows], axis=alt.Axis(title=None))
    )
    bar = base.mark_rule(strokeWidth=5, color=SKY, opacity=0.6, strokeCap="round").encode(
        x=alt.X("low:Q", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(title=QUALITY, tickCount=5)),
        x2="high:Q",
    )
    dot = base.mark_point(filled=True, size=110, color=BLUE).encode(
        x="value:Q",
        tooltip=["name:N", alt.Tooltip("value:Q", format=".3f"), alt.Tooltip("low:Q", format=".2f"),
                 alt.Tooltip("high:Q", format=".2f")],
    )  # fmt: skip
    return _finished(alt.layer(bar, dot), _bars(len(rows)) - LEGEND_PX)


RATING = "rating (points of Elo's scale, 1000 in the middle)"


def standings(rows: Sequence[Row]) -> Any:
    """Ratings by votes with their 95 % intervals, one line for each model, the first on top."""
    base = alt.Chart(_data(rows)).encode(
        y=alt.Y("name:N", sort=[row["name"] for row in rows], axis=alt.Axis(title=None))
    )
    bar = base.mark_rule(strokeWidth=5, color=SKY, opacity=0.6, strokeCap="round").encode(
        x=alt.X("low:Q", scale=alt.Scale(zero=False, nice=True), axis=alt.Axis(title=RATING, tickCount=6)), x2="high:Q"
    )
    dot = base.mark_point(filled=True, size=120, opacity=1).encode(
        x="rating:Q",
        color=alt.Color(
            "where:N", scale=alt.Scale(domain=["on the board", "too few votes yet"], range=[BLUE, GREY]),
        ),
        shape=alt.Shape(
            "where:N", scale=alt.Scale(domain=["on the board", "too few votes yet"], range=["circle", "diamond"]),
        ),
        tooltip=["name:N", alt.Tooltip("rating:Q", format=".0f"), alt.Tooltip("low:Q", format=".0f"),
                 alt.Tooltip("high:Q", format=".0f"), "votes:Q", alt.Tooltip("won:Q", format=".0%")],
    )  # fmt: skip
    return _finished(alt.layer(bar, dot), _bars(len(rows)))


COLUMN_PX, NARROW_PX, LINE_PX = 280, 170, 112
"""A column of a graph, as wide as eight of them allow, and a line of boxes."""
GRAPH_PX = 1_120
THUMB_PX = 64


def graph(boxes: Sequence[Row], edges: Sequence[Row]) -> Any:
    """Steps as boxes from left to right, with their state in a word, a sign and a colour, and what they made."""
    columns = max((row["x"] for row in boxes), default=0) + 1
    column_px = max(NARROW_PX, min(COLUMN_PX, GRAPH_PX // columns))
    tops, bottoms = [row["top"] for row in boxes], [row["bottom"] for row in boxes]
    x_scale = alt.Scale(domain=[-0.45, columns - 0.55], nice=False, zero=False)
    y_scale = alt.Scale(
        domain=[min(tops, default=0) - 0.1, max(bottoms, default=1) + 0.1], nice=False, zero=False, reverse=True
    )

    def at(x: str, y: str) -> dict[str, Any]:
        return {"x": alt.X(f"{x}:Q", scale=x_scale, axis=None), "y": alt.Y(f"{y}:Q", scale=y_scale, axis=None)}

    line = alt.Chart(_data(edges))
    made = alt.Chart(_data(boxes))
    states = list(dict.fromkeys(row["status"] for row in boxes))
    colour = alt.Color(
        "status:N", legend=None, scale=alt.Scale(domain=states, range=[STATUS_COLOURS[name] for name in states])
    )
    told = ["step:N", "task:N", "status:N", "model:N", "cost:N"]
    inner_px = column_px * 0.76 - THUMB_PX - 34
    text: dict[str, Any] = {"align": "left", "baseline": "middle", "color": INK, "limit": inner_px, "dx": THUMB_PX + 20}
    layers = [
        line.mark_rule(color=GREY, strokeWidth=2).encode(**at("from_x", "from_y"), x2="to_x", y2="to_y"),
        line.mark_point(shape="triangle-right", filled=True, size=90, color=GREY, opacity=1, xOffset=-5).encode(
            **at("to_x", "to_y")
        ),
        made.mark_rect(cornerRadius=8, strokeWidth=2, fillOpacity=0.13, strokeOpacity=1).encode(
            **at("left", "top"), x2="right", y2="bottom", color=colour, stroke=colour, tooltip=told
        ),
        made.transform_filter("!datum.picture")
        .mark_text(fontSize=28, color=INK, dx=THUMB_PX / 2 + 10)
        .transform_calculate(sign="substring(datum.state, 0, 1)")
        .encode(**at("left", "y"), text="sign:N"),
        made.transform_filter("datum.picture")
        .mark_image(width=THUMB_PX, height=THUMB_PX, xOffset=THUMB_PX / 2 + 10)
        .encode(**at("left", "y"), url="picture:N", tooltip=told),
        made.mark_text(fontSize=14, fontWeight="bold", dy=-22, **text).encode(**at("left", "y"), text="step:N"),
        made.mark_text(fontSize=13, **text).encode(**at("left", "y"), text="state:N"),
        made.mark_text(fontSize=12, dy=22, opacity=0.75, **text).encode(**at("left", "y"), text="task:N"),
    ]
    lines = max(bottoms, default=1) - min(tops, default=0)
    return _finished(alt.layer(*layers), round(LINE_PX * (lines + 0.2))).properties(width=column_px * columns)
