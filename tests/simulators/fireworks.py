"""Fireworks' pictures: by path, the picture itself or a ticket. The kind of file is what `accept` asks for."""

import re
from typing import Any

from tests.simulators.media import picture
from tests.simulators.server import Answer, Ask, Run, Simulated, World

KEY = "fw_simulated"
AT_ONCE = re.compile(r"/(workflows/accounts/fireworks/models/flux-1-[\w-]+/text_to_image|image_generation/accounts/.+)")
TICKET = re.compile(r"/workflows/accounts/fireworks/models/flux-kontext-(pro|max)(/get_result)?")
KINDS = {"image/png": "PNG", "image/jpeg": "JPEG"}


def respond(ask: Ask, world: World) -> Answer:
    if ask.method == "GET" and ask.path.startswith("/samples/"):
        return Answer(200, picture(64, 64), {"content-type": "image/png"})
    at_once, ticket = AT_ONCE.fullmatch(ask.path), TICKET.fullmatch(ask.path)
    if not at_once and not ticket and ask.path != "/models":
        return _error(404, "Model not found, inaccessible, and/or not deployed", "NOT_FOUND")
    if ask.headers.get("authorization") != f"Bearer {KEY}":
        return _error(401, "The API key you provided is invalid.", "UNAUTHORIZED")
    if ask.path == "/models":
        listed = [{"id": "accounts/fireworks/models/flux-1-schnell-fp8", "object": "model", "created": 1722470400}]
        return Answer(200, {"object": "list", "data": listed})
    if ask.method != "POST":
        return _error(405, "Method not allowed", "METHOD_NOT_ALLOWED")
    if ticket and ticket[2]:
        return _result(ask, world.runs.get(str(ask.json.get("id"))), world)
    if wrong := _fault(ask.json, bool(ticket)):
        return _error(400, wrong, "INVALID_ARGUMENT")
    run = world.begin(ask.json["prompt"], ask.json)
    return Answer(200, {"request_id": run.id}) if ticket else _picture(ask, run)


def _error(status: int, message: str, kind: str) -> Answer:
    return Answer(status, {"error": {"message": message, "code": status, "type": kind}})


def _fault(asked: Any, is_edit: bool) -> str | None:
    if not isinstance(asked.get("prompt"), str) or not asked["prompt"]:
        return "prompt is required"
    if is_edit and not str(asked.get("input_image", "")).startswith("data:image/"):
        return "input_image must be a data URI"
    if "steps" in asked and "num_inference_steps" in asked:
        return "steps is said twice"
    return None


def _picture(ask: Ask, run: Run) -> Answer:
    kind = ask.headers.get("accept", "").split(",")[0]
    if run.wants("fail"):
        return _error(500, "internal error", "INTERNAL")
    if run.wants("nonsense"):
        return Answer(200, b"<!doctype html><html></html>", {"content-type": "text/html"})
    reason = "CONTENT_FILTERED" if run.wants("refuse") else "SUCCESS"
    if kind not in KINDS:
        return Answer(200, {"base64": ["aGk="], "finish_reason": reason, "seed": 7})
    media = picture(run.asked.get("width", 1024), run.asked.get("height", 1024), KINDS[kind])
    return Answer(200, media, {"content-type": kind, "finish-reason": reason, "seed": "7"})


def _result(ask: Ask, run: Run | None, world: World) -> Answer:
    if run is None:
        return Answer(200, {"id": ask.json.get("id"), "status": "Task not found", "result": None})
    run = world.find(run.id)
    if run.wants("nonsense") and run.turns > 1:
        return Answer(200, b"<!doctype html><html></html>", {"content-type": "text/html"})
    ended = "Content Moderated" if run.wants("refuse") else "Error" if run.wants("fail") else "Ready"
    status = "Pending" if run.turns == 1 or run.wants("slow") else ended
    result = {"sample": f"{ask.base}/samples/{run.id}.png"} if status == "Ready" else None
    details = "out of memory" if status == "Error" else None
    return Answer(200, {"id": run.id, "status": status, "result": result, "progress": 0.5, "details": details})


PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

SIMULATED = Simulated(
    dialect="fireworks",
    provider="fireworks",
    key=KEY,
    job={
        "task": "image-edit",
        "model": "black-forest-labs/flux-1-kontext-pro",
        "inputs": [{"role": "source", "base64": PICTURE}],
    },
    respond=respond,
    turns=3,
    cost_usd="0.04",
    throttled=Answer(429, {"error": {"message": "rate limited", "type": "RATE_LIMIT"}}, {"retry-after": "1"}),
    broken=_error(500, "internal error", "INTERNAL"),
)
