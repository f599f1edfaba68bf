"""A workflow as the API shows it: steps in their order, each with what is before it and how far it is. Pure."""

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gateway.assets.service import Assets
from gateway.db import Database
from gateway.jobs.views import Link, moment
from gateway.ledger.rules import usd
from gateway.workflows import rules, store
from gateway.workflows.rules import ENDED, State
from gateway.workflows.store import Seen


def view(seen: Seen, link: Link) -> dict[str, Any]:
    """The whole of it: what was asked, where every step is, what it holds and has cost, what came."""
    workflow, steps = seen.workflow, seen.steps
    levels = rules.levels({each["name"]: json.loads(each["after"]) for each in steps})
    shown = [step(each, levels[each["name"]], link) for each in steps]
    cap = workflow["max_cost_nanos"]
    return {
        "id": workflow["id"],
        "name": workflow["name"],
        "status": workflow["status"],
        "on_failure": workflow["on_failure"],
        "progress": round(sum(each["progress"] for each in shown) / len(shown), 3),
        "created_at": moment(workflow["created_at"]),
        "started_at": min((each["started_at"] for each in shown if each["started_at"]), default=None),
        "ended_at": moment(workflow["ended_at"]),
        "canceled_at": moment(workflow["canceled_at"]),
        "quote_usd": usd(workflow["quote_nanos"]),
        "max_cost_usd": None if cap is None else usd(cap),
        "held_usd": usd(sum(_held(each) for each in steps)),
        "cost_usd": usd(sum(_paid(each) or 0 for each in steps)),
        "counts": dict(Counter(each["status"] for each in shown)),
        "steps": shown,
        "error": _error(shown),
        "metadata": json.loads(workflow["extras"]),
    }


def asked(seen: Seen) -> dict[str, Any]:
    """The body that it was made of, for who wants it again; `after` is resolved."""
    steps = [
        {"id": each["name"], "job": json.loads(each["job"]), "after": json.loads(each["after"])} for each in seen.steps
    ]
    cap = seen.workflow["max_cost_nanos"]
    bounded = {} if cap is None else {"max_cost_usd": usd(cap)}
    named = {name: seen.workflow[name] for name in ("name", "on_failure") if seen.workflow[name]}
    return named | bounded | {"steps": steps}


def step(row: Mapping[Any, Any], level: int, link: Link) -> dict[str, Any]:
    """One step. `level`: how many are before it along its longest way, for who draws it."""
    state = state_of(row)
    offer, paid = row["job_offer"], _paid(row)
    outputs = json.loads(row["outputs"] or "[]")
    return {
        "id": row["name"],
        "status": state,
        "after": json.loads(row["after"]),
        "level": level,
        "task": row["task"],
        "job": row["job_id"],
        "model": offer.partition("/")[2] if offer else None,
        "offer": offer,
        "progress": 1.0 if row["status"] in ENDED else (row["job_progress"] or 0.0),
        "quote_usd": usd(row["quote_nanos"]),
        "max_cost_usd": None if row["ceiling_nanos"] is None else usd(row["ceiling_nanos"]),
        "held_usd": usd(_held(row)),
        "cost_usd": None if paid is None else usd(paid),
        "outputs": [each | {"url": link(each["asset"])} if each["asset"] else each for each in outputs],
        "ready_at": moment(row["ready_at"]),
        "started_at": moment(row["started_at"]),
        "ended_at": moment(row["ended_at"]),
        "error": json.loads(row["error"]) if row["error"] else None,
    }


def state_of(row: Mapping[Any, Any]) -> str:
    """A step's status; of one that runs, whether its job is still queued."""
    if row["status"] != State.RUNNING:
        return str(row["status"])
    return "queued" if row["job_status"] == "queued" else State.RUNNING.value


def _held(row: Mapping[Any, Any]) -> int:
    return row["job_held_nanos"] if row["job_status"] and row["job_cost_nanos"] is None else 0


def _paid(row: Mapping[Any, Any]) -> int | None:
    return rules.paid(row["job_cost_nanos"], row["job_held_nanos"]) if row["job_status"] else None


def _error(steps: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Why the whole did not succeed: of all that broke, the step that did so first."""
    broken = [each for each in steps if each["status"] in (State.FAILED, State.CANCELED)]
    first = min(broken, key=lambda each: each["ended_at"], default=None)
    if first is None:
        return None
    said = first["error"] or {"code": "canceled", "message": "its job was canceled"}
    return {"step": first["id"], "code": said["code"], "message": said["message"]}


def workflow_renderer(
    db: Database, assets: Assets, address: str
) -> Callable[[str, str], Awaitable[Mapping[str, Any] | None]]:
    """From an event's kind and workflow id to its view: what a webhook tells, read when it is sent."""

    async def rendered(kind: str, workflow_id: str) -> Mapping[str, Any] | None:
        seen = await db.read(lambda connection: store.see(connection, workflow_id))
        return view(seen, lambda asset: assets.url(asset, address)) if seen else None

    return rendered
