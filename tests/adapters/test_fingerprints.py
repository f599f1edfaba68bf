"""Engines are known by what they say, each by its own pages and by nobody else's; their lists are read, bounded."""

import json
from typing import Any

import pytest

from adapters import fingerprints, inventories
from adapters.fingerprints import FINGERPRINTS, PROBES, recognised
from adapters.inventories import FoundLora
from adapters.registry import load_catalog
from adapters.wire import Reply

OPENAPI_VLLM = {"openapi": "3.1.0", "paths": {"/v1/chat/completions": {}, "/tokenize": {}, "/version": {}}}
MODELS = {"object": "list", "data": [{"id": "Qwen/Qwen-Image", "object": "model", "created": 1_763_600_000}]}

PAGES: dict[str, dict[str, Any]] = {
    # as 0.3.64 was recorded
    "comfyui": {
        "/system_stats": {"system": {"os": "posix", "comfyui_version": "0.3.64", "pytorch_version": "2.13.0+cpu"},
                          "devices": [{"name": "cpu", "type": "cpu", "vram_total": 1, "vram_free": 1}]},
        "/": b"<!doctype html><html>",
    },
    "a1111": {
        "/sdapi/v1/memory": {"ram": {"free": 1, "total": 2}, "cuda": {"error": "unavailable"}}, "/": b"<!doctype html>",
    },
    "stable-diffusion-cpp": {
        "/sdcpp/v1/capabilities": {"model": "sd_xl_base_1.0.safetensors", "supported_modes": ["img_gen"], "loras": [],
                                   "limits": {"max_queue_size": 64}, "features_by_mode": {}},
        "/v1/models": {"data": [{"id": "sd-cpp-local"}]},
    },
    "invokeai": {"/api/v1/app/version": {"version": "6.13.0"}},
    "sglang": {
        "/model_info": {"model_path": "Qwen/Qwen-Image", "model_type": "diffusion", "output_types": ["image"]},
        "/metrics": b"sglang:diffusion_num_queue_reqs 0.0\n", "/v1/models": MODELS,
        "/openapi.json": {"paths": {"/v1/videos": {}}},
    },
    "vllm": {
        "/metrics": b"# HELP x\nvllm:num_requests_running{engine=\"0\"} 0.0\n", "/openapi.json": OPENAPI_VLLM,
        "/version": {"version": "0.30.0"}, "/v1/models": MODELS,
    },
    "vllm-omni": {
        "/metrics": b"vllm:num_requests_running 0.0\nvllm_omni:requests_waiting 0.0\n",
        "/version": {"version": "0.30.0"},
        "/openapi.json": {"paths": OPENAPI_VLLM["paths"] | {"/v1/videos": {}, "/v1/omni/sleep": {}}},
    },
    "ollama": {"/": b"Ollama is running", "/api/version": {"version": "0.17.4"}, "/v1/models": MODELS},
    "localai": {"/system": {"backends": ["llama-cpp"], "loaded_models": []}, "/metrics": b"api_call_count 1\n"},
    "tenstorrent": {"/tt-liveness": {"status": "alive", "model_ready": False}, "/v1/models": MODELS},
    "kserve": {"/v2": {"name": "kserve", "version": "0.17.0", "extensions": ["model_repository_extension"]}},
    "ray": {"/v1/health": {"status": "ok", "service": "podium-worker", "protocol": 1, "queue": {}, "replicas": []}},
}  # fmt: skip
VERSIONS = {"comfyui": "0.3.64", "invokeai": "6.13.0", "vllm": "0.30.0", "vllm-omni": "0.30.0", "ollama": "0.17.4",
            "kserve": "0.17.0", "ray": "1"}  # fmt: skip

STRANGERS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "a page for every path": {path: b"<!doctype html><html><body>Hello</body></html>" for path in PROBES},
    "an object for every path": {path: {} for path in PROBES},
    "a list for every path": {path: [] for path in PROBES},
    "another application of Ray Serve": {"/-/healthz": b"success", "/v1/health": {"status": "ok"}},
    "SGLang with a language model": {"/model_info": {"model_path": "x/y", "is_generation": True}, "/v1/models": MODELS},
    "an API with a version": {"/version": {"version": "1.2.3"}, "/api/version": {"version": "1.2.3"}, "/": b"hello"},
    "a version that is none": {"/api/v1/app/version": {"version": "<script>alert(1)</script>"}},
    "deep": {path: b"[" * 100_000 for path in PROBES},
}


def seen(pages: dict[str, Any]) -> dict[str, Reply]:
    return {
        path: Reply(200, {}, body if isinstance(body, bytes) else json.dumps(body).encode())
        for path, body in pages.items()
    }


def test_every_engine_with_a_card_of_its_own_has_a_fingerprint_and_a_list() -> None:
    known = {each.engine for each in FINGERPRINTS}
    assert known == PAGES.keys() == inventories.LISTS.keys()
    cards = {card.name for card in load_catalog().cards.values() if card.self_hosted}
    assert cards - known == {"kserve-openai"}, "KServe's words are at the address that the card kserve is found at"


