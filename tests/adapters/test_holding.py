"""The turns before a submit at an engine that holds one set of LoRAs, each call through JSON as if begun anew."""

import json

import pytest

from adapters.errors import CONSEQUENCES, Fault
from adapters.holding import ASK, CLEAR, SET, STAGES, Holding, first, turned
from adapters.registry import DIALECTS, load_catalog
from adapters.schema import Lora, MediaRequest, Task
from adapters.wire import Call, Failed, Pending, Reply, understand

IMAGES = Holding(DIALECTS["openai_images"])
SUBMIT = Call(stage="submit", url="/images/generations", json_body={"prompt": "x"})
INK, NIGHT = Lora(id="/loras/ink.safetensors", scale=0.8), Lora(id="night", scale=1.0)
NONE = {"loaded_adapters": [], "active": {}}


def listed(**held):
    entry = {"nicknames": [*held], "strengths": [*held.values()], "merged": True, "mode": "merge"}
    return {"loaded_adapters": [], "active": {"transformer": [entry], "transformer_2": [entry]}}


def after(call, body, status=200):
    call = Call.model_validate_json(call.model_dump_json())
    return understand(turned(DIALECTS["openai_images"], call), call, Reply(status, body=json.dumps(body).encode()))


def test_what_is_held_is_asked_first():
    call = first(SUBMIT, (INK,))
    assert (call.stage, call.method, call.url) == (ASK, "GET", "/list_loras")


def test_a_set_that_is_held_is_not_set_again():
    held = {"-loras-ink.safetensors".strip("-"): 0.8}
    assert after(first(SUBMIT, (INK,)), listed(**held)) == Pending(call=SUBMIT)


def test_the_shape_of_the_servers_page_is_read_too():
    entry = {"nickname": "night", "path": "p", "merged": True, "strength": 1.0}
    assert after(first(SUBMIT, (NIGHT,)), {"active": {"transformer": [entry]}}) == Pending(call=SUBMIT)


def test_onto_an_engine_that_holds_nothing_the_set_is_put_and_then_it_is_submitted():
    setting = after(first(SUBMIT, (INK,)), NONE).call
    assert (setting.stage, setting.url) == (SET, "/set_lora")
    assert setting.json_body == {
        "lora_nickname": "loras-ink.safetensors", "lora_path": "/loras/ink.safetensors", "strength": 0.8,
        "target": "all",
    }  # fmt: skip
    assert after(setting, {"status": "ok"}) == Pending(call=SUBMIT)


def test_another_set_is_taken_off_first():
    clearing = after(first(SUBMIT, (INK,)), listed(night=1.0)).call
    assert (clearing.stage, clearing.url) == (CLEAR, "/unmerge_lora_weights")
    assert after(clearing, {}).call.stage == SET


def test_the_same_loras_with_another_strength_are_another_set():
    assert after(first(SUBMIT, (NIGHT,)), listed(night=0.5)).call.stage == CLEAR


def test_without_loras_what_is_held_is_taken_off_and_nothing_is_put():
    call = first(SUBMIT, ())
    assert after(call, NONE) == Pending(call=SUBMIT)
    clearing = after(call, listed(night=1.0)).call
    assert clearing.stage == CLEAR and after(clearing, {}) == Pending(call=SUBMIT)


def test_several_are_said_as_lists_and_one_by_nickname_has_no_path():
    body = after(first(SUBMIT, (INK, NIGHT)), NONE).call.json_body
    assert body["lora_nickname"] == ["loras-ink.safetensors", "night"]
    assert body["lora_path"] == ["/loras/ink.safetensors", None] and body["strength"] == [0.8, 1.0]


@pytest.mark.parametrize(("status", "message"), [(404, "Not Found"), (500, "LoRA is not enabled for this pipeline")])
def test_a_server_without_loras_holds_none(status, message):
    body = {"detail": message}
    assert after(first(SUBMIT, ()), body, status) == Pending(call=SUBMIT)
    assert isinstance(after(first(SUBMIT, (INK,)), body, status), Failed)


@pytest.mark.parametrize("status", [400, 404, 422, 500, 503])
@pytest.mark.parametrize("steps", [0, 1, 2])
def test_a_switch_that_fails_ends_the_run_here_and_lets_it_go_elsewhere(status, steps):
    call = first(SUBMIT, (INK,))
    for _ in range(steps):
        call = after(call, listed(night=1.0) if call.stage == ASK else {}).call
    failed = after(call, {"detail": "Failed to set LoRA adapter"}, status)
    assert isinstance(failed, Failed) and failed.is_verdict and not failed.fate_unknown
    assert CONSEQUENCES[failed.error.fault].try_elsewhere and failed.error.fault is not Fault.INVALID_REQUEST


@pytest.mark.parametrize(
    "body", [[], {"active": {"transformer": [{}]}}, {"active": {"t": [{"nicknames": ["a"], "strengths": [1, 2]}]}}]
)
def test_an_answer_that_is_no_such_list_is_a_bad_reply(body):
    failed = after(first(SUBMIT, (INK,)), body)
    assert isinstance(failed, Failed) and failed.error.fault is Fault.BAD_REPLY


def test_the_submit_itself_says_nothing_of_loras():
    (offer,) = [o for o in load_catalog().cards["sglang"].offers if o.model == "black-forest-labs/flux-1-dev"]
    request = MediaRequest(task=Task.TEXT_TO_IMAGE, prompt="x", width=512, height=512, loras=(INK,))
    call = IMAGES.submit(request, offer)
    assert call.stage in STAGES
    plain = request.model_copy(update={"loras": ()})
    assert call.memo["submit_later"] == DIALECTS["openai_images"].submit(plain, offer).model_dump(mode="json")


def test_other_calls_are_read_by_the_dialect_itself():
    assert turned(DIALECTS["openai_images"], SUBMIT) is DIALECTS["openai_images"]
