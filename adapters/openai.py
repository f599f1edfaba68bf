"""What OpenAI's protocols and their many copies share: how they list models. Pure."""

from datetime import UTC, datetime
from typing import Any

from adapters.wire import Call, Listing, Listings, Reply


def list_models() -> Call:
    return Call(stage="models", method="GET", url="/models")


def read_models(call: Call, reply: Reply) -> Listings:
    """OpenAI puts the list under `data`, some copies send it bare; who knows no date writes 0."""
    body = reply.json()
    return Listings(tuple(_listing(model) for model in (body if isinstance(body, list) else body["data"])))


def _listing(model: dict[str, Any]) -> Listing:
    created = model.get("created")
    return Listing(wire_id=model["id"], created=datetime.fromtimestamp(created, UTC).date() if created else None)
