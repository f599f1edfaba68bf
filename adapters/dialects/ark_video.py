"""Ark clips (ByteDance's Seedance): create a task, then ask for it until it ends.

Docs: https://docs.byteplus.com/en/docs/ModelArk/1520757 and the byteplus SDK 3.0.63 (read 2026-11-20). Oddities kept
here: words and pictures are one list, `content`, where each picture says its role; a DELETE stops a queued task, fails
on a running one, and forgets a finished one; what is billed is tokens.
"""

from typing import Any
from urllib.parse import quote

from pydantic import JsonValue

from adapters.errors import Fault
from adapters.fields import one_media, spell
from adapters.schema import Fields, MediaRequest, Offer, Role, Usage, WireField
from adapters.wire import Call, Done, Failed, Pending, Progress, Reply, blamed, counted, failed, linked, refusal

TASKS = "/contents/generations/tasks"
POLL_S = 5.0

FIELDS: Fields = {
    "model": WireField(name="model"),
    "content": WireField(name="content"),
    "duration_s": WireField(name="duration"),
    "resolution": WireField(name="resolution"),
    "seed": WireField(name="seed"),
    "audio": WireField(name="generate_audio"),
    "aspect_ratio": WireField(
        name="ratio",
        values={each: each for each in ("16:9", "4:3", "1:1", "3:4", "9:16", "21:9")} | {"auto": "adaptive"},
    ),
    # Said by us alone: each changes what is made, what it costs, or who hears of it.
    "frames": WireField(name="frames"),
    "draft": WireField(name="draft"),
    "tier": WireField(name="service_tier"),
    "callback": WireField(name="callback_url"),
    "watermark": WireField(name="watermark"),
}

PICTURE = WireField(name="url")
ROLES = {Role.FIRST_FRAME: "first_frame", Role.LAST_FRAME: "last_frame", Role.REFERENCE: "reference_image"}

SENSITIVE = "SensitiveContent"
"""Within every code of moderation: InputText…Detected, InputImage…Detected.PrivacyInformation, OutputVideo… ."""

FAULTS_BY_CODE = {
    "AccountOverdueError": Fault.OUT_OF_CREDIT,
    "SetLimitExceeded": Fault.OUT_OF_CREDIT,
    "ModelNotOpen": Fault.AUTH,
}
"""What the status leaves open: a 403 may be a debt, a 429 a limit on spending, a 404 a model to be activated first."""


def submit(request: MediaRequest, offer: Offer) -> Call:
    ours: dict[str, JsonValue] = {"model": offer.wire_id, "content": _content(request, offer), "watermark": False}
    return Call(stage="submit", url=TASKS, json_body=spell(request, offer, FIELDS) | ours)


def _content(request: MediaRequest, offer: Offer) -> list[JsonValue]:
    words: list[JsonValue] = [{"type": "text", "text": request.prompt}] if request.prompt else []
    given = [(role, item) for role in ROLES if role in offer.inputs for item in request.given(role)]
    pictures: list[JsonValue] = [
        {"type": "image_url", "image_url": {"url": one_media(item, PICTURE)}, "role": ROLES[role]}
        for role, item in given
    ]
    return words + pictures


def called_back(call: Call, url: str) -> Call:
    """The task as it changes is posted there, unsigned."""
    body = call.json_body if isinstance(call.json_body, dict) else {}
    return call.model_copy(update={"json_body": body | {"callback_url": url}})


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        return _sharpened(refused)
    body = reply.json()
    if call.stage == "submit":
        return _asked_again(f"{TASKS}/{quote(body['id'], safe='')}", "queued")
    match body["status"]:
        case "succeeded":
            return Done(outputs=(linked(body["content"]["video_url"], "video/mp4"),), usage=_usage(body))
        case "failed" | "cancelled" | "expired" as word:
            return _ended(body, word)
        case str(word):  # queued, running, or a word not known yet: the deadline ends what never does
            return _asked_again(call.url, word)
        case word:
            return failed(Fault.BAD_REPLY, f"{call.stage}: unknown status {word!r}")


def _asked_again(url: str, word: str) -> Pending:
    status = Call(stage="status", method="GET", url=url, memo={"status": word})
    return Pending(call=status, wait_s=POLL_S, provider_status=word)


def cancel(call: Call) -> Call | None:
    if call.stage != "status" or call.memo.get("status") != "queued":
        return None
    return Call(stage="cancel", method="DELETE", url=call.url)


def _ended(body: dict[str, Any], word: str) -> Failed:
    error = body.get("error") or {}
    code, message = str(error.get("code") or word), str(error.get("message") or f"the task is {word}")
    fault = _fault(code) or (Fault.TIMED_OUT if word == "expired" else Fault.PROVIDER_FAULT)
    ended = blamed(failed(fault, message), fault, code=code)
    return ended.model_copy(update={"usage": _usage(body), "is_verdict": True})


def _usage(body: dict[str, Any]) -> Usage:
    return counted({"output_video_token": (body.get("usage") or {}).get("completion_tokens")})


def _sharpened(refused: Failed) -> Failed:
    fault = _fault(refused.error.code or "")
    return blamed(refused, fault) if fault else refused


def _fault(code: str) -> Fault | None:
    return Fault.CONTENT_REJECTED if SENSITIVE in code else FAULTS_BY_CODE.get(code.split(".")[0])