@pytest.mark.parametrize("engine", PAGES)
def test_an_engine_is_known_by_its_own_pages(engine: str) -> None:
    found = recognised(seen(PAGES[engine]))
    assert found is not None and (found[0].engine, found[1]) == (engine, VERSIONS.get(engine, ""))


@pytest.mark.parametrize("other", PAGES)
@pytest.mark.parametrize("fingerprint", FINGERPRINTS, ids=lambda each: each.engine)
def test_no_engine_is_taken_for_another(fingerprint: fingerprints.Fingerprint, other: str) -> None:
    version = fingerprints.recognise(fingerprint, seen(PAGES[other]))
    assert (version is not None) == (fingerprint.engine == other)


@pytest.mark.parametrize("stranger", STRANGERS)
def test_what_nobody_knows_is_unknown(stranger: str) -> None:
    assert recognised(seen(STRANGERS[stranger])) is None


def test_two_engines_behind_one_address_are_not_guessed_at() -> None:
    assert recognised(seen(PAGES["comfyui"] | PAGES["ollama"])) is None


LISTED: dict[str, tuple[dict[str, Any], tuple[str, ...], tuple[FoundLora, ...]]] = {
    "comfyui": (
        {"/models/checkpoints": ["a.safetensors"], "/models/vae": ["v.safetensors"], "/models/loras": ["l.safetensors"],
         "/models/diffusion_models": ["sub/d.gguf"], "/models/text_encoders": ["t.safetensors"]},
        ("a.safetensors", "sub/d.gguf"), (FoundLora("l.safetensors"),),
    ),
    "a1111": (
        {"/sdapi/v1/sd-models": [{"title": "x [1]", "model_name": "x"}],
         "/sdapi/v1/loras": [{"name": "s", "metadata": {"ss_base_model_version": "sdxl"}}, {"name": "t"}]},
        ("x",), (FoundLora("s", "sdxl"), FoundLora("t")),
    ),
    "stable-diffusion-cpp": (
        {"/sdcpp/v1/capabilities": {"model": {"path": "/srv/sd_xl.safetensors"}, "loras": [{"name": "s"}]}},
        ("sd_xl.safetensors",), (FoundLora("s"),),
    ),
    "invokeai": (
        {"/api/v2/models/": {"models": [{"name": "m", "type": "main", "base": "sdxl"}, {"name": "v", "type": "vae"},
                                        {"name": "s", "type": "lora", "base": "sdxl"}]}},
        ("m",), (FoundLora("s", "sdxl"),),
    ),
    "sglang": (
        {"/v1/models": MODELS, "/v1/list_loras": {"loaded_adapters": [{"nickname": "s", "path": "/x"}], "active": {}}},
        ("Qwen/Qwen-Image",), (FoundLora("s"),),
    ),
    "vllm": (
        {"/v1/models": {"data": [{"id": "base", "parent": None}, {"id": "sql", "parent": "base"}]}},
        ("base",), (FoundLora("sql", "base"),),
    ),
    "ollama": (
        {"/api/tags": {"models": [{"name": "llama3.1:8b"}, {"name": "x:cloud"}, {"name": "y", "remote_host": "https://z"}]}},
        ("llama3.1:8b",), (),
    ),
    "kserve": ({"/v2/models": {"models": ["sdxl"]}}, ("sdxl",), ()),
    "ray": (
        {"/v1/models": {"models": [{"name": "sdxl", "loras": [{"id": "style-a", "loaded": False}]}]}},
        ("sdxl",), (FoundLora("style-a", "sdxl"),),
    ),
}  # fmt: skip


@pytest.mark.parametrize("engine", LISTED)
def test_an_engines_models_and_loras_are_read_each_lora_with_its_base_where_that_is_told(engine: str) -> None:
    pages, models, loras = LISTED[engine]
    assert {call.url for call in inventories.calls(engine)} >= pages.keys()
    found = inventories.read(engine, seen(pages))
    assert (found.models, found.loras) == (models, loras)


@pytest.mark.parametrize("engine", PAGES)
@pytest.mark.parametrize("body", [b"<html>", b"{}", b"[[]]", b'{"models": 7, "data": [7]}', b"[" * 100_000])
def test_a_list_that_is_none_adds_nothing(engine: str, body: bytes) -> None:
    pages = {call.url: body for call in inventories.calls(engine)}
    assert inventories.read(engine, seen(pages)) == inventories.Inventory()


def test_a_list_without_end_and_names_with_line_breaks_are_cut() -> None:
    names = ["a\nb", "", 7, "x" * 1_000, *[f"m{n}" for n in range(9_000)]]
    found = inventories.read("kserve", seen({"/v2/models": {"models": names}}))
    assert len(found.models) == inventories.ITEMS_MOST and found.models[0] == "m0"
