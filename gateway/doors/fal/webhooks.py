"""A request's end as fal's webhooks tell it, under a signature like theirs; it sends nothing and repeats nothing."""

import json

from adapters.schema import MediaRequest
from gateway import clock
from gateway.assembly import Parts
from gateway.doors.fal import signing, views
from gateway.doors.fal.table import TONGUE
from gateway.jobs.rendering import read_job
from gateway.jobs.views import view
from gateway.webhooks.rules import BODY_BYTES, Message, Notice
from gateway.webhooks.runner import Shape
from gateway.webhooks.store import Delivery

NAME = TONGUE.provider
"""Of this shape, as it stands in jobs."""
NOTICE = Notice(NAME)


def shape(parts: Parts) -> Shape:
    """Read when it is sent, as our own events are, so that the links of each try are fresh."""
    signer = signing.Signer(parts.db)

    async def told(delivery: Delivery) -> Message | None:
        seen = await read_job(parts.db, delivery.subject)
        if seen is None:
            return None
        job = view(seen, lambda asset: parts.assets.url(asset, parts.settings.gateway_url))
        body = written(views.ended(job, MediaRequest.model_validate_json(seen.job["request"]).prompt))
        headers = signing.headers_of(await signer.key(), job["id"], delivery.key_id, body, clock.now())
        return Message(body, headers)

    return told


def written(said: dict[str, object]) -> str:
    """The body as it is sent; a payload that few receivers would take is left out, and why is said, as fal does it."""
    body = json.dumps(said, separators=(",", ":"))
    if len(body) <= BODY_BYTES:
        return body
    error = f"the payload is larger than {BODY_BYTES} bytes: ask for the result of this request"
    return json.dumps(said | {"payload": None, "payload_error": error}, separators=(",", ":"))
