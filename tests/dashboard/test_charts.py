"""Charts keep to one grammar: every axis has a title with its unit, every colour is of one palette."""

import base64
import struct
import zlib

import pytest

from dashboard import charts, frames, offers, pareto, ranks, timelines
from dashboard.standards import SIDE_PIXELS, plain_picture, standards
from tests.dashboard.documents import CHURN, attempt, decision, group, job, ranked

MARKET = decision(ranked("fal/a/dear", "0.20", 0.9), ranked("fal/b/cheap", "0.002", 0.5), ranked("fal/c/x", "0.1", 0.4))
TRIED = job(attempt("fal/a/b", "unknown", "2026-11-21T04:00:01Z", "2026-11-21T04:00:04Z", "timed_out"))
SPENT = frames.spend({"data": [group("2026-11-20", "m", "0.5"), group("2026-11-21", "n", "1")]}, "model")
RATED = [
    {"taken_at": "2026-08-01T00:00:00Z", "rank": 1, "of": 9, "label": "a", "rating": 1300, "low": 1290, "high": 1310}
]
HISTORY = [
    {"taken_at": f"2026-11-0{day}T06:00:00Z", "standings": [
        {"label": label, "model": model, "rank": rank, "rating": 1300.0, "low": 1290.0, "high": 1310.0, "votes": 9}
        for rank, (label, model) in enumerate([("a", "m/a"), ("it's \"new\"", None)][:: 1 if day % 2 else -1], 1)
    ]} for day in (1, 2, 3)
]  # fmt: skip
PLACED, NEWEST = ranks.bump(HISTORY, 2), ranks.ends(HISTORY, 2)
STAYED = ranks.stays({"until": "2026-11-20", "now": ["m/a"], "spells_list": [
    {"subject": "m/a", "began": "2026-10-01", "ended": None, "saw_beginning": False, "days": 50}]})  # fmt: skip
ENDING = ranks.retirements([{"provider": "p", "model": "m/a", "ends": "2027-01-01", "successor": None}])
CHANGED = ranks.by_month([{"at": "2026-10-01T00:00:00Z", "kind": "price"}])
QUALITY = [{"name": "text-to-image", "value": 0.7, "low": 0.6, "high": 0.8}]

FILLED = [
    {"budget": "All", "filled": 3.0, "spent": "3", "limit": "1", "window": "day", "words": "3 of 1 USD"},
]

STANDINGS = [
    {"name": "Dear", "rating": 1010.0, "low": 900.0, "high": 1100.0, "votes": 3, "won": 0.6, "where": "on the board"}
]
DRAWN = {
    "frontier": lambda: charts.frontier(pareto.frontier(MARKET), "fal/a/dear"),
    "parts": lambda: charts.parts(frames.parts(MARKET)),
    "waterfall": lambda: charts.waterfall(frames.waterfall(TRIED)),
    "by_day": lambda: charts.by_day(SPENT, ["2026-11-20", "2026-11-21"], "model", "spend_usd", "spend (USD)"),
    "survival": lambda: charts.survival(frames.survival(CHURN), 49.2),
    "months": lambda: charts.months(frames.months(CHURN)),
    "ratings": lambda: charts.ratings(RATED),
    "qualities": lambda: charts.qualities(QUALITY),
    "bump": lambda: timelines.bump(PLACED, NEWEST, 2, "m/a"),
    "ladder": lambda: timelines.ladder(NEWEST, "m/a"),
    "stays": lambda: timelines.stays(STAYED, 5),
    "retirements": lambda: timelines.retirements(ENDING),
    "changes": lambda: timelines.changes(CHANGED, ["price changed"]),
    "compared": lambda: timelines.compared(
        offers.compared(MARKET, "a/dear"), "p50_s", "median time (seconds)", "p95_s"
    ),
    "standings": lambda: charts.standings(STANDINGS),
    "budgets": lambda: charts.budgets(FILLED),
    "faults": lambda: charts.faults([{"fault": "timed out", "provider": "fal.ai", "attempts": 3}]),
    "prices_and_costs": lambda: charts.prices_and_costs([{"day": "2026-11-20", "spend": 2.0, "cost": 1.5}]),
}
UNITS = ("place (", "(USD", "(chance", "points", "seconds", "(UTC)", "days", "(share)", "month", "models", "attempts")
COLOURS = {*charts.PALETTE, *charts.STATUS_COLOURS.values(), "white"}


