"""ComfyUI: a stored workflow is queued under the run's own id, asked for until it ends, and its files are fetched.

Docs: https://docs.comfy.org/development/comfyui-server/comms_routes, and how 0.3.64 answered (2026-11-20). Oddities
kept here: a partly invalid graph is accepted; a canceled run that had not begun is gone from queue and history alike;
an interrupt without an id stops whatever runs, and one with an id does nothing to a run that waits; files must be
fetched by name. Newer servers have /api/jobs, older ones answer it 404.
"""

from decimal import Decimal
from typing import Any

from pydantic import JsonValue

from adapters import uploads
from adapters.errors import Fault
from adapters.schema import Fields, MediaRequest, Modality, Offer, Output, WireField
from adapters.wire import Call, Done, Failed, Part, Pending, Progress, Reply, attempt_ref, blamed, failed, refusal
from adapters.workflows import complaint, filled, run_usage, saved_files

POLL_S = {Modality.IMAGE: 1.0, Modality.VIDEO: 5.0}
MISSED_MOST = 2
"""How often a run may be in neither queue nor history: once may be the moment between the two."""

FIELDS: Fields = {"workflow": WireField(name="workflow")}
"""All else is said by the card, since it depends on the graph (adapters/workflows.py)."""

MIMES = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp", "mp4": "video/mp4", "webm": "video/webm"}
"""By a file's ending: the server says only what it takes for safe to show."""
REFUSAL_WORDS = ("nsfw", "moderation", "content policy", "safety check")
"""ComfyUI itself refuses nothing; nodes that check what is made fail with such words."""


def submit(request: MediaRequest, offer: Offer) -> Call:
    graph = filled(request, offer, FIELDS)
    body: dict[str, JsonValue] = {"prompt": graph.nodes, "client_id": attempt_ref(), "prompt_id": attempt_ref()}
    body |= {"extra_data": graph.extra} if graph.extra else {}
    memo: dict[str, JsonValue] = {"poll_s": POLL_S[request.task.modality]}
    return uploads.first(Call(stage="submit", url="/prompt", json_body=body, memo=memo), _upload)


def _upload(asset: str) -> Call:
    told = {"type": "input", "subfolder": "podium", "overwrite": "true"}
    parts = (Part(name="image", asset=asset), *(Part(name=name, value=value) for name, value in told.items()))
    return Call(stage="upload", url="/upload/image", form=parts)


def read(call: Call, reply: Reply) -> Progress:
    if call.stage == "jobs" and reply.status == 404:
        return _next(call, "queue", "/queue")
    if refused := refusal(call, reply):
        return _sharpened(refused, reply) if call.stage == "submit" else refused
    match call.stage:
        case "upload":
            body = reply.json()
            return uploads.uploaded(call, "/".join(filter(None, (body["subfolder"], body["name"]))), _upload)
        case "submit":
            return _begun(call, reply.json())
        case "drop":
            return failed(Fault.INVALID_REQUEST, f"a part of the workflow is invalid: {call.memo['wrong']}")
        case "content":
            return _fetched(call, reply)
        case _:
            return _followed(call, reply.json(), str(call.memo["id"]))


def _begun(call: Call, body: dict[str, Any]) -> Pending:
    id = str(body["prompt_id"])
    if wrong := body.get("node_errors"):
        drop = Call(stage="drop", url="/queue", json_body={"delete": [id]}, memo={"wrong": str(wrong)[:200]})
        return Pending(call=drop, provider_status="partly invalid")
    return _again(call.model_copy(update={"memo": {"id": id, "poll_s": call.memo["poll_s"]}}), "submitted")


