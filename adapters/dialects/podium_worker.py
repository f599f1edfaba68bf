"""Podium's own worker (deploy/ray): a run is begun, asked for until it ends, and its files are fetched one by one.

Written against version 1 of its protocol (2026-11-21). Oddities kept here: seconds of the GPU are told of failed and
canceled runs too; a LoRA that the worker lacks is a 404, and the caller's own choice; a run that a restart forgot is
gone, and nothing is owed for it.
"""

from decimal import Decimal
from typing import Any

from pydantic import JsonValue

from adapters.errors import Fault
from adapters.fields import one_media, spell
from adapters.schema import Fields, MediaRequest, Modality, Offer, Output, Role, Usage, WireField
from adapters.wire import (
    Call,
    Done,
    Failed,
    Listing,
    Listings,
    Pending,
    Progress,
    Reply,
    blamed,
    counted,
    failed,
    refusal,
)

POLL_S = {Modality.IMAGE: 1.0, Modality.VIDEO: 3.0}

ROLES = (Role.SOURCE, Role.MASK, Role.FIRST_FRAME, Role.LAST_FRAME, Role.REFERENCE)

FIELDS: Fields = {
    "task": WireField(name="task"),
    "model": WireField(name="model"),
    "prompt": WireField(name="prompt"),
    "negative_prompt": WireField(name="negative_prompt"),
    "width": WireField(name="width"),
    "height": WireField(name="height"),
    "fps": WireField(name="fps"),
    "count": WireField(name="count"),
    "seed": WireField(name="seed"),
    "steps": WireField(name="steps"),
    "guidance": WireField(name="guidance"),
    "format": WireField(name="format"),
    "loras": WireField(name="loras", keys={"path": "id", "scale": "scale"}),
    **{role.value: WireField(name="inputs", media="base64", many=True) for role in ROLES},
}
"""A length is said in frames, and how many make a second is the model's: the card says it."""

FAULTS_BY_CODE = {
    "lora_missing": Fault.INVALID_REQUEST,
    "model_missing": Fault.MODEL_MISSING,
    "content_rejected": Fault.CONTENT_REJECTED,
    "invalid_request": Fault.INVALID_REQUEST,
    "queue_full": Fault.RATE_LIMITED,
}
"""Its own codes; any other (out_of_memory, pipeline_failed, worker_lost) is the worker's fault."""


def submit(request: MediaRequest, offer: Offer) -> Call:
    body = spell(request, offer, FIELDS) | {"task": request.task.value, "model": offer.wire_id}
    if request.inputs:
        fields = FIELDS | offer.fields
        body["inputs"] = [{"role": i.role.value, "base64": one_media(i, fields[i.role.value])} for i in request.inputs]
    return Call(stage="submit", url="/v1/runs", json_body=body, memo={"poll_s": POLL_S[request.task.modality]})


def read(call: Call, reply: Reply) -> Progress:
    if refused := refusal(call, reply):
        fault = FAULTS_BY_CODE.get(refused.error.code or "") if call.stage == "submit" else None
        return blamed(refused, fault) if fault else refused
    if call.stage == "content":
        return _fetched(call, reply)
    run = reply.json()
    match run["status"]:
        case "succeeded":
            links: list[JsonValue] = [{"url": each["url"], "mime": each["mime"]} for each in run["outputs"]]
            if not links:
                raise ValueError("the run succeeded and made nothing")
            used = {unit: str(quantity) for unit, quantity in _used(run).items()}
            return _fetch({"left": links, "made": [], "usage": used})
        case "failed":
            return _ended(FAULTS_BY_CODE.get(run["error"]["code"], Fault.PROVIDER_FAULT), run["error"]["message"], run)
        case "canceled":
            return _ended(Fault.PROVIDER_FAULT, "the run was canceled", run)
        case "queued" | "running" as word:
            return _pending(call, run, word)
        case status:
            return failed(Fault.BAD_REPLY, f"{call.stage}: unknown status {status!r}")


def _pending(call: Call, run: dict[str, Any], word: str) -> Pending:
    poll = Call(stage="status", method="GET", url=f"/v1/runs/{run['id']}", memo={"poll_s": call.memo["poll_s"]})
    steps = int(run.get("steps") or 0)
    fraction = min(int(run.get("step") or 0) / steps, 1.0) if steps else None
    return Pending(call=poll, wait_s=float(str(call.memo["poll_s"])), fraction=fraction, provider_status=word)


def cancel(call: Call) -> Call | None:
    return Call(stage="cancel", url=f"{call.url}/cancel", json_body={}) if call.stage == "status" else None


def _used(run: dict[str, Any]) -> Usage:
    """Loading is counted apart: whom it befalls is chance, so nobody pays for it unless a card prices it."""
    return counted({"gpu_second": run.get("gpu_seconds"), "gpu_second_cold": run.get("cold_seconds") or None})


def _ended(fault: Fault, message: str, run: dict[str, Any]) -> Failed:
    return failed(fault, message).model_copy(update={"usage": _used(run), "is_verdict": True})


def _fetch(memo: dict[str, Any]) -> Pending:
    return Pending(call=Call(stage="content", method="GET", url=memo["left"][0]["url"], memo=memo, stores=True))


def _fetched(call: Call, reply: Reply) -> Progress:
    if reply.stored is None:
        raise ValueError("the file is no media")
    memo: dict[str, Any] = call.memo
    made = [*memo["made"], {"stored": reply.stored, "mime": memo["left"][0]["mime"]}]
    if left := memo["left"][1:]:
        return _fetch(memo | {"left": left, "made": made})
    usage = {unit: Decimal(quantity) for unit, quantity in memo["usage"].items()}
    return Done(outputs=tuple(Output(**each) for each in made), usage=usage)


def list_models() -> Call:
    return Call(stage="models", method="GET", url="/v1/models")


def read_models(call: Call, reply: Reply) -> Listings:
    return Listings(tuple(Listing(wire_id=each["name"]) for each in reply.json()["models"]))
