"""Amazon Bedrock's InvokeModel, as boto3 speaks to it: each call has a key, or a signature that is made anew here."""

import base64
import hashlib
import hmac
import re
from typing import Any
from urllib.parse import quote, unquote

from tests.simulators import media
from tests.simulators.checks import Check, bare_base64, faults, number, text, whole, words
from tests.simulators.server import HTML, Answer, Ask, Simulated, World

ACCESS, SECRET = "AKIDEXAMPLE0123456", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
API_KEY = "bedrock-api-key-0123456789"
SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([a-z0-9-]+)/bedrock/aws4_request, "
    r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})"
)
RATIOS = {
    "16:9": (1536, 864), "1:1": (1024, 1024), "21:9": (1512, 648), "2:3": (832, 1248), "3:2": (1248, 832),
    "4:5": (896, 1120), "5:4": (1120, 896), "9:16": (864, 1536), "9:21": (648, 1512),
}  # fmt: skip
COMMON: dict[str, Check] = {
    "prompt": text(10_000), "negative_prompt": text(10_000), "seed": whole(0, 4_294_967_294),
    "output_format": words("png", "jpeg", "webp"),
}  # fmt: skip
MAKES = COMMON | {"aspect_ratio": words(*RATIOS)}
EDITS = COMMON | {"image": bare_base64}
MODELS: dict[str, tuple[dict[str, Check], tuple[str, ...]]] = {
    "stability.stable-image-core-v1:1": (MAKES, ("prompt",)),
    "stability.stable-image-ultra-v1:1": (MAKES, ("prompt",)),
    "stability.sd3-5-large-v1:0": (MAKES | {"mode": words("text-to-image")}, ("prompt",)),
    "us.stability.stable-image-inpaint-v1:0": (EDITS | {"mask": bare_base64}, ("prompt", "image", "mask")),
    "us.stability.stable-image-control-structure-v1:0": (
        EDITS | {"control_strength": number(0, 1)},
        ("prompt", "image"),
    ),
    "us.stability.stable-image-control-sketch-v1:0": (EDITS | {"control_strength": number(0, 1)}, ("prompt", "image")),
    "us.stability.stable-style-transfer-v1:0": (
        COMMON | {"init_image": bare_base64, "style_image": bare_base64},
        ("init_image", "style_image"),
    ),
    "us.stability.stable-fast-upscale-v1:0": (
        {"image": bare_base64, "output_format": words("png", "jpeg", "webp")},
        ("image",),
    ),
}


def refused(status: int, exception: str, message: str) -> Answer:
    return Answer(status, {"message": message}, {"x-amzn-errortype": f"{exception}:http://internal.amazon.com/"})


def respond(ask: Ask, world: World) -> Answer:
    is_list = (ask.method, ask.path) == ("GET", "/foundation-models")
    if not is_list and not (ask.method == "POST" and re.fullmatch(r"/model/[^/]+/invoke", ask.path)):
        return refused(404, "UnknownOperationException", "no such path")
    if complaint := unproven(ask):
        return complaint
    if is_list:
        return Answer(200, {"modelSummaries": [{"modelId": model, "modelName": model} for model in MODELS]})
    model = unquote(ask.path.split("/")[2])
    if model not in MODELS:
        return refused(404, "ResourceNotFoundException", "This model version has reached the end of its life.")
    known, needed = MODELS[model]
    if wrong := faults(ask.json, known, needed):
        return refused(400, "ValidationException", f"Malformed input request: #/{wrong[0]}, please reformat your input")
    return _made(ask.json, world)


def _made(body: dict[str, Any], world: World) -> Answer:
    run = world.begin(body.get("prompt", ""), body)
    if run.wants("nonsense"):
        return Answer(200, HTML, {"content-type": "text/html"})
    if run.wants("fail"):
        return refused(424, "ModelErrorException", "The model returned an error.")
    if run.wants("refuse"):
        return Answer(200, {"seeds": [7], "finish_reasons": ["Filter reason: prompt"], "images": []})
    pair = RATIOS[body.get("aspect_ratio", "1:1")]
    picture = media.picture(*pair, body.get("output_format", "png").upper())
    return Answer(200, {"seeds": [7], "finish_reasons": [None], "images": [base64.b64encode(picture).decode()]})


def unproven(ask: Ask) -> Answer | None:
    """What is wrong with who calls: neither the API key, nor a signature that comes out the same here."""
    said = ask.headers.get("authorization", "")
    if said == f"Bearer {API_KEY}":
        return None
    found = SIGNED.fullmatch(said)
    if not found or "x-amz-date" not in ask.headers:
        return refused(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
    if found[1] != ACCESS:
        return refused(403, "UnrecognizedClientException", "The security token included in the request is invalid.")
    if not hmac.compare_digest(found[5], _signature(ask, found[2], found[3], found[4])):
        return refused(403, "InvalidSignatureException", "The request signature we calculated does not match.")
    return None


def _signature(ask: Ask, day: str, region: str, names: str) -> str:
    """The path is encoded once more than it came, a %3A on the wire is %253A here; the query is decoded first."""
    headers = "".join(f"{name}:{' '.join(ask.headers[name].split())}\n" for name in names.split(";"))
    digest = hashlib.sha256(ask.body).hexdigest()
    pairs = sorted([unquote(word) for word in f"{pair}=".split("=")[:2]] for pair in ask.query.split("&") if pair)
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    canonical = "\n".join([ask.method, quote(ask.path, safe="/~"), query, headers, names, digest])
    scope = f"{day}/{region}/bedrock/aws4_request"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{SECRET}".encode()
    for word in scope.split("/"):
        key = hmac.digest(key, word.encode(), "sha256")
    told = f"AWS4-HMAC-SHA256\n{ask.headers['x-amz-date']}\n{scope}\n{hashed}"
    return hmac.digest(key, told.encode(), "sha256").hex()


SIMULATED = Simulated(
    dialect="bedrock",
    provider="bedrock",
    key=f"{ACCESS}:{SECRET}",
    job={"task": "text-to-image", "model": "stability-ai/stable-image-core", "aspect_ratio": "16:9"},
    respond=respond,
    turns=1,
    cost_usd="0.04",
    throttled=Answer(
        429, {"message": "Too many requests."}, {"x-amzn-errortype": "ThrottlingException", "retry-after": "1"}
    ),
    broken=refused(500, "InternalServerException", "The system encountered an unexpected error."),
)
