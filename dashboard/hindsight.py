"""What would have changed a decision: the smallest change by which another offer would have come first. Pure.

It makes a record's decision again by the rules that the documentation of routing tells (limits reject, a score is the
sum of weight × part on absolute scales), so that every change it names was tried before it is told. It asks nobody.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, NamedTuple

from dashboard.frames import PARTS, Document, Row

SELF_HOSTED = "self-hosted"
"""What `only`, `ignore` and `order` call every offer on the operator's own machines."""
MARGIN = 1e-6
"""Points by which a change must put an offer ahead: less is the rounding of floating point, and no reason."""
WEIGHT_MOST = 1_000.0
"""The greatest weight that the API takes."""
RUNNERS_UP = 5
DIGITS = {"quote_usd": 3, "max_cost_usd": 3}
"""Significant digits of what is proposed, two for all else; more only where so few would not do."""
DIGITS_MOST = 15


class Change(NamedTuple):
    """One thing that is another: a weight ("weights.cost"), a limit ("max_cost_usd", "only"), or a fact of the offer
    ("quote_usd", "p50_s"). `now` is none where nothing was said."""

    offer: str
    what: str
    now: Decimal | None
    then: Decimal


class Runner(NamedTuple):
    """An offer that was ranked behind the first: what would each have put it there, the smallest change first; or what
    holds it back whatever its score."""

    offer: str
    place: int
    behind: float
    changes: tuple[Change, ...]
    held: str | None


class Lift(NamedTuple):
    """An offer that the policy turned away: what would let it in, all of it, and its place then."""

    offer: str
    changes: tuple[Change, ...]
    place: int | None
    places: int


# The decision, made again.


def weights(policy: Document) -> dict[str, float]:
    """By part; a record has them as pairs, to keep their order."""
    return {name: float(weight) for name, weight in dict(policy["weights"]).items()}


def values(row: Document, policy: Document) -> dict[str, float]:
    """What each part is before its weight, from 0 to 1."""
    return {
        "quality": row["quality"]["value"] * row["reliability"],
        "cost": _halving(float(row["quote_usd"]), policy["fair_cost_usd"]),
        "latency": _halving(row["eta_s"]["p50"], policy["fair_latency_s"]),
        "hazard": _halving(row["hazard_per_day"], policy["fair_hazard_per_day"]),
        "local": float(row["is_local"] and not _is_crowded(row, policy)),
    }


def _halving(value: float, fair: float) -> float:
    return fair / (fair + value)


def _score(row: Document, policy: Document) -> float:
    found = values(row, policy)
    return sum(weight * found[part] for part, weight in weights(policy).items())


def _names(row: Document) -> frozenset[str]:
    own = {row["offer"], row["provider"], row["model"]}
    return frozenset(own | ({SELF_HOSTED} if row["is_local"] else set()))


def _is_crowded(row: Document, policy: Document) -> bool:
    most_s, load = policy.get("max_local_wait_s"), row.get("load")
    return bool(row["is_local"] and most_s is not None and load and load["wait_s"] > most_s)


def _group(row: Document, policy: Document) -> tuple[int, bool, bool, bool]:
    """What counts before any score."""
    order, names = policy.get("order") or (), _names(row)
    place = next((index for index, name in enumerate(order) if name in names), len(order))
    return place, row["stage"] == "stale", bool(row.get("resting")), _is_crowded(row, policy)


def _limits(row: Document, policy: Document) -> list[str]:
    """The fields of the policy that turn an offer away, `top` apart."""
    names, only = _names(row), set(policy.get("only") or ())
    named, quote = only - {SELF_HOSTED}, Decimal(row["quote_usd"])
    most_usd, most_s, least = (policy.get(name) for name in ("max_cost_usd", "max_latency_s", "min_quality"))
    found = {
        "only": (SELF_HOSTED in only and not row["is_local"]) or bool(named and not named & names),
        "ignore": bool(names & set(policy.get("ignore") or ())),
        "max_cost_usd": most_usd is not None and quote > Decimal(str(most_usd)),
        "max_latency_s": most_s is not None and row["eta_s"]["p95"] > most_s,
        "min_quality": least is not None and row["quality"]["value"] < least,
    }
    return [name for name, is_in_the_way in found.items() if is_in_the_way]


def _able(decision: Document) -> list[Document]:
    """All that the policy's limits leave, before `top`."""
    kept = [each for each in decision["rejected"] if not each["is_obstacle"] and each["quote_usd"] is not None]
    return [each for each in (*decision["ranked"], *kept) if not _limits(each, decision["policy"])]


def _best_models(able: Iterable[Document]) -> list[str]:
    quality: dict[str, float] = {}
    for each in able:
        quality[each["model"]] = max(each["quality"]["value"], quality.get(each["model"], 0.0))
    return sorted(quality, key=lambda model: (-quality[model], model))


