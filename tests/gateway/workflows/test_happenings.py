"""What a listener hears of a workflow follows from what it was told, and nothing is told twice."""

from datetime import UTC, datetime

from hypothesis import given, strategies as st

from gateway.workflows import happenings
from gateway.workflows.store import Seen
from gateway.workflows.views import view

NOW = datetime(2026, 11, 21, tzinfo=UTC)
STATES = ["waiting", "ready", "running", "succeeded", "failed", "canceled", "skipped"]


def seen(states, status="running"):
    workflow = {
        "id": "wfl_1", "name": None, "status": status, "on_failure": "stop", "quote_nanos": 5, "max_cost_nanos": None,
        "extras": "{}", "created_at": NOW, "canceled_at": None, "ended_at": None,
    }  # fmt: skip
    steps = [
        {
            "name": f"s{number}", "status": state, "after": "[]", "task": "text", "job_id": None, "job_offer": None,
            "job_status": "queued" if state == "running" else None, "job_progress": 0.5, "job_held_nanos": 5,
            "job_cost_nanos": None, "quote_nanos": 5, "ceiling_nanos": None, "outputs": None, "error": None,
            "ready_at": None, "started_at": None, "ended_at": NOW,
        }
        for number, state in enumerate(states)
    ]  # fmt: skip
    return Seen(workflow, steps)


def link(asset):
    return f"https://here/{asset}"


@given(st.lists(st.sampled_from(STATES), min_size=1, max_size=50))
def test_each_step_that_is_not_waiting_is_told_once(states):
    found = happenings.after("", seen(states), link)
    assert [each.data["id"] for each in found] == [f"s{n}" for n, state in enumerate(states) if state != "waiting"]
    told = found[-1].told if found else ""
    assert happenings.told_by(told) == told and happenings.after(told, seen(states), link) == []


@given(st.lists(st.tuples(st.sampled_from(STATES), st.sampled_from(STATES)), min_size=1, max_size=20))
def test_who_comes_back_hears_what_has_changed_since(pairs):
    before, after = zip(*pairs, strict=True)
    first = happenings.after("", seen(before), link)
    rest = happenings.after(first[-1].told if first else "", seen(after), link)
    assert [each.data["id"] for each in rest] == [f"s{n}" for n, (old, new) in enumerate(pairs) if old != new]


def test_the_end_is_told_last_and_nothing_after_it():
    found = happenings.after("", seen(["succeeded"], "succeeded"), link)
    assert [each.name for each in found] == ["step", "done"] and found[-1].told == happenings.DONE
    assert happenings.after("done", seen(["succeeded"], "succeeded"), link) == []
    assert str(found[-1]).startswith("id: done\nevent: done\ndata: {")


@given(st.text(max_size=60))
def test_an_id_that_says_nothing_is_told_all(said):
    assert happenings.told_by(said) in ("", said)
    assert happenings.told_by("x" * 51) == "" == happenings.told_by(None)


def test_money_of_a_running_job_is_held_and_of_none_is_nothing():
    shown = view(seen(["running", "waiting"]), link)
    assert (shown["held_usd"], shown["cost_usd"], shown["quote_usd"]) == ("0.000000005", "0.00", "0.000000005")
    assert shown["steps"][0]["status"] == "queued" and shown["progress"] == 0.5
