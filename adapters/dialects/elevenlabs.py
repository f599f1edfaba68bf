"""ElevenLabs speech: words in, the bytes of an audio file out.

Docs: https://elevenlabs.io/docs/api-reference/text-to-speech/convert and the elevenlabs SDK 2.78.0 (read 2026-11-20).
Oddities kept here: the voice is in the path and the format in the query; an exhausted quota is a 401; a voice that does
not exist is a 404, which says nothing of the model.
"""

import re
from typing import Any
from urllib.parse import quote

from adapters.errors import Fault
from adapters.fields import spell
from adapters.schema import Fields, MediaRequest, Offer, Output, WireField
from adapters.wire import Call, Done, Failed, Listing, Listings, Progress, Reply, blamed, counted, refusal

FIELDS: Fields = {
    "prompt": WireField(name="text"),
    "model": WireField(name="model_id"),
    "seed": WireField(name="seed"),
    "format": WireField(name="output_format", values={"mp3": "mp3_44100_128", "opus": "opus_48000_128"}),
}

VOICE = "voice_id"
"""The caller's choice, in extra: a voice belongs to an account, so no card can list it."""
DEFAULT_VOICE = "JBFqnCBsd6RMkjVDRZzb"
"""George, a premade voice that every account has; the one in ElevenLabs' own quickstart."""
DEFAULT_FORMAT = "mp3_44100_128"

FAULTS_BY_STATUS = {
    "quota_exceeded": Fault.OUT_OF_CREDIT,
    "voice_not_found": Fault.INVALID_REQUEST,
    "content_against_policy": Fault.CONTENT_REJECTED,
    "bad_prompt": Fault.CONTENT_REJECTED,
}
"""Its own word for what went wrong, where that says more than the HTTP status."""

AUDIO = re.compile(r"audio/[a-z0-9.+-]+")


def submit(request: MediaRequest, offer: Offer) -> Call:
    body = spell(request, offer, FIELDS) | {"model_id": offer.wire_id}
    voice, form = body.pop(VOICE, DEFAULT_VOICE), body.pop("output_format", DEFAULT_FORMAT)
    url = f"/v1/text-to-speech/{quote(str(voice), safe='')}?output_format={form}"
    return Call(stage="submit", url=url, json_body=body, stores=True)


def read(call: Call, reply: Reply) -> Progress:
    """`character-cost` counts the plan's credits: kept for reconciliation, while the price is of the text's length."""
    if refused := refusal(call, reply):
        return _sharpened(refused, reply)
    kind = AUDIO.match(reply.headers.get("content-type", ""))
    if not reply.stored or not kind:
        raise ValueError("the reply is no sound")
    usage = counted({"elevenlabs_credit": reply.headers.get("character-cost")})
    return Done(outputs=(Output(mime=kind[0], stored=reply.stored),), usage=usage)


def _sharpened(refused: Failed, reply: Reply) -> Failed:
    """Its own errors are `detail: {status, message}`, those of its validation a list."""
    try:
        body: Any = reply.json()
    except (ValueError, RecursionError):
        return refused
    match body:
        case {"detail": {"status": str(word), **more}}:
            fault = FAULTS_BY_STATUS.get(word, refused.error.fault)
            return blamed(refused, fault, str(more.get("message") or word), word)
        case {"detail": [{"msg": str(message)}, *_]}:
            return blamed(refused, refused.error.fault, message)
        case _:
            return refused


def list_models() -> Call:
    return Call(stage="list", method="GET", url="/v1/models")


def read_models(call: Call, reply: Reply) -> Listings:
    """All models are one page; those that do not speak are left out."""
    speaking = [each for each in reply.json() if each.get("can_do_text_to_speech", True)]
    return Listings(tuple(Listing(wire_id=each["model_id"], name=each.get("name")) for each in speaking))
