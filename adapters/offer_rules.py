"""What must hold of an offer on a card beyond its types: pure checks, so that a slip in YAML is found at loading."""

import re
from collections.abc import Iterator

from adapters import graphs, workflows
from adapters.acceptance import allowed
from adapters.fields import field_name
from adapters.pricing import CONTEXT
from adapters.schema import PARAMETERS, Accept, Fields, Offer, Role, When

WORDS = {"aspect_ratio": re.compile(r"[1-9]\d*:[1-9]\d*|auto"), "size": re.compile(r"[1-9]\d*x[1-9]\d*|auto")}
"""How listed ratios and sizes are written. Unquoted, YAML reads 16:9 as the number 969."""

OTHER_FIELDS = frozenset({"prompt"} | {field_name(role) for role in Role})


def offer_faults(offer: Offer, defaults: Fields, units: frozenset[str]) -> list[str]:
    """Every fault of an offer, each with its place. `defaults` is the spelling of the offer's dialect."""
    faults = list(_price_faults(offer, units))
    for task in sorted(offer.by_task.keys() - offer.tasks):
        faults.append(f"by_task.{task}: the offer does not do that task")
    for task in sorted(offer.tasks):
        here = offer.for_task(task)
        for name, accept in here.accepts.items():
            faults += [
                f"accepts.{name}: {fault} (for {task})" for fault in _accept_faults(here, name, accept, defaults)
            ]
        faults += [f"conditions.{fault} (for {task})" for fault in _condition_faults(here)]
        unknown = here.fields.keys() - PARAMETERS - OTHER_FIELDS - defaults.keys()
        faults += [f"fields.{name}: no parameter or role of that name" for name in sorted(unknown)]
        faults += [f"{fault} (for {task})" for fault in (*workflows.place_faults(here), *graphs.place_faults(here))]
    return list(dict.fromkeys(faults))


def _accept_faults(offer: Offer, name: str, accept: Accept, defaults: Fields) -> Iterator[str]:
    if name not in PARAMETERS:
        yield "no parameter of that name"
        return
    partner = {"width": "height", "height": "width"}.get(name)
    if partner and partner not in offer.accepts:
        yield f"width and height go together, but {partner} is not accepted"
    if accept.default is not None and not allowed(accept.default, accept):
        yield f"the default {accept.default} is not among what is accepted"
    if accept.enum is not None and not [each for each in accept.enum if each != "auto"]:
        yield "the list is empty"
    for each in accept.enum or ():
        if name in WORDS and not WORDS[name].fullmatch(str(each)):
            yield f'{each!r} is not written like "{"16:9" if name == "aspect_ratio" else "1024x1024"}"; quote it'
    field = (defaults | offer.fields).get(name) or (defaults.get("size") if partner else None)
    if field is None:
        yield "the dialect has no field for it; name one under fields"
    elif field.values is not None and (
        missing := [str(each) for each in accept.enum or () if _key(each) not in field.values]
    ):
        yield f"fields.{name}.values has nothing for {', '.join(missing)}"


def _condition_faults(offer: Offer) -> Iterator[str]:
    """A condition speaks of what the offer accepts, and narrows it."""
    known = offer.accepts.keys() | ({"width", "height"} if "size" in offer.accepts else set())
    known |= {"size"} if {"width", "height"} <= known else set()
    for number, condition in enumerate(offer.conditions):
        for name in sorted(condition.when.keys() - known):
            yield f"{number}.when.{name}: the offer does not accept it"
        for role in sorted(condition.roles - offer.inputs.keys()):
            yield f"{number}.roles: the offer takes no {role} input"
        for name, accept in condition.accepts.items():
            yield from (f"{number}.accepts.{name}: {fault}" for fault in _narrowing_faults(offer, name, accept, known))


def _narrowing_faults(offer: Offer, name: str, accept: Accept, known: set[str]) -> Iterator[str]:
    if name not in known:
        yield "the offer does not accept it"
        return
    if accept.enum is not None and not accept.enum:
        yield "the list is empty"
    if accept.default is not None and not allowed(accept.default, accept):
        yield f"the default {accept.default} is not among what is accepted"
    wide = offer.accepts.get(name)
    beyond = [str(each) for each in accept.enum or () if wide is not None and not allowed(each, wide)]
    if beyond:
        yield f"{', '.join(beyond)} is not accepted by the offer itself"


def _key(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _price_faults(offer: Offer, units: frozenset[str]) -> Iterator[str]:
    rates = [
        (f"prices.{number}.rates", rate.unit, rate.when)
        for number, price in enumerate(offer.prices)
        for rate in price.rates
    ]
    bounds = [("expects", expectation.unit, expectation.when) for expectation in offer.expects]
    for place, unit, when in rates + bounds:
        if unit not in units:
            yield f"{place}: no unit named {unit}"
        yield from (f"{place}: when: a price cannot depend on {name}" for name in _unknown(when))


def _unknown(when: When) -> list[str]:
    return sorted(when.keys() - CONTEXT)
