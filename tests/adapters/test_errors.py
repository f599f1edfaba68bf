"""The table of faults: what each status means, and what follows from it."""

import pytest
from hypothesis import given, strategies as st

from adapters.errors import CONSEQUENCES, Fault, from_status
from adapters.wire import RETRY_AFTER_MAX_S, Call, Reply, counted, linked, refusal

SUBMIT = Call(stage="submit", url="/x")


def test_every_fault_has_its_consequences():
    assert set(CONSEQUENCES) == set(Fault)


def test_only_a_missing_model_hints_retirement():
    assert [fault for fault in Fault if CONSEQUENCES[fault].hints_retirement] == [Fault.MODEL_MISSING]


def test_what_the_caller_or_the_operator_is_blamed_for_does_not_hurt_the_provider():
    for fault, consequence in CONSEQUENCES.items():
        assert consequence.hurts_reliability == (consequence.blames == "provider"), fault


@given(st.integers(300, 999))
def test_every_status_has_one_fault_and_only_the_fours_blame_the_caller(status):
    fault = from_status(status, "no").fault
    if fault is Fault.INVALID_REQUEST:
        assert 400 <= status < 500
    if status >= 500:
        assert fault in (Fault.PROVIDER_FAULT, Fault.TIMED_OUT)
    if status < 400:
        assert fault is Fault.BAD_REPLY


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "99999999"}, RETRY_AFTER_MAX_S),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "²"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1" * 400}, None),
        ({}, None),
    ],
)
def test_the_pause_asked_for_is_seconds_and_bounded(headers, wait_s):
    assert refusal(SUBMIT, Reply(429, headers)).error.retry_after_s == wait_s


def test_what_cannot_be_a_count_costs_nothing():
    odd = {"nan": float("nan"), "inf": "Infinity", "minus": -1, "true": True, "none": None, "word": "many", "list": [1]}
    assert counted(odd) == {}
    assert {unit: str(count) for unit, count in counted({"a": 0.1, "b": 3, "c": "2.50"}).items()} == {
        "a": "0.1",
        "b": "3",
        "c": "2.50",
    }


def test_a_data_uri_is_the_media_itself():
    assert linked("data:image/webp;base64,aGk=", "image/png").model_dump(exclude_none=True) == {
        "mime": "image/webp",
        "base64": "aGk=",
    }
    assert linked("data:;base64,aGk=", "image/png").mime == "image/png"


@pytest.mark.parametrize("link", ["data:text/plain,hi", "file:///etc/passwd", "/relative", "", "javascript:alert(1)"])
def test_what_is_no_link_is_no_output(link):
    with pytest.raises(ValueError, match=r"link|base64"):
        linked(link, "image/png")
