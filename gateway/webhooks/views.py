"""Endpoints and deliveries as the API shows them; a secret is in none of them. Pure: rows in, JSON values out."""

import json
from collections.abc import Mapping
from typing import Any


def seen_endpoint(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "key": row["key_id"],
        "scope": "key" if row["watches"] == row["key_id"] else "organisation",
        "url": row["url"],
        "events": json.loads(row["events"]),
        "description": row["description"],
        "enabled": row["disabled_at"] is None,
        "disabled_for": row["disabled_for"],
        "disabled_at": row["disabled_at"],
        "failing_since": row["failing_since"],
        "created_at": row["created_at"],
    }


def seen_delivery(row: Mapping[Any, Any]) -> dict[str, Any]:
    """One event at one receiver. `data` is absent where it is read from the subject when it is sent."""
    is_open = row["status"] == "pending"
    return {
        "id": row["id"],
        "event": row["event_id"],
        "type": row["kind"],
        "subject": row["subject"],
        "target": row["target"],
        "shape": row["shape"],
        "status": row["status"],
        "due_at": row["due_at"] if is_open else None,
        "created_at": row["created_at"],
        "ended_at": row["ended_at"],
        "data": row["data"],
        "tries": [
            {name: each[name] for name in ("number", "began_at", "seconds", "status", "said", "error")}
            for each in row["log"]
        ],
    }