def found(value, name):
    """Every value of this name, however deep."""
    if isinstance(value, dict):
        yield from ([value[name]] if name in value else [])
        for each in value.values():
            yield from found(each, name)
    elif isinstance(value, list):
        for each in value:
            yield from found(each, name)


@pytest.mark.parametrize("name", DRAWN)
def test_every_quantity_has_an_axis_with_its_unit(name):
    drawn = DRAWN[name]().to_dict()
    titles = [axis.get("title") for axis in found(drawn, "axis") if axis]
    assert [title for title in titles if title]
    assert all(any(unit in title for unit in UNITS) for title in titles if title), titles


@pytest.mark.parametrize("name", DRAWN)
def test_no_colour_is_from_outside_the_palette(name):
    drawn = DRAWN[name]().to_dict()
    ranges = [each for scale in found(drawn, "range") for each in scale if str(each).startswith("#")]
    marks = [each["color"] for each in found(drawn, "mark") if isinstance(each, dict) and "color" in each]
    assert {*ranges, *marks} <= COLOURS


@pytest.mark.parametrize("name", DRAWN)
def test_what_is_drawn_is_in_the_chart_itself_and_fetched_from_nowhere(name):
    assert not list(found(DRAWN[name]().to_dict(), "url"))


def test_the_frontiers_price_is_on_a_log_scale_and_its_quality_is_whole():
    drawn = DRAWN["frontier"]().to_dict()
    scales = [each["scale"] for each in found(drawn, "x") if isinstance(each, dict) and "scale" in each]
    assert {scale["type"] for scale in scales} == {"log"}
    assert [0, 1] in [each["scale"]["domain"] for each in found(drawn, "y") if "scale" in each]


def test_the_first_place_is_on_top_and_lines_are_called_by_name_at_their_right_end():
    drawn = DRAWN["bump"]().to_dict()
    places = [each for each in found(drawn, "y") if isinstance(each, dict) and each.get("field") == "place"]
    assert all(each["scale"]["reverse"] and each["scale"]["domain"] == [0.5, 2.5] for each in places)
    (names,) = [each["labelExpr"] for each in found(drawn, "axis") if each.get("orient") == "right"]
    assert names == '{"1": "a", "2": "it\'s \\"new\\""}[datum.label]'


@pytest.mark.parametrize("name", ["bump", "ladder", "stays", "retirements"])
def test_a_click_on_what_is_drawn_is_told_to_the_page(name):
    names = [each["name"] for each in DRAWN[name]().to_dict()["params"]]
    assert timelines.PICKED in names


def test_a_chart_of_nothing_is_still_a_chart():
    assert charts.frontier([]).to_dict()["layer"]
    assert charts.parts([]).to_dict()["mark"]
    assert charts.survival(frames.survival({"survival": []}), None).to_dict()["layer"]


def test_the_standard_picture_is_a_png_of_the_size_that_is_said():
    data = base64.b64decode(plain_picture())
    assert data.startswith(b"\x89PNG")
    assert struct.unpack(">II", data[16:24]) == (SIDE_PIXELS, SIDE_PIXELS)
    body = data[data.index(b"IDAT") + 4 : data.index(b"IEND") - 8]
    assert len(zlib.decompress(body)) == SIDE_PIXELS * (SIDE_PIXELS + 1)


def test_each_standard_asks_for_its_own_task():
    assert [each.body["task"] for each in standards().values()] == list(standards())
