"""Estimates beside published runs: one utilisation for each class of machine, and how far off each run is.

Each run is estimated twice: by the share in the table, and by one fitted on the other runs of its class alone, so that
no run is checked against itself. Runs on several devices have no second estimate: scaling is fitted on all of them.
"""

from collections import defaultdict
from collections.abc import Sequence
from math import log
from statistics import fmean, median
from typing import NamedTuple

from adapters.schema import Modality
from router.compute import memory
from router.compute.roofline import estimate, usual_size, utilisation_of
from router.compute.tables import Machine, PublishedPeak, PublishedRun, Tables, Utilisation
from router.compute.work import Size, tokens

Class = tuple[str, str, Modality | None]
"""Machine, stack, and a modality where the machine tells them apart: what has one utilisation."""


class Checked(NamedTuple):
    """A run beside its estimates; `held_out_s` is None on several devices, and where its class has no other run."""

    run: PublishedRun
    tokens: int
    flop: float
    estimated_s: float
    held_out_s: float | None
    is_one_device: bool

    @property
    def error(self) -> float:
        """Estimated ÷ published − 1."""
        return self.estimated_s / self.run.seconds - 1

    @property
    def held_out_error(self) -> float | None:
        return None if self.held_out_s is None else self.held_out_s / self.run.seconds - 1


class Fitted(NamedTuple):
    """What runs imply, in the median, beside what the table says; `what` is a stack, or a modality for scaling."""

    machine: str
    what: str
    fitted: float
    listed: float
    runs: int


class Summary(NamedTuple):
    """Absolute errors of several runs, and of those of them that have a held-out estimate."""

    runs: int
    median_error: float
    mean_error: float
    held_out_runs: int
    held_out_median_error: float | None
    held_out_mean_error: float | None
    worst: Checked


class CheckedPeak(NamedTuple):
    """Bytes."""

    peak: PublishedPeak
    estimated: float

    @property
    def published(self) -> float:
        return self.peak.peak_mib * 2.0**20

    @property
    def error(self) -> float:
        return self.estimated / self.published - 1


def run_size(tables: Tables, run: PublishedRun | PublishedPeak) -> Size:
    usual = usual_size(tables.architectures[run.architecture])
    steps = run.steps if isinstance(run, PublishedRun) else usual.steps
    return Size(run.width, run.height, run.frames, steps, usual.forwards)


def check_runs(tables: Tables) -> tuple[Checked, ...]:
    """Every run beside its estimates, in the order of the table."""
    classes = _classes(tables)
    return tuple(_checked(tables, run, classes.get(_class_of(tables, run), [])) for run in tables.runs)


def _checked(tables: Tables, run: PublishedRun, alike: Sequence[PublishedRun]) -> Checked:
    others = [implied_share(tables, other) for other in alike if other is not run]
    architecture, size = tables.architectures[run.architecture], run_size(tables, run)
    return Checked(
        run,
        tokens=tokens(architecture, size),
        flop=estimate(architecture, _machine(tables, run), size, stack=run.stack).work.flop,
        estimated_s=_seconds(tables, run, None),
        held_out_s=_seconds(tables, run, median(others)) if others and run.count == 1 else None,
        is_one_device=run.count == 1 and tables.machines[run.machine].chips == 1,
    )


def _seconds(tables: Tables, run: PublishedRun, share: float | None) -> float:
    """What was measured of the run: all of it, or the denoising."""
    architecture, machine = tables.architectures[run.architecture], _machine(tables, run)
    found = estimate(architecture, machine, run_size(tables, run), stack=run.stack, share=share)
    return found.denoise_s if run.part == "denoise" else found.seconds


def _machine(tables: Tables, run: PublishedRun) -> Machine:
    return tables.machines[run.machine].model_copy(update={"count": run.count})


def _classes(tables: Tables) -> dict[Class, list[PublishedRun]]:
    """Runs on one device, by what has one utilisation."""
    found: dict[Class, list[PublishedRun]] = defaultdict(list)
    for run in tables.runs:
        if run.count == 1:
            found[_class_of(tables, run)].append(run)
    return dict(found)


def _class_of(tables: Tables, run: PublishedRun) -> Class:
    return run.machine, run.stack, _used(tables, run).modality


def _used(tables: Tables, run: PublishedRun) -> Utilisation:
    found = utilisation_of(tables.machines[run.machine], run.stack, tables.architectures[run.architecture].modality)
    if found is None:
        raise LookupError(f"{run.machine} has no utilisation for {run.stack}")
    return found


def implied_share(tables: Tables, run: PublishedRun) -> float:
    """The utilisation at which the estimate is the published time, for every part of it is inverse to that."""
    return _seconds(tables, run, 1.0) / run.seconds


def fit_classes(tables: Tables) -> tuple[Fitted, ...]:
    """The median of what the runs of each class imply."""
    return tuple(
        Fitted(machine, f"{stack}, {modality}" if modality else stack,
               median(implied_share(tables, run) for run in runs), _used(tables, runs[0]).share, len(runs))
        for (machine, stack, modality), runs in _classes(tables).items()
    )  # fmt: skip


def fit_scaling(tables: Tables) -> tuple[Fitted, ...]:
    """The exponent of each machine and modality: log(seconds on one ÷ seconds on n) ÷ log n, in the median."""
    alone = {_without_count(run): run.seconds for run in tables.runs if run.count == 1}
    found: dict[tuple[str, Modality], list[float]] = defaultdict(list)
    for run in tables.runs:
        if run.count > 1 and (one_s := alone.get(_without_count(run))):
            modality = tables.architectures[run.architecture].modality
            found[run.machine, modality].append(log(one_s / run.seconds) / log(run.count))
    return tuple(
        Fitted(machine, modality.value, median(each), tables.machines[machine].scaling.of(modality), len(each))
        for (machine, modality), each in found.items()
    )


def _without_count(run: PublishedRun) -> tuple[object, ...]:
    return (run.architecture, run.task, run.width, run.height, run.frames, run.steps, run.machine, run.stack, run.part)


def summary(checked: Sequence[Checked]) -> Summary:
    """Raises ValueError where there is nothing to sum up."""
    if not checked:
        raise ValueError("no published run is known")
    errors = [abs(each.error) for each in checked]
    held_out = [abs(each.held_out_error) for each in checked if each.held_out_error is not None]
    return Summary(
        len(checked), median(errors), fmean(errors), len(held_out),
        median(held_out) if held_out else None, fmean(held_out) if held_out else None,
        max(checked, key=lambda each: abs(each.error)),
    )  # fmt: skip


def check_peaks(tables: Tables) -> tuple[CheckedPeak, ...]:
    """Published peaks of memory beside what is computed, with everything loaded that was."""
    return tuple(_checked_peak(tables, peak) for peak in tables.peaks)


def _checked_peak(tables: Tables, peak: PublishedPeak) -> CheckedPeak:
    needed = memory.need(
        tables.architectures[peak.architecture], run_size(tables, peak),
        vae_bytes=peak.vae_bytes, text_encoder_bytes=peak.text_encoder_bytes,
    )  # fmt: skip
    return CheckedPeak(peak, needed.whole)