def _followed(call: Call, body: dict[str, Any], id: str) -> Progress:
    """History knows only what has ended; of the rest the newer page of jobs tells, or else the queue."""
    if call.stage == "status":
        return _ended(call, body[id]) if id in body else _next(call, "jobs", f"/api/jobs/{id}")
    if call.stage == "jobs":
        word = str(body["status"])
        return _missed(call, word) if word in ("failed", "cancelled") else _again(call, word, "jobs")
    words = {each[1]: word for word in ("pending", "running") for each in body[f"queue_{word}"]}
    return _again(call, words[id], "queue") if id in words else _missed(call, "gone")


def _next(call: Call, stage: str, url: str, wait_s: float = 0.0, **told: JsonValue) -> Pending:
    onward = Call(stage=stage, method="GET", url=url, memo=call.memo | told)
    return Pending(call=onward, wait_s=wait_s, provider_status=str(onward.memo.get("word")))


def _again(call: Call, word: str, seen: str = "queue", missed: int = 0) -> Pending:
    """To the history after a while. `seen` is the page that knows the run, and so how it is stopped."""
    wait_s = float(str(call.memo["poll_s"]))
    return _next(call, "status", f"/history/{call.memo['id']}", wait_s, word=word, seen=seen, missed=missed)


def _missed(call: Call, word: str) -> Progress:
    missed = int(str(call.memo.get("missed", 0))) + 1
    if missed >= MISSED_MOST:
        return failed(Fault.PROVIDER_FAULT, f"the run is {word}: removed, or the server began anew")
    return _again(call, word, missed=missed)


def cancel(call: Call) -> Call | None:
    """Only ever our own run: each of these names its id, and does nothing to another's."""
    if (id := call.memo.get("id")) is None:
        return None
    if call.memo.get("seen") == "jobs":
        return Call(stage="cancel", url=f"/api/jobs/{id}/cancel", json_body={})
    if call.memo.get("word") == "pending":
        return Call(stage="cancel", url="/queue", json_body={"delete": [id]})
    return Call(stage="cancel", url="/interrupt", json_body={"prompt_id": id})


def _ended(call: Call, run: dict[str, Any]) -> Progress:
    messages = dict(run["status"]["messages"])
    usage = run_usage(messages)
    if run["status"]["status_str"] != "success":
        error = messages.get("execution_error") or {}
        message = f"{error.get('node_type')}: {error.get('exception_message')}" if error else "it was interrupted"
        refused = any(words in message.lower() for words in REFUSAL_WORDS)
        ended = failed(Fault.CONTENT_REJECTED if refused else Fault.PROVIDER_FAULT, message)
        return ended.model_copy(update={"usage": usage, "is_verdict": True})
    links: list[JsonValue] = [*saved_files(run)]
    if not links:
        raise ValueError("the run ended well and saved no file")
    seconds = {unit: str(quantity) for unit, quantity in usage.items()}
    return _view(call.model_copy(update={"memo": {"left": links, "made": [], "usage": seconds}}))


def _view(call: Call) -> Pending:
    memo: dict[str, Any] = call.memo
    return Pending(call=Call(stage="content", method="GET", url=f"/view?{memo['left'][0]}", memo=memo, stores=True))


def _fetched(call: Call, reply: Reply) -> Progress:
    if reply.stored is None:
        raise ValueError("the file is no media")
    memo: dict[str, Any] = call.memo
    mime = MIMES.get(call.url.split("&")[0].rsplit(".", 1)[-1].lower(), reply.headers.get("content-type", ""))
    made = [*memo["made"], {"stored": reply.stored, "mime": mime}]
    if left := memo["left"][1:]:
        return _view(call.model_copy(update={"memo": memo | {"left": left, "made": made}}))
    usage = {unit: Decimal(quantity) for unit, quantity in memo["usage"].items()}
    return Done(outputs=tuple(Output(**each) for each in made), usage=usage)


def _sharpened(refused: Failed, reply: Reply) -> Failed:
    """A graph whose node or file of weights this server lacks cannot run here, whatever the caller does."""
    said = complaint(reply.json() if refused.error.status == 400 else {})
    return blamed(refused, Fault.MODEL_MISSING if said.lacks else refused.error.fault, said.words)
