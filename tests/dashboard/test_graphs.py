"""A workflow's graph: columns by level, no two boxes overlap, every line goes forward, a state is a word and a sign."""

from hypothesis import given, strategies as st

from dashboard import charts, graphs


def step(name, level, *after, status="waiting", **more):
    return {
        "id": name, "level": level, "after": list(after), "status": status, "task": "text", "model": None, "job": None,
        "progress": 0.0, "quote_usd": "0.01", "cost_usd": None, "outputs": [], "error": None, "started_at": None,
        "ended_at": None,
    } | more  # fmt: skip


def workflow(*steps, **more):
    return {"steps": list(steps), "metadata": {}, "max_cost_usd": None, "cost_usd": "0", "held_usd": "0"} | more


@st.composite
def graphs_of_steps(draw):
    """Steps whose level is one more than the highest of those before them."""
    made = []
    for number in range(draw(st.integers(1, 12))):
        before = draw(st.lists(st.sampled_from(made), max_size=3, unique_by=lambda each: each["id"])) if made else []
        level = max((each["level"] + 1 for each in before), default=0)
        made.append(step(f"s{number}", level, *[each["id"] for each in before]))
    return workflow(*made)


@given(graphs_of_steps())
def test_no_two_boxes_overlap_and_every_line_goes_to_the_right(made):
    rows = graphs.boxes(made)
    assert len(rows) == len(made["steps"])
    for index, one in enumerate(rows):
        for other in rows[index + 1 :]:
            apart = one["x"] != other["x"] or one["bottom"] < other["top"] or other["bottom"] < one["top"]
            assert apart, (one["step"], other["step"])
    for line in graphs.edges(rows, made):
        assert line["from_x"] < line["to_x"]
    assert len(graphs.edges(rows, made)) == sum(len(each["after"]) for each in made["steps"])


def test_a_state_is_a_sign_and_a_word_and_of_one_that_runs_how_far_it_is():
    rows = graphs.boxes(workflow(step("a", 0, status="succeeded"), step("b", 1, "a", status="running", progress=0.4)))
    assert [row["state"] for row in rows] == ["✓ succeeded", "▶ running 40%"]
    assert set(graphs.SIGNS) <= set(charts.STATUS_COLOURS)


def test_steps_are_in_the_order_in_which_they_can_run():
    rows = graphs.steps(workflow(step("clip", 2, "still"), step("words", 0), step("still", 1, "words")))
    assert [(row["step"], row["after"]) for row in rows] == [("words", None), ("still", "words"), ("clip", "still")]


def test_counts_are_told_in_the_order_in_which_steps_come_to_be_so():
    assert graphs.counted({"succeeded": 2, "waiting": 1}) == "1 waiting, 2 succeeded"


def test_the_chart_keeps_a_width_for_each_column_and_pictures_are_in_it():
    made = workflow(*(step(f"s{level}", level) for level in range(12)))
    rows = graphs.boxes(made, {"s0": "data:image/jpeg;base64,AAAA"})
    drawn = charts.graph(rows, graphs.edges(rows, made)).to_dict()
    assert drawn["width"] >= 12 * charts.NARROW_PX
    assert "data:image/jpeg;base64,AAAA" in str(drawn) and "http" not in str(drawn["layer"])
    assert charts.graph([], []).to_dict()["layer"]
