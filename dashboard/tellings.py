"""What would have changed a decision, in words and in rows of tables. Pure; hindsight.py finds it out, not this."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from dashboard.frames import Row
from dashboard.hindsight import Change, Lift, Runner

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")


def _number(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _shown(value: Decimal) -> str:
    """What is, with no more digits than one reads."""
    return f"{float(value):.4g}"


def said(change: Change) -> str:
    """A change as the end of "It would have been first …"."""
    now, then = "nothing" if change.now is None else _shown(change.now), _number(change.then)
    match change.what.partition("."):
        case "weights", _, part:
            return f"with a {part} weight of {then} in place of {now}"
        case "quote_usd", _, _:
            return f"if it cost at most {then} USD in place of {now} USD"
        case "p50_s", _, _:
            return f"if half of its runs took at most {then} s in place of {now} s"
        case "max_local_wait_s", _, _:
            return f"with max_local_wait_s at {then} s in place of {now} s"
        case "only", _, _:
            return "let `only` allow it"
        case "ignore", _, _:
            return "take it out of `ignore`"
        case "min_quality", _, _:
            return f"lower min_quality to {then} (from {now})"
        case "top", _, _:
            return f"raise top to {then} (from {now})"
    unit = {"max_cost_usd": " USD", "max_latency_s": " s"}[change.what]
    return f"raise {change.what} to {then}{unit} (from {now}{unit})"


def sentence(runner: Runner, most: int = 3) -> str:
    """What would have put a runner-up first, the smallest changes first; its name is for who asks to write."""
    place = ORDINALS[runner.place - 1] if runner.place <= len(ORDINALS) else f"{runner.place}th"
    held = f"{place}: {runner.held}" if runner.held else f"{place}, {runner.behind:.3f} points behind"
    if not runner.changes:
        return f"{held}." + ("" if runner.held else " No single weight, price or time would have put it first.")
    told = [said(change) for change in runner.changes[:most]]
    return f"{held}. It would have been first {'; or '.join(told)}."


COLUMNS: Mapping[str, str] = {
    "weights.quality": "quality weight", "weights.cost": "cost weight", "weights.latency": "latency weight",
    "weights.hazard": "hazard weight", "weights.local": "local weight",
    "quote_usd": "price at most", "p50_s": "median time at most",
}  # fmt: skip


def table(runners: Sequence[Runner]) -> list[Row]:
    """Each runner-up with every change that would have done, one column for each kind that any of them has."""
    shown = [what for what in COLUMNS if any(change.what == what for each in runners for change in each.changes)]
    return [
        {"place": each.place, "offer": each.offer, "points behind": round(each.behind, 4)}
        | {COLUMNS[what]: _then(each, what) for what in shown}
        for each in runners
    ]


def _then(runner: Runner, what: str) -> float | None:
    return next((float(change.then) for change in runner.changes if change.what == what), None)


def lifted(found: Sequence[Lift]) -> list[Row]:
    """What stood in the way of those that the policy turned away, and where they would stand."""
    return [
        {
            "offer": each.offer,
            "to let it in": "; ".join(said(change) for change in each.changes) or "it would be let in now",
            "place then": each.place,
            "of": each.places,
        }
        for each in found
    ]
