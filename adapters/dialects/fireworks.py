"""Fireworks' pictures: most models answer with the picture itself, some with a ticket that is asked for until Ready.

Docs: https://docs.fireworks.ai/api-reference/generate-or-edit-image-using-flux-kontext, and Vercel's client 3.0.62
(read 2026-11-21). Oddities kept here: the kind of file is asked for in `accept`; a filtered picture is a 200 that says
so in a header; the result is fetched with a POST.
"""

from typing import Any

from pydantic import JsonValue

from adapters.errors import Fault
from adapters.fields import spell
from adapters.openai import list_models, read_models
from adapters.schema import Fields, MediaRequest, Offer, Output, Task, WireField
from adapters.wire import Call, Done, Pending, Progress, Reply, failed, linked, refusal

__all__ = ["FIELDS", "list_models", "read", "read_models", "submit"]

POLL_S = 1.0

FIELDS: Fields = {
    "prompt": WireField(name="prompt"),
    "negative_prompt": WireField(name="negative_prompt"),
    "width": WireField(name="width"),
    "height": WireField(name="height"),
    "aspect_ratio": WireField(name="aspect_ratio"),
    "seed": WireField(name="seed"),
    "steps": WireField(name="num_inference_steps"),
    "guidance": WireField(name="guidance_scale"),
    "format": WireField(name="output_format"),
    "source": WireField(name="input_image"),
}

FILTERED = "CONTENT_FILTERED"


def submit(request: MediaRequest, offer: Offer) -> Call:
    """A `wire_id` is the whole path of a model, as the paths differ in kind."""
    body = spell(request, offer, FIELDS)
    if request.task is not Task.TEXT_TO_IMAGE:
        return Call(stage="submit", url=f"/{offer.wire_id}", json_body=body)
    kind = str(body.pop("output_format", "png"))
    headers = {"accept": f"image/{kind}"}
    return Call(stage="submit", url=f"/{offer.wire_id}", json_body=body, headers=headers, stores=True)


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        return refused
    if reply.headers.get("finish-reason") == FILTERED:
        return failed(Fault.CONTENT_REJECTED, "the picture was filtered")
    if reply.stored is not None:
        mime = reply.headers.get("content-type", "image/png").split(";")[0]
        return Done(outputs=(Output(mime=mime, stored=reply.stored),))
    body = reply.json()
    match call.stage:
        case "submit" if "request_id" in body:
            return _asked(f"{call.url}/get_result", body["request_id"])
        case "submit":
            return _inline(body)
        case _:
            return _result(call, body)


def _asked(url: str, ticket: JsonValue) -> Pending:
    return Pending(call=Call(stage="status", url=url, json_body={"id": ticket}), wait_s=POLL_S)


def _inline(body: dict[str, Any]) -> Progress:
    if body.get("finish_reason") == FILTERED:
        return failed(Fault.CONTENT_REJECTED, "the picture was filtered")
    outputs = tuple(Output(mime="image/png", base64=words) for words in body["base64"])
    if not outputs:
        raise ValueError("the reply holds no picture")
    return Done(outputs=outputs)


def _result(call: Call, body: dict[str, Any]) -> Progress:
    match body["status"]:
        case "Ready":
            sample = body["result"]["sample"]
            is_link = sample.startswith(("https:", "http:", "data:"))
            return Done(outputs=(linked(sample, "image/png") if is_link else Output(mime="image/png", base64=sample),))
        case "Request Moderated" | "Content Moderated" as word:
            return failed(Fault.CONTENT_REJECTED, word)
        case "Error" | "Task not found" as word:
            return failed(Fault.PROVIDER_FAULT, body.get("details") or word)
        case str(word):
            return Pending(call=call, wait_s=POLL_S, fraction=body.get("progress"), provider_status=word)
        case status:
            return failed(Fault.BAD_REPLY, f"{call.stage}: unknown status {status!r}")
