"""Invoices as providers write them: CSV and JSON, under headers of their own."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from gateway.usage import invoices
from gateway.usage.invoices import InvoiceRefused, read

CSV = """Request ID,Endpoint,Created At,Units,Unit,Cost (USD)
abc,fal-ai/veo,2026-10-01T10:00:00Z,5,seconds,$2.00
def,fal-ai/flux,2026-10-02,1,images,0.0035
"""


def test_headers_are_known_however_they_are_written():
    first, second = read(CSV, {"usd": "Cost (USD)"})
    assert first == (
        1, 2_000_000_000, 2, "abc", "fal-ai/veo", datetime(2026, 10, 1, 10, tzinfo=UTC), False, Decimal(5), "seconds",
    )  # fmt: skip
    assert (second.nanos, second.places, second.is_day) == (3_500_000, 4, True)


@pytest.mark.parametrize(
    "text",
    [
        '[{"id": "a", "amount": 0.1, "created_at": 1790856000}]',
        '{"data": [{"id": "a", "amount": "0.10", "created_at": "2026-10-01T12:00:00+00:00"}]}',
        '{"invoice": {"lines": [{"id": "a", "amount": 0.10, "created_at": 1790856000000}]}}',
        '{"id": "a", "amount": 0.1, "created_at": "2026-10-01T14:00:00+02:00"}\n',
    ],
)
def test_json_is_read_in_each_of_its_usual_shapes(text):
    (line,) = read(text)
    assert (line.ref, line.nanos, line.at) == ("a", 100_000_000, datetime(2026, 10, 1, 12, tzinfo=UTC))


def test_amounts_are_read_exactly():
    (line,) = read('[{"id": "a", "cost": 0.000000001}]')
    assert (line.nanos, line.places) == (1, 9)


@pytest.mark.parametrize(
    "text",
    ["", "id,cost\n", "id,colour\na,red\n", "id,cost\na,much\n", "id,cost\na,\n", "id,cost\na,NaN\n", "[1]", "{",
     "id,cost,date\na,1,soon\n", "id,cost\na,1e30\n"],
)  # fmt: skip
def test_what_is_no_invoice_is_refused_with_a_reason(text):
    with pytest.raises(InvoiceRefused, match=r".+"):
        read(text)


def test_columns_are_named_by_hand():
    assert invoices.columns(["usd=Net=", "ref=No"]) == {"usd": "Net=", "ref": "No"}
    for wrong in ("usd", "usd=", "colour=x"):
        with pytest.raises(InvoiceRefused):
            invoices.columns([wrong])
    with pytest.raises(InvoiceRefused, match="there is no column"):
        read(CSV, {"usd": "Net"})
