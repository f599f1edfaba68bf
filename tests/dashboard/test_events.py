"""Server-sent events as they are read: whole ones only, words in order, and a log with the newest first."""

import base64

from dashboard import events
from dashboard.events import Event, Heard

SAID = """id: queued..0.0
event: status
data: {"id": "job_1", "status": "queued"}

: still here

id: running.1.0.0
event: attempt
data: {"number": 1, "offer": "fal/a/b", "status": "open", "fault": null}

id: running.1.250.0
event: progress
data: {"progress": 0.25}

event: broken
data: {"progress":

id: running.1.250.5
event: delta
data: {"text": "snow "}
"""


def heard(*said):
    return [Heard(float(at), each) for at, each in enumerate(said)]


def test_comments_broken_events_and_what_has_not_ended_are_left_out():
    read = list(events.read(SAID.splitlines()))
    assert [each.name for each in read] == ["status", "attempt", "progress"]
    assert read[-1] == Event("running.1.250.0", "progress", {"progress": 0.25})


def test_a_log_has_the_newest_first_in_words_and_leaves_out_the_end_that_is_the_job_itself():
    rows = events.log(heard(*events.read(SAID.splitlines()), Event("done", "done", {"id": "job_1"})))
    assert [(row["heard"], row["event"], row["says"]) for row in rows] == [
        (2.0, "progress", "25%"), (1.0, "attempt", "1. at fal/a/b: open"), (0.0, "status", "queued"),
    ]  # fmt: skip


def test_words_come_in_order_and_begin_anew_with_a_further_attempt():
    first = [Event("", "delta", {"text": "snow "}), Event("", "delta", {"text": "falls"})]
    assert events.text(first) == "snow falls"
    another = Event("", "attempt", {"number": 2, "status": "open"})
    assert events.text([*first, another, Event("", "delta", {"text": "rain"})]) == "rain"


def test_the_newest_picture_on_its_way_is_shown():
    coming = [Event("", "partial", {"index": at, "mime": "image/png", "base64": base64.b64encode(data).decode()})
              for at, data in enumerate((b"one", b"two"))]  # fmt: skip
    assert events.partial(coming) == b"two"
    assert events.partial([]) is None
