"""How much there is to compute and to move for one output: tokens, FLOP and bytes. It knows no machine.

A FLOP is one multiplication or one addition: a multiply-accumulate is two. n are tokens of the picture, t of the text,
d is the width, f the width inside the MLP; an MLP has m matrices: 2 with GELU, 3 with SwiGLU.
"""

from math import ceil
from typing import NamedTuple

from router.compute.tables import WEIGHT_BYTES, Architecture, Precision

ACTIVATION_BYTES = 2
"""Activations stay in 16 bits, whatever the weights are in."""

MEGA = 1e6


class Size(NamedTuple):
    """What one output is, and how it is made. `forwards` are passes through the model at each step."""

    width: int
    height: int
    frames: int
    steps: int
    forwards: int


class Work(NamedTuple):
    """All of it for one output. Bytes are those of one device that does everything."""

    tokens: int
    flop_layer: float
    flop: float
    weight_bytes: float
    activation_bytes: float

    @property
    def bytes(self) -> float:
        return self.weight_bytes + self.activation_bytes


def tokens(architecture: Architecture, size: Size) -> int:
    """ceil(T/pt) · ceil(H/(vh·ph)) · ceil(W/(vw·pw)): T is 1 + (frames − 1)/vt with a causal VAE, else frames/vt."""
    vae, patch = architecture.vae, architecture.patch
    latents = ceil((size.frames - 1) / vae.time) + 1 if vae.causal else ceil(size.frames / vae.time)
    high, wide = ceil(size.height / (vae.height * patch.height)), ceil(size.width / (vae.width * patch.width))
    return ceil(latents / patch.time) * high * wide


def matrices(architecture: Architecture) -> int:
    return 3 if architecture.mlp == "swiglu" else 2


def flop_layer(architecture: Architecture, n: int) -> float:
    """FLOP of one layer in one forward.

    Joint attention, over N = n + t: N·(8d² + 2mdf) + 4N²d, which is 24d²N + 4N²d with a GELU of four times the width.
    Self and cross attention: n·(12d² + 2mdf) + 4n²d + 4ntd + 4td².
    """
    d, t, mlp = architecture.width, architecture.text_tokens, 2 * matrices(architecture) * architecture.mlp_width
    if architecture.attention == "joint":
        both = n + t
        return float(both * (8 * d * d + mlp * d) + 4 * both * both * d)
    return float(n * (12 * d * d + mlp * d) + 4 * n * n * d + 4 * n * t * d + 4 * t * d * d)


def weights_layer(architecture: Architecture) -> int:
    """Weights that a layer reads in one forward: 4d² for each attention, mdf for the MLP."""
    d, attentions = architecture.width, 1 if architecture.attention == "joint" else 2
    return 4 * d * d * attentions + matrices(architecture) * d * architecture.mlp_width


def params_read(architecture: Architecture) -> float:
    """Weights that one forward reads."""
    made = float(architecture.layers * weights_layer(architecture))
    return architecture.params_read or architecture.params or made


def activation_values(architecture: Architecture, n: int) -> float:
    """Values that a layer reads and writes in one forward, each product of matrices by itself.

    A product reads its input and writes its output; attention works in tiles, so that no n × n matrix is ever moved; a
    norm reads and writes. Self-attention: norm 2nd, q, k and v 6nd, attention 4nd, output 2nd. The MLP: norm 2nd, and
    (nd + nf) for each of its m matrices. Cross-attention: norm, query and output 6nd, attention 2nd + 2td, k and v 4td.
    """
    d, f, t, m = architecture.width, architecture.mlp_width, architecture.text_tokens, matrices(architecture)
    if architecture.attention == "joint":
        both = n + t
        return float(16 * both * d + m * both * (d + f))
    return float(24 * n * d + m * n * (d + f) + 6 * t * d)


def work(architecture: Architecture, size: Size, precision: Precision = "bf16") -> Work:
    """One output's FLOP and bytes over all layers, steps and forwards."""
    n, passes = tokens(architecture, size), size.steps * size.forwards
    layer = flop_layer(architecture, n)
    moved = architecture.layers * activation_values(architecture, n) * ACTIVATION_BYTES
    return Work(
        tokens=n,
        flop_layer=layer,
        flop=passes * architecture.layers * layer,
        weight_bytes=passes * params_read(architecture) * WEIGHT_BYTES[precision],
        activation_bytes=passes * moved,
    )


def pixels_frames(size: Size) -> float:
    """Megapixels of all frames together."""
    return size.width * size.height * size.frames / MEGA


def communicated_bytes(architecture: Architecture, size: Size, devices: int) -> float:
    """What each of G devices sends when they share the tokens (Ulysses): queries, keys, values and what attention makes
    of them change from tokens to heads and back in every layer, 4·n·d values, of which (G − 1)/G² leave a device."""
    values = 4 * tokens(architecture, size) * architecture.width * architecture.layers * size.steps * size.forwards
    return values * ACTIVATION_BYTES * (devices - 1) / devices**2
