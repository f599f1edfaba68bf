"""Usage in the columns of FOCUS, the open specification of cost data by the FinOps Foundation (focus.finops.org). Pure.

The names are those of version 1.2: its mandatory columns, and of the others those that we know something of; our own
begin with `x_`, as it asks. Whether a validator of a later version wants more was not tried.
"""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from gateway.ledger.rules import NANOS
from gateway.usage.rules import MICRO, MILLI, OTHER, date_of

ISSUER = "Podium"
"""Who bills the keys. Each provider bills the gateway."""
CATEGORY, SUBCATEGORY = "AI and Machine Learning", "Generative AI"

COLUMNS: Mapping[str, str] = {
    "BilledCost": "decimal", "BillingAccountId": "string", "BillingAccountName": "string", "BillingCurrency": "string",
    "BillingPeriodEnd": "time", "BillingPeriodStart": "time", "ChargeCategory": "string", "ChargeClass": "string",
    "ChargeDescription": "string", "ChargeFrequency": "string", "ChargePeriodEnd": "time", "ChargePeriodStart": "time",
    "ConsumedQuantity": "decimal", "ConsumedUnit": "string", "ContractedCost": "decimal", "EffectiveCost": "decimal",
    "InvoiceIssuerName": "string", "ListCost": "decimal", "PricingCategory": "string", "PricingQuantity": "decimal",
    "PricingUnit": "string", "ProviderName": "string", "PublisherName": "string", "RegionId": "string",
    "ResourceId": "string", "ServiceCategory": "string", "ServiceName": "string", "ServiceSubcategory": "string",
    "SkuId": "string", "SubAccountId": "string", "SubAccountType": "string", "Tags": "string",
    "x_ProviderCost": "decimal", "x_Margin": "decimal", "x_Overrun": "decimal", "x_ComputeUnits": "decimal",
    "x_Jobs": "int64",
}  # fmt: skip


def row(rolled: Mapping[Any, Any]) -> dict[str, Any]:
    """One row of the rollups. What it bills is what left the key; there are no discounts, so all four costs agree."""
    day = date_of(rolled["day"])
    spend = _usd(rolled["cost_nanos"] + rolled["margin_nanos"] - rolled["over_nanos"])
    is_counted = rolled["unit"] != OTHER
    quantity = Decimal(rolled["micros"]) / MICRO if is_counted else None
    unit = rolled["unit"] if is_counted else None
    is_correction = not rolled["jobs"] and not rolled["bills"]
    maker, _, name = rolled["model"].partition("/")
    tags = {"task": rolled["task"]} | ({"project": rolled["project"]} if rolled["project"] else {})
    return {
        "BilledCost": spend, "BillingAccountId": ISSUER.lower(), "BillingAccountName": ISSUER, "BillingCurrency": "USD",
        "BillingPeriodEnd": _next_month(day), "BillingPeriodStart": _midnight(day.replace(day=1)),
        "ChargeCategory": "Adjustment" if is_correction else "Usage",
        "ChargeClass": "Correction" if is_correction else None,
        "ChargeDescription": f"{rolled['task']} by {rolled['model']} at {rolled['provider']}: {rolled['unit']}",
        "ChargeFrequency": "One-Time" if is_correction else "Usage-Based",
        "ChargePeriodEnd": _midnight(day + timedelta(days=1)), "ChargePeriodStart": _midnight(day),
        "ConsumedQuantity": quantity, "ConsumedUnit": unit, "ContractedCost": spend, "EffectiveCost": spend,
        "InvoiceIssuerName": ISSUER, "ListCost": spend, "PricingCategory": "Standard", "PricingQuantity": quantity,
        "PricingUnit": unit, "ProviderName": rolled["provider"], "PublisherName": maker if name else rolled["provider"],
        "RegionId": None, "ResourceId": None, "ServiceCategory": CATEGORY, "ServiceName": rolled["model"],
        "ServiceSubcategory": SUBCATEGORY, "SkuId": f"{rolled['provider']}/{rolled['model']}#{rolled['unit']}",
        "SubAccountId": rolled["key_id"] or None, "SubAccountType": "key" if rolled["key_id"] else None,
        "Tags": json.dumps(tags), "x_ProviderCost": _usd(rolled["cost_nanos"]),
        "x_Margin": _usd(rolled["margin_nanos"]), "x_Overrun": _usd(rolled["over_nanos"]),
        "x_ComputeUnits": Decimal(rolled["compute_millis"]) / MILLI, "x_Jobs": rolled["jobs"],
    }  # fmt: skip


def _usd(nanos: int) -> Decimal:
    return Decimal(nanos) / NANOS


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _next_month(day: date) -> datetime:
    return _midnight((day.replace(day=1) + timedelta(days=31)).replace(day=1))
