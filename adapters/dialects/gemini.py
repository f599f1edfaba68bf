"""Google's Gemini, generateContent: words (streamed) or pictures out, words and pictures in; no clips, no tools.

Docs: https://ai.google.dev/api/generate-content (read 2026-11-21). Oddities kept here: a refusal is an HTTP 200 whose
prompt was blocked, or whose answer stopped for a reason that says so, or words where a picture was asked; thoughts are
counted apart from the answer but billed with it; how long to wait after a 429 stands in the body.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from pydantic import JsonValue

from adapters.errors import Fault
from adapters.fields import spell
from adapters.google import conversation, list_models, read_models, sharpened
from adapters.schema import Fields, MediaRequest, Modality, Offer, Output, Usage, WireField
from adapters.wire import Call, Done, Progress, Reply, counted, failed, refusal

__all__ = ["FIELDS", "delta", "list_models", "read", "read_models", "submit"]

RESERVED = (
    "contents", "systemInstruction", "system_instruction", "generationConfig", "generation_config", "imageConfig",
    "image_config", "responseModalities", "response_modalities", "candidateCount", "candidate_count",
    "max_output_tokens", "tools",
)  # fmt: skip
"""What this dialect says itself, in both spellings that Google takes: no extra of a caller may say it."""

FIELDS: Fields = {name: WireField(name=name) for name in RESERVED} | {
    "aspect_ratio": WireField(name="aspectRatio"),
    "resolution": WireField(name="imageSize", values={"0.5k": "512", "1k": "1K", "2k": "2K", "4k": "4K"}),
    "seed": WireField(name="seed"),
    "max_tokens": WireField(name="maxOutputTokens"),
    "temperature": WireField(name="temperature"),
}
IMAGE_CONFIG = frozenset({"aspectRatio", "imageSize"})
BESIDE = frozenset({"safetySettings"})
"""What stands beside the generation config; all other extras go into it."""

WHOLE = frozenset({"STOP", "MAX_TOKENS"})
REFUSED = frozenset(
    {"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT",
     "IMAGE_RECITATION", "IMAGE_OTHER", "NO_IMAGE"}
)  # fmt: skip


def submit(request: MediaRequest, offer: Offer) -> Call:
    spelled = spell(request, offer, FIELDS)
    body: dict[str, JsonValue] = {name: spelled.pop(name) for name in BESIDE if name in spelled}
    picture: dict[str, JsonValue] = {name: spelled.pop(name) for name in IMAGE_CONFIG if name in spelled}
    modality = request.task.modality
    body |= conversation(request)
    memo: dict[str, JsonValue] = {"modality": modality}
    if modality is Modality.TEXT:
        url = f"/models/{offer.wire_id}:streamGenerateContent?alt=sse"
        return Call(stage="submit", url=url, json_body=body | {"generationConfig": spelled}, memo=memo, streams=True)
    spelled["responseModalities"] = ["TEXT", "IMAGE"]
    body["generationConfig"] = spelled | ({"imageConfig": picture} if picture else {})
    return Call(stage="submit", url=f"/models/{offer.wire_id}:generateContent", json_body=body, memo=memo)


class Answer(NamedTuple):
    """What all pieces of a reply say together of the first answer."""

    words: str
    pictures: tuple[Output, ...]
    reason: str | None
    message: str
    is_blocked: bool
    usage: Usage


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        return sharpened(refused, reply)
    pieces = list(reply.events()) if reply.body.startswith(b"data:") else [reply.json()]
    if broken := next((piece["error"] for piece in pieces if piece.get("error")), None):
        return failed(Fault.PROVIDER_FAULT, broken.get("message") or broken)
    makes_words = call.memo.get("modality") == Modality.TEXT
    answer = _joined(pieces, makes_words)
    outputs = (Output(mime="text/plain", text=answer.words),) if makes_words else answer.pictures
    if answer.is_blocked or answer.reason in REFUSED or (answer.reason == "STOP" and not outputs):
        return failed(Fault.CONTENT_REJECTED, answer.message).model_copy(update={"usage": answer.usage})
    if answer.reason is None:
        return failed(Fault.BAD_REPLY, "the reply ended before the answer did")
    if answer.reason not in WHOLE or not outputs:
        ended = failed(Fault.PROVIDER_FAULT, f"the answer ended for {answer.reason}")
        return ended.model_copy(update={"usage": answer.usage})
    return Done(outputs=outputs, usage=answer.usage if any(answer.usage.values()) else {})


def _joined(pieces: list[Any], makes_words: bool) -> Answer:
    first = [candidate for piece in pieces for candidate in (piece.get("candidates") or ())[:1]]
    parts = [part for each in first for part in _shown(each)]
    words = "".join(part.get("text", "") for part in parts)
    drawn = [part["inlineData"] for part in parts if "inlineData" in part]
    blocked = _last(piece.get("promptFeedback", {}).get("blockReason") for piece in pieces)
    reason = _last(each.get("finishReason") for each in first)
    return Answer(
        words=words,
        pictures=tuple(Output(mime=each["mimeType"], base64=each["data"]) for each in drawn),
        reason=reason,
        message=str(blocked or _last(each.get("finishMessage") for each in first) or words or reason),
        is_blocked=blocked is not None,
        usage=_usage(_last(piece.get("usageMetadata") for piece in pieces) or {}, makes_words),
    )


def _last(found: Iterable[Any]) -> Any:
    return next((each for each in reversed(list(found)) if each), None)


def _shown(candidate: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of an answer without the thoughts on the way to it."""
    return [part for part in (candidate.get("content") or {}).get("parts", ()) if not part.get("thought")]


def delta(document: Any) -> str:
    """The words that one event adds to the first answer."""
    return "".join(part.get("text", "") for each in document.get("candidates", ())[:1] for part in _shown(each))


def _usage(meta: dict[str, Any], makes_words: bool) -> Usage:
    """Every unit is said, zeros too. Pictures have a rate of their own only where pictures are made."""
    given, made = meta.get("promptTokenCount", 0), meta.get("candidatesTokenCount", 0)
    cached, thought = meta.get("cachedContentTokenCount", 0), meta.get("thoughtsTokenCount", 0)
    if makes_words:
        return counted({"input_token": given - cached, "cached_input_token": cached, "output_token": made + thought})
    seen, drawn = _pictured(meta.get("promptTokensDetails", ())), _pictured(meta.get("candidatesTokensDetails"), made)
    counts = {"input_token": given - seen, "input_image_token": seen}
    return counted(counts | {"output_token": made - drawn + thought, "output_image_token": drawn})


def _pictured(details: list[dict[str, Any]] | None, unsaid: int = 0) -> int:
    if details is None:
        return unsaid
    return sum(each["tokenCount"] for each in details if each["modality"] == "IMAGE")
