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
    "unknown": PURPLE, "open": SKY, "ready": BLUE, "queued": BLUE, "skipped": GREY,
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


def inline(rows: Sequence[Row]) -> Any:
    return alt.InlineData(values=list(rows))


def finished(chart: Any, height: int = HEIGHT_PX, legend_columns: int = 5) -> Any:
    return (
        chart.properties(height=height)
        .configure_view(stroke=None)
        .configure_axis(labelLimit=280, titleFontWeight="normal", gridOpacity=0.35, labelFontSize=12)
        .configure_legend(labelLimit=220, orient="bottom", title=None, labelFontSize=12, columns=legend_columns)
    )


def frontier(points: Sequence[Row], chosen: str | None = None) -> Any:
    """Quality against price on a log scale, with each model's interval, and the Pareto line through the best."""
    base = alt.Chart(inline(points))
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
        alt.Chart(inline(steps(points)))
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
    return finished(alt.layer(line, interval, dots, names, ring), TALL_PX)


def parts(rows: Sequence[Row]) -> Any:
    """Scores as stacked bars, one for each offer, the first on top."""
    names = [name for name in PARTS if any(row["part"] == name for row in rows)]
    offers = sorted({(row["rank"], row["offer"]) for row in rows})
    chart = (
        alt.Chart(inline(rows))
        .mark_bar(cornerRadius=2)
        .encode(
            x=alt.X("points:Q", axis=alt.Axis(title="points (parts of the score, stacked)", tickCount=6)),
            y=alt.Y("offer:N", sort=[offer for _, offer in offers], axis=alt.Axis(title=None)),
            color=alt.Color("part:N", scale=alt.Scale(domain=names, range=list(PALETTE[: len(names)]))),
            order=alt.Order("order:Q"),
            tooltip=["offer:N", "part:N", alt.Tooltip("points:Q", format=".3f"), alt.Tooltip("score:Q", format=".3f")],
        )
    )
    return finished(chart, bars_px(len(offers)))


def bars_px(count: int) -> int:
    return BAR_PX * count + FRAME_PX


