"""DashScope pictures at once (Alibaba's Qwen Image): one message in, one message out, with links to what was made.

Docs: https://www.alibabacloud.com/help/en/model-studio/qwen-image-api and the dashscope SDK 2.0.2 (read 2026-11-20).
Oddities kept here: sizes are written with an asterisk; an error may stand where the answer belongs, in a 200.
"""

from typing import Any

from pydantic import JsonValue

from adapters.errors import Fault, ProviderError
from adapters.fields import one_media, spell
from adapters.schema import Fields, MediaRequest, Offer, Role, WireField
from adapters.wire import MESSAGE_CHARS, Call, Done, Failed, Progress, Reply, blamed, counted, linked, refusal

FIELDS: Fields = {
    "model": WireField(name="model"),
    "messages": WireField(name="messages"),
    "negative_prompt": WireField(name="negative_prompt"),
    "size": WireField(name="size", form="{width}*{height}"),
    "count": WireField(name="n"),
    "seed": WireField(name="seed"),
    "stream": WireField(name="stream"),
    "input": WireField(name="input"),
    "parameters": WireField(name="parameters"),
}

PICTURE = WireField(name="image")

FAULTS_BY_CODE = {
    "DataInspectionFailed": Fault.CONTENT_REJECTED,
    "IPInfringementSuspect": Fault.CONTENT_REJECTED,
    "Arrearage": Fault.OUT_OF_CREDIT,
    "AllocationQuota": Fault.OUT_OF_CREDIT,
}
"""By the first word of a code, for what the status leaves open: moderation and debts are both a 400."""


def submit(request: MediaRequest, offer: Offer) -> Call:
    given = request.given(Role.SOURCE) if Role.SOURCE in offer.inputs else ()
    content: list[JsonValue] = [{"image": one_media(item, PICTURE)} for item in given]
    message: JsonValue = {"role": "user", "content": [*content, {"text": request.prompt}]}
    body: JsonValue = {
        "model": offer.wire_id,
        "input": {"messages": [message]},
        "parameters": spell(request, offer, FIELDS),
    }
    return Call(stage="submit", url="/services/aigc/multimodal-generation/generation", json_body=body)


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        fault = _fault(refused.error.code)
        return blamed(refused, fault) if fault else refused
    body = reply.json()
    if body.get("code"):
        return _not_made(body["code"], body.get("message"), reply.status)
    parts = [part for choice in body["output"]["choices"] for part in choice["message"]["content"]]
    made = tuple(linked(part["image"], "image/png") for part in parts if "image" in part)
    if not made:
        raise ValueError("the reply holds no image")
    return Done(outputs=made, usage=counted({"output_image": _usage(body).get("image_count")}))


def _usage(body: dict[str, Any]) -> dict[str, Any]:
    return body.get("usage") or {}


def _not_made(code: object, message: object, status: int) -> Failed:
    said, fault = str(message or code)[:MESSAGE_CHARS], _fault(code) or Fault.PROVIDER_FAULT
    return Failed(error=ProviderError(fault=fault, message=said, status=status, code=str(code)))


def _fault(code: object) -> Fault | None:
    return FAULTS_BY_CODE.get(str(code).split(".")[0])
