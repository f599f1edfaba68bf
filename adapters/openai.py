"""What OpenAI's protocols and their many copies share: how they list models, show a picture on the
way, and break off a stream. Pure."""

import base64
from datetime import UTC, datetime
from typing import Any

from adapters import wire
from adapters.errors import Fault, ProviderError, from_status
from adapters.wire import Call, Failed, Listing, Listings, Partial, Reply


def list_models() -> Call:
    return Call(stage="models", method="GET", url="/models")


def read_models(call: Call, reply: Reply) -> Listings:
    """OpenAI puts the list under `data`, some copies send it bare; who knows no date writes 0."""
    body = reply.json()
    return Listings(tuple(_listing(model) for model in (body if isinstance(body, list) else body["data"])))


def _listing(model: dict[str, Any]) -> Listing:
    created = model.get("created")
    return Listing(wire_id=model["id"], created=datetime.fromtimestamp(created, UTC).date() if created else None)


def is_streamed(reply: Reply) -> bool:
    """Whether a reply is server-sent events; some copies answer whole though a stream was asked for."""
    return "text/event-stream" in reply.headers.get("content-type", "") or reply.body.startswith((b"data:", b"event:"))


def broken_off(error: Any, status: int) -> Failed:
    """An error within a stream that began well, before a dialect sharpens it by its code. Some hosts put the HTTP
    status it would have had there."""
    said = error if isinstance(error, dict) else {"message": str(error)}
    code, message = said.get("code") or said.get("type"), str(said.get("message") or error)[: wire.MESSAGE_CHARS]
    if isinstance(code, int) and code >= 400:
        return Failed(error=from_status(code, message))
    named = str(code) if code else None
    return Failed(error=ProviderError(fault=Fault.PROVIDER_FAULT, message=message, status=status, code=named))


def partial(document: Any) -> Partial | None:
    """The picture as far as it is made, in one event. Raises ValueError for what is no base64, or of another kind."""
    if document.get("type") not in ("image_generation.partial_image", "image_edit.partial_image"):
        return None
    words, kind = document["b64_json"], document.get("output_format") or "png"
    if not base64.b64decode(words, validate=True) or kind not in ("png", "jpeg", "webp"):
        raise ValueError("a partial picture is none")
    return Partial(index=int(document["partial_image_index"]), mime=f"image/{kind}", base64=words)
