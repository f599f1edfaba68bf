"""Anthropic's messages: words and pictures in, words out, streamed; no tools, and no thoughts shown.

Docs: https://docs.anthropic.com/en/api/messages (read 2026-11-21). Oddities kept here: a refusal is an HTTP 200 that
stopped for `refusal`; an error may come in the middle of a stream; `max_tokens` must be said.
"""

from datetime import date
from typing import Any
from urllib.parse import quote

from pydantic import JsonValue

from adapters.errors import Fault
from adapters.fields import spell
from adapters.schema import Fields, ImagePart, MediaRequest, Message, Offer, Output, TextPart, Usage, WireField
from adapters.wire import Call, Done, Listing, Listings, Progress, Reply, asset_ref, blamed, counted, failed, refusal

RESERVED = ("model", "messages", "system", "stream", "service_tier", "speed", "tools", "mcp_servers", "inference_geo")
"""What this dialect says itself, or what would change the price: no extra of a caller may say it."""

FIELDS: Fields = {name: WireField(name=name) for name in (*RESERVED, "max_tokens", "temperature")}

MAX_TOKENS = 4_096
"""Said where nobody else says how long an answer may be, since the protocol wants it said."""

FAULTS_BY_TYPE = {
    "authentication_error": Fault.AUTH,
    "permission_error": Fault.AUTH,
    "billing_error": Fault.OUT_OF_CREDIT,
    "not_found_error": Fault.MODEL_MISSING,
    "rate_limit_error": Fault.RATE_LIMITED,
    "invalid_request_error": Fault.INVALID_REQUEST,
    "request_too_large": Fault.INVALID_REQUEST,
    "timeout_error": Fault.TIMED_OUT,
}
"""For errors within a stream, which have no status; any other (overloaded_error, api_error) is the provider's fault."""


def submit(request: MediaRequest, offer: Offer) -> Call:
    messages = request.messages or (Message(role="user", content=request.prompt),)
    rules: list[JsonValue] = [block for message in messages if message.role == "system" for block in _blocks(message)]
    turns: list[JsonValue] = [
        {"role": message.role, "content": message.content if isinstance(message.content, str) else _blocks(message)}
        for message in messages
        if message.role != "system"
    ]
    body: dict[str, JsonValue] = {"max_tokens": MAX_TOKENS} | spell(request, offer, FIELDS)
    body |= {"model": offer.wire_id, "messages": turns, "stream": True}
    body |= {"system": rules} if rules else {}
    return Call(stage="submit", url="/messages", json_body=body, streams=True)


def _blocks(message: Message) -> list[JsonValue]:
    content = (TextPart(text=message.content),) if isinstance(message.content, str) else message.content
    return [_block(part) for part in content]


def _block(part: TextPart | ImagePart) -> JsonValue:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    if part.asset is None:
        return {"type": "image", "source": {"type": "url", "url": part.url}}
    media = {"media_type": asset_ref(part.asset, "mime"), "data": asset_ref(part.asset, "base64")}
    return {"type": "image", "source": {"type": "base64", **media}}


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        return refused
    if not reply.body.startswith((b"data:", b"event:")):
        body = reply.json()
        words = [block["text"] for block in body["content"] if block["type"] == "text"]
        return _finished(words, body["stop_reason"], _counts(body["usage"]))
    words = []
    reason: str | None = None
    counts: dict[str, Any] = {}
    for event in reply.events():
        match event:
            case {"type": "error", "error": error}:
                fault = FAULTS_BY_TYPE.get(error.get("type"), Fault.PROVIDER_FAULT)
                return blamed(failed(fault, error.get("message") or error), fault, code=error.get("type"))
            case {"type": "message_start", "message": message}:
                counts |= _counts(message["usage"])
            case {"type": "message_delta", "delta": changed}:
                reason = changed.get("stop_reason") or reason
                counts |= _counts(event.get("usage") or {})
            case _:
                words.append(delta(event))
    return _finished(words, reason, counts)


def _finished(words: list[str], reason: str | None, counts: dict[str, Any]) -> Progress:
    usage = _usage(counts)
    if reason is None:
        return failed(Fault.BAD_REPLY, "the stream ended before the answer did")
    if reason == "refusal":
        return failed(Fault.CONTENT_REJECTED, "the model refused to answer").model_copy(update={"usage": usage})
    return Done(outputs=(Output(mime="text/plain", text="".join(words)),), usage=usage)


def delta(document: Any) -> str:
    """The words that one event adds to the answer."""
    match document:
        case {"type": "content_block_delta", "delta": {"type": "text_delta", "text": str(words)}}:
            return words
        case _:
            return ""


def _counts(usage: dict[str, Any]) -> dict[str, Any]:
    """Of the counts what is said: a later event gives again, and so far, what it counted."""
    return {name: count for name, count in usage.items() if name.endswith("_tokens") and count is not None}


def _usage(counts: dict[str, Any]) -> Usage:
    """Tokens written to the cache are tokens read: nothing here asks for a cache, so there should be none."""
    written = counts.get("cache_creation_input_tokens", 0)
    tokens = {
        "input_token": counts["input_tokens"] + written if "input_tokens" in counts else None,
        "cached_input_token": counts.get("cache_read_input_tokens", 0),
        "output_token": counts.get("output_tokens"),
    }
    return counted(tokens)


LISTING = "/models?limit=1000"


def list_models() -> Call:
    return Call(stage="models", method="GET", url=LISTING)


def read_models(call: Call, reply: Reply) -> Listings:
    body = reply.json()
    models = tuple(
        Listing(wire_id=each["id"], name=each.get("display_name"), created=date.fromisoformat(each["created_at"][:10]))
        for each in body["data"]
    )
    last = body.get("last_id") if body.get("has_more") else None
    onward = Call(stage="models", method="GET", url=f"{LISTING}&after_id={quote(last, safe='')}") if last else None
    return Listings(models, onward)
