"""Choose an offer: limits reject, weights rank, the record explains. The same input always gives the same decision."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from router.evidence import Evidence, Load, cost_of
from router.policy import SELF_HOSTED, Part, Policy
from router.quality import Interval

STALE = "stale"
"""The stage of router.retirement that counts here; the record shows all of them."""


class Candidate(NamedTuple):
    """An offer that might serve a request. `obstacle` is the reason, found before, why it cannot.

    `offer` is "provider/model". No two candidates of one decision have the same offer. `stage` is where the offer is
    in its life, in the words of router.retirement: one that is stale is ranked after all that are not, unless the
    caller orders otherwise. `is_local`: it runs on the operator's own machine, and what is sent there stays there.
    `resting`: why it is left alone for a while (router.breakers); it is then ranked after all that are not.
    """

    offer: str
    provider: str
    model: str
    evidence: Evidence
    obstacle: str | None = None
    is_local: bool = False
    stage: str = "active"
    resting: str | None = None


class Ranked(NamedTuple):
    offer: str
    score: float
    candidate: Candidate


class Rejected(NamedTuple):
    offer: str
    reason: str
    candidate: Candidate


class Decision(NamedTuple):
    """Enough to explain the choice to its caller, and to make it again. The ranked list is the fallback order."""

    evidence_id: str
    policy: Policy
    ranked: tuple[Ranked, ...]
    rejected: tuple[Rejected, ...]

    @property
    def chosen(self) -> str | None:
        """The offer to try first, or None if every candidate was rejected."""
        return self.ranked[0].offer if self.ranked else None


def decide(candidates: Sequence[Candidate], policy: Policy, evidence_id: str) -> Decision:
    """Rank, best first, every candidate that nothing rejects.

    A score depends on its own candidate and the policy only, so an offer that comes or goes never reorders two
    that stay (though `top` may then reject more or fewer). Ties break by name, so the order given does not matter.
    """
    limits = _limits(policy)
    able: list[Candidate] = []
    rejected: list[Rejected] = []
    for candidate in candidates:
        reason = candidate[4] or _first_reason(candidate, limits)
        if reason is None:
            able.append(candidate)
        else:
            rejected.append(Rejected(candidate[0], reason, candidate))
    if policy.top is not None:
        able, outside = _best_models(able, policy.top)
        rejected += outside
    rejected.sort(key=lambda each: each.offer)
    return Decision(evidence_id, policy, _rank(able, policy), tuple(rejected))


Limit = Callable[[Candidate], str | None]
"""Why a candidate is rejected, in plain words with numbers, or None."""


def _first_reason(candidate: Candidate, limits: tuple[Limit, ...]) -> str | None:
    for limit in limits:
        reason = limit(candidate)
        if reason is not None:
            return reason
    return None


def _limits(policy: Policy) -> tuple[Limit, ...]:
    """Only the limits that this policy sets, so that those it does not set cost nothing for each candidate."""
    limits: list[Limit] = [_priced]
    if policy.only:
        limits.append(_within(policy.only))
    if policy.ignore:
        limits.append(_outside(policy.ignore))
    if policy.max_cost_usd is not None:
        limits.append(_affordable(policy.max_cost_usd))
    if policy.max_latency_s is not None:
        limits.append(_quick(policy.max_latency_s))
    if policy.min_quality is not None:
        limits.append(_good(policy.min_quality))
    return tuple(limits)


def _priced(candidate: Candidate) -> str | None:
    return "has no price for this request" if candidate.evidence.cost_usd is None else None


def _names(candidate: Candidate) -> tuple[str, ...]:
    """All that an entry of `only`, `ignore` or `order` may say to mean this candidate."""
    return (*candidate[:3], SELF_HOSTED) if candidate.is_local else candidate[:3]


NOT_SELF_HOSTED = "is not self-hosted"


def _within(entries: tuple[str, ...]) -> Limit:
    """`self-hosted` binds by itself, so that a name beside it never lets a request out of the house."""
    named = tuple(entry for entry in entries if entry != SELF_HOSTED)
    allowed, is_private = frozenset(named), len(named) < len(entries)
    reason = f"is not among the only ones allowed: {', '.join(named)}"

    def limit(candidate: Candidate) -> str | None:
        if is_private and not candidate.is_local:
            return NOT_SELF_HOSTED
        return reason if allowed and allowed.isdisjoint(_names(candidate)) else None

    return limit


def _outside(entries: tuple[str, ...]) -> Limit:
    ignored = frozenset(entries)

    def limit(candidate: Candidate) -> str | None:
        hit = next((name for name in _names(candidate) if name in ignored), None)
        return None if hit is None else f"is to be ignored: {hit}"

    return limit


def _affordable(most_usd: Decimal) -> Limit:
    def limit(candidate: Candidate) -> str | None:
        cost_usd = candidate.evidence.cost_usd
        if cost_usd is None or cost_usd <= most_usd:
            return None
        return f"costs {cost_usd:f} USD, over the limit of {most_usd:f} USD"

    return limit


def _quick(most_s: float) -> Limit:
    def limit(candidate: Candidate) -> str | None:
        p95_s = candidate.evidence.latency_p95_s
        return None if p95_s <= most_s else f"may take {p95_s:.3g} s, over the limit of {most_s:g} s"

    return limit


def _good(least: float) -> Limit:
    def limit(candidate: Candidate) -> str | None:
        value = candidate.evidence.quality.value
        return None if value >= least else f"has quality {value:.3g}, under the limit of {least:g}"

    return limit


def _best_models(able: list[Candidate], top: int) -> tuple[list[Candidate], list[Rejected]]:
    """The candidates of the `top` best models by quality, and the others with the reason. Ties break by name."""
    quality: dict[str, float] = {}
    for candidate in able:
        value = candidate.evidence.quality.value
        quality[candidate.model] = max(value, quality.get(candidate.model, value))
    best = frozenset(sorted(quality, key=lambda model: (-quality[model], model))[:top])
    reason = f"is not one of the {top} best models by quality" if top > 1 else "is not the best model by quality"
    kept = [candidate for candidate in able if candidate.model in best]
    return kept, [Rejected(each.offer, reason, each) for each in able if each.model not in best]


def _rank(able: list[Candidate], policy: Policy) -> tuple[Ranked, ...]:
    """Sort by place in `order`, which is the caller's own word, then the stale behind the others, then those left alone
    after failures, then engines of our own whose queue is too long, by score, by name.

    Each candidate's place depends on itself alone. Rows are plain tuples: a thousand are sorted in C.
    """
    scores = _scores(able, policy)
    is_crowded = _crowded(policy)
    if policy.order or is_crowded or any([each[6] == STALE or each[7] for each in able]):
        place = {name: index for index, name in reversed(tuple(enumerate(policy.order)))}
        last, behind = len(policy.order), is_crowded or (lambda _: False)
        placed = (
            (min(place.get(name, last) for name in _names(each)), each[6] == STALE, each[7] is not None, behind(each))
            for each in able
        )
        rows = [(at, -score, each[0], i) for i, (at, score, each) in enumerate(zip(placed, scores, able, strict=True))]
        rows.sort()
        return tuple(Ranked(offer, -minus, able[index]) for _, minus, offer, index in rows)
    plain = [(-score, each[0], index) for index, (score, each) in enumerate(zip(scores, able, strict=True))]
    plain.sort()
    return tuple([Ranked(offer, -minus, able[index]) for minus, offer, index in plain])


def _crowded(policy: Policy) -> Callable[[Candidate], bool] | None:
    """Whether an engine of our own has more to do first than is waited for; None where any wait will do."""
    most_s = policy.max_local_wait_s
    if most_s is None:
        return None
    return lambda each: each[5] and each[3].load is not None and each[3].load.wait_s > most_s


def _scores(able: list[Candidate], policy: Policy) -> Iterator[float]:
    """The sum of `parts` for each candidate. Written out here, because this loop is the cost of a decision."""
    weigh, is_crowded = policy.weights.get, _crowded(policy) or (lambda _: False)
    quality, local = weigh("quality", 0.0), weigh("local", 0.0)
    fair_cost, fair_latency, fair_hazard = policy.fair_cost_usd, policy.fair_latency_s, policy.fair_hazard_per_day
    cost, latency, hazard = (
        weigh("cost", 0.0) * fair_cost,
        weigh("latency", 0.0) * fair_latency,
        weigh("hazard", 0.0) * fair_hazard,
    )
    for each in able:
        _, _, _, (interval, _, p50_s, _, reliability, per_day, _, usd, _, _), _, is_local, _, _ = each
        score = (
            quality * interval[0] * reliability
            + cost / (fair_cost + usd)
            + latency / (fair_latency + p50_s)
            + hazard / (fair_hazard + per_day)
        )
        yield score + local if is_local and not is_crowded(each) else score


def parts(candidate: Candidate, policy: Policy) -> dict[Part, float]:
    """What each weight adds to the score: 0 at worst, the weight at best, half of it at what the policy calls fair."""
    evidence, is_crowded = candidate.evidence, _crowded(policy)
    values: dict[Part, float] = {
        "quality": evidence.quality.value * evidence.reliability,
        "cost": _halving(evidence.cost, policy.fair_cost_usd),
        "latency": _halving(evidence.latency_p50_s, policy.fair_latency_s),
        "hazard": _halving(evidence.hazard_per_day, policy.fair_hazard_per_day),
        "local": float(candidate.is_local and not (is_crowded and is_crowded(candidate))),
    }
    return {part: weight * values[part] for part, weight in policy.weights.items()}


def _halving(value: float, fair: float) -> float:
    """1 at nothing, one half at what is fair, towards 0 beyond it. Absolute: no other offer has a say in it."""
    return fair / (fair + value)


def record(decision: Decision) -> dict[str, Any]:
    """The decision as JSON values, to be stored whole: what was chosen and why, and all that `replay` needs.

    An offer's score is the sum of its parts. A rejected offer whose `is_obstacle` is true was rejected for a
    reason found before the policy was looked at.
    """
    policy = decision.policy
    return {
        "evidence_id": decision.evidence_id,
        "policy": policy.model_dump(mode="json", exclude_none=True),
        "ranked": [
            {
                "offer": offer,
                "score": score,
                **_facts(candidate),
                **_said(candidate, policy),
                "parts": parts(candidate, policy),
            }
            for offer, score, candidate in decision.ranked
        ],
        "rejected": [
            {"offer": offer, "reason": reason, "is_obstacle": bool(candidate.obstacle), **_facts(candidate)}
            for offer, reason, candidate in decision.rejected
        ],
    }


def _facts(candidate: Candidate) -> dict[str, Any]:
    evidence = candidate.evidence
    (value, low, high), source, p50_s, p95_s, reliability, hazard_per_day, cost_usd, _, eta_source, load = evidence
    facts = {
        "provider": candidate.provider,
        "model": candidate.model,
        "is_local": candidate.is_local,
        "stage": candidate.stage,
        "quote_usd": None if cost_usd is None else format(cost_usd, "f"),
        "eta_s": {"p50": p50_s, "p95": p95_s, "source": eta_source},
        "quality": {"value": value, "low": low, "high": high, "source": source},
        "reliability": reliability,
        "hazard_per_day": hazard_per_day,
    }
    if candidate.resting:
        facts["resting"] = candidate.resting
    return facts if load is None else facts | {"load": load._asdict()}


def _said(candidate: Candidate, policy: Policy) -> dict[str, str]:
    """In words, why it is left alone; or what an engine of our own has to do first, and whether that is waited for."""
    load = candidate.evidence.load
    if candidate.resting:
        return {"said": candidate.resting}
    if load is None or not candidate.is_local:
        return {}
    before = f"{load.queue} before it: {load.wait_s:.3g} s" if load.queue else "nothing before it"
    most_s = policy.max_local_wait_s
    if most_s is None or not load.queue:
        return {"said": f"ours, {before}"}
    if load.wait_s > most_s:
        return {"said": f"ours, but {before}, over the {most_s:g} s that are waited for"}
    return {"said": f"ours, {before}, within the {most_s:g} s that are waited for"}


def replay(stored: Mapping[str, Any]) -> Decision:
    """Decide a stored record again. Raises KeyError or pydantic.ValidationError if it is not one of ours."""
    found = [_candidate(row, row["reason"] if row["is_obstacle"] else None) for row in stored["rejected"]]
    candidates = [_candidate(row, None) for row in stored["ranked"]] + found
    return decide(candidates, Policy.model_validate(stored["policy"]), stored["evidence_id"])


def _candidate(row: Mapping[str, Any], obstacle: str | None) -> Candidate:
    quality, eta_s = row["quality"], row["eta_s"]
    cost_usd = None if row["quote_usd"] is None else Decimal(row["quote_usd"])
    evidence = Evidence(
        Interval(quality["value"], quality["low"], quality["high"]),
        quality["source"],
        eta_s["p50"],
        eta_s["p95"],
        row["reliability"],
        row["hazard_per_day"],
        cost_usd,
        cost_of(cost_usd),
        eta_s.get("source", "task"),  # nor does one of the second say whose word its seconds are
        Load(**row["load"]) if "load" in row else None,
    )
    stage = row.get("stage", "active")  # records of the first version say no stage
    return Candidate(
        row["offer"], row["provider"], row["model"], evidence, obstacle, row["is_local"], stage, row.get("resting")
    )
