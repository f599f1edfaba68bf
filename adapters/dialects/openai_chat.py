"""OpenAI chat completions, and the many hosts that copy it: words and pictures in, words out, streamed or whole.

Docs: https://platform.openai.com/docs/api-reference/chat (read 2026-11-20)
"""

from typing import Any

from pydantic import JsonValue

from adapters.errors import Fault
from adapters.fields import spell
from adapters.openai import broken_off, is_streamed, list_models, read_models
from adapters.schema import Fields, ImagePart, MediaRequest, Message, Offer, Output, TextPart, Usage, WireField
from adapters.wire import Call, Done, Progress, Reply, asset_ref, blamed, counted, failed, refusal

__all__ = ["FIELDS", "delta", "list_models", "read", "read_models", "submit"]

FIELDS: Fields = {
    "model": WireField(name="model"),
    "messages": WireField(name="messages"),
    "stream": WireField(name="stream"),
    "stream_options": WireField(name="stream_options"),
    "count": WireField(name="n"),
    "seed": WireField(name="seed"),
    "max_tokens": WireField(name="max_tokens"),
    "temperature": WireField(name="temperature"),
    "loras": WireField(name="model"),
}
"""vLLM serves a LoRA as a model of a name of its own beside its base (its page of LoRAs, read 2026-11-21)."""

FILTERED = "content_filter"

INNER_FILTERED = b"ResponsibleAIPolicyViolation"
"""Azure's inner code of a refusal, whichever of several codes stands outside."""

FAULTS_BY_CODE = {
    "insufficient_quota": Fault.OUT_OF_CREDIT,
    "billing_hard_limit_reached": Fault.OUT_OF_CREDIT,
    "exceeded_current_quota_error": Fault.OUT_OF_CREDIT,
    "rate_limit_exceeded": Fault.RATE_LIMITED,
    "content_policy_violation": Fault.CONTENT_REJECTED,
    "moderation_blocked": Fault.CONTENT_REJECTED,
    "data_inspection_failed": Fault.CONTENT_REJECTED,
    "Arrearage": Fault.OUT_OF_CREDIT,
    "AccountOverdueError": Fault.OUT_OF_CREDIT,
    FILTERED: Fault.CONTENT_REJECTED,
}
"""What the status leaves open, or what stands in a stream that began with a 200. DashScope's and Ark's own words are
those of their other protocols; in their copies of this one they were not seen [unsure]."""

SENSITIVE = "SensitiveContentDetected"
"""Within every code of Ark's moderation, such as InputTextSensitiveContentDetected.PolicyViolation."""


def submit(request: MediaRequest, offer: Offer) -> Call:
    messages = request.messages or (Message(role="user", content=request.prompt),)
    model = request.loras[0].id if request.loras and "loras" in offer.accepts else offer.wire_id
    body: dict[str, JsonValue] = {"model": model, "messages": [_message(each) for each in messages]}
    body |= {"stream": True, "stream_options": {"include_usage": True}}
    body = spell(request, offer, FIELDS) | body | offer.fixed
    return Call(stage="submit", url="/chat/completions", json_body=body, streams=True)


def _message(message: Message) -> JsonValue:
    if isinstance(message.content, str):
        return {"role": message.role, "content": message.content}
    return {"role": message.role, "content": [_part(part) for part in message.content]}


def _part(part: TextPart | ImagePart) -> JsonValue:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    url: JsonValue = asset_ref(part.asset) if part.asset else part.url
    return {"type": "image_url", "image_url": {"url": url}}


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        fault = _fault(refused.error.code or "", refused.error.fault)
        return blamed(refused, Fault.CONTENT_REJECTED if INNER_FILTERED in reply.body else fault)
    return _read_events(reply) if is_streamed(reply) else _read_whole(reply.json())


def _fault(code: str, otherwise: Fault) -> Fault:
    return Fault.CONTENT_REJECTED if SENSITIVE in code else FAULTS_BY_CODE.get(code, otherwise)


def _read_whole(body: dict[str, Any]) -> Progress:
    choices = body["choices"]
    words = [choice["message"].get("content") or "" for choice in choices]
    return _finished(words, [choice.get("finish_reason") for choice in choices], _usage(body.get("usage")))


def _read_events(reply: Reply) -> Progress:
    """Join the deltas of each choice. A stream that ends before any `finish_reason` was cut off, and is a bad reply."""
    words: dict[int, list[str]] = {}
    reasons: dict[int, str] = {}
    usage: Usage = {}
    for event in reply.events():
        if error := event.get("error"):
            cut = broken_off(error, reply.status)
            return blamed(cut, _fault(cut.error.code or "", cut.error.fault))
        usage |= _usage(event.get("usage"))
        for choice in event.get("choices", ()):
            words.setdefault(choice["index"], []).append((choice.get("delta") or {}).get("content") or "")
            if choice.get("finish_reason"):
                reasons[choice["index"]] = choice["finish_reason"]
    if words.keys() - reasons.keys():
        return failed(Fault.BAD_REPLY, "the stream ended before the answer did")
    return _finished(["".join(words[index]) for index in sorted(words)], list(reasons.values()), usage)


def _finished(words: list[str], reasons: list[str | None], usage: Usage) -> Progress:
    if not words:
        raise ValueError("the reply holds no answer")
    if all(reason == FILTERED for reason in reasons):
        refused = failed(Fault.CONTENT_REJECTED, "the provider's content filter stopped the answer")
        return refused.model_copy(update={"usage": usage})
    return Done(outputs=tuple(Output(mime="text/plain", text=text) for text in words), usage=usage)


def delta(document: Any) -> str:
    """The words that one event adds to the first answer."""
    none: dict[str, Any] = {}
    first = next((choice for choice in document.get("choices", ()) if choice.get("index", 0) == 0), none)
    return (first.get("delta") or {}).get("content") or ""


def _usage(usage: dict[str, Any] | None) -> Usage:
    """Tokens read from the provider's cache are priced apart, so they are not counted among the others."""
    if not usage:
        return {}
    cached = (usage.get("prompt_tokens_details") or usage).get("cached_tokens") or 0
    given = usage.get("prompt_tokens")
    counts = {
        "input_token": None if given is None else given - cached,
        "cached_input_token": cached,
        "output_token": usage.get("completion_tokens"),
    }
    return counted(counts)
