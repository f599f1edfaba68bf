"""OpenAI's chat completions as its Python client 3.52.0 was recorded against them (2026-11-20): whole and streamed.

Paths are taken with `/v1` before them and without. Models named gpt-5… and gpt-6… refuse `max_tokens`, as OpenAI's do.
"""

import json
from typing import Any

from tests.simulators.server import Answer, Ask, Run, Simulated, World

KEY = "sk-simulated"
KNOWN = {
    "model", "messages", "stream", "stream_options", "n", "seed", "max_tokens", "max_completion_tokens", "temperature",
    "top_p", "stop", "user",
}  # fmt: skip
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
WORDS = ("An", " onion")


def respond(ask: Ask, world: World) -> Answer:
    if ask.path.removeprefix("/v1") != "/chat/completions":
        return _error(404, f"Invalid URL ({ask.method} {ask.path})", None)
    if KEY not in (ask.headers.get("authorization", "").removeprefix("Bearer "), ask.headers.get("api-key")):
        return _error(401, "Incorrect API key provided", "invalid_api_key")
    asked = ask.json
    if wrong := _fault(asked):
        return _error(400, wrong[1], wrong[0])
    run = world.begin(json.dumps(asked["messages"]), asked)
    if run.wants("fail"):
        return _error(500, "The server had an error while processing your request", None, "server_error")
    if run.wants("nonsense"):
        return Answer(200, b"<!doctype html><html></html>", {"content-type": "text/html"})
    return _streamed(run) if asked.get("stream") else _whole(run)


def _error(status: int, message: str, code: str | None, kind: str = "invalid_request_error") -> Answer:
    body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return Answer(status, body, {"x-request-id": "req_1"})


def _fault(asked: Any) -> tuple[str, str] | None:
    if not isinstance(asked.get("model"), str) or not isinstance(asked.get("messages"), list) or not asked["messages"]:
        return "missing_required_parameter", "Missing required parameter: 'messages'."
    if unknown := sorted(asked.keys() - KNOWN):
        return "unknown_parameter", f"Unknown parameter: '{unknown[0]}'."
    if asked["model"].startswith(("gpt-5", "gpt-6")) and "max_tokens" in asked:
        return "unsupported_parameter", "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
    for message in asked["messages"]:
        if message.get("role") not in ("system", "user", "assistant") or not message.get("content"):
            return "invalid_value", "Invalid value: 'messages'."
        for part in message["content"] if isinstance(message["content"], list) else ():
            if part.get("type") not in ("text", "image_url") or part["type"] not in part:
                return "invalid_value", "Invalid value: 'messages[0].content[0]'."
    return None


def _reason(run: Run) -> str:
    return "content_filter" if run.wants("refuse") else "stop"


def _whole(run: Run) -> Answer:
    message = {"role": "assistant", "content": "".join(WORDS)}
    choice = {"index": 0, "message": message, "finish_reason": _reason(run)}
    about = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": run.asked["model"]}
    return Answer(200, about | {"choices": [choice], "usage": USAGE}, {"x-request-id": "req_1"})


def _streamed(run: Run) -> Answer:
    about = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": run.asked["model"]}
    deltas: list[tuple[dict[str, Any], str | None]] = [({"role": "assistant", "content": ""}, None)]
    deltas += [({"content": word}, None) for word in WORDS] + [({}, _reason(run))]
    chunks: list[dict[str, Any]] = [
        about | {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]} for delta, reason in deltas
    ]
    if (run.asked.get("stream_options") or {}).get("include_usage"):
        chunks.append(about | {"choices": [], "usage": USAGE})
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    return Answer(200, "".join([*lines, "data: [DONE]\n\n"]).encode(), {"content-type": "text/event-stream"})


SIMULATED = Simulated(
    dialect="openai_chat",
    provider="openai",
    key=KEY,
    job={"task": "text", "model": "openai/gpt-4.1-mini", "max_tokens": 20},
    respond=respond,
    turns=1,
    cost_usd="0.000012",
    throttled=Answer(
        429,
        {"error": {"message": "Rate limit reached", "type": "requests", "param": None, "code": "rate_limit_exceeded"}},
        {"retry-after": "1", "retry-after-ms": "50"},
    ),
    broken=_error(500, "The server had an error while processing your request", None, "server_error"),
)
