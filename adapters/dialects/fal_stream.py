"""fal.ai's `/stream`: one call, whose reply is the answer so far in each of its server-sent events. Words only.

Docs: https://docs.fal.ai/model-apis/model-endpoints/streaming (read 2026-11-20). An event may also say what is new in
it as `delta`; that is our sandbox's addition, and without it the words are heard only when they are whole.
"""

from typing import Any

from pydantic import JsonValue

from adapters.errors import Fault
from adapters.fields import spell
from adapters.schema import Fields, ImagePart, MediaRequest, Message, Offer, Output, TextPart, WireField
from adapters.wire import Call, Done, Failed, Progress, Reply, asset_ref, blamed, counted, failed, refusal

FIELDS: Fields = {name: WireField(name=name) for name in ("prompt", "messages", "seed", "max_tokens", "temperature")}

REFUSED_TYPE = "content_policy_violation"


def submit(request: MediaRequest, offer: Offer) -> Call:
    """An endpoint whose card spells a prompt takes nothing else: messages are written out as one, each with its role.

    Pictures among them are left where they are: such an endpoint then refuses the request itself.
    """
    body = spell(request, offer, FIELDS)
    if request.messages and (field := offer.fields.get("prompt")) and not _shows_pictures(request):
        body[field.name] = "\n\n".join(f"{message.role}: {_words(message)}" for message in request.messages)
    elif request.messages:
        body["messages"] = [_message(message) for message in request.messages]
    return Call(stage="submit", url=f"/{offer.wire_id}/stream", json_body=body, streams=True)


def _shows_pictures(request: MediaRequest) -> bool:
    parts = (part for message in request.messages if not isinstance(message.content, str) for part in message.content)
    return any(isinstance(part, ImagePart) for part in parts)


def _words(message: Message) -> str:
    if isinstance(message.content, str):
        return message.content
    return "\n".join(part.text for part in message.content if isinstance(part, TextPart))


def _message(message: Message) -> JsonValue:
    if isinstance(message.content, str):
        return {"role": message.role, "content": message.content}
    return {"role": message.role, "content": [_part(part) for part in message.content]}


def _part(part: TextPart | ImagePart) -> JsonValue:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    return {"type": "image", "url": asset_ref(part.asset) if part.asset else part.url}


def read(call: Call, reply: Reply) -> Progress:
    """The last event holds the whole answer; one that says `partial` is not the last, so the stream was cut off."""
    if refused := refusal(call, reply):
        return _sharpened(refused, reply)
    last: dict[str, Any] = {}
    for event in reply.events():
        if event.get("error"):
            return failed(Fault.PROVIDER_FAULT, event["error"])
        last = event
    if not isinstance(last.get("output"), str) or last.get("partial"):
        return failed(Fault.BAD_REPLY, "the stream ended before the answer did")
    usage = last.get("usage") or {}
    counts = {"input_token": usage.get("input_tokens"), "output_token": usage.get("output_tokens")}
    return Done(outputs=(Output(mime="text/plain", text=last["output"]),), usage=counted(counts))


def delta(document: Any) -> str:
    """The words that one event adds."""
    words = document.get("delta")
    return words if isinstance(words, str) else ""


def _sharpened(refused: Failed, reply: Reply) -> Failed:
    """A model's own errors are a list under `detail`, each with a type."""
    try:
        body = reply.json()
    except (ValueError, RecursionError):
        return refused
    match body:
        case {"detail": [{"type": str(kind), **more}, *_]} if kind == REFUSED_TYPE:
            return blamed(refused, Fault.CONTENT_REJECTED, str(more.get("msg") or refused.error.message), kind)
        case _:
            return refused
