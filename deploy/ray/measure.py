"""How fast the worker's own code runs a model here: `python measure.py --shape flux-1-dev --stack eager blocks`.

Weights are random, made in code at the model's true dimensions: speed does not depend on their values. Text encoders
are small ones of the right width, since a run needs them once; all else is as it is in a run, without Serve and HTTP.
"""

import argparse
import json
import platform
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import diffusers
import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLWan,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    UniPCMultistepScheduler,
    WanPipeline,
    WanTransformer3DModel,
)
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from podium_worker.pipelines import Loaded
from podium_worker.running import Meter, Stopped, Watch
from podium_worker.settings import ModelSettings
from podium_worker.wire import RunBody
from tests.tiny import tokenizer
from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel, UMT5Config, UMT5EncoderModel

RUNS = 3
FEW, MORE = 2, 12
"""Steps of the two runs whose difference is the time of a step alone."""
RANK = 16
SWAPS = 10
LOOK_S = 0.0005


class Shape(NamedTuple):
    """A model's dimensions, and the size at which it is measured: pixels, frames."""

    make: Callable[[], Any]
    task: str
    width: int
    height: int
    frames: int | None = None


def flux(layers: int, single_layers: int, heads: int, head_dim: int, axes: tuple[int, int, int], wide: bool) -> Any:
    """FLUX.1: `wide` has the text and the VAE at their true widths."""
    text, pooled = (4096, 768) if wide else (32, 32)
    channels = (128, 256, 512, 512) if wide else (32, 32, 32, 32)
    transformer = FluxTransformer2DModel(
        in_channels=64, num_layers=layers, num_single_layers=single_layers, attention_head_dim=head_dim,
        num_attention_heads=heads, joint_attention_dim=text, pooled_projection_dim=pooled, guidance_embeds=True,
        axes_dims_rope=axes,
    )  # fmt: skip
    vae = AutoencoderKL(
        block_out_channels=channels, latent_channels=16, norm_num_groups=32, layers_per_block=2, sample_size=1024,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.1159, scaling_factor=0.3611,
    )  # fmt: skip
    clip = CLIPTextConfig(
        vocab_size=300, hidden_size=pooled, intermediate_size=64, num_hidden_layers=1, num_attention_heads=4,
        bos_token_id=1, eos_token_id=1, pad_token_id=0,
    )  # fmt: skip
    t5 = T5Config(vocab_size=300, d_model=text, d_kv=8, d_ff=64, num_layers=1, num_heads=4)
    return FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(), vae=vae, text_encoder=CLIPTextModel(clip), tokenizer=tokenizer(),
        text_encoder_2=T5EncoderModel(t5), tokenizer_2=tokenizer(512), transformer=transformer,
    )  # fmt: skip


def wan(layers: int, heads: int, mlp: int) -> Any:
    transformer = WanTransformer3DModel(
        num_attention_heads=heads, attention_head_dim=128, text_dim=4096, ffn_dim=mlp, num_layers=layers,
        cross_attn_norm=True, qk_norm="rms_norm_across_heads",
    )  # fmt: skip
    text = UMT5Config(vocab_size=300, d_model=4096, d_kv=8, d_ff=64, num_layers=1, num_heads=4)
    return WanPipeline(
        tokenizer=tokenizer(512), text_encoder=UMT5EncoderModel(text), vae=AutoencoderKLWan(), transformer=transformer,
        scheduler=UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0),
    )  # fmt: skip


