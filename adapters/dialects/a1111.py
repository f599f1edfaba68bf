"""The sdapi of AUTOMATIC1111, Forge, SD.Next and stable-diffusion.cpp: one call, which blocks, pictures inside.

Docs: /docs of a running server, and the sources of Forge and SD.Next (read 2026-11-20). Oddities kept here: the prompt
is a little language, which a caller's words may not speak; LoRAs are words of that language; an interrupted run
answers 200 with what it has. Interrupt and progress are of whatever runs, whosever it is, so neither is used here.
"""

import json
import re
from typing import Any

from pydantic import JsonValue

from adapters.errors import Fault
from adapters.fields import spell
from adapters.schema import Fields, MediaRequest, Offer, Output, WireField
from adapters.wire import Call, Done, Failed, Progress, Reply, blamed, failed, refusal

FIELDS: Fields = {
    "prompt": WireField(name="prompt"),
    "negative_prompt": WireField(name="negative_prompt"),
    "width": WireField(name="width"),
    "height": WireField(name="height"),
    "seed": WireField(name="seed"),
    "steps": WireField(name="steps"),
    "guidance": WireField(name="cfg_scale"),
    "count": WireField(name="batch_size"),
    "loras": WireField(name="loras"),
    "source": WireField(name="init_images", many=True, media="base64"),
    "mask": WireField(name="mask", media="base64"),
    "checkpoint": WireField(name="override_settings"),
    "script": WireField(name="script_name"),
    "script_args": WireField(name="script_args"),
    "scripts": WireField(name="alwayson_scripts"),
}
"""The last four are ours to say: scripts run code, and settings are everybody's."""

SYNTAX = str.maketrans({
    "\\": " ", "(": r"\(", ")": r"\)", "[": r"\[", "]": r"\]", "<": "< ", "{": r"\(", "}": r"\)", "|": ",",
})  # fmt: skip
"""Weights, editing, `<lora:…>` and its like, choices. A `<` with a space behind it opens no tag."""
WORDS = re.compile(r"\b(AND|BREAK)\b|__")
TAG_SIGNS = re.compile(r"[<>:|]+")
REFUSAL_WORDS = ("nsfw", "safety check", "content policy")


def submit(request: MediaRequest, offer: Offer) -> Call:
    """A checkpoint is named with each call, as the one that is loaded may be anybody's; it is not put back after."""
    plain = {name: _plain(words) for name in ("prompt", "negative_prompt") if (words := getattr(request, name))}
    body = {"seed": -1} | spell(request.model_copy(update=plain), offer, FIELDS)
    if "loras" not in offer.fields and isinstance(loras := body.pop("loras", None), list):
        body["prompt"] = " ".join([str(body.get("prompt", "")), *map(_tag, loras)]).strip()
    settings: JsonValue = {"sd_model_checkpoint": offer.wire_id}
    body |= {"override_settings": settings, "override_settings_restore_afterwards": False}
    body |= {"send_images": True, "save_images": False, "do_not_save_samples": True, "do_not_save_grid": True}
    url = "/sdapi/v1/img2img" if request.inputs else "/sdapi/v1/txt2img"
    return Call(stage="submit", url=url, json_body=body, memo={"count": request.count})


def _plain(words: str) -> str:
    """The words with all that the prompt's language would read in them made into mere signs."""
    return WORDS.sub(lambda found: found[0].lower().replace("__", "_"), words.translate(SYNTAX))


def _tag(lora: JsonValue) -> str:
    """A LoRA's tag. A name cannot end its tag and begin another: signs that could are left out."""
    assert isinstance(lora, dict), "spelled by adapters.fields"
    return f"<lora:{TAG_SIGNS.sub('', str(lora['path']))}:{lora['scale']}>"


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        return _sharpened(refused, reply)
    body = reply.json()
    info: dict[str, Any] = json.loads(body["info"]) if body.get("info") else {}
    pictures = body["images"][int(info.get("index_of_first_image") or 0) :]
    if not pictures and not body["images"]:
        raise ValueError("the reply holds no picture")
    wanted = int(str(call.memo.get("count", 1)))
    if len(pictures) < wanted or info.get("interrupted"):
        message = f"somebody interrupted it: {len(pictures)} of {wanted} pictures were made"
        return failed(Fault.PROVIDER_FAULT, message).model_copy(update={"is_verdict": True})
    return Done(outputs=tuple(Output(mime="image/png", base64=_bare(each)) for each in pictures[:wanted]))


def _bare(picture: str) -> str:
    return picture.partition(",")[2] if picture.startswith("data:") else picture


def _sharpened(refused: Failed, reply: Reply) -> Failed:
    """What went wrong stands in `errors`; a checkpoint that is not there is a 500, a sampler that is not, a 404."""
    try:
        body = reply.json()
    except (ValueError, RecursionError):
        return refused
    if not isinstance(body, dict):
        return refused
    words = str(body.get("errors") or body.get("detail") or "") or None
    lowered = (words or "").lower()
    if any(word in lowered for word in REFUSAL_WORDS):
        return blamed(refused, Fault.CONTENT_REJECTED, words)
    if "checkpoint" in lowered and ("unknown" in lowered or "not found" in lowered):
        return blamed(refused, Fault.MODEL_MISSING, words)
    if "sampler not found" in lowered:
        return blamed(refused, Fault.INVALID_REQUEST, words)
    return blamed(refused, refused.error.fault, words)