def waterfall(bars: Sequence[Row]) -> Any:
    """A job's waiting and its attempts, in seconds since it was created."""
    statuses = sorted({row["status"] for row in bars}, key=list(STATUS_COLOURS).index)
    chart = (
        alt.Chart(inline(bars))
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
    return finished(chart, bars_px(len(bars)))


def names(rows: Sequence[Row], dimension: str) -> list[str]:
    """What a dimension's colours stand for, in their order; what is not told apart comes last."""
    return sorted({row[dimension] for row in rows}, key=lambda name: (name == "others", name))


def by_day(rows: Sequence[Row], days: Sequence[str], dimension: str, field: str, title: str) -> Any:
    """Spend or compute units, stacked by one dimension, on every one of these days."""
    domain = names(rows, dimension)
    chart = (
        alt.Chart(inline(rows))
        .mark_bar(cornerRadius=2)
        .encode(
            x=alt.X(
                "day:O", scale=alt.Scale(domain=list(days)),
                axis=alt.Axis(
                    title="day (UTC)", labelExpr="utcFormat(toDate(datum.value), '%d %b')", labelOverlap=True,
                    labelAngle=0,
                ),
            ),
            y=alt.Y(f"sum({field}):Q", axis=alt.Axis(title=title, format=AMOUNT_FORMAT)),
            color=alt.Color(f"{dimension}:N", scale=alt.Scale(domain=domain, range=list(PALETTE))),
            tooltip=[
                alt.Tooltip("day:O", title="day (UTC)"), f"{dimension}:N",
                alt.Tooltip(f"sum({field}):Q", title=title, format=".6~g"),
                alt.Tooltip("sum(jobs):Q", title="jobs"),
            ],
        )
    )  # fmt: skip
    return finished(chart, legend_columns=2)


def survival(rows: Sequence[Row], half_life_days: float | None) -> Any:
    """The share of places that last, as steps with their 95 % band; a dashed rule at the half-life."""
    base = alt.Chart(inline(rows)).encode(
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
        at = alt.Chart(inline([{"day": half_life_days, "label": f"half-life {half_life_days:.0f} days"}]))
        layers.append(at.mark_rule(strokeDash=[5, 4], color=ORANGE, strokeWidth=2).encode(x="day:Q"))
        layers.append(
            at.mark_text(align="right", dx=-6, y=12, color=ORANGE, fontSize=12).encode(x="day:Q", text="label:N")
        )
    return finished(alt.layer(*layers))


def months(rows: Sequence[Row]) -> Any:
    """Models that came above the line and that went below it, by month."""
    chart = (
        alt.Chart(inline(rows))
        .mark_bar(cornerRadius=2)
        .encode(
            x=alt.X("month:O", axis=alt.Axis(title="month", labelAngle=0)),
            y=alt.Y("models:Q", axis=alt.Axis(title="models (went below zero)", tickMinStep=1)),
            color=alt.Color("what:N", scale=alt.Scale(domain=["came", "went"], range=[BLUE, RED])),
            tooltip=["month:O", "what:N", alt.Tooltip("size:Q", title="models")],
        )
    )
    return finished(chart)


def ratings(rows: Sequence[Row]) -> Any:
    """A model's rating on one board over time, with its interval."""
    day = alt.Axis(title="reading of (UTC)", format="%d %b", tickCount=6)
    base = alt.Chart(inline(rows)).encode(x=alt.X("taken_at:T", axis=day))
    y = alt.Y("rating:Q", scale=alt.Scale(zero=False), axis=alt.Axis(title="rating (the board's own points)"))
    band = base.mark_area(color=SKY, opacity=0.25).encode(y=alt.Y("low:Q", scale=alt.Scale(zero=False)), y2="high:Q")
    line = base.mark_line(color=BLUE, strokeWidth=2, point=alt.OverlayMarkDef(filled=True, size=25, color=BLUE)).encode(
        y=y,
        tooltip=[alt.Tooltip("utcyearmonthdate(taken_at):T", title="reading of"), "rank:Q", "of:Q", "label:N",
                 alt.Tooltip("rating:Q", format=".0f"), alt.Tooltip("low:Q", format=".0f"),
                 alt.Tooltip("high:Q", format=".0f")],
    )  # fmt: skip
    return finished(alt.layer(band, line))


def qualities(rows: Sequence[Row]) -> Any:
    """Qualities with their intervals, one line for each name."""
    base = alt.Chart(inline(rows)).encode(
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
    return finished(alt.layer(bar, dot), bars_px(len(rows)) - LEGEND_PX)


RATING = "rating (points of Elo's scale, 1000 in the middle)"


def standings(rows: Sequence[Row]) -> Any:
    """Ratings by votes with their 95 % intervals, one line for each model, the first on top."""
    base = alt.Chart(inline(rows)).encode(
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
    return finished(alt.layer(bar, dot), bars_px(len(rows)))


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

    line = alt.Chart(inline(edges))
    made = alt.Chart(inline(boxes))
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
    return finished(alt.layer(*layers), round(LINE_PX * (lines + 0.2))).properties(width=column_px * columns)


def budgets(rows: Sequence[Row]) -> Any:
    """How full budgets are, each against its own limit: the rule at 100 %. What is beyond it stays within the chart."""
    shown = [row | {"shown": min(row["filled"], FULLEST), "state": _fullness(row["filled"])} for row in rows]
    base = alt.Chart(inline(shown)).encode(
        y=alt.Y("budget:N", sort=[row["budget"] for row in rows], axis=alt.Axis(title=None))
    )
    used = alt.X(
        "shown:Q", scale=alt.Scale(domain=[0, WITH_WORDS]),
        axis=alt.Axis(title="spent or held, of the limit (share)", format=".0%", values=[0, 0.25, 0.5, 0.75, 1]),
    )  # fmt: skip
    bar = base.mark_bar(cornerRadius=2, height=14).encode(
        x=used,
        color=alt.Color(
            "state:N", legend=None,
            scale=alt.Scale(domain=["room left", "nearly full", "full"], range=[BLUE, ORANGE, RED]),
        ),
        tooltip=["budget:N", "state:N", alt.Tooltip("spent:N", title="spent or held (USD)"),
                 alt.Tooltip("limit:N", title="allowed (USD)"), alt.Tooltip("window:N", title="each")],
    )  # fmt: skip
    words = base.mark_text(align="left", dx=12, fontSize=12, color=GREY).encode(
        x=alt.datum(FULLEST), text="words:N"
    )  # fmt: skip
    limit = alt.Chart(inline([{"at": 1.0}])).mark_rule(color=RED, strokeWidth=2).encode(x="at:Q")
    return finished(alt.layer(bar, limit, words), bars_px(len(rows)) - LEGEND_PX)


FULLEST, WITH_WORDS = 1.1, 2.3
"""Where a bar ends that is beyond its limit, and, with room for words behind all bars, the axis."""


def _fullness(filled: float) -> str:
    return "full" if filled >= 1 else "nearly full" if filled >= 0.8 else "room left"


def faults(rows: Sequence[Row], beside: Sequence[str] = ()) -> Any:
    """What went wrong and how often, the commonest on top; by provider where it is known. Providers `beside` are drawn
    in another chart of the page, and have the same colours here."""
    names = list(dict.fromkeys(row["fault"] for row in rows))
    met = {row["provider"] for row in rows}
    providers = [*beside, *sorted(met - set(beside))][: len(PALETTE)]
    chart = (
        alt.Chart(inline(rows))
        .mark_bar(cornerRadius=2, height=16)
        .encode(
            x=alt.X("attempts:Q", axis=alt.Axis(title="failed attempts", tickMinStep=1, format="d")),
            y=alt.Y("fault:N", sort=names, axis=alt.Axis(title=None)),
            color=alt.Color(
                "provider:N", scale=alt.Scale(domain=providers, range=list(PALETTE[: len(providers)])),
                legend=alt.Legend(values=[name for name in providers if name in met]) if len(met) > 1 else None,
            ),
            tooltip=["fault:N", "provider:N", "attempts:Q"],
        )
    )  # fmt: skip
    return finished(chart, bars_px(len(names)), legend_columns=3)


def prices_and_costs(rows: Sequence[Row]) -> Any:
    """Day by day what keys paid and what providers are owed for it; the gap is the margin."""
    shown = [
        {"day": row["day"], "what": what, "usd": row[field]}
        for row in rows
        for what, field in (("paid by keys", "spend"), ("owed to providers", "cost"))
    ]
    chart = (
        alt.Chart(inline(shown))
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X("day:T", axis=alt.Axis(title="day (UTC)", format="%d %b", tickCount=8)),
            y=alt.Y("usd:Q", axis=alt.Axis(title="a day (USD)", format=AMOUNT_FORMAT)),
            color=alt.Color(
                "what:N", scale=alt.Scale(domain=["paid by keys", "owed to providers"], range=[BLUE, ORANGE])
            ),
            strokeDash=alt.StrokeDash("what:N", scale=alt.Scale(domain=["paid by keys", "owed to providers"])),
            tooltip=[alt.Tooltip("utcyearmonthdate(day):T", title="day (UTC)"), "what:N",
                     alt.Tooltip("usd:Q", title="USD", format=",.4~f")],
        )
    )  # fmt: skip
    return finished(chart, 260)
