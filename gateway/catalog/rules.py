"""When a price that a source says is another than ours, and when that may be believed without asking. Pure.

Only like is compared with like: the same unit under the same conditions. What is merely similar proposes nothing.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from adapters.schema import Price, Rate, When
from router.feeds.readings import PriceRow

BOUND = Decimal("0.30")
"""Share of its price by which an offer may change by the rule. Of the changes in two years of price lists most were
smaller, or a wrong unit, which is off by a factor of ten and more."""

SOURCES_LEAST = 2
"""Sources that must say the same, for the rule: each alone has had typing errors."""

SAME = Decimal("0.000001")
"""Shares of a price below which two are the same: lists round differently."""


class Said(NamedTuple):
    """What one source says of one offer on a day."""

    offer: str
    source: str
    day: date
    row: PriceRow


class Difference(NamedTuple):
    """USD for one unit under conditions: as it is in force, and as these sources say."""

    offer: str
    unit: str
    conditions: str
    before: Decimal
    after: Decimal
    sources: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.offer, self.unit, self.conditions, plain(self.after)

    @property
    def may_pass(self) -> bool:
        """Whether the rule accepts it: small enough, and said by enough."""
        return abs(self.after - self.before) <= BOUND * self.before and len(self.sources) >= SOURCES_LEAST


def differences(prices: Mapping[str, Price], said: Iterable[Said]) -> tuple[Difference, ...]:
    """All that sources say otherwise. A reading that is no newer than the last check of our price proposes nothing, nor
    does a source that says two things of one rate."""
    heard: dict[tuple[str, str, str], dict[str, set[Decimal]]] = {}
    now: dict[tuple[str, str, str], Decimal] = {}
    for each in said:
        price = prices.get(each.offer)
        rate = comparable(price, each.row) if price and each.day > price.checked else None
        if rate is None:
            continue
        key = each.offer, rate.unit, conditions_of(rate.when)
        now[key] = rate.usd / rate.per
        heard.setdefault(key, {}).setdefault(each.source, set()).add(each.row.usd / each.row.per)
    return tuple(
        Difference(*key, now[key], after, tuple(sources))
        for key in sorted(heard)
        for after, sources in _groups(heard[key])
        if not is_same(now[key], after)
    )


def _groups(by_source: Mapping[str, set[Decimal]]) -> list[tuple[Decimal, list[str]]]:
    """Each amount with the sources that say it, lowest first."""
    groups: list[tuple[Decimal, list[str]]] = []
    for amount, source in sorted((min(said), source) for source, said in by_source.items() if len(said) == 1):
        if groups and is_same(groups[-1][0], amount):
            groups[-1][1].append(source)
        else:
            groups.append((amount, [source]))
    return groups


def is_same(one: Decimal, other: Decimal) -> bool:
    return abs(one - other) <= SAME * max(one, other)


def comparable(price: Price, row: PriceRow) -> Rate | None:
    """The rate that a source's row speaks of: one unit that both may mean, under the same conditions.

    A price of nothing is how lists write what they do not know.
    """
    units = {rate.unit for rate in price.rates}.intersection(row.units)
    if len(units) != 1 or row.usd == 0:
        return None
    rates = [rate for rate in price.rates if rate.unit in units and rate.usd > 0]
    if not row.when:
        return rates[0] if len(rates) == 1 and not rates[0].when else None
    same = [rate for rate in rates if conditions_of(rate.when) == conditions_of(row.when)]
    return same[0] if len(same) == 1 else None


def conditions_of(when: When) -> str:
    """The conditions of a rate in one form, to be compared and stored."""
    return json.dumps({name: sorted(map(str, wanted)) for name, wanted in sorted(when.items())})


def changed(price: Price, unit: str, conditions: str, after: Decimal, day: date, sources: Iterable[str]) -> Price:
    """The same price with one rate of it changed, from `day` on."""

    def rate_of(rate: Rate) -> Rate:
        is_meant = rate.unit == unit and conditions_of(rate.when) == conditions
        return rate.model_copy(update={"usd": Decimal(plain(after * rate.per))}) if is_meant else rate

    source = f"accepted: {unit} as {', '.join(sources)} say; else {price.source}"
    rates = tuple(map(rate_of, price.rates))
    return price.model_copy(update={"since": day, "checked": day, "source": source[:2_000], "rates": rates})


def usd_of(price: Price, unit: str, conditions: str) -> Decimal | None:
    """USD for one unit under these conditions."""
    rates = (rate for rate in price.rates if rate.unit == unit and conditions_of(rate.when) == conditions)
    return next((rate.usd / rate.per for rate in rates), None)


def plain(amount: Decimal) -> str:
    """Without an exponent, and without zeros at its end."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
