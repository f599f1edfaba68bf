"""What an offer accepts only together with something else, held against a request that fits it otherwise. Pure.

What the caller did not ask for is moved in silence, as any default is; what was asked for is kept, adjusted or refused.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from adapters import sizes
from adapters.acceptance import Answer, adjusted, allowed, describe, nearest, refused
from adapters.canvas import nearest_word
from adapters.schema import Accept, Condition, MediaRequest, Offer, Value

UNTOUCHABLE = frozenset({"count", "loras"})
"""What has no nearest value: fewer outputs, or another style, is another job."""
WORDS = frozenset({"aspect_ratio", "resolution"})


class Breach(NamedTuple):
    """A parameter whose value is not accepted under a condition that holds."""

    condition: Condition
    name: str
    value: Value
    accept: Accept


def fit_conditions(asked: MediaRequest, fitted: MediaRequest, offer: Offer, strict: bool) -> Answer:
    """What the conditions change about a request that is fitted otherwise, or the reasons against it.

    What one condition moves may bring another into force, so they are asked in rounds; two that move a value to and
    fro between them end in a reason.
    """
    if not offer.conditions:
        return Answer()
    changes: dict[str, object] = {}
    answers: dict[str, Answer] = {}
    for _ in range(2 * len(offer.conditions) + 1):
        fitted, changes = _with_defaults(fitted, offer, changes)
        first = min(_breaches(fitted, offer), key=lambda each: _asked_for(asked, each.name), default=None)
        if first is None:
            return Answer(changes, tuple(each for answer in answers.values() for each in answer.adjustments))
        answer = _settled(asked, fitted, first, strict)
        if answer.reasons:
            return answer
        answers[first.name] = answer
        changes |= answer.changes
        fitted = fitted.model_copy(update=dict(answer.changes))
    names = sorted({breach.name for breach in _breaches(fitted, offer)})
    return refused(f"accepts no {' and '.join(names)} that all its conditions allow with the rest of the request")


def _with_defaults(
    fitted: MediaRequest, offer: Offer, changes: Mapping[str, object]
) -> tuple[MediaRequest, dict[str, object]]:
    """What is not said is what a condition that holds says it is by default."""
    added: dict[str, object] = {}
    for condition in offer.conditions:
        if _holds(condition, fitted):
            for name, accept in condition.accepts.items():
                if accept.default is not None and _value(fitted, name) is None:
                    added |= _changes(name, accept.default)
    return (fitted.model_copy(update=added) if added else fitted), {**changes, **added}


def _breaches(fitted: MediaRequest, offer: Offer) -> Iterator[Breach]:
    for condition in offer.conditions:
        if _holds(condition, fitted):
            for name, accept in condition.accepts.items():
                value = _value(fitted, name)
                if value is not None and not allowed(value, accept):
                    yield Breach(condition, name, value, accept)


def _holds(condition: Condition, fitted: MediaRequest) -> bool:
    given = {item.role for item in fitted.inputs}
    if condition.roles and condition.roles.isdisjoint(given):
        return False
    return all(_value(fitted, name) in wanted for name, wanted in condition.when.items())


def _settled(asked: MediaRequest, fitted: MediaRequest, breach: Breach, strict: bool) -> Answer:
    """Move what nobody asked for; of what was asked, say what is sent instead, or why it cannot be."""
    unasked = not _asked_for(asked, breach.name)
    if breach.name in UNTOUCHABLE or (strict and not unasked):
        return refused(_reason(fitted, breach))
    near = _nearest(fitted, breach, unasked)
    if near is None:
        return refused(_reason(fitted, breach))
    changes = _changes(breach.name, near)
    said = _value(asked, breach.name)
    return Answer(changes) if unasked else adjusted(breach.name, breach.value if said is None else said, near, changes)


def _nearest(fitted: MediaRequest, breach: Breach, unasked: bool) -> Value | None:
    """The nearest that is allowed; of what nobody asked for, the condition's own default before that."""
    accept = breach.accept
    if unasked and accept.default is not None:
        return accept.default
    if breach.name in WORDS:
        near = nearest_word(breach.name, str(breach.value), accept, fitted)
    else:
        near = nearest(breach.value, accept)
    return near if near is not None or not accept.enum else accept.enum[0]


def _reason(fitted: MediaRequest, breach: Breach) -> str:
    """`with resolution 1080p accepts duration_s 8, not 4`."""
    terms = [f"{name} {_plain(_value(fitted, name))}" for name in breach.condition.when]
    given = sorted(breach.condition.roles & {item.role for item in fitted.inputs})
    terms += [f"a {role} input" for role in given[:1]]
    place = f"with {' and '.join(terms)} " if terms else ""
    return f"{place}accepts {breach.name} {describe(breach.accept)}, not {_plain(breach.value)}"


def _plain(value: Value | None) -> str:
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _asked_for(asked: MediaRequest, name: str) -> bool:
    """Whether the caller said a parameter; a ratio or a tier says a size too, and a size those."""
    if name in ("size", "width", "height", "aspect_ratio", "resolution"):
        return any(getattr(asked, each) is not None for each in _SIZES.get(name, ("width", name)))
    return _value(asked, name) is not None and (name != "count" or asked.count > 1)


_SIZES = {
    "size": ("width", "aspect_ratio", "resolution"),
    "width": ("width", "aspect_ratio", "resolution"),
    "height": ("width", "aspect_ratio", "resolution"),
}


def _value(request: MediaRequest, name: str) -> Value | None:
    """One parameter as cards write it; loras have no value to compare."""
    if name == "size":
        return f"{request.width}x{request.height}" if request.width and request.height else None
    value = getattr(request, name)
    return value if isinstance(value, bool | int | float | str) else None


def _changes(name: str, value: Value) -> dict[str, object]:
    if name != "size":
        return {name: value}
    width, height = sizes.parse_size(str(value))
    return {"width": width, "height": height}
