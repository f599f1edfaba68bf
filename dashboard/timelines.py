"""Charts of what goes on in time: places on a board, stays, ends, changes. The grammar is that of charts.py. Pure."""

import json
from collections.abc import Sequence
from typing import Any

import altair as alt

from dashboard.charts import BLUE, GREY, ORANGE, PALETTE, SKY, bars_px, finished, inline
from dashboard.frames import Row
from dashboard.ranks import STAYS, UNRESOLVED

PICKED = "picked"
"""The selection by a click: what was clicked on is read under this name."""
PLACE_PX, SLIM_PX = 34, 26
UNSEEN = 0.01
"""Points that are there to be pointed at and clicked, and not to be seen."""
LINE_COLOURS = tuple(colour for colour in PALETTE if colour != GREY)
DAY = alt.Axis(title="reading of (UTC)", format="%d %b", tickCount=6, grid=False)


def picked(*fields: str) -> Any:
    return alt.selection_point(name=PICKED, fields=list(fields), on="click", empty=False)


def bump(rows: Sequence[Row], ends: Sequence[Row], top: int, chosen: str | None = None) -> Any:
    """Places over time, the first on top, each line called by its name at the right end. Colours repeat after seven, so
    lines are told apart by their ends and by what is pointed at. Who is gone is grey."""
    subjects = [row["subject"] for row in ends]
    gone = sorted({row["subject"] for row in rows} - set(subjects))
    colours = [LINE_COLOURS[number % len(LINE_COLOURS)] for number in range(len(subjects))] + [GREY] * len(gone)
    scale = alt.Scale(domain=[0.5, top + 0.5], reverse=True, nice=False, zero=False)
    pointed = alt.selection_point(name="pointed", fields=["subject"], on="pointerover", clear="pointerout")
    base = alt.Chart(inline(rows)).encode(
        x=alt.X("day:T", axis=DAY),
        color=alt.Color("subject:N", legend=None, scale=alt.Scale(domain=[*subjects, *gone], range=colours)),
        detail="run:N",
    )

    def at(**axis: Any) -> Any:
        every = list(range(1, top + 1))
        return alt.Y("place:Q", scale=scale, axis=alt.Axis(values=every, domain=False, ticks=False, **axis))

    names = f"{json.dumps({str(row['place']): row['name'] for row in ends})}[datum.label]"
    here = at(title="", orient="right", grid=False, labelExpr=names, labelFontWeight="bold")
    bare = at(title="", labels=False, grid=False)
    faint = 0.3 if chosen else 0.85
    lit = {"condition": {"param": "pointed", "empty": True, "value": faint}, "value": 0.12}
    line = base.mark_line(interpolate="monotone", strokeWidth=3).encode(
        y=at(title="place (1 is the best)", format="d"), opacity=lit
    )
    end = base.transform_filter("datum.is_last").mark_point(filled=True, size=110).encode(y=bare, opacity=lit)
    lone = base.transform_filter("datum.is_alone").mark_point(filled=True, size=30).encode(y=bare, opacity=lit)
    touch = base.mark_point(filled=True, size=90).encode(
        y=here,
        opacity={"condition": {"param": "pointed", "empty": False, "value": 0.9}, "value": UNSEEN},
        tooltip=[
            "name:N", "label:N", "place:Q", alt.Tooltip("utcyearmonthdate(day):T", title="reading of (UTC)"),
            alt.Tooltip("rating:Q", format=".0f"), alt.Tooltip("low:Q", format=".0f"),
            alt.Tooltip("high:Q", format=".0f"), alt.Tooltip("votes:Q", format=","), alt.Tooltip("known:N", title="is"),
        ],
    )  # fmt: skip
    layers = [line, lone, end, touch.add_params(pointed, picked("model"))]
    if any(row["subject"] == chosen for row in rows):
        own = base.transform_filter(alt.datum.subject == chosen)
        layers.insert(2, own.mark_line(interpolate="monotone", strokeWidth=6).encode(y=bare))
    return finished(alt.layer(*layers).resolve_axis(y="independent"), PLACE_PX * top + 70)


def ladder(rows: Sequence[Row], chosen: str | None = None) -> Any:
    """Ratings of one reading with their intervals, the first on top; what means no model of ours is a grey diamond."""
    base = alt.Chart(inline(rows)).encode(
        y=alt.Y("subject:N", sort=[row["subject"] for row in rows], axis=alt.Axis(title=None, labelExpr=_named(rows)))
    )
    bar = base.mark_rule(strokeWidth=5, color=SKY, opacity=0.6, strokeCap="round").encode(
        x=alt.X(
            "low:Q", scale=alt.Scale(zero=False),
            axis=alt.Axis(title="rating (the board's own points)", tickCount=5),
        ),
        x2="high:Q",
    )  # fmt: skip
    kinds = ["our model", UNRESOLVED]
    has_both = len({row["known"] for row in rows}) > 1
    legend = alt.Legend() if has_both else None
    dot = base.mark_point(filled=True, size=110, opacity=1).encode(
        x="rating:Q",
        color=alt.Color("known:N", legend=legend, scale=alt.Scale(domain=kinds, range=[BLUE, GREY])),
        shape=alt.Shape("known:N", legend=legend, scale=alt.Scale(domain=kinds, range=["circle", "diamond"])),
        tooltip=["name:N", "label:N", "place:Q", alt.Tooltip("rating:Q", format=".1f"),
                 alt.Tooltip("low:Q", format=".1f"), alt.Tooltip("high:Q", format=".1f"),
                 alt.Tooltip("votes:Q", format=","), alt.Tooltip("known:N", title="is")],
    )  # fmt: skip
    layers = [bar, dot.add_params(picked("model"))]
    if any(row["subject"] == chosen for row in rows):
        ring = base.transform_filter(alt.datum.subject == chosen).mark_point(
            size=380, stroke=ORANGE, strokeWidth=3, filled=False
        )
        layers.append(ring.encode(x="rating:Q"))
    return finished(alt.layer(*layers), PLACE_PX * len(rows) + 70)


