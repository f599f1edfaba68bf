"""Ark pictures (ByteDance's Seedream): one call, one reply, and an error in the place of each picture not made.

Docs: https://docs.byteplus.com/en/docs/ModelArk/1541523 and the byteplus SDK 3.0.63 (read 2026-11-20). Oddities kept
here: a 200 may hold errors only; `n` does not exist, so one call makes one picture; the watermark is on by default.
"""

from typing import Any

from adapters.errors import Fault, ProviderError
from adapters.fields import spell
from adapters.schema import Fields, MediaRequest, Offer, Output, WireField
from adapters.wire import MESSAGE_CHARS, Call, Done, Failed, Progress, Reply, blamed, counted, linked, refusal

FIELDS: Fields = {
    "model": WireField(name="model"),
    "prompt": WireField(name="prompt"),
    "size": WireField(name="size", form="{width}x{height}"),
    "resolution": WireField(name="size"),
    "seed": WireField(name="seed"),
    "guidance": WireField(name="guidance_scale"),
    "format": WireField(name="output_format"),
    "source": WireField(name="image", many=True),
    # Said by us alone: each changes how many pictures come, or how.
    "several": WireField(name="sequential_image_generation"),
    "several_options": WireField(name="sequential_image_generation_options"),
    "stream": WireField(name="stream"),
    "delivery": WireField(name="response_format"),
    "watermark": WireField(name="watermark"),
}

SENSITIVE = "SensitiveContent"
"""Within every code of moderation: InputText…Detected, InputImage…Detected.PrivacyInformation, OutputImage… ."""

FAULTS_BY_CODE = {
    "AccountOverdueError": Fault.OUT_OF_CREDIT,
    "SetLimitExceeded": Fault.OUT_OF_CREDIT,
    "ModelNotOpen": Fault.AUTH,
}
"""What the status leaves open: a 403 may be a debt, a 429 a limit on spending, a 404 a model to be activated first."""

DEFAULT_FORMAT = "jpeg"


def submit(request: MediaRequest, offer: Offer) -> Call:
    ours = {"model": offer.wire_id, "response_format": "url", "watermark": False, "stream": False}
    body = spell(request, offer, FIELDS) | ours
    memo = {"format": body.get("output_format") or DEFAULT_FORMAT}
    return Call(stage="submit", url="/images/generations", json_body=body, memo=memo)


def read(call: Call, reply: Reply) -> Progress:
    """What was made, if anything was; otherwise the first of the errors, in its place or in that of all."""
    if refused := refusal(call, reply):
        return _sharpened(refused)
    body = reply.json()
    items = body.get("data") or []
    made = [item for item in items if not item.get("error")]
    if not made and (errors := [each["error"] for each in (*items, body) if each.get("error")]):
        return _not_made(errors[0], reply.status)
    if not made:
        raise ValueError("the reply holds no image")
    mime = f"image/{call.memo.get('format', DEFAULT_FORMAT)}"
    count = (body.get("usage") or {}).get("generated_images")
    return Done(outputs=tuple(_output(item, mime) for item in made), usage=counted({"output_image": count}))


def _output(item: dict[str, Any], mime: str) -> Output:
    if words := item.get("b64_json"):
        return Output(mime=mime, base64=words)
    return linked(item["url"], mime)


def _not_made(error: dict[str, Any], status: int) -> Failed:
    code, message = str(error["code"]), str(error.get("message") or error["code"])[:MESSAGE_CHARS]
    fault = _fault(code) or Fault.PROVIDER_FAULT
    return Failed(error=ProviderError(fault=fault, message=message, status=status, code=code))


def _sharpened(refused: Failed) -> Failed:
    fault = _fault(refused.error.code or "")
    return blamed(refused, fault) if fault else refused


def _fault(code: str) -> Fault | None:
    return Fault.CONTENT_REJECTED if SENSITIVE in code else FAULTS_BY_CODE.get(code.split(".")[0])
