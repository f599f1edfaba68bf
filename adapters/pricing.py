"""Money from quantities: the quote before a run and the cost after it, from the same dated rates. Pure."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from adapters import sizes
from adapters.schema import (
    Expectation,
    Frozen,
    ImagePart,
    MediaRequest,
    Modality,
    Offer,
    Price,
    Rate,
    Task,
    TextPart,
    Usage,
    When,
)

Context = Mapping[str, object]
"""The resolved parameters that a rate's `when` is held against."""

MEGA = Decimal(1_000_000)
DEFAULT_MEGAPIXELS = Decimal(1024 * 1024) / MEGA
"""A picture of which no size is said: the square that nearly every image model makes by default."""
MESSAGE_TOKENS = 8
"""What a chat message costs beyond its words (role and separators), rounded up from the published 3 to 4."""
IMAGE_TOKENS = 6_240
"""Upper bound for one picture among a chat's messages: OpenAI's high-detail image at most, seen 2026-10 [unsure]."""


class Unpriced(LookupError):
    """There is no price for what is asked; an unpriced job is refused, never free."""


class Line(Frozen):
    """One unit of a quote or a cost: quantity × usd_each = usd."""

    unit: str
    quantity: Decimal
    usd_each: Decimal
    usd: Decimal


class Quote(NamedTuple):
    """An amount of USD, and how it comes about."""

    usd: Decimal
    lines: tuple[Line, ...]


def price_on(offer: Offer, day: date) -> Price:
    """The newest price that holds on a day. Raises Unpriced if there is none."""
    held = [price for price in offer.prices if price.since <= day]
    if not held:
        raise Unpriced(f"{offer.id} has no price on {day}")
    return max(held, key=lambda price: price.since)


CONTEXT = frozenset(
    {"resolution", "aspect_ratio", "width", "height", "duration_s", "fps", "audio", "quality", "steps", "scale", "size",
     "task", "loras"}
)  # fmt: skip
"""What a `when` may name. `loras` is true of a request that has any."""

INPUT_UNITS = frozenset({"input_image", "input_megapixel", "input_video_second", "input_image_token"})
"""Units of media given: none of them without an input, and a bound of the card's where there is one."""


def context_of(request: MediaRequest) -> Context:
    """What a fitted request says of the things that prices depend on."""
    size = f"{request.width}x{request.height}" if request.width and request.height else None
    told = {"size": size, "task": request.task, "loras": bool(request.loras)}
    return {name: getattr(request, name) for name in _PLAIN} | told


_PLAIN = tuple(sorted(CONTEXT - {"size", "task", "loras"}))


def matches(when: When, context: Context) -> bool:
    for name, wanted in when.items():  # noqa: SIM110 - runs for every rate of every candidate; twice as quick as all()
        if context.get(name) not in wanted:
            return False
    return True


def expected_usage(request: MediaRequest, offer: Offer) -> Usage:
    """Upper bounds, by unit, of what a fitted request can use. A unit that nothing bounds is left out."""
    return _bounded_usage(request, offer, context_of(request))


def _bounded_usage(request: MediaRequest, offer: Offer, context: Context) -> Usage:
    outputs = Decimal(request.count)
    usage = {"request": Decimal(1), "character": Decimal(len(request.prompt))} | _expected_outputs(request, outputs)
    usage["input_token"] = Decimal(_input_tokens(request))
    if request.steps is not None:
        usage["step"] = outputs * request.steps
    usage["cached_input_token"] = Decimal(0)  # counted among input_token, which is dearer
    if not request.inputs:
        usage |= dict.fromkeys(INPUT_UNITS, Decimal(0))
    partials = Decimal(request.partial_images or 0)
    for expectation in _first_of_each_unit(offer.expects, context):
        expected = _expected(expectation, usage, outputs, partials)
        usage[expectation.unit] = usage.get(expectation.unit, Decimal(0)) + expected
    return usage


def _expected_outputs(request: MediaRequest, outputs: Decimal) -> Usage:
    """What the request alone tells of what will be made."""
    match request.task.modality:
        case Modality.IMAGE:
            each = _megapixels(request)
            return {"output_image": outputs} | ({} if each is None else {"output_megapixel": outputs * each})
        case Modality.VIDEO if request.duration_s is not None:
            seconds = outputs * Decimal(str(request.duration_s))
            frames = {} if request.fps is None else {"output_video_frame": seconds * Decimal(str(request.fps))}
            return {"output_video": outputs, "output_video_second": seconds} | frames
        case Modality.VIDEO:
            return {"output_video": outputs}
        case Modality.TEXT if request.max_tokens is not None:
            return {"output_token": outputs * request.max_tokens}
        case _:
            return {}


def _first_of_each_unit(expectations: Iterable[Expectation], context: Context) -> list[Expectation]:
    """What partial pictures take comes on top of what the picture does, so it is a unit's second bound."""
    chosen: dict[tuple[str, bool], Expectation] = {}
    for expectation in expectations:
        if matches(expectation.when, context):
            chosen.setdefault((expectation.unit, expectation.per == "partial_image"), expectation)
    return list(chosen.values())


