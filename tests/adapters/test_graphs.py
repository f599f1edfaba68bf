"""Graphs in cards: places that lead nowhere stop a card, seeds are each run's own, LoRAs are chained."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from adapters.capabilities import fit
from adapters.dialects import comfyui, invokeai, openai_speech, openai_videos, podium_worker, tenstorrent
from adapters.graphs import filled, neutral
from adapters.registry import CATALOG_DIR, BadCatalog, load_catalog
from adapters.schema import MediaRequest, Offer, Task
from adapters.wire import Call, addressed

CATALOG = load_catalog()
SDXL = "stability-ai/sdxl-1.0"


def offer_of(provider: str, model: str, task: str) -> Offer:
    [found] = [each for each in CATALOG.cards[provider].offers if each.model == model]
    return found.for_task(Task(task))


def asked(task: str = "text-to-image", **more: object) -> MediaRequest:
    return MediaRequest.model_validate({"task": task, "prompt": "a fox"} | more)


def changed(name: str, change: Any, folder: Path) -> None:
    data = yaml.safe_load((CATALOG_DIR / "providers" / f"{name}.yaml").read_text())
    change(data["offers"][0])
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(data))
    load_catalog(folder)


def graph_in(offer: dict[str, Any]) -> Any:
    return offer["fields"]["graph"]["values"]


def workflow_in(offer: dict[str, Any]) -> Any:
    return offer["by_task"]["text-to-image"]["fields"]["workflow"]["values"]


WRONGS: dict[str, tuple[str, Any, str]] = {
    "an input that no node has": (
        "comfyui", lambda offer: offer["fields"].update(seed="3.sede"),
        "comfyui.yaml: stability-ai/sdxl-1.0: fields.seed: the workflow has no place 3.sede",
    ),
    "a node that is not there": (
        "comfyui", lambda offer: offer["fields"].update(loras="44.0"), "fields.loras: the workflow has no place 44.0",
    ),
    "a file for a node that is not there": (
        "comfyui", lambda offer: offer.update(fixed={"44.ckpt_name": "x"}),
        "fixed.44.ckpt_name: the workflow has no place",
    ),
    "a link from nowhere": (
        "comfyui",
        lambda offer: workflow_in(offer)["8"]["inputs"].update(vae=["44", 2]),
        "8.vae comes from node 44, which is not there",
    ),
    "a place of InvokeAI": (
        "invokeai", lambda offer: offer["fields"].update(steps="7.stops"),
        "fields.steps: the graph has no place 7.stops",
    ),
    "an edge to nowhere": (
        "invokeai", lambda offer: graph_in(offer)["nodes"].pop("8"), "fields.graph: there is no node 8",
    ),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONGS)
def test_a_graph_that_does_not_hold_together_stops_its_card_and_says_where(wrong: str, tmp_path: Path) -> None:
    name, change, sentence = WRONGS[wrong]
    with pytest.raises(BadCatalog) as found:
        changed(name, change, tmp_path)
    assert sentence in str(found.value)


def seeds(call: Call, attempt: str) -> object:
    body: Any = addressed(call, attempt).json_body
    return body["prompt"]["3"]["inputs"]["seed"]


def test_a_workflow_without_a_seed_gets_one_of_its_run_and_keeps_it_when_it_is_sent_again() -> None:
    call = comfyui.submit(asked(), offer_of("comfyui", SDXL, "text-to-image"))
    first, again, other = (seeds(call, attempt) for attempt in ("att_1", "att_1", "att_2"))
    assert first == again != other and isinstance(first, int) and 0 <= first < 2**31
    assert seeds(comfyui.submit(asked(seed=7), offer_of("comfyui", SDXL, "text-to-image")), "att_1") == 7


def test_loras_of_invokeai_follow_one_another_and_everybody_behind_the_loader_uses_the_last() -> None:
    loras = [{"id": "a", "scale": 0.7}, {"id": "b", "scale": 0.5}]
    graph = filled(asked(loras=loras), offer_of("invokeai", SDXL, "text-to-image"), invokeai.FIELDS).graph
    sources: dict[tuple[str, str], str] = {}
    for edge in graph["edges"]:
        place = (edge["destination"]["node_id"], edge["destination"]["field"])
        assert place not in sources, "two edges end at one port"
        sources[place] = edge["source"]["node_id"]
    assert sources["lora0", "unet"] == "1" and sources["lora1", "unet"] == "lora0" and sources["7", "unet"] == "lora1"
    assert sources["4", "clip"] == sources["5", "clip2"] == "lora1" and sources["8", "vae"] == "1"
    assert graph["nodes"]["lora0"]["lora"] == {"name": "a", "base": "sdxl", "type": "lora"}
    assert (graph["nodes"]["lora0"]["weight"], graph["nodes"]["lora1"]["weight"]) == (0.7, 0.5)


def test_filling_a_graph_leaves_the_card_as_it_was() -> None:
    offer = offer_of("invokeai", SDXL, "text-to-image")
    before = offer.model_dump_json()
    filled(asked(loras=[{"id": "a"}], seed=7), offer, invokeai.FIELDS)
    assert offer.model_dump_json() == before


@pytest.mark.parametrize(
    ("words", "plain"),
    [
        ("a (fox)1.4", r"a \(fox\)1.4"), ("fox++ in snow--", "fox ++ in snow --"), ("a <fox>", "a < fox>"),
        ("{red|blue}", r"\(red|blue\)"), ("black-and-white 1+1", "black-and-white 1+1"), ("\\(", r" \("),
    ],
)  # fmt: skip
def test_the_language_of_invokeais_prompts_is_not_spoken_by_callers(words: str, plain: str) -> None:
    assert neutral(words) == plain


@pytest.mark.parametrize("provider", ["sglang", "vllm-omni"])
@pytest.mark.parametrize("name", openai_videos.OURS_TO_SAY)
def test_no_extra_names_a_path_or_a_link_or_a_length(provider: str, name: str) -> None:
    offer = offer_of(provider, "alibaba/wan-2.2-a14b", "text-to-video")
    assert fit(asked("text-to-video", extra={provider: {name: "/etc/passwd"}}), offer).reasons


@pytest.mark.parametrize(
    ("provider", "model", "name"),
    [("vllm-omni", "alibaba/qwen-image", "lora"), ("vllm-omni", "alibaba/qwen3-tts-1.7b", "ref_audio"),
     ("tenstorrent", SDXL, "lora_path"), ("invokeai", SDXL, "batch"), ("ray", SDXL, "model")],
)  # fmt: skip
def test_no_extra_says_what_is_ours_to_say(provider: str, model: str, name: str) -> None:
    [offer] = [each for each in CATALOG.cards[provider].offers if each.model == model]
    task = sorted(offer.tasks)[-1]
    assert fit(asked(task, extra={provider: {name: "x"}}), offer.for_task(task)).reasons


def test_what_only_forgets_a_job_is_not_called_a_cancel() -> None:
    job = Call(stage="status", method="GET", url="/videos/v1", memo={"stops": False})
    assert openai_videos.cancel(job) is None
    stopped = openai_videos.cancel(job.model_copy(update={"memo": {"stops": True}}))
    assert stopped is not None and (stopped.method, stopped.url) == ("DELETE", "/videos/v1")


@pytest.mark.parametrize("dialect", [invokeai, openai_videos, podium_worker, tenstorrent])
def test_what_is_being_fetched_is_not_canceled(dialect: Any) -> None:
    assert dialect.cancel(Call(stage="content", method="GET", url="/x")) is None


def test_speech_is_stored_and_never_read_as_json() -> None:
    offer = offer_of("vllm-omni", "alibaba/qwen3-tts-1.7b", "text-to-speech")
    call = openai_speech.submit(asked("text-to-speech"), offer)
    assert call.stores and call.url == "/audio/speech"