def _named(rows: Sequence[Row]) -> str:
    """Subjects are unique and names are short: axes show the names."""
    return f"{json.dumps({row['subject']: row['name'] for row in rows})}[datum.label]"


def stays(rows: Sequence[Row], top: int) -> Any:
    """Stays among the first as bars in time. An arrow to the right goes on; one to the left began before one looked."""
    order = list(dict.fromkeys(row["subject"] for row in rows))
    base = alt.Chart(inline(rows)).encode(
        y=alt.Y("subject:N", sort=order, axis=alt.Axis(title=None, labelExpr=_named(rows)))
    )
    day = alt.Axis(title=f"days among the first {top} (UTC)", format="%d %b", tickCount=6)
    kinds = list(STAYS.values())
    bar = base.mark_bar(height=14, cornerRadius=3, opacity=0.9).encode(
        x=alt.X("began:T", axis=day, scale=alt.Scale(padding=16)), x2="until:T",
        color=alt.Color("state:N", legend=alt.Legend(), scale=alt.Scale(domain=kinds, range=[GREY, BLUE])),
        tooltip=["name:N", alt.Tooltip("utcyearmonthdate(began):T", title="first seen"),
                 alt.Tooltip("utcyearmonthdate(until):T", title="until"), "state:N", "stayed:N",
                 alt.Tooltip("began_before:N", title="under way at the first reading")],
    )  # fmt: skip
    onward = base.transform_filter(alt.datum.state == STAYS["open"]).mark_point(
        shape="triangle-right", filled=True, size=170, color=BLUE, opacity=1, xOffset=6
    )
    before = base.transform_filter("datum.began_before").mark_point(
        shape="triangle-left", filled=True, size=170, color=ORANGE, opacity=1, xOffset=-6
    )
    return finished(
        alt.layer(bar.add_params(picked("subject")), before.encode(x="began:T"), onward.encode(x="until:T")),
        bars_px(len(order)),
    )


def retirements(rows: Sequence[Row]) -> Any:
    """When models come to their first known end; a larger dot ends at more providers."""
    chart = (
        alt.Chart(inline(rows))
        .mark_point(filled=True, color=ORANGE, opacity=1)
        .encode(
            x=alt.X("ends:T", axis=alt.Axis(title="day of the first end (UTC)", format="%d %b %Y", tickCount=6)),
            y=alt.Y("model:N", sort=[row["model"] for row in rows],
                    axis=alt.Axis(title=None, grid=True, labelExpr="split(datum.label, '/')[1]")),
            size=alt.Size("offers:Q", scale=alt.Scale(range=[60, 300], domainMin=1), legend=None),
            tooltip=["model:N", alt.Tooltip("utcyearmonthdate(ends):T", title="ends on"),
                     alt.Tooltip("offers:Q", title="offers that end"), "where:N", "successor:N"],
        )
        .add_params(picked("model"))
    )  # fmt: skip
    return finished(chart, SLIM_PX * len(rows) + 80)


def changes(rows: Sequence[Row], kinds: Sequence[str]) -> Any:
    """How many changes of each kind were seen in each month, side by side, with their numbers."""
    base = alt.Chart(inline(rows)).encode(
        x=alt.X("month:O", axis=alt.Axis(title="month (UTC)", labelAngle=0)),
        xOffset=alt.XOffset("what:N", sort=list(kinds)),
        y=alt.Y("changes:Q", axis=alt.Axis(title="changes seen (models and offers)", tickMinStep=1)),
    )
    bar = base.mark_bar(cornerRadius=2).encode(
        color=alt.Color("what:N", scale=alt.Scale(domain=list(kinds), range=list(PALETTE[: len(kinds)]))),
        tooltip=["month:O", "what:N", "changes:Q"],
    )
    number = base.mark_text(dy=-7, fontSize=11, color=GREY).encode(text="changes:Q")
    return finished(alt.layer(bar, number))


def compared(rows: Sequence[Row], field: str, title: str, high: str | None = None, percent: bool = False) -> Any:
    """One measure of a model's offers, a bar for each provider in one order; to `high` by a thin line."""
    base = alt.Chart(inline(rows)).encode(
        y=alt.Y("offer:N", sort=[row["offer"] for row in rows],
                axis=alt.Axis(title=None, labelExpr="split(datum.label, '/')[0]"))
    )  # fmt: skip
    tooltip = ["offer:N", "price:N", "median:N", "slow:N", "reliable:N", "source:N", "stage:N"]
    axis = alt.Axis(title=title, tickCount=4, format="%" if percent else "~g")
    scale = alt.Scale(domain=[0, 1]) if percent else alt.Scale(domainMin=0)
    colour = alt.Color(
        "where:N", legend=None, scale=alt.Scale(domain=["provider", "self-hosted"], range=[BLUE, ORANGE])
    )
    bar = base.mark_bar(height=14, cornerRadius=3).encode(
        x=alt.X(f"{field}:Q", axis=axis, scale=scale), color=colour, tooltip=tooltip
    )
    layers = [bar]
    if high:
        layers.append(base.mark_rule(strokeWidth=2, color=GREY).encode(x=f"{field}:Q", x2=f"{high}:Q"))
        layers.append(base.mark_tick(thickness=2, height=12, color=GREY).encode(x=f"{high}:Q"))
    return finished(alt.layer(*layers), SLIM_PX * len(rows) + 70)
