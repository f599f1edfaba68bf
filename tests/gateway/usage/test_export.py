"""Exports: every posting once, and usage in FOCUS's columns, as CSV and as Parquet, page by page."""

import csv
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from pyarrow import parquet

from gateway.ledger import book, rules as ledger
from gateway.usage import export as exporting, focus, rules, store
from gateway.usage.export import Format, export
from gateway.usage.rules import Row

BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
END = datetime(2026, 11, 1, tzinfo=UTC)

MANDATORY = {
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd",
    "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd", "ChargePeriodStart",
    "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost", "PricingQuantity", "PricingUnit",
    "ProviderName", "PublisherName", "ServiceCategory", "ServiceName",
}  # fmt: skip
"""Of FOCUS 1.2."""


@pytest.fixture
async def books(database, monkeypatch):
    """Fifty payments in October, and one before and after it."""
    monkeypatch.setattr(exporting, "PAGE", 7)

    def unit(connection):
        for number in range(-1, 51):
            moment = BEGIN + timedelta(hours=15 * number)
            moment = END if number == 50 else moment
            book.post(connection, ledger.fund("key_a", 10**9 + number, f"pay-{number}"), moment)
        for day in (0, 0, 9):
            row = Row(
                rules.day_of(BEGIN.date()) + day, "key_a", "prj_1", "fal", "google/veo", "text-to-video",
                "output_video_second", micros=5_000_000, cost_nanos=2 * 10**9, margin_nanos=1, jobs=1, compute_millis=9,
            )  # fmt: skip
            store.add(connection, [row])
        settled = rules.Settled(rules.day_of(BEGIN.date()), "", "", "", "fal/unknown")
        store.add(connection, [rules.corrected(settled, -5)])

    await database.together(unit)


@pytest.mark.anyio
async def test_every_posting_of_the_time_is_there_once(database, books, tmp_path):
    place = tmp_path / "postings.csv"
    assert await export(database, Format.CSV, BEGIN, END, place) == 50
    with place.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["key"] for row in rows] == [f"fund:pay-{number}" for number in range(50)]
    assert rows[3] | {"posting_id": "", "entry_id": ""} == {
        "posting_id": "", "entry_id": "", "key": "fund:pay-3", "reason": "fund", "posted_at": "2026-10-02T21:00:00Z",
        "source": "world", "destination": "key:key_a:available", "nanos": "1000000003", "usd": "1.000000003",
    }  # fmt: skip
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.anyio
async def test_parquet_holds_the_same(database, books, tmp_path):
    place = tmp_path / "postings.parquet"
    assert await export(database, Format.PARQUET, BEGIN, END, place) == 50
    table = parquet.read_table(place)
    assert table.column_names == list(exporting.POSTINGS) and parquet.ParquetFile(place).num_row_groups == 8
    assert sum(table["nanos"].to_pylist()) == sum(10**9 + number for number in range(50))
    assert table["usd"].to_pylist()[1] == Decimal("1.000000001")
    assert table["posted_at"].to_pylist()[0] == BEGIN


@pytest.mark.anyio
async def test_focus_has_its_mandatory_columns_and_adds_up_to_what_was_spent(database, books, tmp_path):
    place = tmp_path / "focus.csv"
    assert await export(database, Format.FOCUS, BEGIN, END, place) == 3
    with place.open(newline="") as file:
        correction, *rows = list(csv.DictReader(file))
    assert set(correction) == set(focus.COLUMNS) and set(focus.COLUMNS) >= MANDATORY
    assert sum(Decimal(row["BilledCost"]) for row in rows) == Decimal("6.000000003")
    first = rows[0]
    assert (first["ConsumedQuantity"], first["ConsumedUnit"]) == ("10.00", "output_video_second")
    assert (first["ChargePeriodStart"], first["BillingPeriodEnd"]) == ("2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z")
    assert (first["SubAccountId"], first["PublisherName"], first["ChargeCategory"]) == ("key_a", "google", "Usage")
    assert (correction["ChargeCategory"], correction["ChargeClass"], correction["BilledCost"]) == (
        "Adjustment", "Correction", "0.00",
    )  # fmt: skip
    assert correction["x_ProviderCost"] == "-0.000000005"


@pytest.mark.anyio
async def test_focus_is_parquet_too_where_the_name_says_so(database, books, tmp_path):
    place = tmp_path / "focus.parquet"
    await export(database, Format.FOCUS, BEGIN, END, place)
    assert parquet.read_table(place).column_names == list(focus.COLUMNS)


@pytest.mark.anyio
async def test_a_time_without_postings_is_an_empty_file_with_its_columns(database, books, tmp_path):
    place = tmp_path / "none.csv"
    assert await export(database, Format.CSV, END + timedelta(days=9), END + timedelta(days=10), place) == 0
    assert place.read_text().startswith("posting_id,entry_id,key")
