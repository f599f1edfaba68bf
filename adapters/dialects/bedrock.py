"""Amazon Bedrock's InvokeModel for pictures (Stability's models): one call, one reply, pictures inline.

Docs: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html and botocore 1.44.5 (read
2026-11-20). Oddities kept here: what was filtered is a 200 with a reason in the place of null; the exception's name is
in a header; a mask is white where to change, as ours are (Amazon's own models, ended 2026-09-30, wanted it black).
"""

from urllib.parse import quote

from adapters.errors import Fault
from adapters.fields import spell
from adapters.schema import Fields, MediaRequest, Offer, Output, Task, WireField
from adapters.wire import Call, Done, Failed, Listing, Listings, Progress, Reply, blamed, counted, failed, refusal

FIELDS: Fields = {
    "prompt": WireField(name="prompt"),
    "negative_prompt": WireField(name="negative_prompt"),
    "aspect_ratio": WireField(name="aspect_ratio"),
    "seed": WireField(name="seed"),
    "format": WireField(name="output_format"),
    "source": WireField(name="image", media="base64"),
    "mask": WireField(name="mask", media="base64"),
    "style": WireField(name="style_image", media="base64"),
    "mode": WireField(name="mode"),
}

DEFAULT_FORMAT = "png"

FILTERED = "filter"
"""Within every reason of moderation: "Filter reason: prompt", "Filter reason: output image" …"""

FAULTS_BY_EXCEPTION = {
    "ServiceQuotaExceededException": Fault.RATE_LIMITED,
    "ModelErrorException": Fault.PROVIDER_FAULT,
    "ExpiredTokenException": Fault.AUTH,
    "UnrecognizedClientException": Fault.AUTH,
    "InvalidSignatureException": Fault.AUTH,
}
"""What the status leaves open: a 400 may be a quota, a 424 is the model's own failure."""

MODERATION_WORDS = ("content filter", "responsible ai", "content policy")
"""In the message of a ValidationException that is moderation; it has no code of its own."""


def submit(request: MediaRequest, offer: Offer) -> Call:
    """A name's colon stays as it is: written %3A, it may be undone on the way, and the signature not match."""
    wordless = request.task is Task.UPSCALE_IMAGE  # an upscaler takes no words, and refuses a body that has some
    body = spell(request.model_copy(update={"prompt": ""}) if wordless else request, offer, FIELDS)
    memo = {"format": body.get("output_format") or DEFAULT_FORMAT}
    return Call(stage="submit", url=f"/model/{quote(offer.wire_id, safe=':')}/invoke", json_body=body, memo=memo)


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        return _sharpened(refused, reply)
    body = reply.json()
    reasons = [reason for reason in body.get("finish_reasons") or () if reason]
    if reasons:
        is_filtered = FILTERED in str(reasons[0]).lower()
        return failed(Fault.CONTENT_REJECTED if is_filtered else Fault.PROVIDER_FAULT, reasons[0])
    mime = f"image/{call.memo.get('format', DEFAULT_FORMAT)}"
    outputs = tuple(Output(mime=mime, base64=words) for words in body["images"])
    if not outputs:
        raise ValueError("the reply holds no image")
    return Done(outputs=outputs, usage=counted({"output_image": len(outputs)}))


def _sharpened(refused: Failed, reply: Reply) -> Failed:
    """The exception's name may be followed by a colon and an address."""
    error = refused.error
    name = reply.headers.get("x-amzn-errortype", "").split(":")[0]
    if error.fault is Fault.INVALID_REQUEST and any(words in error.message.lower() for words in MODERATION_WORDS):
        return blamed(refused, Fault.CONTENT_REJECTED, code=name or None)
    return blamed(refused, FAULTS_BY_EXCEPTION.get(name, error.fault), code=name or None)


def list_models() -> Call:
    return Call(stage="list", method="GET", url="{control}/foundation-models")


def read_models(call: Call, reply: Reply) -> Listings:
    """All models are one page. Those past their end are not on it."""
    listed = reply.json()["modelSummaries"]
    return Listings(tuple(Listing(wire_id=each["modelId"], name=each.get("modelName")) for each in listed))
