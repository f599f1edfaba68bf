"""Events made from rows: nothing is told twice, nothing is left out, wherever a listener stopped."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from adapters.wire import Partial
from gateway.jobs import happenings
from gateway.jobs.happenings import Told, after, told_by
from gateway.jobs.service import Seen

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TEXT = "a red fox runs"


def job(status="running", progress=0.0, text=None):
    outputs = json.dumps([{"asset": None, "text": text}]) if text is not None else None
    return {
        "id": "job_1", "key_id": "key_1", "status": status, "task": "text", "offer": "p/a/m",
        "progress": progress, "outputs": outputs,
        "created_at": NOW, "started_at": None, "ended_at": None, "bill": None, "quote_nanos": 0, "held_nanos": 0,
        "cost_nanos": None, "resolved": None, "adjustments": "[]", "undelivered": None, "decision_id": "dec_1",
        "canceled_by": None, "error": None, "extras": "{}",
    }  # fmt: skip


def attempt(number=1, status="open"):
    return {
        "id": f"att_{number}", "number": number, "offer": "p/a/m", "status": status, "fault": None, "error": None,
        "provider_status": None, "quote_nanos": 0, "cost_nanos": 0, "cost_source": None, "turns": 0,
        "started_at": None, "ended_at": None,
    }  # fmt: skip


LIFE = [
    Seen(job("queued"), [attempt()]),
    Seen(job("running"), [attempt()]),
    Seen(job("running", 0.25), [attempt()]),
    Seen(job("running", 0.25), [attempt(1, "unknown"), attempt(2)]),
    Seen(job("running", 0.5), [attempt(1, "failed"), attempt(2)]),
    Seen(job("succeeded", 1.0, TEXT), [attempt(1, "failed"), attempt(2, "succeeded")]),
]
"""A job with two attempts, from its beginning to its end."""


def heard(told, seen):
    """The events, and what is known after them, each id read back as a client would send it."""
    found = after(told, seen, str)
    for each in found:
        assert told_by(each.told.id) == each.told
        assert str(each).startswith(f"id: {each.told.id}\nevent: {each.name}\ndata: ") and str(each).endswith("\n\n")
    return found, found[-1].told if found else told


def names(found):
    return [each.name for each in found]


def test_a_life_that_is_watched_is_told_step_by_step():
    told, steps = Told(), []
    for seen in LIFE:
        found, told = heard(told, seen)
        steps.append(names(found))
    assert steps == [
        ["status", "attempt"], ["status"], ["progress"], ["attempt", "attempt"], ["attempt", "progress"],
        ["attempt", "delta", "status", "done"],
    ]  # fmt: skip
    assert heard(told, LIFE[-1]) == ([], told)


def test_who_comes_at_the_end_hears_all_that_stands():
    found, _ = heard(Told(), LIFE[-1])
    assert names(found) == ["attempt", "attempt", "delta", "status", "done"]
    assert found[2].data == {"text": TEXT} and found[-1].data["outputs"][0]["text"] == TEXT


@given(st.lists(st.integers(0, len(LIFE) - 1), max_size=6), st.integers(0, len(TEXT)))
def test_however_often_a_listener_comes_back_it_misses_nothing_and_hears_nothing_twice(looks, chars):
    told, found = Told(), []
    for look in [*sorted(looks), len(LIFE) - 1]:
        if look == len(LIFE) - 2 and not told.chars:
            told = told.said(TEXT[:chars])  # the words of the second attempt, as they came
        some, told = heard(told_by(told.id), LIFE[look])
        found += some
    ended = [
        each.data["number"]
        for each in found
        if each.name == "attempt" and each.data["status"] in ("failed", "succeeded")
    ]
    assert ended == [1, 2] and names(found)[-2:] == ["status", "done"] and names(found).count("done") == 1
    assert told.chars == len(TEXT)


def test_words_that_were_heard_are_not_told_again_at_the_end():
    told = Told("running", (3, 1), 500).said(TEXT[:6])
    [delta] = [each for each in heard(told, LIFE[-1])[0] if each.name == "delta"]
    assert delta.data == {"text": TEXT[6:]}
    told = Told("running", (3, 1), 500).said(TEXT)
    assert "delta" not in names(heard(told, LIFE[-1])[0])


def test_with_another_attempt_the_words_begin_anew():
    _, told = heard(Told("running", (1,), 250, 9), LIFE[3])
    assert told.chars == 0
    _, told = heard(told.said("a red"), LIFE[4])
    assert told.chars == 5, "its further fate changes nothing"


def test_an_attempt_whose_fate_became_known_again_is_told_when_it_ends():
    told = Told("running", (2,))
    assert names(heard(told, LIFE[1])[0]) == []
    assert names(heard(told, Seen(job(), [attempt(1, "failed")]))[0]) == ["attempt"]


@pytest.mark.parametrize(
    "said",
    [None, "", "7", "x.1.0.0", "done.1.0", "running.4.0.0", "running.1.0.-1", "running.1.0.1 ", "done.1.0.0\n", "é"],
)
def test_an_id_that_is_none_of_ours_is_told_all(said):
    assert told_by(said) == Told()


def test_after_the_end_nothing_is_left_to_tell():
    _, told = heard(Told(), LIFE[-1])
    assert told.status == happenings.DONE and heard(told_by(told.id), LIFE[-1])[0] == []


def test_a_partial_picture_is_told_and_leaves_no_trace_in_the_id():
    told = Told("running", (1,), 250, 3)
    event = happenings.delta(told, Partial(index=1, mime="image/png", base64="aGk="))
    assert (event.name, event.data) == ("partial", {"index": 1, "mime": "image/png", "base64": "aGk="})
    assert event.told == told
