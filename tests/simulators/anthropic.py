"""Anthropic's messages: words in pieces, either kind of key, a refusal for a reason to stop."""

import json
import re
from typing import Any

from tests.simulators.checks import (
    Check,
    bare_base64,
    either,
    faults,
    flag,
    link,
    listed,
    number,
    shaped,
    text,
    whole,
    words,
)
from tests.simulators.server import HTML, Answer, Ask, Simulated, World

KEY = "anthropic-key-0123456789"
MODELS = {"claude-opus-5-5": False, "claude-sonnet-5-5": False, "claude-haiku-5-5": False, "claude-haiku-4-5": True}
"""Whether a model takes a temperature."""
VERSIONS = {"2023-06-01", "2026-10-21"}
PATH = re.compile(r"(?:/v1)?/(messages|models)")

BYTES = shaped({"type": words("base64"), "media_type": text(100), "data": bare_base64}, ("type", "media_type", "data"))
LINK = shaped({"type": words("url"), "url": link}, ("type", "url"))
BLOCK = either(
    shaped({"type": words("text"), "text": text(1_000_000)}, ("type", "text")),
    shaped({"type": words("image"), "source": either(BYTES, LINK)}, ("type", "source")),
)
BLOCKS = either(text(1_000_000), listed(BLOCK, 1, 100))
TURN = shaped({"role": words("user", "assistant"), "content": BLOCKS}, ("role", "content"))
BODY: dict[str, Check] = {
    "model": text(100), "max_tokens": whole(1, 128_000), "messages": listed(TURN, 1, 1_000), "system": BLOCKS,
    "stream": flag, "temperature": number(0, 1), "top_p": number(0, 1), "top_k": whole(0, 1_000),
}  # fmt: skip


def error(status: int, kind: str, message: str, **headers: str) -> Answer:
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}
    return Answer(status, body, headers)


def respond(ask: Ask, world: World) -> Answer:
    found = PATH.fullmatch(ask.path)
    if not found:
        return error(404, "not_found_error", "no such path")
    if KEY not in (ask.headers.get("x-api-key"), ask.headers.get("authorization", "").removeprefix("Bearer ")):
        return error(401, "authentication_error", "invalid x-api-key")
    if ask.headers.get("anthropic-version") not in VERSIONS:
        return error(400, "invalid_request_error", "anthropic-version: header is required")
    return _listed() if found[1] == "models" else _answered(ask, world)


def _listed() -> Answer:
    models = [
        {"type": "model", "id": name, "display_name": name.title(), "created_at": "2026-09-01T00:00:00Z"}
        for name in sorted(MODELS)
    ]
    return Answer(200, {"data": models, "has_more": False, "first_id": models[0]["id"], "last_id": models[-1]["id"]})


def _answered(ask: Ask, world: World) -> Answer:
    body = ask.json
    if wrong := faults(body, BODY, ("model", "max_tokens", "messages")):
        return error(400, "invalid_request_error", f"{', '.join(wrong)}: Input should be valid")
    if body["model"] not in MODELS:
        return error(404, "not_found_error", f"model: {body['model']}")
    if "temperature" in body and not MODELS[body["model"]]:
        return error(400, "invalid_request_error", "temperature: not supported by this model")
    prompt = json.dumps(body["messages"])
    if "[nonsense]" in prompt:
        return Answer(200, HTML, {"content-type": "text/html"})
    run = world.begin(prompt, body)
    if run.wants("fail") and not body.get("stream"):
        return error(529, "overloaded_error", "Overloaded")
    said, reason = (["I"], "refusal") if run.wants("refuse") else (["A fox ", "in snow."], "end_turn")
    if not body.get("stream"):
        usage = _usage(6)
        return Answer(200, _message(body["model"], [{"type": "text", "text": "".join(said)}], reason, usage))
    return _streamed(body["model"], said, reason, run.wants("fail"))


def _usage(made: int) -> dict[str, Any]:
    cache = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 4}
    return {"input_tokens": 16, "output_tokens": made, "service_tier": "standard"} | cache


def _message(model: str, content: list[Any], reason: str | None, usage: dict[str, Any]) -> dict[str, Any]:
    fixed = {"id": "msg_1", "type": "message", "role": "assistant", "stop_sequence": None}
    return fixed | {"model": model, "content": content, "stop_reason": reason, "usage": usage}


def _streamed(model: str, said: list[str], reason: str, breaks: bool) -> Answer:
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": _message(model, [], None, _usage(1))},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
    ]
    events += [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": each}} for each in said
    ]
    if breaks:
        events.append({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
    else:
        stop = {"stop_reason": reason, "stop_sequence": None}
        events += [
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": stop, "usage": {"output_tokens": 6}},
            {"type": "message_stop"},
        ]
    told = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    return Answer(200, told.encode(), {"content-type": "text/event-stream"})


SIMULATED = Simulated(
    dialect="anthropic",
    provider="anthropic",
    key=KEY,
    job={"task": "text", "model": "anthropic/claude-opus-5.5"},
    respond=respond,
    turns=1,
    cost_usd="0.0001848",
    refusal_cost_usd="0.0001848",
    throttled=error(429, "rate_limit_error", "slow down", **{"retry-after": "1"}),
    broken=error(500, "api_error", "Internal server error"),
)
