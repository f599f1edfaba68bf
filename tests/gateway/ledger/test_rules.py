"""What an entry says, by tables and properties; no database."""

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from gateway.ledger import rules
from gateway.ledger.rules import LARGEST_NANOS, AmountRefused, Posting

amounts = st.integers(0, LARGEST_NANOS)


@pytest.mark.parametrize(
    ("usd", "nanos"),
    [
        ("0", 0),
        ("5.00", 5_000_000_000),
        ("0.0000000001", 1),
        ("0.003", 3_000_000),
        ("1e-999999999", 1),
        ("0." + "0" * 60 + "1", 1),
        ("1.0000000000000000000000000000000000000001", 1_000_000_001),
        ("1000000000", LARGEST_NANOS),
    ],
)
def test_dollars_become_nano_dollars_rounding_up(usd, nanos):
    assert rules.nanos(Decimal(usd)) == nanos


@pytest.mark.parametrize("usd", ["-0.01", "NaN", "sNaN", "Infinity", "1e999999999", "1000000000.000000001"])
def test_an_amount_that_the_ledger_cannot_hold_is_refused(usd):
    with pytest.raises(AmountRefused):
        rules.nanos(Decimal(usd))


@given(amounts)
def test_an_amount_survives_its_text(nanos):
    assert rules.nanos(Decimal(rules.usd(nanos))) == nanos


@pytest.mark.parametrize(
    ("nanos", "text"),
    [(0, "0.00"), (1, "0.000000001"), (5 * 10**9, "5.00"), (40_000_000, "0.04"), (-1_500_000_000, "-1.50")],
)
def test_an_amount_is_written_plainly(nanos, text):
    assert rules.usd(nanos) == text


def test_a_hold_moves_money_from_available_to_held():
    assert rules.hold("key_7", "job_1", 60).postings == (Posting("key:key_7:available", "key:key_7:held", 60),)


def test_a_hold_of_nothing_is_still_an_entry():
    entry = rules.hold("key_7", "job_1", 0)
    assert entry.key == "hold:job_1" and entry.postings == ()


def test_a_negative_amount_is_refused():
    with pytest.raises(AmountRefused):
        rules.hold("key_7", "job_1", -1)


def test_an_amount_beyond_the_column_is_refused():
    with pytest.raises(AmountRefused):
        rules.fund("key_7", LARGEST_NANOS + 1, "a")


@given(amounts, amounts)
def test_a_rehold_leaves_what_is_wanted(held, wanted):
    entry = rules.rehold("key_7", "job_1", "att_2", held, wanted)
    moved = 0 if entry is None else rules.changes(entry)["key:key_7:held"]
    assert held + moved == wanted
    assert (entry is None) == (held == wanted)


def test_the_settlement_of_the_architecture_page():
    entry = rules.settle("7", "job_1", 60, [("fal", 40)], margin_nanos=2)
    assert rules.changes(entry) == {
        "gateway:margin": 2,
        "key:7:available": 18,
        "key:7:held": -60,
        "provider:fal:payable": 40,
    }


@given(amounts, st.lists(st.tuples(st.sampled_from("abc"), amounts), max_size=4), amounts)
def test_a_settlement_pays_every_provider_and_empties_the_hold(held, costs, margin):
    moves = rules.changes(rules.settle("7", "job_1", held, costs, margin))
    cost = sum(nanos for _, nanos in costs)
    for provider in "abc":
        owed = sum(nanos for name, nanos in costs if name == provider)
        assert moves.get(f"provider:{provider}:payable", 0) == owed
    assert moves.get("key:7:held", 0) == -held
    assert moves.get("gateway:overrun", 0) == -max(0, cost - held)
    assert moves.get("key:7:available", 0) == max(0, held - cost - margin)
    assert sum(moves.values()) == 0


def test_a_settlement_of_nothing_still_marks_the_job():
    assert rules.settle("7", "job_1", 0, [("sandbox", 0)]) == rules.Entry("settle:job_1", "settle", ())


def test_the_hash_tells_amounts_accounts_and_reasons_apart():
    entries = [rules.hold("7", "j", 1), rules.hold("7", "j", 2), rules.hold("8", "j", 1), rules.fund("7", 1, "j")]
    assert len({rules.input_hash(entry) for entry in entries}) == len(entries)
    assert rules.input_hash(rules.hold("7", "j", 1)) == rules.input_hash(rules.hold("7", "j", 1))
