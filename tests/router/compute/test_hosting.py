"""Rent or host: by hand, and what must hold at any price."""

from decimal import Decimal

from hypothesis import given, strategies as st

from gateway.catalog.machines import load_tables
from router.compute.hosting import Own, compare, own_cost, usd_per_hour

H100 = load_tables().machines["h100"]
BOUGHT = H100.model_copy(update={"purchase_usd": Decimal(36_000), "power_w": 1_000.0, "count": 2})


def test_a_rented_month_is_730_hours_of_every_accelerator():
    own = own_cost(H100.model_copy(update={"count": 2}), seconds=60)
    assert own == Own(Decimal("4365.40"), Decimal(0), 43_800)
    assert own_cost(H100, seconds=60, busy=0.5).capacity_per_month == 21_900


def test_a_purchase_is_spread_over_months_and_its_power_is_paid_by_the_output():
    own = own_cost(BOUGHT, seconds=360, months=36, usd_per_kwh=Decimal("0.20"))
    assert own.usd_per_month == 2_000
    assert own.power_usd_each == Decimal("0.04")  # 2 kW for a tenth of an hour
    assert usd_per_hour(BOUGHT, 36, Decimal("0.20")) == Decimal(36_000) / (36 * 730) + Decimal("0.2")


def test_a_machine_without_a_price_is_not_compared():
    assert own_cost(H100.model_copy(update={"usd_per_hour": None}), seconds=60) is None


def test_it_pays_from_where_the_month_is_what_the_offers_would_have_cost():
    own = Own(Decimal(2_000), Decimal("0.04"), 10_000)
    assert compare(own, Decimal("0.54")).break_even_per_month == 4_000
    assert compare(own, Decimal("0.24")).break_even_per_month == 10_000
    assert compare(own, Decimal("0.24")).break_even_busy == 1
    assert compare(own, Decimal("0.2399")).break_even_per_month is None
    assert compare(own, Decimal("0.04")).break_even_per_month is None


dollars = st.decimals("0.001", "100", places=3)


@given(dollars, dollars, dollars, st.integers(1, 100_000))
def test_at_break_even_hosting_costs_no_more_and_one_output_earlier_it_did(month, power, offer, capacity):
    own = Own(month, power, capacity)
    volume = compare(own, offer).break_even_per_month
    hosted = [month + power * each for each in range(capacity + 1)] if capacity <= 50 else None
    if volume is None:
        assert month + power * capacity > offer * capacity
        return
    assert 1 <= volume <= capacity
    assert month + power * volume <= offer * volume
    assert volume == 1 or month + power * (volume - 1) > offer * (volume - 1)
    assert hosted is None or all(hosted[each] <= offer * each for each in range(volume, capacity + 1))


@given(dollars, dollars, st.integers(1, 100_000), st.integers(1, 5), st.integers(1, 50_000))
def test_several_machines_never_pay_where_one_does_not(month, offer, capacity, machines, volume):
    if compare(Own(month, Decimal(0), capacity), offer).break_even_per_month is None:
        made = min(volume, machines * capacity)
        needed = -(-made // capacity)
        assert month * needed > offer * made
