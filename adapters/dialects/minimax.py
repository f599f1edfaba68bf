"""MiniMax, first version of its paths: clips by three calls (create, ask, look the file up), all else by one.

Docs: https://platform.minimax.io/docs/api-reference (read 2026-11-21). Oddities kept here: nearly every error is a code
inside a 200; a clip is known by a file's id, whose link must be asked for; a webhook's address is tried at the submit.
"""

from typing import Any

from pydantic import JsonValue

from adapters.errors import Fault, ProviderError
from adapters.fields import spell
from adapters.schema import Fields, MediaRequest, Modality, Offer, WireField
from adapters.wire import MESSAGE_CHARS, Call, Done, Failed, Pending, Progress, Reply, counted, failed, linked, refusal

POLL_S = 8.0
"""Clips take minutes; pictures and speech come with the first reply."""

FIELDS: Fields = {
    name: WireField(name=name) for name in ("model", "prompt", "aspect_ratio", "width", "height", "seed", "format")
} | {
    "count": WireField(name="n"),
    "duration_s": WireField(name="duration"),
    "resolution": WireField(
        name="resolution", values={"512p": "512P", "720p": "720P", "768p": "768P", "1080p": "1080P"}
    ),
    "first_frame": WireField(name="first_frame_image"),
    "last_frame": WireField(name="last_frame_image"),
    "character": WireField(name="subject_reference", many=True),
}

PATHS = {
    Modality.VIDEO: "/v1/video_generation",
    Modality.IMAGE: "/v1/image_generation",
    Modality.AUDIO: "/v1/t2a_v2",
}
SETTLED: dict[Modality, dict[str, JsonValue]] = {
    Modality.VIDEO: {"prompt_optimizer": False, "aigc_watermark": False},
    Modality.IMAGE: {"prompt_optimizer": False, "response_format": "url"},
    Modality.AUDIO: {"stream": False, "output_format": "url"},
}
"""What MiniMax would decide otherwise: prompts are sent as given, media comes as a link."""

VOICE: dict[str, JsonValue] = {"voice_id": "English_expressive_narrator", "speed": 1, "vol": 1, "pitch": 0}
"""The voice of MiniMax's own examples; a caller names another in extra, as `voice_setting`."""

FAULTS_BY_CODE = {
    1000: Fault.PROVIDER_FAULT, 1001: Fault.TIMED_OUT, 1002: Fault.RATE_LIMITED, 1004: Fault.AUTH,
    1008: Fault.OUT_OF_CREDIT, 1013: Fault.PROVIDER_FAULT, 1024: Fault.PROVIDER_FAULT, 1026: Fault.CONTENT_REJECTED,
    1027: Fault.CONTENT_REJECTED, 1028: Fault.OUT_OF_CREDIT, 1030: Fault.OUT_OF_CREDIT, 1039: Fault.RATE_LIMITED,
    2013: Fault.INVALID_REQUEST, 2038: Fault.AUTH, 2049: Fault.AUTH, 2056: Fault.OUT_OF_CREDIT,
    2061: Fault.OUT_OF_CREDIT,
}  # fmt: skip


def submit(request: MediaRequest, offer: Offer) -> Call:
    modality = request.task.modality
    body = spell(request, offer, FIELDS) | SETTLED[modality] | {"model": offer.wire_id}
    if modality is Modality.AUDIO:
        body = _spoken(body)
    faces = body.get("subject_reference")
    if isinstance(faces, list) and request.inputs:
        body["subject_reference"] = [{"type": "character", "image_file": face} for face in faces]
    return Call(stage="submit", url=PATHS[modality], json_body=body, memo={"modality": modality})


def _spoken(body: dict[str, JsonValue]) -> dict[str, JsonValue]:
    kind = body.pop("format", "mp3")
    words = {"text": body.pop("prompt", ""), "audio_setting": {"format": kind}}
    return {"voice_setting": VOICE} | body | words


def called_back(call: Call, url: str) -> Call:
    """Only clips take an address; MiniMax tries it with a challenge before it answers the submit."""
    if call.url != PATHS[Modality.VIDEO] or not isinstance(call.json_body, dict):
        return call
    return call.model_copy(update={"json_body": call.json_body | {"callback_url": url}})


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        return refused
    body = reply.json()
    code = body["base_resp"]["status_code"]
    match call.stage, body.get("status"):
        case "status", "Fail":
            return _coded(call, body, reply, ended=True)
        case _ if code != 0:
            return _coded(call, body, reply)
        case "submit", _:
            return _created(call, body)
        case "result", _:
            return Done(outputs=(linked(body["file"]["download_url"], "video/mp4"),))
        case "status", "Success":
            file = Call(stage="result", method="GET", url=f"/v1/files/retrieve?file_id={body['file_id']}")
            return Pending(call=file, provider_status="Success")
        case "status", str() as word:
            return Pending(call=call, wait_s=POLL_S, provider_status=word)
        case stage, status:
            return failed(Fault.BAD_REPLY, f"{stage}: unknown status {status!r}")


def _created(call: Call, body: dict[str, Any]) -> Progress:
    match call.memo.get("modality"):
        case Modality.IMAGE:
            return _pictures(body)
        case Modality.AUDIO:
            kind = (body.get("extra_info") or {}).get("audio_format") or "mp3"
            usage = counted({"character": (body.get("extra_info") or {}).get("usage_characters")})
            return Done(
                outputs=(linked(body["data"]["audio"], "audio/mpeg" if kind == "mp3" else f"audio/{kind}"),),
                usage=usage,
            )
        case _:
            url = f"/v1/query/video_generation?task_id={_named(body['task_id'])}"
            return Pending(call=Call(stage="status", method="GET", url=url), wait_s=POLL_S, provider_status="created")


def _named(id: object) -> str:
    """A run's id is a string; what is none would be asked for until the deadline."""
    if not isinstance(id, str) or not id:
        raise ValueError(f"{id!r} is no id")
    return id


def _pictures(body: dict[str, Any]) -> Progress:
    """Some of several may be blocked: those that are there count, and are paid."""
    links = (body.get("data") or {}).get("image_urls") or []
    blocked = (body.get("metadata") or {}).get("failed_count")
    if not links and counted({"blocked": blocked}).get("blocked"):
        return failed(Fault.CONTENT_REJECTED, f"{blocked} pictures were blocked")
    if not links:
        raise ValueError("the reply holds no picture")
    return Done(
        outputs=tuple(linked(link, "image/jpeg") for link in links), usage=counted({"output_image": len(links)})
    )


def _coded(call: Call, body: dict[str, Any], reply: Reply, ended: bool = False) -> Failed | Pending:
    """An error inside a 200. One of the moment, about a run that was taken, says nothing of the run."""
    code, message = body["base_resp"]["status_code"], str(body["base_resp"].get("status_msg"))[:MESSAGE_CHARS]
    fault = FAULTS_BY_CODE.get(code, Fault.PROVIDER_FAULT)
    if fault is Fault.PROVIDER_FAULT and call.stage != "submit" and not ended:
        return Pending(call=call, wait_s=POLL_S, provider_status=f"code {code}")
    error = ProviderError(fault=fault, message=message, status=reply.status, code=str(code))
    return Failed(error=error, fate_unknown=call.stage == "submit" and fault is Fault.TIMED_OUT)
