"""An estimate as it is asked for and answered: seconds and dollars of self-hosting, beside offers of equal quality."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from pydantic import Field, model_validator

from adapters.schema import Exact, Frozen, Modality
from gateway.catalog.estimate_views import How, estimate_view
from gateway.catalog.evidence import Belief
from gateway.catalog.rentals import rent_or_host_view, rented_like, standard_request
from gateway.catalog.supply import Supply
from gateway.problems import Invalid
from router.compute import hosting, roofline
from router.compute.roofline import Unknown
from router.compute.tables import (
    Amount,
    Architecture,
    Devices,
    Forwards,
    Frames,
    Machine,
    Pixels,
    Precision,
    Share,
    Steps,
    Tables,
)
from router.compute.work import Size
from router.names import OneModel, OneOffer

Word = Annotated[str, Field(min_length=1, max_length=200)]


class Ask(Frozen):
    """What to estimate. What is left out is as the model's own code has it, and as the table has the machine."""

    model: Word = Field(description="a model's id, or an architecture's name")
    on: Word = Field(description="a machine's name")
    count: Devices | None = Field(None, description="accelerators of the machine that work together on each output")
    width: Pixels | None = None
    height: Pixels | None = None
    frames: Frames | None = None
    duration_s: Annotated[float, Field(gt=0, le=3_600, allow_inf_nan=False)] | None = None
    fps: Annotated[float, Field(gt=0, le=240, allow_inf_nan=False)] | None = None
    steps: Steps | None = None
    forwards: Forwards | None = Field(None, description="passes through the model at each step")
    precision: Precision | None = None
    stack: Word | None = Field(None, description="the software, of those that the machine's table knows")
    utilisation: Share | None = Field(None, description="in place of the table's share of the peak")
    busy: Share = Field(1, description="the share of the paid time that is worked")
    usd_per_hour: Exact | None = Field(None, description="of one accelerator, in place of the table's")
    purchase_usd: Exact | None = Field(None, description="of one accelerator with its part of the host")
    months: Annotated[int, Field(ge=1, le=240)] = Field(hosting.MONTHS, description="to spread a purchase over")
    power_w: Amount | None = Field(None, description="of one accelerator with its part of the host, working")
    usd_per_kwh: Exact = hosting.USD_PER_KWH
    against: Word | None = Field(None, description="an offer's id, or auto: the cheapest of equal quality")

    @model_validator(mode="after")
    def _said_once(self) -> "Ask":
        if (self.width is None) != (self.height is None):
            raise ValueError("width and height are given together")
        if self.frames is not None and self.duration_s is not None:
            raise ValueError("a clip's length is frames or duration_s, not both")
        if self.usd_per_hour is not None and self.purchase_usd is not None:
            raise ValueError("a machine is rented or bought: usd_per_hour or purchase_usd, not both")
        return self


@dataclass(frozen=True)
class Estimator:
    """Everything that an estimate may look at; offers and what is believed of them only where they are needed."""

    tables: Tables
    supply: Callable[[], Supply]
    belief: Callable[[], Belief]

    def answer(self, ask: Ask, day: date) -> dict[str, Any]:
        """The figures of one output, and what they assume. Raises Invalid for names and values that are not known."""
        try:
            return self._answer(ask, day)
        except Unknown as error:
            raise Invalid(str(error)) from error

    def _answer(self, ask: Ask, day: date) -> dict[str, Any]:
        architecture, machine = self._architecture(ask.model), machine_for(ask, self.tables)
        how = how_for(ask, architecture, machine)
        found = roofline.estimate(architecture, machine, how.size, how.precision, ask.stack, ask.busy, ask.utilisation)
        view = estimate_view(architecture, machine, how, found)
        if ask.against is None:
            return view
        own = hosting.own_cost(machine, found.seconds, ask.busy, ask.months, ask.usd_per_kwh)
        if own is None:
            raise Invalid(f"{machine.name} has no price: give usd_per_hour or purchase_usd")
        request = standard_request(architecture, how.size)
        rented = rented_like(ask.against, architecture, request, self.supply(), self.belief(), day)
        return view | {"rent_or_host": rent_or_host_view(hosting.compare(own, rented[0].usd), rented)}

    def _architecture(self, named: str) -> Architecture:
        """By its name, or by any name of a model that runs it."""
        try:
            return roofline.architecture_of(self.tables, named)
        except Unknown:
            match self.supply().names.resolve(named):
                case OneModel(model) | OneOffer(_, model):
                    return roofline.architecture_of(self.tables, model)
                case _:
                    raise


def machine_for(ask: Ask, tables: Tables) -> Machine:
    """The machine as the table has it, with what the caller says of it; an hour of a bought one has its price, too."""
    machine = roofline.machine_of(tables, ask.on)
    said = {"count": ask.count, "power_w": ask.power_w, "purchase_usd": ask.purchase_usd}
    changes: dict[str, object] = {name: value for name, value in said.items() if value is not None}
    if ask.usd_per_hour is not None:
        changes |= {"usd_per_hour": ask.usd_per_hour, "purchase_usd": None}
    changed = machine.model_copy(update=changes)
    return changed.model_copy(update={"usd_per_hour": hosting.usd_per_hour(changed, ask.months, ask.usd_per_kwh)})


def how_for(ask: Ask, architecture: Architecture, machine: Machine) -> How:
    precision: Precision = ask.precision or machine.precision
    return How(size_for(ask, architecture), ask.fps or architecture.usual.fps, precision, ask.busy)


def size_for(ask: Ask, architecture: Architecture) -> Size:
    """The model's usual output, with what the caller says of it. Raises Invalid for a picture that should last."""
    usual = architecture.usual
    is_moving = architecture.modality is Modality.VIDEO
    if not is_moving and (ask.duration_s is not None or (ask.frames or 1) > 1):
        raise Invalid(f"{architecture.name} makes pictures: they have no length")
    frames = ask.frames or usual.frames
    if ask.duration_s is not None:
        frames = roofline.frames_for(architecture, ask.duration_s, ask.fps)
    elif ask.fps is not None and usual.fps:
        frames = roofline.frames_for(architecture, (frames - architecture.vae.causal) / usual.fps, ask.fps)
    return Size(
        ask.width or usual.width, ask.height or usual.height, frames, ask.steps or usual.steps,
        ask.forwards or usual.forwards,
    )  # fmt: skip
