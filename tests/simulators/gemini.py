"""Google's generateContent as recorded: words in pieces, a picture in one reply, refusals inside a 200."""

import base64
import json
import re
from typing import Any

from tests.simulators import media
from tests.simulators.checks import Check, bare_base64, either, faults, link, listed, number, shaped, text, whole, words
from tests.simulators.server import HTML, Answer, Ask, Simulated, World

KEY = "google-key-0123456789"
TEXT_MODELS = {"gemini-4-argon", "gemini-3.8-flash", "gemini-3.7-flash", "gemini-3.5-flash", "gemini-3.1-pro-preview"}
IMAGE_MODELS = {"gemini-3.1-flash-image", "gemini-3-pro-image", "gemini-3.1-flash-lite-image", "gemini-nano-banana-2.1"}
PATH = re.compile(r"(?:/v1(?:beta)?)?/models/([a-z0-9.-]+):(generateContent|streamGenerateContent)")
LISTING = re.compile(r"(?:/v1(?:beta)?)?/models")

MIME = text(100)
BLOB = either(
    shaped({"mimeType": MIME, "data": bare_base64}, ("mimeType", "data")),
    shaped({"mime_type": MIME, "data": bare_base64}, ("mime_type", "data")),
)
PART = either(
    shaped({"text": text(1_000_000)}, ("text",)),
    shaped({"inlineData": BLOB}, ("inlineData",)),
    shaped({"fileData": shaped({"fileUri": link, "mimeType": MIME}, ("fileUri",))}, ("fileData",)),
)
PARTS = listed(PART, 1, 100)
RATIOS = words("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9", "1:4", "4:1", "1:8", "8:1")
CONFIG: dict[str, Check] = {
    "temperature": number(0, 2), "seed": whole(-(2**31), 2**31 - 1), "maxOutputTokens": whole(1, 65_536),
    "topP": number(0, 1), "topK": whole(1, 1_000), "candidateCount": whole(1, 1),
    "responseModalities": listed(words("TEXT", "IMAGE"), 1, 2),
    "imageConfig": shaped({"aspectRatio": RATIOS, "imageSize": words("512", "1K", "2K", "4K")}),
}  # fmt: skip
TURN = shaped({"role": words("user", "model"), "parts": PARTS}, ("parts",))
BODY: dict[str, Check] = {
    "contents": listed(TURN, 1, 1_000), "generationConfig": shaped(CONFIG),
    "systemInstruction": shaped({"parts": PARTS, "role": text(10)}, ("parts",)),
}  # fmt: skip
SIDES = {"512": 512, "1K": 1024, "2K": 2048, "4K": 4096}
TOKENS = {"512": 747, "1K": 1120, "2K": 1680, "4K": 2520}


def error(code: int, status: str, message: str, *details: dict[str, Any]) -> Answer:
    return Answer(code, {"error": {"code": code, "message": message, "status": status, "details": list(details)}})


def unauthenticated() -> Answer:
    reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    return error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", reason)


def respond(ask: Ask, world: World) -> Answer:
    found = PATH.fullmatch(ask.path)
    if not found and not (LISTING.fullmatch(ask.path) and ask.method == "GET"):
        return error(404, "NOT_FOUND", "no such path")
    if ask.headers.get("x-goog-api-key") != KEY:
        return unauthenticated()
    if not found:
        names = sorted(TEXT_MODELS | IMAGE_MODELS)
        return Answer(200, {"models": [{"name": f"models/{name}", "displayName": name.title()} for name in names]})
    model, streamed = found[1], found[2] == "streamGenerateContent"
    if model not in TEXT_MODELS | IMAGE_MODELS:
        return error(404, "NOT_FOUND", f"models/{model} is not found for API version v1beta")
    if wrong := faults(ask.json, BODY, ("contents",)):
        return error(400, "INVALID_ARGUMENT", f"Invalid JSON payload received: {', '.join(wrong)}")
    return _generated(model, streamed, ask, world)


