"""How each provider does just now: its attempts of the last hour and day, and its breakers. It only reads."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy.engine import Connection

from adapters.errors import Fault
from adapters.schema import ProviderCard
from gateway.attempts import store as attempts
from gateway.attempts.rules import Status
from gateway.attempts.store import Ended, Tally
from gateway.catalog.supply import Supply
from router import breakers
from router.breakers import Breaker, Breakers, Outcome

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OUTCOMES_MOST = 20_000
"""Attempts of the last hour that breakers are folded from, the newest: five a second for the whole hour."""


class Doing(NamedTuple):
    """What is known of all providers at one moment."""

    tallies: tuple[Tally, ...]
    open: Mapping[str, int]
    breakers: Breakers


def read(connection: Connection, names: Iterable[str], now: datetime) -> Doing:
    ended = attempts.endings(connection, now - breakers.FORGET, OUTCOMES_MOST)
    return Doing(
        tuple(attempts.tallies(connection, now - DAY, now - HOUR)),
        attempts.open_at(connection, tuple(names)),
        breakers.fold(outcomes(ended), now),
    )


def outcomes(ended: Iterable[Ended]) -> list[Outcome]:
    """What was canceled tells nothing of who was to do it."""
    return [
        Outcome(each.provider, each.offer, each.ended_at, Fault(each.fault) if each.fault else None)
        for each in ended
        if each.status is not Status.CANCELED
    ]


def view(card: ProviderCard, supply: Supply, doing: Doing, obstacle: str | None, now: datetime) -> dict[str, Any]:
    """One provider as the API shows it."""
    own = [each for each in doing.tallies if each.provider == card.name]
    tripped = [each for subject, each in sorted(doing.breakers.items()) if subject.startswith(f"{card.name}/")]
    return {
        "provider": card.name,
        "title": card.title,
        "usable": obstacle is None,
        "obstacle": obstacle,
        "needs_key": card.key_env is not None,
        "has_key": supply.keys[card.name] is not None,
        "has_address": not card.needs_base_url,
        "self_hosted": card.self_hosted,
        "stand_in": card.stand_in,
        "offers": len(card.offers),
        "open": doing.open.get(card.name, 0),
        "hour": _ended({(each.status, each.fault): each.recent for each in own}),
        "day": _ended({(each.status, each.fault): each.all for each in own}),
        "breaker": _breaker(doing.breakers.get(card.name), now),
        "offer_breakers": [_breaker(each, now) for each in tripped],
    }


def _ended(counts: Mapping[tuple[Status, str | None], int]) -> dict[str, Any]:
    """`share` is of those that succeeded or failed; null where none did."""
    by_status: Counter[Status] = Counter()
    faults: Counter[str] = Counter()
    for (status, fault), count in counts.items():
        by_status[status] += count
        if status is Status.FAILED and count:
            faults[fault or "unknown"] += count
    tried = by_status[Status.SUCCEEDED] + by_status[Status.FAILED]
    return {
        "attempts": sum(by_status.values()),
        "succeeded": by_status[Status.SUCCEEDED],
        "failed": by_status[Status.FAILED],
        "canceled": by_status[Status.CANCELED],
        "share": by_status[Status.SUCCEEDED] / tried if tried else None,
        "faults": dict(sorted(faults.items(), key=lambda item: (-item[1], item[0]))),
    }


def _breaker(found: Breaker | None, now: datetime) -> dict[str, Any] | None:
    if found is None:
        return None
    state = "open" if found.is_open(now) else "on trial"
    return {"subject": found.subject, "state": state, "fault": found.fault.value, "failures": found.failures,
            "since": found.since, "until": found.until}  # fmt: skip
