"""Which prices of feeds are compared with ours, what they propose, and what the rule lets pass."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from adapters.schema import Price, Rate
from gateway.catalog import rules
from gateway.catalog.rules import Said, comparable, differences
from router.feeds.readings import PriceRow

CHECKED = date(2026, 11, 1)
LATER = CHECKED + timedelta(days=1)
OFFER = "acme/acme/one"


def price(*rates):
    return Price(since=date(2026, 1, 1), checked=CHECKED, source="a page", rates=rates)


def row(usd, *units, per="1", when=None):
    return PriceRow(
        label="one", provider="acme", units=units or ("output_image",), counted="x", usd=usd, per=per, when=when or {}
    )


IMAGE = price(Rate(unit="output_image", usd="0.04"))
TOKENS = price(
    Rate(unit="input_token", usd="0.30", per="1000000"), Rate(unit="output_token", usd="2.50", per="1000000")
)
TIERS = price(
    Rate(unit="output_video_second", usd="0.15", when={"resolution": "1080p"}),
    Rate(unit="output_video_second", usd="0.10", when={"resolution": "720p"}),
)


def found(*said, at=IMAGE):
    return differences({OFFER: at}, [Said(OFFER, source, day, each) for source, day, each in said])


@pytest.mark.parametrize(
    ("ours", "theirs", "unit"),
    [
        (IMAGE, row("0.05"), "output_image"),
        (IMAGE, row("0.05", "output_video_second"), None),
        (IMAGE, row("0.05", "request", "output_image"), "output_image"),
        (IMAGE, row("0.05", when={"quality": "hd"}), None),
        (IMAGE, row("0"), None),
        (TOKENS, row("3", "output_token", per="1000000"), "output_token"),
        (TOKENS, row("3", "input_token", "output_token"), None),
        (TIERS, row("0.2", "output_video_second"), None),
        (TIERS, row("0.2", "output_video_second", when={"resolution": "720p"}), "output_video_second"),
        (TIERS, row("0.2", "output_video_second", when={"resolution": "4k"}), None),
    ],
)
def test_only_like_is_compared_with_like(ours, theirs, unit):
    rate = comparable(ours, theirs)
    assert (rate and rate.unit) == unit


def test_a_price_said_for_another_amount_is_the_same_price():
    assert found(("a", LATER, row("0.0000003", "input_token")), at=TOKENS) == ()


def test_what_is_said_of_a_day_before_our_own_check_proposes_nothing():
    assert found(("a", CHECKED, row("0.05"))) == ()
    assert len(found(("a", LATER, row("0.05")))) == 1


def test_sources_that_agree_are_one_proposal_and_those_that_do_not_are_two():
    both = found(("a", LATER, row("0.05")), ("b", LATER, row("0.050")))
    assert [each.sources for each in both] == [("a", "b")]
    apart = found(("a", LATER, row("0.05")), ("b", LATER, row("0.06")))
    assert [(each.after, each.sources) for each in apart] == [(Decimal("0.05"), ("a",)), (Decimal("0.06"), ("b",))]


def test_a_source_that_says_two_things_says_nothing():
    assert found(("a", LATER, row("0.05")), ("a", LATER, row("0.06"))) == ()


@pytest.mark.parametrize(
    ("usd", "sources", "may"),
    [
        ("0.052", 2, True),
        ("0.0521", 2, False),
        ("0.028", 2, True),
        ("0.0279", 2, False),
        ("0.05", 1, False),
        ("4", 3, False),
    ],
)
def test_the_rule_lets_pass_what_is_small_and_said_by_two(usd, sources, may):
    (difference,) = found(*((name, LATER, row(usd)) for name in "abc"[:sources]))
    assert difference.may_pass is may


@given(st.decimals("0.001", "10", places=6))
def test_an_accepted_price_is_the_one_that_was_proposed_and_all_else_stays(usd):
    tier = rules.conditions_of({"resolution": ("720p",)})
    made = rules.changed(TIERS, "output_video_second", tier, usd, LATER, ["a"])
    assert (made.since, made.checked) == (LATER, LATER)
    assert rules.usd_of(made, "output_video_second", tier) == usd
    assert made.rates[0] == TIERS.rates[0]
    assert TIERS.rates[1].usd == Decimal("0.10"), "the price that was is not touched"


def test_an_amount_is_written_without_an_exponent():
    assert [rules.plain(Decimal(each)) for each in ("3E-7", "0.050", "100", "0")] == ["0.0000003", "0.05", "100", "0"]