def ranking(decision: Document) -> list[tuple[Document, float]]:
    """Every offer that this policy leaves, in its order, with its score."""
    policy, able = decision["policy"], _able(decision)
    if policy.get("top") is not None:
        best = set(_best_models(able)[: policy["top"]])
        able = [each for each in able if each["model"] in best]
    scored = [(each, _score(each, policy)) for each in able]
    return sorted(scored, key=lambda pair: (_group(pair[0], policy), -pair[1], pair[0]["offer"]))


def applied(decision: Document, changes: Iterable[Change]) -> Document:
    """The same record with these things changed; its ranking is as it was, and is for who decides it again."""
    for change in changes:
        decision = _changed(decision, change)
    return decision


def _changed(decision: Document, change: Change) -> Document:
    policy = dict(decision["policy"])
    match change.what.partition("."):
        case "weights", _, part:
            pairs = weights(policy) | {part: float(change.then)}
            return {**decision, "policy": policy | {"weights": [list(pair) for pair in pairs.items()]}}
        case (("quote_usd" | "p50_s"), _, _):
            rows = [_fact(each, change) if each["offer"] == change.offer else each for each in decision["ranked"]]
            return {**decision, "ranked": rows}
        case (("only" | "ignore"), _, _):
            row = next(each for each in decision["rejected"] if each["offer"] == change.offer)
            entries = _opened if change.what == "only" else _unnamed
            return {**decision, "policy": policy | {change.what: entries(policy[change.what], row)}}
        case "max_cost_usd", _, _:
            return {**decision, "policy": policy | {"max_cost_usd": f"{change.then:f}"}}
        case "top", _, _:
            return {**decision, "policy": policy | {"top": int(change.then)}}
    return {**decision, "policy": policy | {change.what: float(change.then)}}


def _fact(row: Document, change: Change) -> Row:
    if change.what == "quote_usd":
        return {**row, "quote_usd": f"{change.then:f}"}
    return {**row, "eta_s": {**row["eta_s"], "p50": float(change.then)}}


def _opened(only: Sequence[str], row: Document) -> list[str]:
    kept = [entry for entry in only if entry != SELF_HOSTED or row["is_local"]]
    named = [entry for entry in kept if entry != SELF_HOSTED]
    return kept + ([row["offer"]] if named and not _names(row) & set(named) else [])


def _unnamed(ignore: Sequence[str], row: Document) -> list[str]:
    return [entry for entry in ignore if entry not in _names(row)]


# Those that were ranked behind the first.


def runners_up(decision: Document, most: int = RUNNERS_UP) -> list[Runner]:
    """The next few, with what would have put each of them first."""
    ranked = ranking(decision)
    return [
        Runner(row["offer"], place, ranked[0][1] - score, *_chances(decision, ranked, row))
        for place, (row, score) in enumerate(ranked[1 : most + 1], 2)
    ]


def _chances(
    decision: Document, ranked: Sequence[tuple[Document, float]], row: Document
) -> tuple[tuple[Change, ...], str | None]:
    policy = decision["policy"]
    first, own = _group(ranked[0][0], policy), _group(row, policy)
    if own != first:
        waits = _waited_for(decision, row) if own[3] and own[:3] <= first[:3] else None
        return (waits,) if waits else (), _held(row, own, first)
    rivals = [each for each, _ in ranked if each["offer"] != row["offer"] and _group(each, policy) == first]
    best = max(score for each, score in ranked if each["offer"] != row["offer"] and _group(each, policy) == first)
    found = [_weighed(decision, row, rivals, part) for part in PARTS]
    found += [_fallen(decision, row, best, "quote_usd"), _fallen(decision, row, best, "p50_s")]
    return tuple(sorted(filter(None, found), key=_distance)), None


def _held(row: Document, own: tuple[int, bool, bool, bool], first: tuple[int, bool, bool, bool]) -> str:
    """Why no weight and no price would put it first."""
    place, is_stale, is_resting, _ = (mine > theirs for mine, theirs in zip(own, first, strict=True))
    if place:
        return "the request's own order puts others first"
    if is_stale:
        return "it is stale, and ranked after all that are not"
    if is_resting:
        return f"it is left alone for a while: {row['resting']}"
    return "its queue is longer than is waited for"


def _distance(change: Change) -> float:
    now, then = float(change.now or 0), float(change.then)
    return abs(then - now) / max(then, now)


