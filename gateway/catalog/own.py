"""Offers on the operator's own machines: what a second costs, and how many one output takes at most. No I/O.

A machine without a price of its operator's gives none: what a table says that others pay for its like is no cost.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import ROUND_UP, Decimal, InvalidOperation
from typing import NamedTuple

from adapters.registry import BadCatalog
from adapters.schema import Expectation, MediaRequest, Offer, OwnMachine, Price, ProviderCard, Rate, Task
from router.compute import roofline
from router.compute.hosting import HOURS_PER_MONTH, SECONDS_PER_HOUR
from router.compute.tables import Architecture, Machine, Tables

GPU_SECOND = "gpu_second"
ROOFLINE_SAFETY = 3
"""An estimate is off by half at worst where published runs tell, and a cold load of the weights comes before it."""
MEASURED_SAFETY = 2
"""On the time within which 19 of 20 runs of our own ended: requests of other sizes are among those to come."""
USD_PLACES = Decimal("1e-9")
HOUR_MOST_USD = Decimal(100_000)
"""A machine that costs more an hour is a slip of the pen."""

Measured = Mapping[tuple[str, Task], float]
"""Offer and task → seconds within which 19 of 20 runs of ours there ended."""


class Roofline(NamedTuple):
    """What an offer's seconds can be estimated from."""

    architecture: Architecture
    machine: Machine


def priced(card: ProviderCard, usd_per_hour: str | None, today: date) -> ProviderCard:
    """The card with the price of its machine at every offer that has none. Raises BadCatalog.

    `usd_per_hour` is the operator's setting; it goes before what the card says.
    """
    if not card.self_hosted:
        return card
    machine = card.machine or OwnMachine()
    if usd_per_hour is not None:
        machine = machine.model_copy(update={"usd_per_hour": _usd(card, usd_per_hour), "purchase_usd": None})
    price = price_of(machine, today)
    if price is None:
        return card
    offers = tuple(offer if offer.prices else offer.model_copy(update={"prices": (price,)}) for offer in card.offers)
    return card.model_copy(update={"machine": machine, "offers": offers})


def _usd(card: ProviderCard, said: str) -> Decimal:
    try:
        usd = Decimal(said)
    except InvalidOperation:
        usd = Decimal(-1)
    if not (usd.is_finite() and 0 <= usd <= HOUR_MOST_USD):
        raise BadCatalog(f"{card.name}: {said[:50]!r} is no price in USD for an hour of a machine")
    return usd


def price_of(machine: OwnMachine, today: date) -> Price | None:
    """The price of a second of the whole machine; None where its operator says nothing of its cost."""
    since, said = machine.since or today, ""
    if machine.purchase_usd is not None:
        power_usd = Decimal(str(machine.power_w)) / 1_000 * machine.usd_per_kwh
        hour = machine.purchase_usd / (machine.months * HOURS_PER_MONTH) + power_usd
        hour = hour.quantize(USD_PLACES, ROUND_UP)
        said = f", {machine.purchase_usd:f} USD over {machine.months} months, and {machine.power_w:g} W"
    elif machine.usd_per_hour is not None:
        hour = machine.usd_per_hour
    else:
        return None
    rate = Rate(unit=GPU_SECOND, usd=hour, per=Decimal(SECONDS_PER_HOUR))
    return Price(since=since, checked=since, source=f"own machine: {hour:f} USD an hour{said}", rates=(rate,))


def rooflines(cards: Iterable[ProviderCard], tables: Tables) -> dict[str, Roofline]:
    """Offer → what its seconds can be estimated from, where its model and its machine are in the tables.

    Raises BadCatalog for a machine that is not.
    """
    found: dict[str, Roofline] = {}
    for card in cards:
        machine = _machine(card, tables) if card.machine and card.machine.name else None
        for offer in card.offers if machine else ():
            architecture = next((each for each in tables.architectures.values() if offer.model in each.models), None)
            if machine and architecture:
                found[offer.id] = Roofline(architecture, machine)
    return found


def _machine(card: ProviderCard, tables: Tables) -> Machine:
    assert card.machine is not None and card.machine.name is not None
    try:
        machine = roofline.machine_of(tables, card.machine.name)
    except roofline.Unknown as error:
        raise BadCatalog(f"{card.name}: machine: {error}") from error
    return machine.model_copy(update={"count": card.machine.accelerators})


def expected_s(known: Roofline | None, request: MediaRequest) -> float | None:
    """Median seconds of a fitted request by the roofline; None where it can say none."""
    if known is None or request.task.modality is not known.architecture.modality:
        return None
    try:
        return roofline.expected_s(known.architecture, known.machine, request)
    except roofline.Unknown:
        return None


def bounded(offer: Offer, request: MediaRequest, known: Roofline | None, measured: Measured) -> Offer:
    """The offer with a bound on the seconds of this request: its card's, else an estimate's, else its history's."""
    if any(each.unit == GPU_SECOND for each in offer.expects):
        return offer
    estimated_s, measured_s = expected_s(known, request), measured.get((offer.id, request.task))
    most_s = estimated_s * ROOFLINE_SAFETY if estimated_s else measured_s * MEASURED_SAFETY if measured_s else None
    if most_s is None:
        return offer
    bound = Expectation(unit=GPU_SECOND, quantity=Decimal(str(round(most_s, 3))), per="request")
    return offer.model_copy(update={"expects": (*offer.expects, bound)})
