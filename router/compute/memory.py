"""Whether a model fits into a machine: weights, what is alive while it works, and the VAE. Bounds, not measurements."""

from typing import NamedTuple

from router.compute.tables import WEIGHT_BYTES, Architecture, Machine, Precision
from router.compute.work import ACTIVATION_BYTES, Size, matrices, params_read, tokens

GIB = 2.0**30

FREE_SHARE = 0.94
"""Of a device's memory; the rest goes to the driver, the libraries and what falls between allocations. Ours."""

VAE_VALUES = 1_536
"""Values alive in a decoder for each pixel under way: gives four published peaks within 4 % (unsure)."""


class Need(NamedTuple):
    """Bytes on each device. The text encoder is counted apart: it may leave when the words are encoded."""

    weights: float
    activations: float
    vae: float
    text_encoder: float

    @property
    def least(self) -> float:
        """With the text encoder moved out; the decoder works when the transformer has ended."""
        return self.weights + max(self.activations, self.vae)

    @property
    def whole(self) -> float:
        """With everything loaded."""
        return self.least + self.text_encoder


def params(architecture: Architecture) -> float:
    return architecture.params or params_read(architecture)


def need(
    architecture: Architecture, size: Size, precision: Precision = "bf16", devices: int = 1,
    vae_bytes: float = ACTIVATION_BYTES, text_encoder_bytes: float = ACTIVATION_BYTES,
) -> Need:  # fmt: skip
    """Devices share the tokens, never the weights. A layer keeps 6nd and its MLP mnf values; the VAE decodes one latent
    frame at a time."""
    n = tokens(architecture, size) + (architecture.text_tokens if architecture.attention == "joint" else 0)
    alive = n * (6 * architecture.width + matrices(architecture) * architecture.mlp_width)
    pixels = size.width * size.height * min(size.frames, architecture.vae.time)
    return Need(
        weights=params(architecture) * WEIGHT_BYTES[precision],
        activations=alive * ACTIVATION_BYTES / devices,
        vae=pixels * VAE_VALUES * vae_bytes,
        text_encoder=architecture.text_encoder_params * text_encoder_bytes,
    )


def available(machine: Machine) -> float:
    """Bytes that one device has for a model."""
    return machine.memory_gib * GIB * FREE_SHARE