def _weighed(decision: Document, row: Document, rivals: Sequence[Document], part: str) -> Change | None:
    """The weight of one part, nearest to what it is, with which this offer is ahead of every rival."""
    policy = decision["policy"]
    weighs = weights(policy)
    now, low, high = weighs.get(part, 0.0), 0.0, WEIGHT_MOST
    own, rest = values(row, policy), {name: each for name, each in weighs.items() if name != part}
    for rival in rivals:
        theirs = values(rival, policy)
        ahead = own[part] - theirs[part]
        needed = sum(weight * (theirs[name] - own[name]) for name, weight in rest.items()) + 2 * MARGIN
        if ahead > 0:
            low = max(low, needed / ahead)
        elif ahead < 0:
            high = min(high, needed / ahead)
        elif needed > 0:
            return None
    if low > high:
        return None
    what = f"weights.{part}"
    return _tried(decision, row["offer"], what, Decimal(str(now)), low if now < low else high, up=now < low)


def _fallen(decision: Document, row: Document, best: float, what: str) -> Change | None:
    """The greatest price, or time, with which this offer is ahead of the best of the others."""
    policy = decision["policy"]
    part, fair_name = ("cost", "fair_cost_usd") if what == "quote_usd" else ("latency", "fair_latency_s")
    weight, fair = weights(policy).get(part, 0.0), policy[fair_name]
    needed = best + 2 * MARGIN - (_score(row, policy) - weight * values(row, policy)[part])
    most = weight * fair / needed - fair if needed > 0 else 0.0
    now = Decimal(row["quote_usd"]) if part == "cost" else Decimal(str(row["eta_s"]["p50"]))
    return _tried(decision, row["offer"], what, now, most, up=False) if most > 0 else None


def _waited_for(decision: Document, row: Document) -> Change | None:
    """How long a queue would have to be waited for, where that alone puts an own machine first."""
    now = Decimal(str(decision["policy"]["max_local_wait_s"]))
    return _tried(decision, row["offer"], "max_local_wait_s", now, row["load"]["wait_s"], up=True)


def _tried(decision: Document, offer: str, what: str, now: Decimal, bound: float, up: bool) -> Change | None:
    """A round number beside the bound that puts this offer first, by the decision made again; none if none does."""
    for then in _rounded(bound, DIGITS.get(what, 2), up):
        change = Change(offer, what, now, then)
        if 0 <= then <= (Decimal(WEIGHT_MOST) if what.startswith("weights.") else then) and _is_first(decision, change):
            return change
    return None


def _rounded(bound: float, digits: int, up: bool) -> Iterable[Decimal]:
    exact = Decimal(repr(float(bound)))
    for places in range(digits - 1, DIGITS_MOST):
        step = Decimal(1).scaleb(exact.adjusted() - places)
        yield (exact / step).to_integral_value(ROUND_CEILING if up else ROUND_FLOOR) * step


def _is_first(decision: Document, change: Change) -> bool:
    changed = applied(decision, [change])
    policy = changed["policy"]
    match ranking(changed):
        case [(first, _)]:
            return bool(first["offer"] == change.offer)
        case [(first, score), (second, behind), *_]:
            is_clear = _group(first, policy) < _group(second, policy) or score - behind > MARGIN
            return bool(first["offer"] == change.offer and is_clear)
    return False


# Those that the policy turned away.


def lifts(decision: Document) -> list[Lift]:
    """What would have let in each offer that a limit of the request turned away; those first that would stand best."""
    found = [
        _lift(decision, each)
        for each in decision["rejected"]
        if not each["is_obstacle"] and each["quote_usd"] is not None
    ]
    return sorted(found, key=lambda each: (each.place is None, each.place, each.offer))


def _lift(decision: Document, row: Document) -> Lift:
    changes = [_raised(decision["policy"], row, what) for what in _limits(row, decision["policy"])]
    opened = applied(decision, changes)
    top = opened["policy"].get("top")
    if top is not None:
        place = _best_models(_able(opened)).index(row["model"]) + 1
        if place > top:
            changes.append(Change(row["offer"], "top", Decimal(top), Decimal(place)))
    offers = [each["offer"] for each, _ in ranking(applied(decision, changes))]
    stands = offers.index(row["offer"]) + 1 if row["offer"] in offers else None
    return Lift(row["offer"], tuple(changes), stands, len(offers))


def _raised(policy: Document, row: Document, what: str) -> Change:
    """The limit that just lets this offer in, in few digits."""
    facts: dict[str, Callable[[], Any]] = {
        "max_cost_usd": lambda: row["quote_usd"],
        "max_latency_s": lambda: row["eta_s"]["p95"],
        "min_quality": lambda: row["quality"]["value"],
    }
    if what not in facts:
        return Change(row["offer"], what, None, Decimal(0))
    fact = Decimal(str(facts[what]()))
    up = what != "min_quality"
    then = next(
        each
        for each in _rounded(float(fact), 3, up)
        if (each >= fact if up else each <= fact) and float(each) == float(f"{each:f}")
    )
    return Change(row["offer"], what, Decimal(str(policy[what])), then)
