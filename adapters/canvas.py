"""The size of a request in the way one offer says sizes: as a listed pair, as free pixels, or as a ratio and a tier.

A caller says width and height, or a ratio and a tier, never both; every offer is asked in its own way.
"""

from collections.abc import Iterable
from functools import lru_cache
from math import sqrt

from adapters import sizes
from adapters.acceptance import NEAR, Answer, adjusted, allowed, describe, nearest, refused, settle, together
from adapters.schema import Accept, MediaRequest, Modality, Offer, Value

ABOUT = 0.1
"""How far a listed pair's pixels may be from a tier's and still be that tier: 1536x1024 counts as 1k by no maker."""
LISTS = 1_024
"""Parsed lists of sizes that are kept: more than there are offers."""

Pair = tuple[int, int]
Shape = tuple[str, str | None]
"""A ratio and a tier."""


def fit_size(request: MediaRequest, offer: Offer, strict: bool) -> Answer:
    """The size fields as they will be sent: what the offer does not speak is None."""
    if (request.width is None) != (request.height is None):
        return refused("needs width and height together")
    if request.width and (request.aspect_ratio or request.resolution):
        return refused("takes width and height, or aspect_ratio and resolution, not both")
    accepts = offer.accepts
    if "size" in accepts:
        return _listed(request, accepts["size"], strict)
    if "width" in accepts and "height" in accepts:
        return _free(request, accepts["width"], accepts["height"], strict)
    if "aspect_ratio" in accepts or "resolution" in accepts:
        return _tiered(request, accepts.get("aspect_ratio"), accepts.get("resolution"), strict)
    return _unsized(request, strict)


def _said(request: MediaRequest) -> str:
    """The caller's size in a few words, or the empty string."""
    if request.width:
        return f"{request.width}x{request.height}"
    return " ".join(each for each in (request.aspect_ratio, request.resolution) if each)


def _pixels(request: MediaRequest, ratio: str, tier: str | None, step: int = 1) -> Pair | None:
    return sizes.pixels(ratio, tier, step, request.task.modality is Modality.VIDEO)


def _as_pixels(pair: Pair) -> dict[str, object]:
    return {"width": pair[0], "height": pair[1], "aspect_ratio": None, "resolution": None}


def _as_shape(ratio: Value | None, tier: Value | None) -> dict[str, object]:
    return {"width": None, "height": None, "aspect_ratio": ratio, "resolution": tier}


def _unsized(request: MediaRequest, strict: bool) -> Answer:
    """An offer that makes one size, or that of its input."""
    if not (said := _said(request)):
        return Answer()
    if strict:
        return refused(f"does not accept a size ({said})")
    return adjusted("size", said, None, _as_shape(None, None))


def _listed(request: MediaRequest, accept: Accept, strict: bool) -> Answer:
    """An offer that takes one of a list of pairs; its default stands first, so that it is taken where several fit."""
    pairs = _pairs(accept.enum or (), accept.default)
    found = next((pair for pair in pairs if _satisfies(request, pair)), None)
    if found:
        return Answer(_as_pixels(found))
    if strict:
        return refused(f"accepts size {describe(accept)}, not {_said(request)}")
    near = _nearest_pair(request, pairs)
    return adjusted("size", _said(request), f"{near[0]}x{near[1]}", _as_pixels(near))


@lru_cache(maxsize=LISTS)
def _pairs(listed: tuple[Value, ...], default: Value | None) -> tuple[Pair, ...]:
    """The pairs of a list, the default first. "auto" is the provider's own choice and never ours."""
    words = [str(each) for each in listed if each != "auto"]
    return tuple(sizes.parse_size(each) for each in sorted(words, key=lambda each: each != default))


def _satisfies(request: MediaRequest, pair: Pair) -> bool:
    """A pair stands for the same pixels, for a ratio of its shape, and for a tier of about as many pixels."""
    if request.width:
        return pair == (request.width, request.height)
    shape = sizes.ratio_name(*pair)
    ratio = request.aspect_ratio
    if ratio and ratio != "auto" and sizes.ratio_distance(ratio, shape) > NEAR:
        return False
    if request.resolution is None:
        return True
    meant = _pixels(request, shape, request.resolution)
    return meant is not None and abs(_area(meant) / _area(pair) - 1) < ABOUT


def _area(pair: Pair) -> int:
    return pair[0] * pair[1]


def _nearest_pair(request: MediaRequest, pairs: tuple[Pair, ...]) -> Pair:
    """The nearest in shape, then in pixels."""
    wanted, area = _wanted(request, sizes.ratio_name(*pairs[0]), pairs[0])
    return min(
        pairs, key=lambda pair: (sizes.ratio_distance(wanted, sizes.ratio_name(*pair)), abs(_area(pair) - area), pair)
    )


def _wanted(request: MediaRequest, default_ratio: str, default: Pair) -> tuple[str, int]:
    """The shape and the number of pixels that a caller means."""
    if request.width and request.height:
        return sizes.ratio_name(request.width, request.height), request.width * request.height
    ratio = default_ratio if request.aspect_ratio in (None, "auto") else str(request.aspect_ratio)
    meant = _pixels(request, ratio, request.resolution) if request.resolution else None
    return ratio, _area(meant or default)


