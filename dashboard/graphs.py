"""A workflow as boxes and lines from left to right, as rows that a chart draws. Pure."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from dashboard.frames import Document, Row, amount, span_s
from dashboard.words import short, usd

SIGNS = {
    "waiting": "○", "ready": "◔", "queued": "◔", "running": "▶", "succeeded": "✓", "failed": "✕", "canceled": "■",
    "skipped": "–",
}  # fmt: skip
"""A state's sign beside its word: colour says nothing alone."""
WIDE, TALL = 0.38, 0.40
"""Half a box, where columns and lines of boxes are 1 apart."""

EXAMPLE: dict[str, Any] = {
    "name": "A fox, told, drawn and moved",
    "max_cost_usd": "0.50",
    "on_failure": "stop",
    "steps": [
        {"id": "outline", "job": {"task": "text", "prompt": "One line on a fox in snow.", "max_tokens": 30}},
        {
            "id": "still",
            "job": {"task": "text-to-image", "prompt": "A film still: {{outline.text}}", "width": 512, "height": 512},
        },
        {
            "id": "clip",
            "job": {
                "task": "image-to-video",
                "prompt": "It turns its head.",
                "duration_s": 2,
                "strict": False,
                "inputs": [{"role": "first_frame", "from": "still.outputs.0"}],
            },
        },
        {"id": "poster", "job": {"task": "text-to-image", "prompt": "A poster: {{outline.text}}", "strict": False}},
    ],
}
"""Words, a picture and a poster of them, and the picture moved: what a first look can run anywhere."""


def boxes(workflow: Document, pictures: Mapping[str, str] | None = None) -> list[Row]:
    """A box for each step: its column is its level, and those of one level stand below one another, in the middle.

    `pictures`: by step, a small picture of what it made as a data URI.
    """
    shown = pictures or {}
    rows = []
    for level in sorted({each["level"] for each in workflow["steps"]}):
        column = [each for each in workflow["steps"] if each["level"] == level]
        top = -(len(column) - 1) / 2
        rows += [_box(each, level, top + place, shown.get(each["id"])) for place, each in enumerate(column)]
    return rows


def _box(step: Document, x: float, y: float, picture: str | None) -> Row:
    status = step["status"]
    part = f" {step['progress']:.0%}" if status == "running" and step["progress"] else ""
    return {
        "step": step["id"],
        "task": step["task"],
        "model": short(step["model"] or ""),
        "status": status,
        "state": f"{SIGNS.get(status, '?')} {status}{part}",
        "cost": usd(step["cost_usd"]) if step["cost_usd"] is not None else f"quoted {usd(step['quote_usd'])}",
        "left": x - WIDE,
        "right": x + WIDE,
        "top": y - TALL,
        "bottom": y + TALL,
        "x": x,
        "y": y,
        "picture": picture,
    }


def edges(rows: Sequence[Row], workflow: Document) -> list[Row]:
    """Lines from the right side of what comes before to the left side of what needs it."""
    placed = {row["step"]: row for row in rows}
    return [
        {
            "edge": f"{before} → {each['id']}",
            "from_x": placed[before]["right"],
            "from_y": placed[before]["y"],
            "to_x": placed[each["id"]]["left"],
            "to_y": placed[each["id"]]["y"],
            "is_done": placed[before]["status"] == "succeeded",
        }
        for each in workflow["steps"]
        for before in each["after"]
    ]


def steps(workflow: Document) -> list[Row]:
    """The steps in the order in which they can run, for a table."""
    return [
        {
            "step": each["id"],
            "state": f"{SIGNS.get(each['status'], '?')} {each['status']}",
            "task": each["task"],
            "model": each["model"],
            "quoted": amount(each["quote_usd"]),
            "cost": None if each["cost_usd"] is None else amount(each["cost_usd"]),
            "took": span_s(each["started_at"], each["ended_at"]),
            "after": ", ".join(each["after"]) or None,
            "error": (each["error"] or {}).get("message"),
            "job": each["job"],
        }
        for each in sorted(workflow["steps"], key=lambda step: (step["level"], step["id"]))
    ]


def listing(page: Document) -> list[Row]:
    return [
        {
            "created": each["created_at"],
            "name": each["name"] or None,
            "status": each["status"],
            "ended": each["progress"],
            "steps": counted(each["counts"]),
            "cost": amount(each["cost_usd"]),
            "cap": None if each["max_cost_usd"] is None else amount(each["max_cost_usd"]),
            "took": span_s(each["created_at"], each["ended_at"]),
            "workflow": each["id"],
        }
        for each in page["data"]
    ]


def counted(counts: Mapping[str, int]) -> str:
    """ "2 succeeded, 1 running", in the order in which steps come to be so."""
    return ", ".join(f"{counts[name]} {name}" for name in SIGNS if counts.get(name))


def filled(workflow: Document) -> float | None:
    """How much of its cap is spent or held; none where it has none."""
    cap = Decimal(workflow["max_cost_usd"] or 0)
    return float((Decimal(workflow["cost_usd"]) + Decimal(workflow["held_usd"])) / cap) if cap else None
