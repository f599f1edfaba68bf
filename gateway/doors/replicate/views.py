"""A job as Replicate's clients see it: a prediction, and the events of its stream. Pure."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import JsonValue

from adapters.fields import field_name, parameter
from adapters.schema import PARAMETERS, MediaRequest, Modality, Offer, Role, Task
from gateway.assets.sniff import extension
from gateway.doors import words
from gateway.doors.replicate.errors import failure
from gateway.doors.replicate.schemas import fields_of, is_many
from gateway.jobs.views import Link

STATUSES = {"queued": "starting", "running": "processing"}
"""Replicate's words where they are not ours. A client of version 1 takes no others than its five."""

FILE_AGE = timedelta(days=365)
"""How long a file is said to be kept: clients read a date here, and no upload ends by itself."""


def prediction(
    job: Mapping[str, Any], asked_model: str, given: Mapping[str, JsonValue], offers: Sequence[Offer], root: str
) -> dict[str, Any]:
    """A prediction. `given` is its input in Replicate's words, `root` the door's own address."""
    here = f"{root}/v1/predictions/{job['id']}"
    model = asked_model if asked_model.count("/") == 1 else job["model"]
    return {
        "id": job["id"], "model": model, "version": "hidden", "input": given, "output": outputs(job, offers),
        "logs": logs(job), "error": failure(job["error"]) if job["status"] == "failed" else None,
        "status": STATUSES.get(job["status"], job["status"]), "created_at": job["created_at"],
        "started_at": job["started_at"], "completed_at": job["ended_at"], "data_removed": False, "source": "api",
        "metrics": metrics(job),
        "urls": {"get": here, "cancel": f"{here}/cancel", "stream": f"{here}/stream", "web": here},
    }  # fmt: skip


def begun(prediction: Mapping[str, Any]) -> dict[str, Any]:
    """The prediction as it was when it was made: what its start is told with, however late that is."""
    unknown = {"output": None, "error": None, "started_at": None, "completed_at": None}
    return {**prediction, **unknown, "logs": "", "metrics": {}, "status": STATUSES["queued"]}


def outputs(job: Mapping[str, Any], offers: Sequence[Offer]) -> JsonValue:
    """One link, or a list of them where the model makes several; the words of a text as a list."""
    if job["status"] != "succeeded":
        return None
    found: list[JsonValue] = [output["url"] if output["text"] is None else output["text"] for output in job["outputs"]]
    return found if is_many(Task(job["task"]), offers) or len(found) != 1 else found[0]


def metrics(job: Mapping[str, Any]) -> dict[str, Any]:
    """Seconds, and what was made, under the names of Replicate's own metrics."""
    if not job["ended_at"]:
        return {}
    ended, made = datetime.fromisoformat(job["ended_at"]), job["outputs"]
    since = {"total_time": job["created_at"], "predict_time": job["started_at"]}
    found: dict[str, Any] = {
        name: round((ended - datetime.fromisoformat(at)).total_seconds(), 6) for name, at in since.items() if at
    }
    match Task(job["task"]).modality:
        case Modality.IMAGE:
            return found | ({"image_count": len(made)} if made else {})
        case Modality.VIDEO:
            seconds = sum(output["duration_s"] or 0 for output in made)
            return found | ({"video_output_duration_seconds": seconds} if made else {})
        case Modality.TEXT:
            usage = job["usage"]
            counts = {f"{unit}_count": usage[unit] for unit in ("input_token", "output_token") if unit in usage}
            return found | {name: int(float(count)) for name, count in counts.items()}
        case _:
            return found


def logs(job: Mapping[str, Any]) -> str:
    """A line for each attempt that has ended."""
    lines = (f"{each['offer']}: {each['message'] or each['status']}" for each in job["attempts"] if each["ended_at"])
    return "".join(f"{line}\n" for line in lines)


def echo(request: MediaRequest, offers: Sequence[Offer], link: Link) -> dict[str, JsonValue]:
    """What was asked for, in Replicate's words again: media as links, what was left out left out."""
    fields = fields_of(offers)
    found: dict[str, JsonValue] = {fields["prompt"].name: request.prompt} if request.prompt else {}
    for name in PARAMETERS:
        value = parameter(request, name) if name != "count" or request.count > 1 else None
        if value is not None and name in fields and name != "size":
            found[fields[name].name] = words.written(value, fields[name])
    for role in Role:
        given: list[JsonValue] = [link(str(item.asset)) for item in request.given(role) if item.asset]
        if given and (field := fields.get(field_name(role))):
            found[field.name] = given if field.many or len(given) > 1 else given[0]
    return found


def page(results: Sequence[Mapping[str, Any]], following: str | None) -> dict[str, Any]:
    """A page of a list; `following` is the address of the next one."""
    return {"previous": None, "next": following, "results": list(results)}


def file(row: Mapping[str, Any], root: str) -> dict[str, Any]:
    """An asset as one of Replicate's files."""
    created: datetime = row["created_at"]
    ends: datetime = row["expires_at"] or created + FILE_AGE
    return {
        "id": row["id"], "name": f"{row['id']}.{extension(row['mime'])}", "content_type": row["mime"],
        "size": row["size_bytes"], "etag": row["sha256"], "checksums": {"sha256": row["sha256"]}, "metadata": {},
        "created_at": created.isoformat(), "expires_at": ends.isoformat(),
        "urls": {"get": f"{root}/v1/files/{row['id']}"},
    }  # fmt: skip


def event(name: str, number: int, data: str) -> str:
    """One event of a stream. Clients want an id on each; words with line breaks take several lines of data."""
    lines = "".join(f"data: {line}\n" for line in data.split("\n"))
    return f"event: {name}\nid: {number}:0\n{lines}\n"


def last_events(job: Mapping[str, Any], number: int, is_text: bool) -> str:
    """The end of a stream: outputs that are not words, an error, and that it is done."""
    found = [] if is_text else [str(output["url"]) for output in job["outputs"]]
    told = "".join(event("output", number + place, link) for place, link in enumerate(found))
    number += len(found)
    if job["status"] == "failed":
        told += event("error", number, json.dumps({"detail": failure(job["error"])}))
        number += 1
    reasons = {"failed": {"reason": "error"}, "canceled": {"reason": "canceled"}}
    return told + event("done", number, json.dumps(reasons.get(job["status"], {})))