SHAPES = {
    "flux-tiny": Shape(lambda: flux(2, 4, 4, 32, (8, 12, 12), wide=False), "text-to-image", 128, 128),
    "flux-1-dev": Shape(lambda: flux(19, 38, 24, 128, (16, 56, 56), wide=True), "text-to-image", 1024, 1024),
    "wan-2.1-1.3b": Shape(lambda: wan(30, 12, 8960), "text-to-video", 832, 480, 81),
}


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--shape", choices=SHAPES, default="flux-tiny")
    words.add_argument("--stack", nargs="+", choices=("eager", "blocks", "whole"), default=["eager"])
    words.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    words.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of torch, on a CPU")
    told = words.parse_args()
    torch.set_num_threads(told.threads)
    device = torch.device(told.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU ({platform.machine()})"
    print(f"{name}, torch {torch.__version__}, diffusers {diffusers.__version__}, {told.shape}")
    with tempfile.TemporaryDirectory() as folder:
        for stack in told.stack:
            print(json.dumps({"stack": stack} | measured(SHAPES[told.shape], stack, device, Path(folder))), flush=True)


def measured(shape: Shape, stack: str, device: torch.device, folder: Path) -> dict[str, float]:
    """Seconds of a step and of all around the steps, of loading and compiling, of a swap, and until a cancel acts."""
    model = loaded(shape, stack, device, folder)
    bodies = {steps: body(shape, steps) for steps in (FEW, MORE)}
    spent(model, bodies[FEW])
    few, more = ([spent(model, bodies[steps]) for _ in range(RUNS)] for steps in (FEW, MORE))
    step_s = (statistics.median(more) - statistics.median(few)) / (MORE - FEW)
    swaps = sorted(swap_s(model, number) for number in range(SWAPS))
    told = {
        "step_s": step_s, "around_s": statistics.median(few) - FEW * step_s, "cold_s": model.meter.cold_seconds,
        "swap_median_s": statistics.median(swaps), "swap_most_s": swaps[-1], "cancel_s": cancel_s(model, shape),
        "spread": (max(more) - min(more)) / statistics.median(more),
    }  # fmt: skip
    with_lora = [spent(model, body(shape, MORE, "style-0")) for _ in range(RUNS)]
    told["lora_slower"] = statistics.median(with_lora) / statistics.median(more) - 1
    if device.type == "cuda":
        told["peak_gib"] = torch.cuda.max_memory_allocated(device) / 2**30
    return {key: round(value, 4) for key, value in told.items()}


def loaded(shape: Shape, stack: str, device: torch.device, folder: Path) -> Loaded:
    settings = ModelSettings.model_validate({
        "name": "measured", "path": "made in code", "tasks": {shape.task: None},
        "dtype": "bfloat16" if device.type == "cuda" else "float32",
        "defaults": {"width": shape.width, "height": shape.height, "frames": shape.frames, "fps": 16},
        "compile": None if stack == "eager" else {"region": stack, "lora_rank_most": RANK},
        "loras": [{"id": f"style-{number}", "path": str(folder / f"style-{number}")} for number in range(2)],
    })  # fmt: skip

    def read(model: ModelSettings, device: torch.device) -> Any:
        with made_on(device, getattr(torch, model.dtype)):
            pipe = shape.make()
        pipe.set_progress_bar_config(disable=True)
        pipe.to(device)
        for number in range(2):
            if not (folder / f"style-{number}").exists():
                write_lora(pipe, folder / f"style-{number}")
        return pipe

    return Loaded(settings, device, read)


@contextmanager
def made_on(device: torch.device, dtype: torch.dtype) -> Iterator[None]:
    """Weights are drawn where they will be used: twelve billion of them take minutes elsewhere."""
    torch.manual_seed(1)
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            yield
    finally:
        torch.set_default_dtype(torch.float32)


def write_lora(pipe: Any, folder: Path) -> None:
    targets = ["to_q", "to_k", "to_v", "to_out.0"]
    pipe.transformer.add_adapter(LoraConfig(r=RANK, target_modules=targets, init_lora_weights="gaussian"), "new")
    layers = get_peft_model_state_dict(pipe.transformer, adapter_name="new")
    pipe.save_lora_weights(folder, transformer_lora_layers=layers)
    pipe.transformer.delete_adapters("new")


def body(shape: Shape, steps: int, *loras: str) -> RunBody:
    told = {"task": shape.task, "model": "measured", "prompt": "a red fox in fresh snow", "seed": 1, "steps": steps}
    size = {"width": shape.width, "height": shape.height, "frames": shape.frames}
    return RunBody.model_validate(told | size | {"loras": [{"id": each} for each in loras]})


def spent(model: Loaded, asked: RunBody) -> float:
    meter = Meter(model.device)
    ending = model.generate(asked, Watch(), meter)
    assert ending.status == "succeeded", ending
    return meter.gpu_seconds


def swap_s(model: Loaded, number: int) -> float:
    """From one adapter to the other; in eager code both are loaded after the first two."""
    meter = Meter(model.device)
    with meter.loading():
        model.adapters.use(body(SHAPES["flux-tiny"], 1, f"style-{number % 2}").loras)
    return meter.cold_seconds


def cancel_s(model: Loaded, shape: Shape) -> float:
    """From the flag to the end of the run, in the middle of its steps."""
    watch, began = Watch(), 0.0

    def stop() -> None:
        nonlocal began
        while watch.step < FEW:
            time.sleep(LOOK_S)
        began = time.perf_counter()
        watch.stopping.set()

    stopping = threading.Thread(target=stop)
    stopping.start()
    try:
        model.generate(body(shape, MORE * 4), watch, Meter(model.device))
    except Stopped:
        return time.perf_counter() - began
    finally:
        stopping.join()
    raise AssertionError("the run was not stopped")


if __name__ == "__main__":
    main()
