"""A pipeline is called with what it takes, stopped between its steps, and timed."""

import threading
from typing import Any

import pytest
import torch
from conftest import Weights, model_settings
from podium_worker.pipelines import Loaded
from podium_worker.running import Meter, Stopped, Watch
from podium_worker.settings import ModelSettings
from podium_worker.wire import RunBody, Unsuitable

CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("clips_as_they_are")


def loaded(weights: Weights, name: str, **more: Any) -> Loaded:
    return Loaded(ModelSettings.model_validate(model_settings(weights, name, **more)), CPU)


def asked(**more: Any) -> RunBody:
    told = {"task": "text-to-image", "model": "flux", "prompt": "a fox", "seed": 5, "steps": 4}
    return RunBody.model_validate(told | {"width": 64, "height": 64} | more)


class StopAt(Watch):
    """Stops itself as soon as it is told of a step, as somebody who cancels would."""

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "step" and value == 2:
            self.stopping.set()


@pytest.mark.parametrize("name", ["stable-diffusion", "flux", "wan", "ltx"])
def test_a_stopped_run_computes_no_further_step_and_decodes_nothing(
    weights: Weights, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = loaded(weights, name)
    decoded: list[int] = []
    decode = model.pipe.vae.decode

    def counted(*given: Any, **more: Any) -> Any:
        decoded.append(1)
        return decode(*given, **more)

    monkeypatch.setattr(model.pipe.vae, "decode", counted)
    video = {"task": "text-to-video", "frames": 9, "fps": 8} if name in ("wan", "ltx") else {}
    body, watch, meter = asked(model=name, **video), StopAt(), Meter(CPU)
    with pytest.raises(Stopped):
        model.generate(body, watch, meter)
    assert (watch.step, watch.steps, decoded) == (2, 4, []) and meter.gpu_seconds > 0
    whole = model.generate(body, Watch(), Meter(CPU))
    assert whole.made == loaded(weights, name).generate(body, Watch(), Meter(CPU)).made, "a stop leaves nothing behind"
    assert decoded == [1]


def test_a_run_that_is_stopped_before_it_begins_computes_nothing(weights: Weights) -> None:
    watch, meter = Watch(stopping=threading.Event()), Meter(CPU)
    watch.stopping.set()
    with pytest.raises(Stopped):
        loaded(weights, "flux").generate(asked(), watch, meter)
    assert watch.step == 0 and meter.gpu_seconds < 0.01


@pytest.mark.parametrize(
    ("name", "more", "word"),
    [
        ("flux", {"strength": 0.5}, "strength"),
        ("ltx", {"task": "text-to-video", "inputs": [{"role": "source", "base64": ""}]}, "picture"),
        ("stable-diffusion", {"frames": 9}, "num_frames"),
    ],
)
def test_a_wish_that_the_pipeline_has_no_parameter_for_is_refused(
    weights: Weights, name: str, more: dict[str, Any], word: str
) -> None:
    with pytest.raises(Unsuitable, match=word):
        loaded(weights, name).generate(asked(model=name, **more), Watch(), Meter(CPU))


def test_guidance_goes_where_the_model_wants_it(weights: Weights) -> None:
    """FLUX takes both; with the true one, its negative prompt counts."""
    model = loaded(weights, "flux", guidance_name="true_cfg_scale")

    def made(negative: str) -> Any:
        body = asked(guidance=4.0, negative_prompt=negative)
        return model.generate(body, Watch(), Meter(CPU)).made

    assert made("snow") != made("rain")
    model = loaded(weights, "flux")
    assert made("snow") == made("rain")


def test_weights_of_other_tasks_are_the_same_tensors_in_their_own_type(weights: Weights) -> None:
    tasks = {"text-to-image": None, "image-edit": "FluxImg2ImgPipeline"}
    model = loaded(weights, "flux", tasks=tasks, dtype="bfloat16")
    other = model.pipe_for("image-edit")
    assert other.transformer is model.pipe.transformer
    assert {each.dtype for each in other.transformer.parameters()} == {torch.bfloat16}
