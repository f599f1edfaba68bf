"""OpenRouter's `provider` object, which many clients of this protocol send, as routing wishes of ours. Pure."""

from collections.abc import Mapping
from typing import Any

from gateway.doors.extras import refused
from router.policy import SELF_HOSTED

SORTS = {"price": "cheapest", "throughput": "fastest", "latency": "fastest"}
"""Its `sort` → our policy."""

PRICED = {"prompt": "input_token", "completion": "output_token", "image": "output_image", "request": "request"}
"""Names in `max_price` → our units. It counts tokens by the million, the rest one by one."""

SETTLED: Mapping[str, tuple[object, ...]] = {"data_collection": ("allow",), "zdr": (False,), "quantizations": ([],)}
"""What may be said because it asks for nothing; anything else of it cannot be promised."""

FALLBACKS = 20
"""The most that a job's routing takes."""


def preferred(value: object) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """Fields of a job's body, `routing` among them; and the highest prices, to be held against the offers.

    Raises Invalid for a wish that cannot be kept.
    """
    if value is None:
        return {}, {}
    if not isinstance(value, Mapping):
        raise refused("provider", "must be an object")
    routing: dict[str, Any] = {}
    fields: dict[str, Any] = {"routing": routing}
    for name, wish in value.items():
        match name, wish:
            case _, None:
                continue
            case "order" | "only" | "ignore", list():
                routing[name] = wish
            case "sort", str() if wish in SORTS:
                routing["policy"] = SORTS[wish]
            case "allow_fallbacks" | "max_price", _:
                continue
            case "require_parameters", bool():
                fields["strict"] = wish
            case _ if wish in SETTLED.get(name, ()):
                continue
            case _:
                raise refused(f"provider.{name}", "cannot be honoured here: leave it out")
    _without_fallbacks(routing, value.get("allow_fallbacks"))
    return fields, _prices(value.get("max_price"))


def _without_fallbacks(routing: dict[str, Any], allowed: object) -> None:
    """No fallbacks: those in `order` and no others; without an order, the first choice alone."""
    if allowed not in (None, True, False):
        raise refused("provider.allow_fallbacks", "must be true or false")
    if allowed is not False:
        return
    if routing.get("order"):
        routing["only"] = _ordered(routing["order"], routing.get("only") or [])
        offered = [each for each in routing["only"] if each in routing["order"]]
        routing["fallbacks"] = min(len(offered) - 1, FALLBACKS)
    else:
        routing["fallbacks"] = 0


def _ordered(order: list[Any], only: list[Any]) -> list[Any]:
    """Those of an order that `only` leaves. There `self-hosted` names nobody: it binds whoever is named beside it."""
    if SELF_HOSTED in order and len(order) > 1:
        raise refused("provider.order", f"cannot name {SELF_HOSTED} beside others where no fallbacks are allowed")
    named = [each for each in only if each != SELF_HOSTED]
    if order == [SELF_HOSTED]:
        return [SELF_HOSTED, *named]
    both = [each for each in order if not named or each in named]
    if not both:
        raise refused("provider.order", "has nothing in common with only, and no fallbacks are allowed")
    return [SELF_HOSTED, *both] if SELF_HOSTED in only else both


def _prices(value: object) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or value.keys() - PRICED.keys():
        raise refused("provider.max_price", f"may name {', '.join(PRICED)}")
    return value
