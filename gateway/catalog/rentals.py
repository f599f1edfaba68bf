"""What offers ask for an output that a machine of one's own could make: those of equal quality, cheapest first."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from adapters import capabilities, pricing, sizes
from adapters.acceptance import Adjustment
from adapters.schema import MediaRequest, Modality, Offer, Task
from gateway.catalog.estimate_views import usd
from gateway.catalog.evidence import Belief
from gateway.catalog.supply import Supply
from gateway.problems import Invalid
from router.compute.hosting import Comparison
from router.compute.tables import Architecture
from router.compute.work import Size

AUTO = "auto"
WORDS = "x" * 64
"""A prompt of usual length, for offers that count it."""
NEARLY = 0.95
"""As much of the pixels is as good: makers round sizes to their own steps."""
SHOWN = 5
"""Offers of equal quality that are listed, cheapest first."""


class Rented(NamedTuple):
    """What an offer asks for the same output, and what it changes; `is_less`: it is smaller or shorter, or may be."""

    offer: str
    usd: Decimal
    adjustments: tuple[Adjustment, ...]
    is_less: bool


def rented(offer: Offer, request: MediaRequest, day: date) -> Rented | None:
    """None where the offer does not do it, or has no price for it."""
    fit = capabilities.fit(request, offer, strict=False)
    if fit.reasons:
        return None
    try:
        usd = pricing.quote(fit.request, offer, day).usd
    except pricing.Unpriced:
        return None
    return Rented(offer.id, usd, fit.adjustments, is_less(request, fit.request))


def is_less(asked: MediaRequest, sent: MediaRequest) -> bool:
    """Whether what is sent to an offer makes less than was asked, or does not say how much it makes."""
    if asked.duration_s is not None and (sent.duration_s is None or sent.duration_s < asked.duration_s):
        return True
    made = pixels_of(sent)
    return made is None or made < (pixels_of(asked) or 0) * NEARLY


def pixels_of(request: MediaRequest) -> int | None:
    if request.width and request.height:
        return request.width * request.height
    moving = request.task.modality is Modality.VIDEO
    pair = (
        sizes.pixels(request.aspect_ratio or "1:1", request.resolution, moving=moving) if request.resolution else None
    )
    return pair[0] * pair[1] if pair else None


def standard_request(architecture: Architecture, size: Size) -> MediaRequest:
    """The output as a caller would ask a provider for it: a clip lasts whole seconds there."""
    fps = architecture.usual.fps
    task = Task.TEXT_TO_VIDEO if architecture.modality is Modality.VIDEO else Task.TEXT_TO_IMAGE
    duration_s = max(1, round((size.frames - architecture.vae.causal) / fps)) if fps and size.frames > 1 else None
    return MediaRequest(task=task, prompt=WORDS, width=size.width, height=size.height, duration_s=duration_s)


def rented_like(
    against: str, architecture: Architecture, request: MediaRequest, supply: Supply, belief: Belief, day: date
) -> list[Rented]:
    """The offer that is named, or for `auto` those of equal quality; cheapest first. Raises Invalid for none."""
    offers: Sequence[Offer] = supply.by_task[request.task]
    if against == AUTO:
        offers = tuple(_of_equal_quality(architecture, offers, supply, belief, request.task))
    else:
        offers = tuple(offer for offer in offers if offer.id == against)
    running = (offer for offer in offers if offer.ends is None or offer.ends > day)
    priced = [each for offer in running if (each := rented(offer, request, day)) is not None]
    found = [each for each in priced if against != AUTO or not each.is_less]
    if not found:
        what = "no offer of equal quality" if against == AUTO else f"no offer named {against}"
        raise Invalid(f"{what} has a price for {request.task} of this size: name one that has as `against`")
    return sorted(found, key=lambda each: (each.usd, each.offer))


def _of_equal_quality(
    architecture: Architecture, offers: Sequence[Offer], supply: Supply, belief: Belief, task: Task
) -> Iterator[Offer]:
    """Of the same weights; and of models that boards put no lower than them, where boards know both."""
    own = [belief.qualities.of(model, task) for model in architecture.models]
    least = max((each.interval.value for each in own if each.boards), default=None)
    for offer in offers:
        if supply.cards[offer.provider].stand_in:
            continue
        quality = belief.qualities.of(offer.model, task)
        is_as_good = least is not None and bool(quality.boards) and quality.interval.value >= least
        if offer.model in architecture.models or is_as_good:
            yield offer


def rent_or_host_view(found: Comparison, rented: Sequence[Rented]) -> dict[str, Any]:
    own, best = found.own, rented[0]
    return {
        "offer": best.offer,
        "offer_usd_each": usd(best.usd),
        "own_usd_per_month": usd(own.usd_per_month),
        "own_power_usd_each": usd(own.power_usd_each),
        "own_usd_each_busy": usd(own.usd_each_busy),
        "capacity_per_month": own.capacity_per_month,
        "break_even_per_month": found.break_even_per_month,
        "break_even_busy": found.break_even_busy,
        "offers": [_rented_view(each) for each in rented[:SHOWN]],
        "considered": len(rented),
    }


def _rented_view(each: Rented) -> dict[str, Any]:
    adjustments = [adjustment.model_dump() for adjustment in each.adjustments]
    return {"offer": each.offer, "usd_each": usd(each.usd), "adjustments": adjustments}
