"""A proposed card holds what is there and no more, loads, and has no price."""

from datetime import date
from pathlib import Path

import pytest
import yaml

from adapters.inventories import FoundLora, Inventory
from adapters.registry import load_catalog
from adapters.schema import ProviderCard, Task
from adapters.workflows import weights
from gateway.engines.proposals import card_data, card_text, offers_here
from router import names

CATALOG = load_catalog()
NAMES = names.collect(CATALOG.models.values(), CATALOG.offers())
VARIABLES = ("PODIUM_PROVIDER_X_BASE_URL", "PODIUM_PROVIDER_X_USD_PER_HOUR")
OWN = [card for card in CATALOG.cards.values() if card.self_hosted]


def files_of(card: ProviderCard, model: str, task: str) -> set[str]:
    [offer] = [each for each in card.offers if each.model == model]
    return set(weights(offer.for_task(Task(task))).values())


def here(engine: str, *models: str, files: tuple[str, ...] = ()) -> dict[str, dict[str, object]]:
    found = offers_here(CATALOG.cards[engine], Inventory(models=models, files=files), NAMES)
    return {each.model: {"wire_id": each.wire_id, "tasks": sorted(each.tasks), "fixed": each.fixed} for each in found}


@pytest.mark.parametrize("card", OWN, ids=lambda card: card.name)
def test_every_card_of_an_engine_survives_being_written_down(card: ProviderCard, tmp_path: Path) -> None:
    text = card_text(
        card, card.name, "http://127.0.0.1:1", VARIABLES, ["LoRAs there: a\nname: evil"], date(2026, 11, 21)
    )
    (tmp_path / f"{card.name}.yaml").write_text(text)
    again = load_catalog(tmp_path).cards[card.name]
    bare = [each.model_copy(update={"prices": ()}) for each in card.offers]
    assert again == card.model_copy(update={"offers": tuple(bare)})
    assert not any(offer.prices for offer in again.offers) and again.needs_base_url
    head = [line for line in text.splitlines() if line.startswith("#")]
    assert any("LoRAs there: a name: evil" in line for line in head), "a name cannot end its comment"


def test_another_engine_of_a_kind_is_a_provider_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(yaml.safe_dump(card_data(CATALOG.cards["a1111"], "a1111-2")))
    assert load_catalog(tmp_path).cards["a1111-2"].offers[0].id == "a1111-2/stability-ai/sdxl-1.0"


def test_only_what_is_there_is_offered() -> None:
    assert here("vllm", "openai/gpt-oss-20b", "x/unknown").keys() == {"openai/gpt-oss-20b"}
    assert here("vllm") == {}


def test_a_model_that_goes_by_another_name_is_offered_under_it() -> None:
    assert here("ollama", "llama3.1:8b")["meta/llama-3.1-8b"]["wire_id"] == "llama3.1:8b"
    assert here("localai", "Llama-3.1-8B-Instruct")["meta/llama-3.1-8b"]["wire_id"] == "Llama-3.1-8B-Instruct"


def test_a_task_whose_weights_are_elsewhere_is_left_out() -> None:
    found = here("vllm-omni", "Wan-AI/Wan2.2-I2V-A14B-Diffusers")
    assert found["alibaba/wan-2.2-a14b"]["tasks"] == ["image-to-video"]


def test_a_workflow_is_offered_where_all_its_files_are() -> None:
    comfyui = CATALOG.cards["comfyui"]
    clips = tuple(files_of(comfyui, "alibaba/wan-2.2-a14b", "text-to-video"))
    assert here("comfyui", files=clips)["alibaba/wan-2.2-a14b"]["tasks"] == ["text-to-video"]
    for missing in clips:
        assert here("comfyui", files=tuple(each for each in clips if each != missing)) == {}


def test_a_file_in_a_folder_of_its_own_is_named_by_its_path() -> None:
    found = here("comfyui", files=("SDXL/sd_xl_base_1.0.safetensors",))
    assert found["stability-ai/sdxl-1.0"]["fixed"] == {"4.ckpt_name": "SDXL/sd_xl_base_1.0.safetensors"}


def test_a_checkpoint_of_another_name_that_means_the_model_is_taken_and_two_are_not_guessed_between() -> None:
    one, two = "sdxl-1.0.safetensors", "mine/SDXL_1.0.safetensors"
    assert here("comfyui", one, files=(one,))["stability-ai/sdxl-1.0"]["fixed"] == {"4.ckpt_name": one}
    assert here("comfyui", one, two, files=(one, two)) == {}


def test_a_lora_alone_makes_no_offer() -> None:
    assert offers_here(CATALOG.cards["comfyui"], Inventory(loras=(FoundLora("a.safetensors"),)), NAMES) == ()
