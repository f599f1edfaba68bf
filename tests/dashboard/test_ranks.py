"""Boards in time: places, stays, who came and who went, and what comes to an end."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, strategies as some

from dashboard import ranks

FIRST = date(2026, 11, 1)


def reading(day, names, models=None):
    """A reading with these labels, best first; a label with a slash means that model, others mean none."""
    at = (FIRST + timedelta(days=day)).isoformat()
    standings = [
        {"label": name, "model": (models or {}).get(name, name if "/" in name else None), "rank": place,
         "rating": 1300.0 - place, "low": 1290.0 - place, "high": 1310.0 - place, "votes": 100}
        for place, name in enumerate(names, 1)
    ]  # fmt: skip
    return {"taken_at": f"{at}T06:00:00Z", "standings": standings}


def test_a_model_with_several_labels_holds_one_place_and_a_label_of_no_model_keeps_its_own():
    rows = ranks.places(reading(0, ["m/a", "a (fast)", "stranger", "m/b"], {"a (fast)": "m/a"}))
    assert [(row["place"], row["name"], row["known"]) for row in rows] == [
        (1, "a", "our model"), (2, "stranger", ranks.UNRESOLVED), (3, "b", "our model"),
    ]  # fmt: skip
    assert ranks.unresolved(rows) == ["stranger"]


def test_a_line_breaks_where_somebody_was_away_and_who_is_gone_says_so():
    history = [reading(0, ["m/a", "m/b", "m/c"]), reading(1, ["m/a", "m/c", "m/b"]), reading(2, ["m/a", "m/b", "m/c"])]
    rows = ranks.bump(history, 2)
    runs = [(row["day"][-2:], row["run"], row["is_alone"]) for row in rows if row["subject"] == "m/b"]
    assert runs == [("01", "m/b 0", True), ("03", "m/b 1", True)]
    assert [row["is_now"] for row in rows if row["subject"] == "m/c"] == [False]
    assert {row["subject"] for row in rows if row["is_last"]} == {"m/a", "m/b"}


SOME = some.lists(some.permutations(["m/a", "m/b", "m/c", "x", "y"]), min_size=1, max_size=8)


@given(SOME, some.integers(1, 5))
def test_every_reading_gives_its_places_once_each_and_the_ends_are_those_of_the_newest(orders, top):
    history = [reading(day, names) for day, names in enumerate(orders)]
    rows = ranks.bump(history, top)
    for day in {row["day"] for row in rows}:
        assert sorted(row["place"] for row in rows if row["day"] == day) == list(range(1, top + 1))
    assert [row["subject"] for row in ranks.ends(history, top)] == orders[-1][:top]
    for run in {row["run"] for row in rows}:
        days = sorted(date.fromisoformat(row["day"]).toordinal() for row in rows if row["run"] == run)
        assert days == list(range(days[0], days[0] + len(days)))


def test_of_several_readings_of_a_day_the_last_one_counts():
    early, late = reading(0, ["m/a"]), reading(0, ["m/b"]) | {"taken_at": "2026-11-01T18:00:00Z"}
    assert ranks.by_day([late, early]) == [late]
    assert ranks.bump([], 5) == [] == ranks.ends([], 5)


def test_who_is_new_and_who_is_gone_since_a_week_is_told_with_the_place_there_was():
    days = {0: ["m/old", "m/b"], 2: ["m/a", "m/b", "m/c"], 9: ["m/a", "m/c", "m/b"], 10: ["m/c", "m/a", "m/b", "x"]}
    moved = ranks.moved([reading(day, names) for day, names in days.items()], 2)
    assert moved.since == "2026-11-03"  # the newest that is a week older than the newest of all
    assert moved.came == (("c", 1),)
    assert moved.gone == (("b", 2, 3),)
    assert (moved.joined, moved.left) == (1, 0)
    assert ranks.moved([reading(0, ["m/a"])], 2) is None
    away = ranks.moved([reading(0, ["m/a", "m/b"]), reading(1, ["m/b"])], 2)
    assert away.gone == (("a", 1, None),)


def test_a_readings_age_is_in_whole_days_and_never_less_than_none():
    now = datetime(2026, 11, 21, 5, tzinfo=UTC)
    assert ranks.age_days("2026-11-13T06:00:00Z", now) == 7
    assert ranks.age_days("2026-11-22T06:00:00Z", now) == 0


CHURN = {
    "until": "2026-11-20", "now": ["m/second", "m/first"], "spells_list": [
        {"subject": "m/first", "began": "2026-10-01", "ended": None, "saw_beginning": False, "days": 50},
        {"subject": "m/gone", "began": "2026-10-02", "ended": "2026-10-05", "saw_beginning": True, "days": 3},
        {"subject": "m/late", "began": "2026-10-02", "ended": "2026-11-05", "saw_beginning": True, "days": 34},
        {"subject": "m/second", "began": "2026-10-09", "ended": None, "saw_beginning": True, "days": 42},
    ],
}  # fmt: skip


def test_stays_that_go_on_are_first_in_the_order_of_their_places_then_the_last_to_go():
    rows = ranks.stays(CHURN)
    assert [row["name"] for row in rows] == ["second", "first", "late", "gone"]
    assert [row["until"] for row in rows] == ["2026-11-20", "2026-11-20", "2026-11-05", "2026-10-05"]
    assert [row["stayed"] for row in rows] == ["at least 42 days", "at least 50 days", "34 days", "3 days"]
    assert [row["began_before"] for row in rows] == [False, True, False, False]
    assert ranks.stays({"until": "2026-11-20", "now": []}) == []


def test_changes_are_counted_by_month_and_kind():
    seen = [{"at": "2026-10-01T00:00:00Z", "kind": "price"}, {"at": "2026-10-09T00:00:00Z", "kind": "price"},
            {"at": "2026-11-09T00:00:00Z", "kind": "appeared"},
            {"at": "2026-11-09T00:00:00Z", "kind": "of_late"}]  # fmt: skip
    assert [(row["month"], row["what"], row["changes"]) for row in ranks.by_month(seen)] == [
        ("2026-10", "price changed", 2), ("2026-11", "appeared", 1), ("2026-11", "of late", 1),
    ]  # fmt: skip


def test_a_model_ends_first_where_its_first_offer_ends_and_the_next_is_first():
    def offer(provider, model, ends, successor=None):
        return {"id": f"{provider}/{model}", "provider": provider, "model": model, "ends": ends, "successor": successor}

    found = ranks.retirements([offer("b", "m/x", "2027-02-01"), offer("a", "m/x", "2027-01-01", "m/new"),
                               offer("a", "m/y", "2026-12-01"), offer("a", "m/z", None)])  # fmt: skip
    assert [(row["name"], row["ends"], row["offers"], row["where"]) for row in found] == [
        ("y", "2026-12-01", 1, "a"), ("x", "2027-01-01", 2, "a, b"),
    ]  # fmt: skip
    assert [row["successor"] for row in found] == ["none named", "m/new"]
