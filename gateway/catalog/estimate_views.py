"""An estimate as it is shown: one output's figures, and everything that they assume. It computes nothing."""

from decimal import ROUND_FLOOR, Decimal
from math import floor, log10
from typing import Any, NamedTuple

from router.compute.memory import available
from router.compute.roofline import Estimate
from router.compute.tables import Architecture, Machine, Precision
from router.compute.work import Size


class How(NamedTuple):
    """What is made, and in which way."""

    size: Size
    fps: float | None
    precision: Precision
    busy: float


FIGURES = 3
"""Outputs an hour are rounded down to so many figures: an output begun is none, and no estimate is better than that."""


def rounded_down(value: float) -> float:
    """59.26 → 59.2: to `FIGURES` significant figures."""
    if value <= 0:
        return 0.0
    step = Decimal(1).scaleb(floor(log10(value)) - FIGURES + 1)
    return float((Decimal(value) / step).to_integral_value(ROUND_FLOOR) * step)


def estimate_view(architecture: Architecture, machine: Machine, how: How, found: Estimate) -> dict[str, Any]:
    work = found.work
    return {
        "flop_layer": work.flop_layer,
        "flop": work.flop,
        "bytes": work.bytes,
        "intensity": work.flop / work.bytes,
        "compute_s": found.compute_s,
        "memory_s": found.memory_s,
        "seconds": found.seconds,
        "outputs_per_hour": rounded_down(found.outputs_per_hour),
        "usd_each": usd(found.usd_each),
        "fits_memory": found.fits_memory,
        "assumptions": assumptions_view(architecture, machine, how, found),
    }


def assumptions_view(architecture: Architecture, machine: Machine, how: How, found: Estimate) -> dict[str, Any]:
    size = how.size
    return {
        "architecture": architecture.name,
        "tokens": found.work.tokens,
        "width": size.width,
        "height": size.height,
        "frames": size.frames,
        "duration_s": round((size.frames - architecture.vae.causal) / how.fps, 3)
        if how.fps and size.frames > 1
        else None,
        "steps": size.steps,
        "forwards": size.forwards,
        "layers": architecture.layers,
        "machine": machine.name,
        "devices": machine.count,
        "precision": how.precision,
        "peak_tflops": machine.peak_tflops[how.precision],
        "bandwidth_gb_s": machine.bandwidth_gb_s,
        "stack": found.utilisation.stack,
        "utilisation": found.utilisation.share,
        "utilisation_fitted": found.utilisation.fitted,
        "speedup": found.speedup,
        "communication_s": found.communication_s,
        "text_s": found.text_s,
        "vae_s": found.vae_s,
        "busy": how.busy,
        "usd_per_hour": usd(machine.usd_per_hour),
        "memory": memory_view(machine, found),
        "sources": [architecture.source, machine.source],
        "unsure": [each for each in (architecture.unsure, machine.unsure) if each],
    }


def memory_view(machine: Machine, found: Estimate) -> dict[str, Any]:
    """Bytes on each device. `text_encoder` may leave once the words are encoded, and is not part of `least`."""
    need = found.need
    return need._asdict() | {"least": need.least, "whole": need.whole, "available": available(machine)}


SIX = Decimal("0.000001")


def usd(value: Decimal | None) -> str | None:
    """Millionths of a dollar are more than an estimate is good for."""
    if value is None:
        return None
    return format(value.quantize(SIX).normalize() if value else Decimal(0), "f")
