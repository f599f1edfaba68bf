import json

import pytest
from hypothesis import given, strategies as st

from adapters import engine_readings
from adapters.engine_readings import Reading, calls, is_well, read
from adapters.registry import load_catalog
from adapters.schema import EngineHealth
from adapters.wire import Reply

CARDS = load_catalog().cards
METRICS = """# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="a {b} 3"} 3.0
vllm:num_requests_running{engine="1",model_name="a"} 2.0
vllm:num_requests_waiting{engine="0",model_name="a"} 4.0
vllm:num_requests_waiting_by_reason{engine="0"} 9.0
vllm:kv_cache_usage_perc{engine="0"} NaN
"""


def said(document):
    return Reply(200, {}, document.encode() if isinstance(document, str) else json.dumps(document).encode())


def test_comfyuis_queue_counts_what_runs_and_its_memory_leaves_out_the_processor():
    stats = {"devices": [{"type": "cuda", "vram_free": 5, "vram_total": 9}, {"type": "cpu", "vram_free": 7}]}
    found = read("comfyui", (said({"exec_info": {"queue_remaining": 4}}), said(stats)))
    assert found == Reading(1, 3, 5, 9) and found.ahead == 4
    assert read("comfyui", (said({"exec_info": {"queue_remaining": 0}}), None)) == Reading(0, 0)


def test_a1111_tells_of_one_run_and_of_no_queue():
    memory = {"ram": {}, "cuda": {"system": {"free": 1, "used": 2, "total": 3}}}
    assert read("a1111", (said({"progress": 0.4, "state": {"job_count": 2}}), said(memory))) == Reading(1, None, 1, 3)


def test_gauges_are_summed_over_their_labels_and_their_like_is_not_counted():
    assert read("vllm", (said(""), said(METRICS))) == Reading(running=5, waiting=4)


def test_sglang_without_metrics_is_well_and_tells_nothing():
    replies = (Reply(200), Reply(404, {}, b"not found"))
    assert is_well(replies[0]) and read("sglang", replies) == Reading() and Reading().ahead is None


@pytest.mark.parametrize(
    ("reply", "well"), [(None, False), (Reply(503), False), (Reply(200), True), (Reply(404), True)]
)
def test_an_engine_is_well_if_it_answers_anything_but_a_fault_of_its_own(reply, well):
    assert is_well(reply) is well


def test_what_is_asked_lies_above_the_version_in_an_address():
    vllm = CARDS["vllm"].model_copy(update={"base_url": "http://10.0.0.5:8000/v1"})
    assert [call.url for call in calls(vllm, vllm.health)] == [
        "http://10.0.0.5:8000/health", "http://10.0.0.5:8000/metrics",
    ]  # fmt: skip
    [ready] = calls(vllm, EngineHealth(kind="plain", path="/readyz"))
    assert ready.url == "http://10.0.0.5:8000/readyz" and ready.method == "GET"


def test_every_engine_on_an_own_machine_says_how_its_readings_are_taken():
    own = [card for card in CARDS.values() if card.self_hosted]
    assert {"comfyui", "a1111", "vllm", "sglang", "vllm-omni", "ollama", "localai"} <= {card.name for card in own}
    assert all(calls(card, card.health) for card in own if card.health)


@given(st.sampled_from(sorted(engine_readings.ASKED)), st.binary(max_size=60) | st.just(METRICS.encode()))
def test_nonsense_says_nothing_and_breaks_nothing(kind, body):
    replies = [Reply(200, {}, body)] * len(engine_readings.ASKED[kind])
    assert all(value is None or value >= 0 for value in read(kind, replies))


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["exec_info", "devices", "state", "cuda", "models"]), inner)
        ),
    )
)
def test_any_document_says_nothing_or_a_count(document):
    for kind, asked in engine_readings.ASKED.items():
        assert all(value is None or value >= 0 for value in read(kind, [said(document)] * len(asked)))
