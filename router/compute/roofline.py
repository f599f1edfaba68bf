"""Seconds and dollars of one output on a machine: the longer of computing and moving, and what comes before and after.

seconds = text + steps·forwards·FLOP / (G^x · peak · utilisation) + VAE, with everything loaded; never less than what
memory and wires allow. A machine that has attempts of its own is better known by them.
"""

from collections.abc import Mapping
from decimal import Decimal
from math import ceil
from typing import NamedTuple

from adapters import sizes
from adapters.schema import MediaRequest, Modality
from router.compute import memory
from router.compute.tables import Architecture, Machine, Precision, Tables, Utilisation
from router.compute.work import Size, Work, communicated_bytes, pixels_frames, work

TERA, GIGA = 1e12, 1e9

REFERENCE_FLOP_S = 494.5 * TERA
"""How fast the H100 was on which text and VAE were timed: half of its dense peak in bf16."""

SECONDS_PER_HOUR = 3_600


class Unknown(LookupError):
    """There is no model or machine of that name, or no figure for what is asked."""


class Estimate(NamedTuple):
    """One output. Seconds of computing and moving are those of the transformer; `usd_each` is None without a price."""

    work: Work
    compute_s: float
    memory_s: float
    communication_s: float
    denoise_s: float
    text_s: float
    vae_s: float
    seconds: float
    outputs_per_hour: float
    usd_each: Decimal | None
    need: memory.Need
    fits_memory: bool
    utilisation: Utilisation
    speedup: float


def estimate(
    architecture: Architecture, machine: Machine, size: Size, precision: Precision | None = None,
    stack: str | None = None, busy: float = 1.0, share: float | None = None,
) -> Estimate:  # fmt: skip
    """One output after another, alone on all devices of the machine. `busy` is the share of the paid time that is
    worked; `share` takes the place of the machine's utilisation. Raises Unknown for a precision or stack not listed."""
    chosen: Precision = precision or machine.precision
    used = _utilisation(machine, stack, architecture.modality, share)
    flop_s = _peak(machine, chosen) * TERA * used.share
    load, speedup = work(architecture, size, chosen), machine.count ** machine.scaling.of(architecture.modality)
    compute_s, memory_s = load.flop / (flop_s * speedup), _memory_s(load, machine)
    wires_s = _communication_s(architecture, machine, size)
    denoise_s = max(compute_s, memory_s, load.flop / (flop_s * machine.count) + wires_s)
    text_s = architecture.text_s * REFERENCE_FLOP_S / flop_s
    vae_s = architecture.vae_s * pixels_frames(size) * REFERENCE_FLOP_S / flop_s
    seconds = text_s + denoise_s + vae_s
    need = memory.need(architecture, size, chosen, machine.count)
    return Estimate(
        work=load, compute_s=compute_s, memory_s=memory_s, communication_s=wires_s, denoise_s=denoise_s,
        text_s=text_s, vae_s=vae_s, seconds=seconds, outputs_per_hour=SECONDS_PER_HOUR / seconds * busy,
        usd_each=_usd_each(machine, seconds, busy), need=need, fits_memory=need.least <= memory.available(machine),
        utilisation=used, speedup=speedup,
    )  # fmt: skip


def _usd_each(machine: Machine, seconds: float, busy: float) -> Decimal | None:
    if machine.usd_per_hour is None:
        return None
    return machine.usd_per_hour * machine.count * Decimal(seconds / busy) / SECONDS_PER_HOUR


def _peak(machine: Machine, precision: Precision) -> float:
    if precision not in machine.peak_tflops:
        known = ", ".join(machine.peak_tflops)
        raise Unknown(f"{machine.name} has no peak for {precision}: there are {known}")
    return machine.peak_tflops[precision]


def _utilisation(machine: Machine, stack: str | None, modality: Modality, share: float | None) -> Utilisation:
    if share is not None:
        return Utilisation(stack=stack or "given", share=share)
    found = utilisation_of(machine, stack, modality)
    if found is None:
        known = ", ".join(dict.fromkeys(each.stack for each in machine.utilisation))
        raise Unknown(f"{machine.name} has no utilisation for {stack}: there are {known}")
    return found


def utilisation_of(machine: Machine, stack: str | None, modality: Modality) -> Utilisation | None:
    """The first that holds: of any stack where none is named."""
    fitting = (each for each in machine.utilisation if each.modality in (None, modality))
    return next((each for each in fitting if stack in (None, each.stack)), None)


def _memory_s(load: Work, machine: Machine) -> float:
    """Every device reads all weights and its part of the activations."""
    return (load.weight_bytes + load.activation_bytes / machine.count) / (machine.bandwidth_gb_s * GIGA)


def _communication_s(architecture: Architecture, machine: Machine, size: Size) -> float:
    if machine.link_gb_s is None:
        return 0.0
    return communicated_bytes(architecture, size, machine.count) / (machine.link_gb_s * GIGA)


def usual_size(architecture: Architecture) -> Size:
    usual = architecture.usual
    return Size(usual.width, usual.height, usual.frames, usual.steps, usual.forwards)


def frames_for(architecture: Architecture, duration_s: float, fps: float | None = None) -> int:
    """Frames of a clip at least so long; a causal VAE takes one more than a multiple of its factor."""
    wanted = ceil(duration_s * (fps or architecture.usual.fps or 1) - 1e-9)
    time = architecture.vae.time
    return ceil(wanted / time) * time + (1 if architecture.vae.causal else 0)


def size_of(architecture: Architecture, request: MediaRequest) -> Size:
    """What a request makes of a model: its own size where nothing is said."""
    usual, moving = architecture.usual, architecture.modality is Modality.VIDEO
    pair = (request.width, request.height) if request.width and request.height else None
    if pair is None and (request.aspect_ratio or request.resolution):
        usual_ratio = sizes.ratio_name(usual.width, usual.height)
        pair = sizes.pixels(request.aspect_ratio or usual_ratio, request.resolution, 16, moving)
    width, height = pair or (usual.width, usual.height)
    frames = usual.frames
    if moving and request.duration_s is not None:
        frames = frames_for(architecture, request.duration_s, request.fps)
    return Size(width, height, frames, request.steps or usual.steps, usual.forwards)


def expected_s(architecture: Architecture, machine: Machine, request: MediaRequest) -> float:
    """Median seconds to expect of a request on a warm machine with nobody before it, for an offer without history.

    Where a machine has more devices than the request has outputs, all of them work on each in turn.
    """
    return estimate(architecture, machine, size_of(architecture, request)).seconds * request.count


def architecture_of(tables: Tables, named: str) -> Architecture:
    """By its own name, or by the id of a model that runs it. Raises Unknown."""
    found = tables.architectures.get(named) or next(
        (each for each in tables.architectures.values() if named in each.models), None
    )
    if found is None:
        raise _unknown("architecture", named, tables.architectures)
    return found


def machine_of(tables: Tables, named: str) -> Machine:
    """Raises Unknown."""
    if named not in tables.machines:
        raise _unknown("machine", named, tables.machines)
    return tables.machines[named]


def _unknown(kind: str, named: str, known: Mapping[str, object]) -> Unknown:
    return Unknown(f"no {kind} named {named} is known: there are {', '.join(sorted(known))}")
