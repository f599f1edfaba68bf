"""The body of a workflow as callers write it, checked as a whole: every fault has its path. Pure; it routes nothing."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from pydantic import Field, JsonValue, ValidationError, field_validator

from adapters.schema import Exact, Frozen
from gateway.problems import Invalid, invalid
from gateway.routing.body import METADATA_ENTRIES, JobBody
from gateway.workflows import references, rules
from gateway.workflows.references import NAME, Fault, Made, Reference
from gateway.workflows.rules import DEPTH, STEPS, OnFailure

StepName = Annotated[str, Field(pattern=rf"^{NAME}$")]


class StepBody(Frozen):
    """One step: its job, as `POST /v1/jobs` takes it, and the steps that must have succeeded before."""

    id: StepName
    job: dict[str, JsonValue] = Field(description='a body of POST /v1/jobs; inputs may have "from": "STEP.outputs.0"')
    after: tuple[StepName, ...] = Field((), max_length=STEPS, description="beyond those that the job mentions")


class WorkflowBody(Frozen):
    """What `POST /v1/workflows` takes."""

    name: str | None = Field(None, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")
    steps: tuple[StepBody, ...] = Field(min_length=1, max_length=STEPS)
    max_cost_usd: Exact | None = Field(None, description="for all jobs of the workflow together, whatever is tried")
    on_failure: OnFailure = OnFailure.STOP
    webhook_url: str | None = Field(None, max_length=2_000, description="told of the workflow's end")
    metadata: dict[str, JsonValue] = Field(default_factory=dict, max_length=METADATA_ENTRIES)

    @field_validator("metadata")
    @classmethod
    def _is_json(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        try:
            json.dumps(value, allow_nan=False)
        except ValueError as error:
            raise ValueError("NaN and Infinity are no JSON values") from error
        return value

    def digest(self) -> str:
        """A hash of all that was asked, to tell a repeat from another under the same idempotency key."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


class Checked(NamedTuple):
    """A step that can run as far as its words say. `after` are all steps before it, those that its job mentions too."""

    name: str
    job: dict[str, Any]
    body: JobBody
    after: tuple[str, ...]


def checked(body: WorkflowBody) -> list[Checked]:
    """The steps of a workflow, each checked alone and all together. Raises Invalid with the path of every fault."""
    faults: list[Fault] = _twice(body.steps)
    bodies: dict[str, JobBody] = {}
    mentions: dict[str, list[Reference]] = {}
    for index, step in enumerate(body.steps):
        path = f"steps.{index}.job"
        mentions[step.id], wrong = references.found(step.job)
        faults += [Fault(f"{path}.{each.path}", each.message) for each in wrong]
        read = _read(references.unfilled(step.job))
        if isinstance(read, JobBody):
            bodies[step.id] = read
        else:
            faults += [Fault(f"{path}.{each.path}".rstrip("."), each.message) for each in read]
    faults += _graph_faults(body.steps, bodies, mentions)
    if faults:
        raise _invalid(faults)
    after = _after(body.steps, mentions)
    return [Checked(step.id, dict(step.job), bodies[step.id], after[step.id]) for step in body.steps]


def read_job(job: Mapping[str, Any]) -> JobBody:
    """The body of a step with everything filled in. Raises Invalid."""
    try:
        return JobBody.model_validate_json(json.dumps(job))
    except ValidationError as error:
        raise invalid(error) from error


def _read(job: Mapping[str, Any]) -> JobBody | list[Fault]:
    try:
        body = read_job(job)
    except Invalid as error:
        return [Fault(each["path"], each["message"]) for each in error.more["errors"]]
    if body.quote:
        return [Fault("quote", "a step is decided when it starts: set max_cost_usd, here or for the whole workflow")]
    return body


def _twice(steps: Sequence[StepBody]) -> list[Fault]:
    names = [step.id for step in steps]
    return [
        Fault(f"steps.{index}.id", f"another step is named {name!r}")
        for index, name in enumerate(names)
        if name in names[:index]
    ]


def _graph_faults(
    steps: Sequence[StepBody], bodies: Mapping[str, JobBody], mentions: Mapping[str, Sequence[Reference]]
) -> list[Fault]:
    """What is wrong between steps: none of that name, one that cannot bring it, a ring, too many in a row."""
    faults, names = [], {step.id for step in steps}
    made = {name: Made(body.task, body.count) for name, body in bodies.items()}
    for index, step in enumerate(steps):
        said = [(f"after.{place}", name) for place, name in enumerate(step.after)]
        said += [(f"job.{each.path}", each.step) for each in mentions[step.id]]
        faults += [
            Fault(f"steps.{index}.{path}", f"there is no step {name!r}") for path, name in said if name not in names
        ]
        for each in mentions[step.id]:
            if each.step in made and (reason := references.misfit(each, made[each.step])):
                faults.append(Fault(f"steps.{index}.job.{each.path}", reason))
    return faults or _shape_faults(steps, _after(steps, mentions))


def _shape_faults(steps: Sequence[StepBody], after: Mapping[str, tuple[str, ...]]) -> list[Fault]:
    places = {step.id: index for index, step in enumerate(steps)}
    if ring := rules.circle(after):
        told = " → ".join([*ring, ring[0]])
        return [Fault(f"steps.{places[ring[0]]}", f"waits for itself: {told}")]
    levels = rules.levels(after)
    return [
        Fault(f"steps.{places[name]}", f"has {level} steps in a row before it; {DEPTH - 1} are allowed")
        for name, level in levels.items()
        if level >= DEPTH
    ]


def _after(steps: Sequence[StepBody], mentions: Mapping[str, Sequence[Reference]]) -> dict[str, tuple[str, ...]]:
    """Step → all that must have succeeded before, in the order of the body."""
    needed = {step.id: {*step.after, *(each.step for each in mentions[step.id])} for step in steps}
    return {name: tuple(step.id for step in steps if step.id in before) for name, before in needed.items()}


def _invalid(faults: Sequence[Fault]) -> Invalid:
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return Invalid(f"{faults[0].path}: {faults[0].message}{more}", errors=[each._asdict() for each in faults])
