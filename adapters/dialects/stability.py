"""Stability AI's v2beta: a form for every call, the picture itself for an answer; a few upscalers are asked again.

Docs: https://platform.stability.ai/docs/api-reference (facts gathered 2026-11-21). Oddities kept here: a form even
without a file; 202 while it runs; a filtered picture comes blurred under a 200, and only a header says so.
"""

import json
from urllib.parse import quote

from pydantic import JsonValue

from adapters.errors import Fault
from adapters.fields import spell
from adapters.schema import Fields, MediaRequest, Offer, Output, WireField
from adapters.wire import ASSET_KEY, Call, Done, Failed, Part, Pending, Progress, Reply, blamed, failed, refusal

POLL_S = 10.0
"""Stability asks for ten seconds between two looks at a result."""
PICTURE = {"accept": "image/*"}

FIELDS: Fields = {
    name: WireField(name=name) for name in ("model", "prompt", "negative_prompt", "aspect_ratio", "seed", "mask")
} | {
    "format": WireField(name="output_format"),
    "guidance": WireField(name="cfg_scale"),
    "source": WireField(name="image"),
    "style": WireField(name="image"),
}


def submit(request: MediaRequest, offer: Offer) -> Call:
    """The offer's id is the rest of the path, with the model where a path has several: `generate/sd3:sd3.5-large`."""
    if any(item.asset is None for item in request.inputs):
        raise ValueError("an input must be an asset: it is sent as a file")
    path, _, model = offer.wire_id.partition(":")
    body = spell(request, offer, FIELDS) | ({"model": model} if model else {})
    form = tuple(_part(name, value) for name, value in body.items())
    return Call(stage="submit", url=f"/v2beta/stable-image/{path}", form=form, headers=PICTURE, stores=True)


def _part(name: str, value: JsonValue) -> Part:
    if isinstance(value, dict) and ASSET_KEY in value:
        return Part(name=name, asset=str(value[ASSET_KEY]))
    return Part(name=name, value=value if isinstance(value, str) else json.dumps(value))


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        return _sharpened(call, refused, reply)
    if reply.stored is not None:
        mime = reply.headers.get("content-type", "image/png").split(";")[0]
        return _done(reply.headers.get("finish-reason", "SUCCESS"), Output(mime=mime, stored=reply.stored))
    body = reply.json()
    if "image" in body:
        return _done(body["finish_reason"], Output(mime="image/png", base64=body["image"]))
    if call.stage == "submit":
        url = f"/v2beta/results/{quote(body['id'], safe='')}"
        result = Call(stage="result", method="GET", url=url, headers=PICTURE, stores=True)
        return Pending(call=result, wait_s=POLL_S, provider_status="started")
    if reply.status == 202:
        return Pending(call=call, wait_s=POLL_S, provider_status=str(body.get("status")))
    raise ValueError("the reply is neither a picture nor a promise of one")


def _done(finish_reason: str, output: Output) -> Progress:
    if finish_reason != "SUCCESS":
        return failed(Fault.CONTENT_REJECTED, f"the picture was filtered: {finish_reason}")
    return Done(outputs=(output,))


def _sharpened(call: Call, refused: Failed, reply: Reply) -> Failed:
    """An error has a name, and its reasons in a list; moderation is a 403 of that name.

    A result that is such a 500 is a run that failed [unsure: a fault of the moment may look alike]; a proxy's has no
    name, and is asked again.
    """
    try:
        body = reply.json()
    except (ValueError, RecursionError):
        return refused
    match body:
        case {"name": str(name), "errors": list(reasons)}:
            fault = Fault.CONTENT_REJECTED if name == "content_moderation" else refused.error.fault
            told = blamed(refused, fault, "; ".join(map(str, reasons)) or None, name)
            return told.model_copy(update={"is_verdict": call.stage == "result" and refused.error.status == 500})
        case _:
            return refused
