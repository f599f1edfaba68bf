"""Decart: a clip goes in as a form, a job is asked for until it is completed, and the clip itself comes out.

Docs: https://docs.platform.decart.ai (SDK 0.2.4, read 2026-11-21). Oddities kept here: pictures are answered at once; a
failed job does not say why; there is no cancel. Its realtime sessions are not generations and are not spoken here.
"""

import json
from typing import Any
from urllib.parse import quote

from pydantic import JsonValue

from adapters.errors import Fault
from adapters.fields import spell
from adapters.schema import Fields, MediaRequest, Modality, Offer, Output, WireField
from adapters.wire import ASSET_KEY, Call, Done, Failed, Part, Pending, Progress, Reply, blamed, failed, refusal

POLL_S = 2.0

FIELDS: Fields = {name: WireField(name=name) for name in ("prompt", "seed", "resolution")} | {
    "source": WireField(name="data"),
    "reference": WireField(name="reference_image"),
}

REFUSAL_WORDS = ("moderation", "content policy", "safety")
"""A refusal is said to be a 4xx without a code of its own: words tell it apart [unsure: not recorded]."""


def submit(request: MediaRequest, offer: Offer) -> Call:
    """The prompt is sent even if it is empty: Decart wants the field."""
    if any(item.asset is None for item in request.inputs):
        raise ValueError("an input must be an asset: it is sent as a file")
    body = {"prompt": request.prompt} | spell(request, offer, FIELDS)
    form = tuple(_part(name, value) for name, value in body.items())
    is_picture = request.task.modality is Modality.IMAGE
    path = "generate" if is_picture else "jobs"
    return Call(stage="submit", url=f"/v1/{path}/{offer.wire_id}", form=form, stores=is_picture)


def _part(name: str, value: JsonValue) -> Part:
    if isinstance(value, dict) and ASSET_KEY in value:
        return Part(name=name, asset=str(value[ASSET_KEY]))
    return Part(name=name, value=value if isinstance(value, str) else json.dumps(value))


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        return _sharpened(refused, reply)
    if reply.stored is not None:
        mime = reply.headers.get("content-type", "application/octet-stream").split(";")[0]
        return Done(outputs=(Output(mime=mime, stored=reply.stored),))
    if call.stores:
        raise ValueError("the reply is no media")
    return _job(reply.json())


def _job(body: dict[str, Any]) -> Progress:
    url = f"/v1/jobs/{quote(body['job_id'], safe='')}"
    match body["status"]:
        case "completed":
            content = Call(stage="content", method="GET", url=f"{url}/content", stores=True)
            return Pending(call=content, provider_status="completed")
        case "failed":
            return failed(Fault.PROVIDER_FAULT, "the job failed; Decart does not say why")
        case str(word):
            status = Call(stage="status", method="GET", url=url)
            return Pending(call=status, wait_s=POLL_S, provider_status=word)
        case status:
            raise ValueError(f"the status is {status!r}")


def _sharpened(refused: Failed, reply: Reply) -> Failed:
    """A wrong field is a list of complaints; the first is told."""
    try:
        body = reply.json()
    except (ValueError, RecursionError):
        return refused
    match body:
        case {"detail": [{"msg": str(words), "loc": list(place)}, *_]}:
            refused = blamed(refused, refused.error.fault, f"{'.'.join(map(str, place))}: {words}")
    is_refusal = any(words in refused.error.message.lower() for words in REFUSAL_WORDS)
    is_about_us = refused.error.status in (400, 403, 422)
    return blamed(refused, Fault.CONTENT_REJECTED) if is_refusal and is_about_us else refused
