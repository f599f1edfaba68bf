"""Fit a request to what an offer accepts: its defaults filled in, or the reasons why it cannot be done.

Nothing is ever dropped in silence: what is not exactly as asked is a reason (strict) or an adjustment (not strict).
"""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from pydantic import JsonValue

from adapters.acceptance import KEPT, Adjustment, Answer, adjusted, allowed, describe, refused, settle, together
from adapters.canvas import fit_size
from adapters.conditions import UNTOUCHABLE, fit_conditions
from adapters.fields import field_name, own_names
from adapters.registry import DIALECTS
from adapters.schema import PARAMETERS, MediaRequest, Offer, Role, Value
from adapters.wire import ASSET_KEY, ATTEMPT_KEY

__all__ = ["Adjustment", "Fit", "allowed", "describe", "fit", "linked_roles"]

SIZES = frozenset({"size", "width", "height", "aspect_ratio", "resolution"})
SCALARS = tuple(name for name in PARAMETERS if name not in SIZES)
PLACES = frozenset({ASSET_KEY, ATTEMPT_KEY})
"""Keys of a body that are filled when it is sent."""
EXTRA_DEPTH = 16
"""How deep a caller's extras may be nested: no option of a provider comes near it."""


class Fit(NamedTuple):
    """The request as it will be sent, or the reasons against it."""

    request: MediaRequest
    adjustments: tuple[Adjustment, ...]
    reasons: tuple[str, ...]


def fit(request: MediaRequest, offer: Offer, strict: bool = True) -> Fit:
    """Fit a request to an offer that is already `for_task(request.task)`."""
    if request.task not in offer.tasks:
        return Fit(request, (), (f"does not do {request.task}",))
    answer = together([fit_size(request, offer, strict), *_scalars(request, offer, strict)])
    reasons = (*_inputs(request, offer), *answer.reasons, *_extras(request, offer))
    if reasons:
        return Fit(request, answer.adjustments, reasons)
    fitted = request.model_copy(update=answer.changes) if answer.changes else request
    found = Fit(fitted, answer.adjustments, ())
    return _conditioned(found, request, offer, strict) if offer.conditions else found


def _conditioned(found: Fit, asked: MediaRequest, offer: Offer, strict: bool) -> Fit:
    """What fits each parameter's own limits, fitted to what the offer accepts only together."""
    answer = fit_conditions(asked, found.request, offer, strict)
    if answer.reasons:
        return found._replace(reasons=answer.reasons)
    again = {each.parameter for each in answer.adjustments}
    kept = tuple(each for each in found.adjustments if each.parameter not in again)
    return Fit(found.request.model_copy(update=dict(answer.changes)), kept + answer.adjustments, ())


def _inputs(request: MediaRequest, offer: Offer) -> list[str]:
    if not request.inputs and not offer.inputs:
        return []
    counts = Counter(item.role for item in request.inputs)
    reasons = []
    for role in sorted(counts.keys() | offer.inputs.keys()):
        low, high = offer.inputs.get(role, (0, 0))
        if high == 0 and counts[role]:
            reasons.append(f"does not accept {role} inputs")
        elif counts[role] < low:
            reasons.append(f"needs {low} {role} input{'s' if low > 1 else ''}")
        elif counts[role] > high:
            reasons.append(f"accepts at most {high} {role} input{'s' if high > 1 else ''}")
    return reasons


def linked_roles(request: MediaRequest, offer: Offer) -> tuple[Role, ...]:
    """Roles of the given inputs that the offer takes as a link or not at all: they ask for a gateway within reach."""
    fields = DIALECTS[offer.dialect].FIELDS | offer.fields
    given = {item.role for item in request.inputs}
    return tuple(
        role for role in Role if role in given and (field := fields.get(field_name(role))) and field.media == "link"
    )


def _scalars(request: MediaRequest, offer: Offer, strict: bool) -> Iterator[Answer]:
    """What there is to say of the parameters other than the size: most say nothing, and cost little."""
    for name in SCALARS:
        accept, asked = offer.accepts.get(name), getattr(request, name)
        # One output, no lora: what is not wanted needs no acceptance.
        if asked is None or asked == () or (name == "count" and asked == 1):
            if accept is not None and accept.default is not None and name not in UNTOUCHABLE:
                yield Answer({name: accept.default})
        elif name == "partial_images" and (accept is None or request.count > 1):
            yield _unshown(asked)
        elif accept is None:
            if asked is not False:
                yield _unaccepted(name, asked, strict)
        elif not isinstance(asked, tuple) and not allowed(asked, accept):
            yield settle(name, asked, accept, strict or name in UNTOUCHABLE)


def _unshown(asked: int) -> Answer:
    """Partial pictures are a wish, never a condition: an offer without them will do. Of several pictures at once none
    are shown, since nobody could tell which is which."""
    return adjusted("partial_images", asked, None, {"partial_images": None}) if asked else KEPT


def _unaccepted(name: str, asked: Value | tuple[object, ...], strict: bool) -> Answer:
    if name == "count":
        return refused(f"does not accept count of {asked}")
    if strict:
        return refused(f"does not accept {name}")
    if isinstance(asked, tuple):
        return adjusted(name, f"{len(asked)} given", None, {name: ()})
    return adjusted(name, asked, None, {name: None})


def _extras(request: MediaRequest, offer: Offer) -> list[str]:
    """Reasons against options that say what a parameter says, and so would get round its limits and its price."""
    extras = request.extra_for(offer.provider)
    if not extras:
        return []
    words = own_names(offer, DIALECTS[offer.dialect].FIELDS)
    reasons = [f"takes {name} from {words[name]}, not from extra" for name in sorted(extras.keys() & words.keys())]
    return reasons + (["takes no asset, and no deep nesting, in extra"] if _is_unsafe(extras) else [])


def _is_unsafe(value: JsonValue, depth: int = 0) -> bool:
    """Whether extras could draw in an asset (anybody's, since no one checks whose), or are nested without end."""
    if depth > EXTRA_DEPTH:
        return True
    if isinstance(value, dict):
        return not value.keys().isdisjoint(PLACES) or any(_is_unsafe(each, depth + 1) for each in value.values())
    return isinstance(value, list) and any(_is_unsafe(each, depth + 1) for each in value)
