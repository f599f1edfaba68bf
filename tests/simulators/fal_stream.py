"""fal's `/stream` for words: the answer so far in each server-sent event, and what is wrong with an input as a 422."""

import json
from typing import Any

from tests.simulators.server import Answer, Ask, Run, Simulated, World

KEY = "fal-id:fal-secret"
KNOWN = {"prompt", "model", "system_prompt", "max_tokens", "temperature", "reasoning", "priority"}


def respond(ask: Ask, world: World) -> Answer:
    if not ask.path.endswith("/stream") or "/requests/" in ask.path:
        return Answer(404, {"detail": "Not Found"})
    if ask.headers.get("authorization") != f"Key {KEY}":
        return Answer(401, {"detail": "Cannot access application. Authentication is required."})
    if ask.method != "POST":
        return Answer(405, {"detail": "Method Not Allowed"})
    body = ask.json
    if unknown := sorted(body.keys() - KNOWN):
        return Answer(422, _wrong(["body", unknown[0]], "Extra inputs are not permitted", "extra_forbidden"))
    if not isinstance(body.get("prompt"), str) or not body["prompt"]:
        return Answer(422, _wrong(["body", "prompt"], "Field required", "missing"))
    run = world.begin(body["prompt"], body)
    if run.wants("refuse"):
        return Answer(422, _wrong(["body", "prompt"], "flagged", "content_policy_violation"))
    if run.wants("nonsense"):
        return Answer(200, b"<!doctype html><html></html>", {"content-type": "text/html"})
    return Answer(200, _events(run), {"content-type": "text/event-stream"})


def _wrong(place: list[str], message: str, kind: str) -> dict[str, Any]:
    return {"detail": [{"loc": place, "msg": message, "type": kind, "url": f"https://docs.fal.ai/errors/#{kind}"}]}


def _events(run: Run) -> bytes:
    usage = {"input_tokens": 10, "output_tokens": 5}
    documents: list[dict[str, Any]] = [{"output": "An", "delta": "An", "partial": True}]
    documents.append({"error": "Runner disconnected"} if run.wants("fail") else {"output": "An onion", "usage": usage})
    return "".join(f"data: {json.dumps(each)}\n\n" for each in documents).encode()


SIMULATED = Simulated(
    dialect="fal_stream",
    provider="fal",
    key=KEY,
    job={"task": "text", "model": "openai/gpt-4.1", "max_tokens": 20},
    respond=respond,
    turns=1,
    cost_usd="0.00006",
    throttled=Answer(429, {"detail": "Too many requests"}, {"retry-after": "1"}),
    broken=Answer(500, {"detail": "Internal error", "error_type": "internal_error"}),
)
