"""Adapters come and go and leave nothing behind, in each family of pipelines; a compiled model swaps them in place."""

from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Weights, model_settings
from podium_worker.loras import Shelf, Unloadable
from podium_worker.pipelines import Loaded
from podium_worker.running import Meter, Watch
from podium_worker.settings import ModelSettings
from podium_worker.wire import RunBody
from safetensors.torch import load_file, save_file

CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("clips_as_they_are")


def loaded(weights: Weights, name: str, **more: Any) -> Loaded:
    return Loaded(ModelSettings.model_validate(model_settings(weights, name, **more)), CPU)


def made(model: Loaded, *loras: str, meter: Meter | None = None, scale: float = 1.0) -> bytes:
    """The bytes of one run with these LoRAs."""
    task = next(iter(model.model.tasks))
    size = {"width": 64, "height": 64, "steps": 2} | ({"frames": 9, "fps": 8} if task == "text-to-video" else {})
    chosen = [{"id": each, "scale": scale} for each in loras]
    told = {"task": task, "model": model.model.name, "prompt": "a fox", "seed": 5, "loras": chosen}
    ending = model.generate(RunBody.model_validate(told | size), Watch(), meter or Meter(CPU))
    assert ending.status == "succeeded"
    return ending.made[0].data


@pytest.mark.parametrize("name", ["stable-diffusion", "flux", "wan", "ltx"])
def test_loras_in_any_order_leave_every_run_as_it_is_alone(weights: Weights, name: str) -> None:
    alone = {lora: made(loaded(weights, name), *lora) for lora in ((), ("style-a",), ("style-b",))}
    assert len(set(alone.values())) == 3
    model = loaded(weights, name)
    for lora in [("style-a",), (), ("style-b",), ("style-a",), ("style-b",), (), ("style-a",)]:
        assert made(model, *lora) == alone[lora], lora


def test_the_lora_unused_for_longest_leaves_and_returns_as_it_was(weights: Weights) -> None:
    model = loaded(weights, "flux", loras_held=1)
    first = made(model, "style-a")
    assert model.adapters.held() == ("style-a",)
    made(model, "style-b")
    assert model.adapters.held() == ("style-b",)
    assert model.pipe.get_list_adapters() == {"transformer": ["lora_1"]}
    assert made(model, "style-a") == first
    made(model, "style-a", "style-b")
    assert set(model.adapters.held()) == {"style-a", "style-b"}, "a run may need more than stay"


def test_only_a_lora_that_must_be_read_counts_as_cold(weights: Weights) -> None:
    model = loaded(weights, "flux")
    first, second = Meter(CPU), Meter(CPU)
    made(model, "style-a", meter=first)
    made(model, "style-a", meter=second)
    assert first.cold_seconds > 0 and second.cold_seconds == 0 and second.gpu_seconds > 0


def test_a_scale_is_of_one_run_only(weights: Weights) -> None:
    model = loaded(weights, "flux")
    whole = made(model, "style-a")
    assert made(model, "style-a", scale=0.5) != whole
    assert made(model, "style-a") == whole


def test_a_lora_of_another_shape_is_refused_and_leaves_nothing(weights: Weights, tmp_path: Path) -> None:
    layers = load_file(weights.lora("flux", "a") / "pytorch_lora_weights.safetensors")
    save_file({name: torch.cat([each, each], dim=-1) for name, each in layers.items()}, tmp_path / "wide.safetensors")
    good = {"id": "style-a", "path": str(weights.lora("flux", "a"))}
    bad = {"id": "wide", "path": str(tmp_path / "wide.safetensors")}
    model = loaded(weights, "flux", loras=[good, bad, {"id": "gone", "path": str(tmp_path / "gone.safetensors")}])
    bare, alone = made(model), made(model, "style-a")
    for lora in ("wide", "gone"):
        with pytest.raises(Unloadable, match=lora):
            made(model, lora)
        assert made(model) == bare and made(model, "style-a") == alone


def test_a_full_stop_in_a_name_is_no_matter(weights: Weights) -> None:
    lora = {"id": "style-1.5", "path": str(weights.lora("flux", "a"))}
    assert made(loaded(weights, "flux", loras=[lora]), "style-1.5") == made(loaded(weights, "flux"), "style-a")


@pytest.mark.parametrize("region", ["blocks", "whole"])
def test_compiled_code_swaps_loras_of_several_ranks_and_compiles_no_more(weights: Weights, region: str) -> None:
    loras = [{"id": f"style-{letter}", "path": str(weights.lora("flux", letter, rank))} for letter, rank in
             (("a", 4), ("b", 2), ("c", 8))]  # fmt: skip
    how = {"region": region, "backend": "eager", "lora_rank_most": 8}
    model = loaded(weights, "flux", loras=loras, compile=how)
    assert not isinstance(model.adapters, Shelf) and model.meter.cold_seconds > 0
    names = ["style-a", "style-b", "style-c"]
    first = {name: made(model, name) for name in names}
    assert len(set(first.values())) == 3
    bare = made(model)
    with torch.compiler.set_stance("fail_on_recompile"):
        for name in ["style-b", "style-a", "style-c", "style-b"]:
            assert made(model, name) == first[name]
        assert made(model) == bare
    assert model.adapters.held() == ("style-b",)
    both = made(model, "style-b", "style-c")
    assert both not in first.values() and made(model, "style-b") == first["style-b"]


def test_nothing_is_ever_fused(weights: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    model = loaded(weights, "flux")
    weight = model.pipe.transformer.transformer_blocks[0].attn.to_q.weight.clone()
    monkeypatch.setattr(type(model.pipe), "fuse_lora", None)
    made(model, "style-a", "style-b")
    assert torch.equal(model.pipe.transformer.transformer_blocks[0].attn.to_q.base_layer.weight, weight)