def _free(request: MediaRequest, wide: Accept, high: Accept, strict: bool) -> Answer:
    """An offer that takes width and height within ranges: a ratio or a tier becomes pixels."""
    if request.width and request.height:
        sides = (("width", request.width, wide), ("height", request.height, high))
        return together(settle(name, side, accept, strict) for name, side, accept in sides)
    if not (said := _said(request)):
        return Answer(_defaults(wide, high))
    pair = _pixels(request, request.aspect_ratio or "1:1", request.resolution, int(wide.step or 1))
    if pair and allowed(pair[0], wide) and allowed(pair[1], high):
        return Answer(_as_pixels(pair))
    if strict:
        meant = f" ({pair[0]}x{pair[1]})" if pair else ""
        return refused(f"accepts width {describe(wide)} and height {describe(high)}, not {said}{meant}")
    near = _inside(pair or _pixels(request, request.aspect_ratio or "1:1", None) or (1024, 1024), wide, high)
    return adjusted("size", said, f"{near[0]}x{near[1]}", _as_pixels(near))


def _defaults(wide: Accept, high: Accept) -> dict[str, object]:
    return {"width": wide.default, "height": high.default} if wide.default and high.default else {}


def _inside(pair: Pair, wide: Accept, high: Accept) -> Pair:
    """The pair made smaller or larger as a whole until it is within both ranges, then each side put on its step."""
    tops = [accept.range[1] / side for side, accept in zip(pair, (wide, high), strict=True) if accept.range]
    bottoms = [accept.range[0] / side for side, accept in zip(pair, (wide, high), strict=True) if accept.range]
    factor = min([max([1.0, *bottoms]), *tops])
    width, height = (round(side * factor) for side in pair)
    return _settled(width, wide), _settled(height, high)


def _settled(side: int, accept: Accept) -> int:
    near = side if allowed(side, accept) else nearest(side, accept)
    return int(near) if isinstance(near, int | float) else side


def _tiered(request: MediaRequest, ratios: Accept | None, tiers: Accept | None, strict: bool) -> Answer:
    """An offer that takes a ratio or a tier: pixels are accepted when they are exactly one of those."""
    if request.width and request.height:
        return _shaped(request, (request.width, request.height), ratios, tiers, strict)
    words = (("aspect_ratio", request.aspect_ratio, ratios), ("resolution", request.resolution, tiers))
    return together(_word(name, asked, accept, strict, request) for name, asked, accept in words)


def _shaped(request: MediaRequest, pair: Pair, ratios: Accept | None, tiers: Accept | None, strict: bool) -> Answer:
    """Pixels as a ratio and a tier. Without tiers the pixels that nearly every model makes by default are meant."""
    shapes = list(_shapes(pair, ratios, tiers))
    exact = next((shape for shape in shapes if ratios and _pixels(request, *shape) == pair), None)
    if exact:
        return Answer(_as_shape(exact[0], exact[1] if tiers else None))
    if strict or not shapes:
        takes = [
            f"{name} {describe(accept)}" for name, accept in (("aspect_ratio", ratios), ("resolution", tiers)) if accept
        ]
        return refused(f"accepts {' and '.join(takes)}, not {pair[0]}x{pair[1]}")
    ratio, tier = min(shapes, key=lambda shape: _shape_distance(request, shape, pair))
    sent = " ".join(each for each in (ratio if ratios else None, tier) if each)
    return adjusted("size", f"{pair[0]}x{pair[1]}", sent, _as_shape(ratio if ratios else None, tier))


def _shapes(pair: Pair, ratios: Accept | None, tiers: Accept | None) -> Iterable[Shape]:
    own = sizes.ratio_name(*pair)
    for ratio in (ratios.enum if ratios else None) or (own,):
        for tier in (tiers.enum if tiers else None) or (None,):
            if ratio != "auto":
                yield str(ratio), None if tier is None else str(tier)


def _shape_distance(request: MediaRequest, shape: Shape, pair: Pair) -> tuple[float, float, str]:
    made = _pixels(request, *shape) or (1, 1)
    return sizes.ratio_distance(sizes.ratio_name(*pair), shape[0]), abs(sqrt(_area(made)) - sqrt(_area(pair))), shape[0]


def _word(name: str, asked: str | None, accept: Accept | None, strict: bool, request: MediaRequest) -> Answer:
    """One of the two words: the default, as asked, the nearest, or a reason."""
    if asked is None:
        return Answer({name: accept.default}) if accept and accept.default is not None else Answer()
    if accept is None:
        return refused(f"does not accept {name}") if strict else adjusted(name, asked, None, {name: None})
    if allowed(asked, accept):
        return Answer()
    near = None if strict else nearest_word(name, asked, accept, request)
    if near is None:
        return refused(f"accepts {name} {describe(accept)}, not {asked}")
    return adjusted(name, asked, near, {name: near})


def nearest_word(name: str, asked: str, accept: Accept, request: MediaRequest) -> Value | None:
    """The accepted ratio or tier that is nearest to the one asked for; the default where nothing can be compared."""
    words = [str(each) for each in accept.enum or () if each != "auto"]
    if name == "aspect_ratio":
        if asked == "auto":
            return accept.default
        return min(words, key=lambda each: (sizes.ratio_distance(asked, each), each), default=accept.default)
    known = {each: _area(pair) for each in words if (pair := _pixels(request, "1:1", each))}
    meant = _pixels(request, "1:1", asked)
    if meant is None or not known:
        return accept.default
    return min(known, key=lambda each: (abs(sqrt(known[each]) - sqrt(_area(meant))), each))
