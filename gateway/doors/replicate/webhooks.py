"""A prediction as Replicate's webhooks tell of it, signed by the standard that they follow; it sends nothing."""

import json
from collections.abc import Mapping
from typing import Any

from gateway import clock
from gateway.assembly import Parts
from gateway.doors import extras
from gateway.doors.replicate import views
from gateway.doors.replicate.catalog import Models
from gateway.doors.replicate.predictions import Predictions
from gateway.doors.replicate.table import TONGUE
from gateway.jobs.rendering import read_job
from gateway.webhooks.rules import BODY_BYTES, Kind, Message, Notice, headers_of
from gateway.webhooks.runner import Shape
from gateway.webhooks.store import Delivery

NAME = TONGUE.provider
"""Of this shape, as it stands in jobs."""
FIELD = "webhook_events_filter"
EVENTS = {"start": Kind.JOB_STARTED, "completed": Kind.JOB_FINISHED}
WITH_THE_END = ("output", "logs")
"""Events that have no moment of their own here: outputs and logs are whole when a prediction ends."""


def notice(document: Mapping[str, Any]) -> Notice:
    """Of what a prediction's webhook is told: of its end, unless the filter says otherwise. Raises Invalid."""
    asked = document.get(FIELD) or ["completed"]
    known = (*EVENTS, *WITH_THE_END)
    if not isinstance(asked, list) or any(each not in known for each in asked):
        raise extras.refused(FIELD, f"a list of {', '.join(known)}")
    if "completed" not in asked and any(each in WITH_THE_END for each in asked):
        raise extras.refused(FIELD, f"{' and '.join(WITH_THE_END)} come with a prediction's end: ask for completed too")
    return Notice(NAME, tuple(kind for name, kind in EVENTS.items() if name in asked))


def shape(parts: Parts) -> Shape:
    """Read when it is sent, as our own events are, so that the links of each try are fresh."""
    predictions = Predictions(parts.assets, Models(parts.supply))

    async def told(delivery: Delivery) -> Message | None:
        seen = await read_job(parts.db, delivery.subject)
        if seen is None:
            return None
        said = predictions.shown(parts.settings.gateway_url, seen)
        body = written(views.begun(said) if delivery.kind == Kind.JOB_STARTED else said)
        return Message(body, headers_of(delivery.event_id, body, delivery.secrets, clock.now()))

    return told


def written(prediction: Mapping[str, Any]) -> str:
    """The body as it is sent. What few receivers would take goes without its data, as one of Replicate's from which
    they were removed: the prediction itself still has them."""
    body = json.dumps(prediction, separators=(",", ":"))
    if len(body) <= BODY_BYTES:
        return body
    bare: dict[str, Any] = {"input": {}, "output": None, "logs": "", "data_removed": True}
    return json.dumps({**prediction, **bare}, separators=(",", ":"))
