"""InvokeAI: a model's identity is looked up by its name, a graph is put into the queue, and its pictures are fetched.

Docs: its sources of August 2026 (read 2026-11-21). Oddities kept here: a graph names a model by a key that is of one
installation, so it is looked up first; a queue that is full takes nothing and answers 201; only an item's own id stops
that item and no other; what is intermediate is no result; a traceback names paths, and stands beside the message.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode

from pydantic import JsonValue

from adapters import uploads
from adapters.errors import Fault
from adapters.graphs import filled, identified, sought
from adapters.schema import Fields, MediaRequest, Offer, Output, Usage, WireField
from adapters.wire import Call, Done, Failed, Pending, Progress, Reply, attempt_ref, blamed, failed, refusal

POLL_S = 1.0
QUEUE = "/api/v1/queue/default"

FIELDS: Fields = {name: WireField(name=name) for name in ("graph", "batch", "prepend")}
"""All of them ours to say; everything else is said by the card, since it depends on the graph (adapters/graphs.py)."""

REFUSAL_WORDS = ("nsfw", "moderation", "content policy", "safety check")
"""InvokeAI itself refuses nothing; nodes that check what is made fail with such words."""


def submit(request: MediaRequest, offer: Offer) -> Call:
    graph = filled(request, offer, FIELDS)
    batch: dict[str, JsonValue] = {"graph": graph.graph, "runs": 1, "origin": "podium", "destination": attempt_ref()}
    body = graph.extra | {"batch": batch, "prepend": False}
    return _identity(Call(stage="submit", url=f"{QUEUE}/enqueue_batch", json_body=body, memo={"shown": [*graph.shown]}))


def _identity(submit: Call) -> Call:
    """The submit itself if every model in it is known, else the question for the first that is not."""
    named = next(sought(submit.json_body), None)
    if named is None:
        return submit
    memo: dict[str, JsonValue] = {uploads.SUBMIT: submit.model_dump(mode="json"), "named": {**named}}
    return Call(stage="upload", method="GET", url=f"/api/v2/models/get_by_attrs?{urlencode(named)}", memo=memo)


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        return _sharpened(call, refused)
    match call.stage:
        case "upload":
            submit = uploads.submit_of(call)
            body = identified(submit.json_body, call.memo["named"], reply.json())
            return Pending(call=_identity(submit.model_copy(update={"json_body": body})), provider_status="identified")
        case "submit":
            return _queued(call, reply.json())
        case "content":
            return _fetched(call, reply)
        case _:
            return _followed(call, reply.json())


def _sharpened(call: Call, refused: Failed) -> Failed:
    """A model that this server lacks cannot run here; which LoRA, is the caller's own choice."""
    if call.stage == "upload" and refused.error.status == 404:
        named: Any = call.memo["named"]
        is_lora = named["type"] == "lora"
        fault = Fault.INVALID_REQUEST if is_lora else Fault.MODEL_MISSING
        return blamed(refused, fault, f"there is no {'LoRA' if is_lora else 'model'} named {named['name']} here")
    return refused


def _queued(call: Call, body: dict[str, Any]) -> Progress:
    if not body["item_ids"]:
        return failed(Fault.RATE_LIMITED, "the queue is full: it took nothing")
    memo = {"id": int(body["item_ids"][0]), "shown": call.memo["shown"]}
    return Pending(call=_poll(memo), wait_s=POLL_S, provider_status="queued")


def _poll(memo: dict[str, JsonValue]) -> Call:
    return Call(stage="status", method="GET", url=f"{QUEUE}/i/{memo['id']}", memo=memo)


def cancel(call: Call) -> Call | None:
    return Call(stage="cancel", method="PUT", url=f"{call.url}/cancel") if call.stage == "status" else None


def _followed(call: Call, item: dict[str, Any]) -> Progress:
    match item["status"]:
        case "completed":
            return _made(call, item)
        case "failed" | "canceled" as word:
            kind, said = item.get("error_type"), item.get("error_message")
            message = f"{kind}: {said}" if said else f"the item was {word}"
            is_refused = any(words in message.lower() for words in REFUSAL_WORDS)
            ended = failed(Fault.CONTENT_REJECTED if is_refused else Fault.PROVIDER_FAULT, message)
            return ended.model_copy(update={"usage": _usage(item), "is_verdict": True})
        case str(word):
            return Pending(call=_poll(call.memo), wait_s=POLL_S, provider_status=word)
        case status:
            return failed(Fault.BAD_REPLY, f"{call.stage}: unknown status {status!r}")


def _made(call: Call, item: dict[str, Any]) -> Pending:
    """Results go by the ids of prepared nodes, each of which was made from one of ours."""
    session, shown = item["session"], call.memo["shown"]
    assert isinstance(shown, list), "put there by submit"
    sources = session["prepared_source_mapping"]
    names = [made["image"]["image_name"] for id, made in session["results"].items() if sources[id] in shown]
    if not names:
        raise ValueError("the item was completed and made no picture")
    used = {unit: str(quantity) for unit, quantity in _usage(item).items()}
    return _view({"left": names, "made": [], "usage": used})


def _usage(item: dict[str, Any]) -> Usage:
    """From the beginning of its work to the end, loading included."""
    began, ended = item.get("started_at"), item.get("completed_at")
    if not began or not ended:
        return {}
    spent = datetime.fromisoformat(str(ended)) - datetime.fromisoformat(str(began))
    return {"gpu_second": max(Decimal(str(spent.total_seconds())), Decimal(0))}


def _view(memo: dict[str, Any]) -> Pending:
    url = f"/api/v1/images/i/{quote(str(memo['left'][0]), safe='')}/full"
    return Pending(call=Call(stage="content", method="GET", url=url, memo=memo, stores=True))


def _fetched(call: Call, reply: Reply) -> Progress:
    if reply.stored is None:
        raise ValueError("the file is no media")
    memo: dict[str, Any] = call.memo
    mime = reply.headers.get("content-type", "").split(";")[0] or "image/png"
    made = [*memo["made"], {"stored": reply.stored, "mime": mime}]
    if left := memo["left"][1:]:
        return _view(memo | {"left": left, "made": made})
    usage = {unit: Decimal(quantity) for unit, quantity in memo["usage"].items()}
    return Done(outputs=tuple(Output(**each) for each in made), usage=usage)