def _expected(expectation: Expectation, usage: Usage, outputs: Decimal, partials: Decimal) -> Decimal:
    match expectation.per:
        case "request":
            return expectation.quantity
        case "output":
            return expectation.quantity * outputs
        case "second":
            return expectation.quantity * usage.get("output_video_second", Decimal(0))
        case "partial_image":
            return expectation.quantity * partials


def _megapixels(request: MediaRequest) -> Decimal | None:
    """Megapixels of one picture; a tier counts as the pixels it stands for. None where an input sets the size."""
    if request.width and request.height:
        return Decimal(request.width * request.height) / MEGA
    if request.aspect_ratio or request.resolution:
        pair = sizes.pixels(request.aspect_ratio or "1:1", request.resolution)
        return Decimal(pair[0] * pair[1]) / MEGA if pair else None
    return DEFAULT_MEGAPIXELS if request.task is Task.TEXT_TO_IMAGE else None


def _input_tokens(request: MediaRequest) -> int:
    """No tokeniser makes more tokens than there are bytes, so bytes bound them from above."""
    tokens = len(request.prompt.encode()) + MESSAGE_TOKENS
    for message in request.messages:
        parts = (TextPart(text=message.content),) if isinstance(message.content, str) else message.content
        tokens += MESSAGE_TOKENS + sum(_part_tokens(part) for part in parts)
    return tokens


def _part_tokens(part: TextPart | ImagePart) -> int:
    return len(part.text.encode()) if isinstance(part, TextPart) else IMAGE_TOKENS


def quote(request: MediaRequest, offer: Offer, day: date) -> Quote:
    """The most that a fitted request can cost.

    Raises Unpriced, also where a priced unit has no bound: a job that may cost anything is not one for nothing.
    """
    price, context = price_on(offer, day), context_of(request)
    usage = _bounded_usage(request, offer, context)
    rates = applying(price.rates, context, offer.id)
    if unbounded := [rate.unit for rate in rates if rate.usd and rate.unit not in usage]:
        raise Unpriced(f"{offer.id}: nothing in this request bounds {', '.join(unbounded)}")
    return _summed(rates, usage)


def cost(price: Price, usage: Usage, context: Context, offer_id: str = "this offer") -> Quote:
    """What a usage costs under a price: the sum over its units. Raises Unpriced if a unit has no rate that applies.

    Of the rates of one unit the first whose `when` holds counts, so the particular stands before the general.
    """
    return _summed(applying(price.rates, context, offer_id), usage)


def _summed(rates: Iterable[Rate], usage: Usage) -> Quote:
    lines = tuple(_line(rate, usage[rate.unit]) for rate in rates if usage.get(rate.unit))
    return Quote(sum((line.usd for line in lines), Decimal(0)), lines)


def applying(rates: Iterable[Rate], context: Context, offer_id: str) -> list[Rate]:
    """The one rate of each unit that holds here. Raises Unpriced where a unit has rates but none of them does."""
    by_unit: dict[str, Rate | None] = {}
    for rate in rates:
        if by_unit.get(rate.unit) is None:
            by_unit[rate.unit] = rate if matches(rate.when, context) else None
    found = [rate for rate in by_unit.values() if rate is not None]
    if not found or (missing := [unit for unit, rate in by_unit.items() if rate is None]):
        raise Unpriced(f"{offer_id} has no price for {', '.join(missing if found else by_unit)} as asked")
    return found


def _line(rate: Rate, quantity: Decimal) -> Line:
    # Constructed, not validated: every part is a Decimal already, and quotes are made for every candidate.
    each, usd = rate.usd / rate.per, rate.usd * quantity / rate.per
    return Line.model_construct(unit=rate.unit, quantity=quantity, usd_each=each, usd=usd)


TOLD = frozenset({"request", "character", "step"})
"""Units that the request itself tells exactly."""


def settled_usage(price: Price, reported: Usage, measured: Usage, expected: Usage) -> tuple[Usage, bool]:
    """The usage that is paid: what the provider counted, else what the file measures, else what was expected.

    Measured amounts never exceed what was asked for: a frame too many is the provider's gift. The flag says whether
    any priced unit had to be taken from the expectation, so that the cost is marked an estimate.
    """
    units = {rate.unit for rate in price.rates}
    usage = {unit: min(measured[unit], expected.get(unit, measured[unit])) for unit in units & measured.keys()}
    usage |= {unit: quantity for unit, quantity in _as_priced(reported, units).items() if unit in units}
    guessed = units - usage.keys()
    usage |= {unit: expected[unit] for unit in guessed & expected.keys()}
    return usage, bool(guessed & expected.keys() - TOLD)


def _as_priced(reported: Usage, units: set[str]) -> Usage:
    """Tokens from a cache are tokens read, where the price knows no rate of their own for them."""
    cached = reported.get("cached_input_token")
    if not cached or "cached_input_token" in units:
        return reported
    return reported | {"input_token": reported.get("input_token", Decimal(0)) + cached}


def is_priced(offer: Offer, task: Task, day: date) -> bool:
    """Whether anything of this offer could be quoted on a day, for lists; a job's own quote decides."""
    return task in offer.tasks and any(price.since <= day for price in offer.prices)
