"""Amazon Bedrock's Converse: words and pictures in, words out, in one shape for every maker's models.

Docs: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and botocore 1.44.5 (read
2026-11-20). Oddities kept here: what is filtered is a 200 with a stop reason; a picture says its format beside its
bytes; streams are Amazon's own binary frames, so an answer is taken whole.
"""

from typing import Any
from urllib.parse import quote

from pydantic import JsonValue

from adapters.errors import Fault
from adapters.fields import spell
from adapters.schema import Fields, ImagePart, MediaRequest, Message, Offer, Output, TextPart, Usage, WireField
from adapters.wire import Call, Done, Failed, Progress, Reply, asset_ref, blamed, counted, failed, refusal

FIELDS: Fields = {
    "max_tokens": WireField(name="maxTokens"),
    "temperature": WireField(name="temperature"),
    "messages": WireField(name="messages"),
    "system": WireField(name="system"),
    "config": WireField(name="inferenceConfig"),
    "tier": WireField(name="serviceTier"),
}

CONFIG = frozenset({"maxTokens", "temperature"})
"""What is said within `inferenceConfig`."""

REFUSALS = frozenset({"content_filtered", "guardrail_intervened"})

FAULTS_BY_EXCEPTION = {
    "ServiceQuotaExceededException": Fault.RATE_LIMITED,
    "ModelErrorException": Fault.PROVIDER_FAULT,
}
"""What the status leaves open: a 400 may be a quota, a 424 is the model's own failure."""


def submit(request: MediaRequest, offer: Offer) -> Call:
    said = spell(request, offer, FIELDS)
    messages = request.messages or (Message(role="user", content=request.prompt),)
    system = [part for each in messages if each.role == "system" for part in _parts(each)]
    body: dict[str, JsonValue] = {name: value for name, value in said.items() if name not in CONFIG}
    body["messages"] = [{"role": each.role, "content": _parts(each)} for each in messages if each.role != "system"]
    body |= {"system": system} if system else {}
    body["inferenceConfig"] = {name: said[name] for name in sorted(CONFIG & said.keys())}
    return Call(stage="submit", url=f"/model/{quote(offer.wire_id, safe=':')}/converse", json_body=body)


def _parts(message: Message) -> list[JsonValue]:
    content = (TextPart(text=message.content),) if isinstance(message.content, str) else message.content
    return [_part(part) for part in content]


def _part(part: TextPart | ImagePart) -> JsonValue:
    """Raises ValueError for a link: Bedrock fetches nothing."""
    if isinstance(part, TextPart):
        return {"text": part.text}
    if part.asset is None:
        raise ValueError("a picture in a message must be an asset: it is sent as bytes")
    source: JsonValue = {"bytes": asset_ref(part.asset, "base64")}
    return {"image": {"format": asset_ref(part.asset, "subtype"), "source": source}}


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        return _sharpened(refused, reply)
    body = reply.json()
    usage = _usage(body.get("usage") or {})
    if body["stopReason"] in REFUSALS:
        stopped = failed(Fault.CONTENT_REJECTED, f"the answer was stopped: {body['stopReason']}")
        return stopped.model_copy(update={"usage": usage})
    words = [part["text"] for part in body["output"]["message"]["content"] if "text" in part]
    if not words:
        raise ValueError("the reply holds no words")
    return Done(outputs=(Output(mime="text/plain", text="".join(words)),), usage=usage)


def _usage(usage: dict[str, Any]) -> Usage:
    """Tokens from the cache are counted apart from those read, and not at all where there were none."""
    if not usage:
        return {}
    counts = {
        "input_token": usage.get("inputTokens"),
        "cached_input_token": usage.get("cacheReadInputTokens") or 0,
        "output_token": usage.get("outputTokens"),
    }
    return counted(counts)


def _sharpened(refused: Failed, reply: Reply) -> Failed:
    """The exception's name, in a header, may be followed by a colon and an address."""
    name = reply.headers.get("x-amzn-errortype", "").split(":")[0]
    return blamed(refused, FAULTS_BY_EXCEPTION.get(name, refused.error.fault), code=name or None)
