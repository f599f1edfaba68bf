"""Rent or host: from how many outputs a month a machine of one's own costs less than an offer. It quotes nothing.

A machine stands ready all month, and so costs the same whatever it does, except for power. What one machine cannot do
in a month is not done: more volume needs more machines, each of which must pay for itself.
"""

from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple

from router.compute.tables import Machine

HOURS_PER_MONTH = 730
SECONDS_PER_HOUR = 3_600
MONTHS = 36
"""Over which a purchase is spread where nobody says otherwise: the life that servers are usually given in the books."""
USD_PER_KWH = Decimal("0.15")
"""Where nobody says otherwise. Ours, not measured."""


class Own(NamedTuple):
    """A machine's cost: by the month whatever it does, and for each output; and how many it can make in a month."""

    usd_per_month: Decimal
    power_usd_each: Decimal
    capacity_per_month: int

    @property
    def usd_each_busy(self) -> Decimal:
        """Of one output where it works all month."""
        return self.usd_per_month / max(1, self.capacity_per_month) + self.power_usd_each


class Comparison(NamedTuple):
    """`break_even_per_month` is None where the machine never costs less."""

    own: Own
    offer_usd_each: Decimal
    break_even_per_month: int | None

    @property
    def break_even_busy(self) -> float | None:
        """The share of a month's capacity at which it pays."""
        if self.break_even_per_month is None:
            return None
        return self.break_even_per_month / self.own.capacity_per_month


def own_cost(
    machine: Machine, seconds: float, busy: float = 1.0, months: int = MONTHS, usd_per_kwh: Decimal = USD_PER_KWH
) -> Own | None:
    """What it costs to have a machine that takes `seconds` for an output and works the share `busy` of the time.

    None where it has no price. A purchase is spread over `months` and goes before a rent; power is paid for beside a
    purchase, and only for the time that is worked, for a rent includes it.
    """
    capacity = int(HOURS_PER_MONTH * SECONDS_PER_HOUR * busy / seconds)
    if machine.purchase_usd is not None:
        each = power_usd_per_hour(machine, usd_per_kwh) * machine.count * Decimal(seconds) / SECONDS_PER_HOUR
        return Own(machine.purchase_usd * machine.count / months, each, capacity)
    if machine.usd_per_hour is not None:
        return Own(machine.usd_per_hour * machine.count * HOURS_PER_MONTH, Decimal(0), capacity)
    return None


def power_usd_per_hour(machine: Machine, usd_per_kwh: Decimal) -> Decimal:
    """Of one accelerator at work."""
    return Decimal(str(machine.power_w or 0)) / 1_000 * usd_per_kwh


def usd_per_hour(machine: Machine, months: int = MONTHS, usd_per_kwh: Decimal = USD_PER_KWH) -> Decimal | None:
    """An hour of one accelerator at work: its part of a purchase and power, or its rent; None where it has no price."""
    if machine.purchase_usd is not None:
        return machine.purchase_usd / (months * HOURS_PER_MONTH) + power_usd_per_hour(machine, usd_per_kwh)
    return machine.usd_per_hour


def compare(own: Own, offer_usd_each: Decimal) -> Comparison:
    """The volume from which the machine costs no more than the offer: usd_per_month ÷ (offer − power), if it can make
    as many. More machines of the kind do not change the answer: each has to make as many."""
    saved = offer_usd_each - own.power_usd_each
    if saved <= 0:
        return Comparison(own, offer_usd_each, None)
    volume = int((own.usd_per_month / saved).to_integral_value(ROUND_CEILING))
    return Comparison(own, offer_usd_each, volume if volume <= own.capacity_per_month else None)
