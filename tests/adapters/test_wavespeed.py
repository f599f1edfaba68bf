"""What transcripts do not tell of WaveSpeed: its list of models, and where it calls back."""

import json

import httpx

from adapters.dialects import wavespeed
from adapters.wire import Call, Listing, Reply
from tests.simulators.server import Server
from tests.simulators.wavespeed import SIMULATED


def test_its_list_names_models_by_their_paths() -> None:
    with Server(*SIMULATED) as server:
        world = server.world
        headers = {"authorization": f"Bearer {SIMULATED[0].key}"}
        call = wavespeed.list_models()
        answer = httpx.request(call.method, server.url + call.url, headers=headers)
    assert [ask.path for ask in world.asks] == [call.url]
    listed = wavespeed.read_models(call, Reply(answer.status_code, {}, answer.content))
    assert Listing(wire_id="wavespeed-ai/flux-schnell", name="wavespeed-ai/flux-schnell") in listed.models
    assert listed.next is None


def test_a_model_without_a_name_of_its_own_is_listed_too() -> None:
    reply = Reply(200, {}, json.dumps({"code": 200, "data": [{"model_id": "a/b", "base_price": 0.1}]}).encode())
    assert wavespeed.read_models(wavespeed.list_models(), reply).models == (Listing(wire_id="a/b"),)


def test_it_calls_back_at_an_address_that_is_part_of_the_submits_own() -> None:
    call = wavespeed.called_back(Call(stage="submit", url="/api/v3/a/b"), "https://here.example/in?x=1&y=2")
    assert call.url == "/api/v3/a/b?webhook=https%3A%2F%2Fhere.example%2Fin%3Fx%3D1%26y%3D2"
