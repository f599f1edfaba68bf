"""What Google's protocols share: how they take words and pictures, err, hand over, and list models. Pure."""

import re
from urllib.parse import quote

from pydantic import JsonValue

from adapters.errors import Fault
from adapters.schema import MediaRequest, Message, TextPart
from adapters.wire import RETRY_AFTER_MAX_S, Call, Failed, Listing, Listings, Pending, Reply, asset_ref, blamed, failed

FAULTS = {"FAILED_PRECONDITION": Fault.AUTH, "API_KEY_INVALID": Fault.AUTH}
"""What a 400 leaves open: the region or the billing of the account is not served, or its key is none."""

REDIRECTS = frozenset({301, 302, 303, 307, 308})
HOPS = 4
"""Google's client follows a few; more is a circle."""

PAUSE = re.compile(r"(\d{1,6}(?:\.\d{1,9})?)s")


def sharpened(refused: Failed, reply: Reply) -> Failed:
    """The same failure with Google's own word for it, and the pause it asks for, which no header says."""
    try:
        error = reply.json()["error"]
        details = [each for each in error.get("details") or () if isinstance(each, dict)]
        words = [str(word) for word in (error.get("status"), *(each.get("reason") for each in details)) if word]
        pause = next((PAUSE.fullmatch(str(each["retryDelay"])) for each in details if "retryDelay" in each), None)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
        return refused
    fault = next((FAULTS[word] for word in words if word in FAULTS), refused.error.fault)
    named = blamed(refused, fault, code=words[0] if words else None)
    if pause is None:
        return named
    wait_s = min(float(pause[1]), RETRY_AFTER_MAX_S)
    return named.model_copy(update={"error": named.error.model_copy(update={"retry_after_s": wait_s})})


def inline(asset: str, mime: str, data: str) -> dict[str, JsonValue]:
    """An asset within a body, under the two names that the protocol has for its type and its bytes."""
    return {mime: asset_ref(asset, "mime"), data: asset_ref(asset, "base64")}


def conversation(request: MediaRequest) -> dict[str, JsonValue]:
    """The words and pictures of a request as turns of a talk, and the system's rules beside them."""
    if not request.messages:
        seen = [_media(item.asset, item.url) for item in request.inputs]
        return {"contents": [{"role": "user", "parts": [{"text": request.prompt}, *seen]}]}
    rules: list[JsonValue] = [
        part for message in request.messages if message.role == "system" for part in _parts(message)
    ]
    turns: list[JsonValue] = [
        {"role": "model" if message.role == "assistant" else "user", "parts": _parts(message)}
        for message in request.messages
        if message.role != "system"
    ]
    return {"contents": turns} | ({"systemInstruction": {"parts": rules}} if rules else {})


def _parts(message: Message) -> list[JsonValue]:
    if isinstance(message.content, str):
        return [{"text": message.content}]
    return [
        {"text": part.text} if isinstance(part, TextPart) else _media(part.asset, part.url) for part in message.content
    ]


def _media(asset: str | None, url: str | None) -> JsonValue:
    if asset is None:
        return {"fileData": {"fileUri": url}}
    return {"inlineData": inline(asset, "mimeType", "data")}


FILE = re.compile(r"https?://[^?#]*/(files/[a-z0-9]{1,64}:download)\?alt=media")


def place(uri: str) -> str:
    """Where a finished clip is fetched: on the configured host by the file's own name, as Google's client does it."""
    found = FILE.fullmatch(uri)
    return f"/{found[1]}?alt=media" if found else uri


def redirected(call: Call, reply: Reply) -> Pending | Failed | None:
    """A clip's link may lead on to Google's storage: another host, which gets no key of ours."""
    if call.stage != "content" or reply.status not in REDIRECTS:
        return None
    hops, link = int(str(call.memo.get("hops", 0))), reply.headers.get("location", "")
    if hops >= HOPS or not link.startswith("https://"):
        return failed(Fault.BAD_REPLY, "the clip's link leads nowhere")
    return Pending(call=call.model_copy(update={"url": link, "memo": call.memo | {"hops": hops + 1}}))


LISTING = "/models?pageSize=1000"


def list_models() -> Call:
    return Call(stage="models", method="GET", url=LISTING)


def read_models(call: Call, reply: Reply) -> Listings:
    body = reply.json()
    models = tuple(
        Listing(wire_id=each["name"].removeprefix("models/"), name=each.get("displayName")) for each in body["models"]
    )
    more = body.get("nextPageToken")
    onward = Call(stage="models", method="GET", url=f"{LISTING}&pageToken={quote(more, safe='')}") if more else None
    return Listings(models, onward)
