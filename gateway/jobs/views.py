"""A job as the API shows it. Pure: rows in, JSON values out."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from gateway.jobs.service import Seen
from gateway.ledger.rules import usd

Link = Callable[[str], str]
"""From an output's asset id to its address."""


def view(seen: Seen, link: Link) -> dict[str, Any]:
    """The whole job: what was asked, what came, what it cost, and every attempt."""
    job = seen.job
    bill = json.loads(job["bill"]) if job["bill"] else None
    return {
        "id": job["id"],
        "key": job["key_id"],
        "status": job["status"],
        "task": job["task"],
        "model": job["offer"].partition("/")[2],
        "offer": job["offer"],
        "progress": job["progress"],
        "created_at": moment(job["created_at"]),
        "started_at": moment(job["started_at"]),
        "ended_at": moment(job["ended_at"]),
        "outputs": [output | {"url": link(output["asset"])} if output["asset"] else output for output in _outputs(job)],
        "usage": bill["usage"] if bill else {},
        "compute_units": bill.get("compute_units") if bill else None,
        "cost": _cost(job, bill),
        "resolved": json.loads(job["resolved"] or "{}"),
        "adjustments": json.loads(job["adjustments"]) + json.loads(job["undelivered"] or "[]"),
        "decision": job["decision_id"],
        "attempts": [attempt(row) for row in seen.attempts],
        "canceled_by": job["canceled_by"],
        "error": json.loads(job["error"]) if job["error"] else None,
        "metadata": json.loads(job["extras"]),
    }


def _outputs(job: Mapping[Any, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(job["outputs"] or "[]")
    return found


def _cost(job: Mapping[Any, Any], bill: dict[str, Any] | None) -> dict[str, Any]:
    settled = job["cost_nanos"] is not None
    return {
        "quote_usd": usd(job["quote_nanos"]),
        "held_usd": usd(job["held_nanos"]),
        "cost_usd": usd(job["cost_nanos"]) if settled else None,
        "source": bill["source"] if bill else None,
        "lines": bill["lines"] if bill else [],
    }


def attempt(row: Mapping[Any, Any]) -> dict[str, Any]:
    error = json.loads(row["error"]) if row["error"] else None
    return {
        "id": row["id"],
        "offer": row["offer"],
        "status": row["status"],
        "fault": row["fault"],
        "message": error["message"] if error else None,
        "provider_status": row["provider_status"],
        "quote_usd": usd(row["quote_nanos"]),
        "cost_usd": usd(row["cost_nanos"]),
        "cost_source": row["cost_source"],
        "turns": row["turns"],
        "started_at": moment(row["started_at"]),
        "ended_at": moment(row["ended_at"]),
    }


def moment(at: datetime | None) -> str | None:
    """RFC 3339 in UTC."""
    return at.isoformat().replace("+00:00", "Z") if at else None
