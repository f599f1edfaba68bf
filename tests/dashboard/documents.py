"""Small documents as the API gives them, for the pure parts of the dashboard."""

from typing import Any


def ranked(offer: str, quote_usd: str, quality: float, **more: Any) -> dict[str, Any]:
    provider, _, model = offer.partition("/")
    parts = {"quality": quality, "cost": 0.04 / (0.04 + float(quote_usd)) / 2}
    return {
        "offer": offer, "provider": provider, "model": model, "quote_usd": quote_usd, "is_local": False,
        "stage": "active", "reliability": 0.95, "eta_s": {"p50": 4.0, "p95": 9.0},
        "quality": {"value": quality, "low": quality - 0.1, "high": quality + 0.1, "source": "a board of 2026-08-22"},
        "parts": parts, "score": sum(parts.values()),
    } | more  # fmt: skip


def rejected(offer: str, reason: str, quality: float = 0.5, is_obstacle: bool = True) -> dict[str, Any]:
    row = ranked(offer, "0", quality) | {"quote_usd": None, "reason": reason, "is_obstacle": is_obstacle}
    return {name: value for name, value in row.items() if name not in ("parts", "score")}


def decision(*rows: dict[str, Any], rejected: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {"ranked": sorted(rows, key=lambda row: -row["score"]), "rejected": list(rejected)}


def attempt(offer: str, status: str, started_at: str, ended_at: str | None, fault: str | None = None) -> dict[str, Any]:
    return {"offer": offer, "status": status, "started_at": started_at, "ended_at": ended_at, "fault": fault}


def job(*attempts: dict[str, Any], ended_at: str | None = "2026-11-21T04:00:10Z") -> dict[str, Any]:
    return {
        "id": "job_1", "created_at": "2026-11-21T04:00:00Z", "ended_at": ended_at, "status": "succeeded",
        "task": "text-to-image", "offer": "fal/a/b", "attempts": list(attempts), "error": None,
        "cost": {"cost_usd": "0.04", "lines": [
            {"unit": "output_image", "quantity": "1", "usd_each": "0.04", "usd": "0.04"}]},
    }  # fmt: skip


def group(day: str, model: str, spend_usd: str) -> dict[str, Any]:
    return {"day": day, "model": model, "spend_usd": spend_usd, "compute_units": 10.0, "jobs": 1, "succeeded": 1}


CHURN = {
    "survival": [
        {"day": 4.0, "alive": 0.9, "low": 0.5, "high": 0.98},
        {"day": 20.0, "alive": 0.4, "low": 0.1, "high": 0.7},
    ],
    "months": [{"month": "2026-07", "added": 3, "removed": 1}],
}

MARKET = decision(
    ranked("fal/a/dear", "0.20", 0.90),
    ranked("fal/a/fair", "0.04", 0.80),
    ranked("together/a/fair", "0.03", 0.80),
    ranked("fal/b/worse", "0.05", 0.60),
    ranked("fal/c/cheap", "0.002", 0.50),
    ranked("ours/d/free", "0", 0.95, is_local=True),
)