def _generated(model: str, streamed: bool, ask: Ask, world: World) -> Answer:
    config = ask.json.get("generationConfig", {})
    if model in TEXT_MODELS and ("IMAGE" in config.get("responseModalities", ()) or "imageConfig" in config):
        return error(400, "INVALID_ARGUMENT", "Model does not support the requested response modalities: image")
    prompt = " ".join(part.get("text", "") for turn in ask.json["contents"] for part in turn["parts"])
    if "[nonsense]" in prompt:
        return Answer(200, HTML, {"content-type": "text/html"})
    run = world.begin(prompt, ask.json)
    if run.wants("refuse"):
        counted = {"promptTokenCount": 5, "totalTokenCount": 5}
        if model in TEXT_MODELS:
            return _told(
                [{"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": counted}], streamed
            )
        stopped = {"finishReason": "IMAGE_SAFETY", "finishMessage": "Unable to show the generated image.", "index": 0}
        return _told([{"candidates": [stopped], "usageMetadata": counted}], streamed)
    if run.wants("fail"):
        return _told([{"candidates": [{"finishReason": "OTHER", "index": 0}], "usageMetadata": {}}], streamed)
    return _told(_words() if model in TEXT_MODELS else [_picture(config.get("imageConfig", {}))], streamed)


def _words() -> list[dict[str, Any]]:
    pieces = [{"text": "The user asks.", "thought": True}, {"text": "A fox "}, {"text": "in snow."}]
    told: list[dict[str, Any]] = [
        {"candidates": [{"content": {"role": "model", "parts": [piece]}, "index": 0}]} for piece in pieces
    ]
    told[-1]["candidates"][0]["finishReason"] = "STOP"
    told[-1]["usageMetadata"] = {"promptTokenCount": 20, "candidatesTokenCount": 6, "thoughtsTokenCount": 4}
    return told


def _picture(asked: dict[str, str]) -> dict[str, Any]:
    size = asked.get("imageSize", "1K")
    wide, high = (int(each) for each in asked.get("aspectRatio", "1:1").split(":"))
    scale = SIDES[size] / (wide * high) ** 0.5
    data = base64.b64encode(media.picture(round(wide * scale), round(high * scale))).decode()
    parts = [{"text": "Here you are."}, {"inlineData": {"mimeType": "image/png", "data": data}}]
    usage = {
        "promptTokenCount": 8, "candidatesTokenCount": TOKENS[size], "totalTokenCount": 8 + TOKENS[size],
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 8}],
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": TOKENS[size]}],
    }  # fmt: skip
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "x", "responseId": "r"}


def _told(pieces: list[dict[str, Any]], streamed: bool) -> Answer:
    if not streamed:
        whole_: dict[str, Any] = {}
        for piece in pieces:
            parts = [part for each in (whole_, piece) for part in _parts(each)]
            whole_ |= piece
            if parts:
                whole_["candidates"][0]["content"] = {"role": "model", "parts": parts}
        return Answer(200, whole_)
    body = "".join(f"data: {json.dumps(piece)}\r\n\r\n" for piece in pieces).encode()
    return Answer(200, body, {"content-type": "text/event-stream"})


def _parts(piece: dict[str, Any]) -> list[Any]:
    found: list[Any] = [
        part for each in piece.get("candidates", ()) for part in each.get("content", {}).get("parts", ())
    ]
    return found


RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1s"}
THROTTLED = error(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", RETRY)
BROKEN = error(500, "INTERNAL", "An internal error has occurred.")

SIMULATED = (
    Simulated(
        dialect="gemini",
        provider="google",
        key=KEY,
        job={"task": "text-to-image", "model": "google/gemini-3.1-flash-image", "aspect_ratio": "16:9"},
        respond=respond,
        turns=1,
        cost_usd="0.067204",
        refusal_cost_usd="0.0000025",
        throttled=THROTTLED,
        broken=BROKEN,
    ),
    Simulated(
        dialect="gemini",
        provider="google",
        key=KEY,
        job={"task": "text", "model": "google/gemini-3.8-flash"},
        respond=respond,
        turns=1,
        cost_usd="0.0000525",
        refusal_cost_usd="0.00000375",
        throttled=THROTTLED,
        broken=BROKEN,
    ),
)
