"""From what a caller of this door asked to a job, and to its end: the same service as everywhere, said in its words."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from fastapi import Request
from pydantic import ValidationError

from adapters import pricing
from adapters.schema import Modality, Offer, Role, Task
from gateway import clock
from gateway.assembly import Parts
from gateway.doors.extras import refused
from gateway.doors.openai.asking import THEIRS, Asked
from gateway.doors.openai.errors import JobFailed, StillRunning
from gateway.doors.openai.provider import PRICED
from gateway.jobs.routes import repeat_key
from gateway.jobs.rules import Status
from gateway.jobs.service import Seen
from gateway.keys.routes import caller_of
from gateway.problems import Invalid, NoOffer, invalid
from gateway.routing.body import JobBody

HOLD_S = 540.0
"""How long a request is held for its job: a minute less than these clients wait by default."""
NAMES = 100
"""How many names a job's `ignore` may hold."""

Takes = Callable[[Offer], bool]
"""Whether an offer understands options that our schema has no words for."""


def is_theirs(offer: Offer) -> bool:
    """OpenAI's own service, wherever it runs: it alone knows all of its options of pictures."""
    return offer.provider in ("openai", "azure")


def speaks_chat(offer: Offer) -> bool:
    return offer.dialect == "openai_chat"


async def submit(parts: Parts, request: Request, asked: Asked, takes: Takes = is_theirs) -> Seen:
    """Make the job. Raises every Problem that a job is refused with."""
    idempotency_key = repeat_key(request)
    body = job_body(narrowed(asked, _in_question(parts, asked), takes))
    try:
        return await parts.jobs.submit(caller_of(request), body, idempotency_key)
    except Invalid as problem:
        raise _said_of(problem, body) from problem
    except NoOffer as problem:
        if not asked.options:
            raise
        named = ", ".join(f"`{name}`" for name in sorted(asked.options))
        detail = f"{named}: not every offer understands this, and none that does can serve; {problem.detail}"
        raise NoOffer(detail, **problem.more) from problem


def job_body(fields: Mapping[str, Any]) -> JobBody:
    """The job's body; what is wrong with it is said of the fields that the caller wrote. Raises Invalid."""
    try:
        return JobBody.model_validate(fields)
    except ValidationError as error:
        problem = invalid(error)
        faults = [fault | {"path": _theirs(fault["path"])} for fault in problem.more["errors"]]
        first = faults[0]
        raise Invalid(f"{first['path'] or 'body'}: {first['message']}", errors=faults) from error


def _said_of(problem: Invalid, body: JobBody) -> Invalid:
    """The same problem, told of the caller's fields: an input that is no picture stood in `image`, say."""
    faults = [fault | {"path": _input_field(fault["path"], body)} for fault in problem.more.get("errors", ())]
    if not faults or faults == problem.more["errors"]:
        return problem
    return Invalid(f"{faults[0]['path']}: {faults[0]['message']}", **problem.more | {"errors": faults})


def _input_field(path: str, body: JobBody) -> str:
    match path.split("."):
        case ["inputs", index, *_]:
            if body.inputs[int(index)].role is Role.MASK:
                return "mask"
            return "image" if body.task.modality is Modality.IMAGE else "input_reference"
        case _:
            return path


def _theirs(path: str) -> str:
    first, dot, rest = path.partition(".")
    return f"podium{dot}{rest}" if first == "routing" else THEIRS.get(first, first) + dot + rest


def _in_question(parts: Parts, asked: Asked) -> list[Offer]:
    """The offers among which there is something to narrow, if there is."""
    model = asked.fields["model"]
    wanted = (asked.options or asked.max_price) and isinstance(model, str)
    return offered(parts, model, asked.fields["task"]) if wanted else []


def narrowed(asked: Asked, offers: Sequence[Offer], takes: Takes) -> dict[str, Any]:
    """The job's fields, with the options given to whom understands them, and all others left out of the choice."""
    if not asked.options and not asked.max_price:
        return asked.fields
    left_out = _left_out([offer for offer in offers if asked.options and not takes(offer)], offers)
    dear = [offer for offer in offers if _is_dear(offer, asked.max_price)]
    extra = {offer.provider: dict(asked.options) for offer in offers if asked.options and takes(offer)}
    given = asked.fields.get("extra") or {}
    merged = {name: extra.get(name, {}) | dict(given.get(name, {})) for name in extra.keys() | given.keys()}
    routing = dict(asked.fields["routing"])
    ignore = list(dict.fromkeys([*(routing.get("ignore") or ()), *left_out, *_left_out(dear, offers)]))
    if len(ignore) > NAMES:
        raise refused("provider.max_price", "leaves out too many offers one by one: name a model or providers too")
    return asked.fields | {"extra": merged, "routing": routing | {"ignore": ignore}}


def _left_out(unfit: Sequence[Offer], offers: Sequence[Offer]) -> list[str]:
    """Names for some of the offers: the provider's where all that it has are among them."""
    names = {offer.id for offer in unfit}
    fit = {offer.provider for offer in offers if offer.id not in names}
    return sorted({offer.id if offer.provider in fit else offer.provider for offer in unfit})


def _is_dear(offer: Offer, max_price: Mapping[str, Any]) -> bool:
    """Whether one of an offer's rates today is above what the caller would pay for its unit."""
    if not max_price:
        return False
    try:
        rates = pricing.price_on(offer, clock.now().date()).rates
    except pricing.Unpriced:
        return False
    most = {PRICED[name]: _usd(name, value) for name, value in max_price.items()}
    return any(rate.usd / rate.per * _counted(rate.unit) > most[rate.unit] for rate in rates if rate.unit in most)


def _counted(unit: str) -> int:
    return 1_000_000 if unit.endswith("_token") else 1


def _usd(name: str, value: object) -> Decimal:
    try:
        usd = Decimal(str(value))
    except InvalidOperation:
        usd = Decimal(-1)
    if not usd.is_finite() or usd < 0:
        raise refused(f"provider.max_price.{name}", "must be an amount in US dollars")
    return usd


async def ended(parts: Parts, request: Request, seen: Seen, hold_s: float = HOLD_S) -> Seen:
    """The job once it has succeeded. Raises JobFailed, and StillRunning when it takes longer than we hold."""
    seen = await settled(parts, request, seen, hold_s)
    if not seen.is_final:
        raise StillRunning(seen.job["id"], hold_s)
    if Status(seen.job["status"]) is not Status.SUCCEEDED:
        raise JobFailed.of(seen.job)
    return seen


async def settled(parts: Parts, request: Request, seen: Seen, hold_s: float = HOLD_S) -> Seen:
    """The job when it has ended, however it ended; or as it is after so long."""
    until = clock.now().timestamp() + hold_s
    while not seen.is_final and (left_s := until - clock.now().timestamp()) > 0:
        seen = await parts.jobs.wait(caller_of(request), seen, left_s)
    return seen


def offered(parts: Parts, model: str, task: Task) -> list[Offer]:
    """The offers of a task that a name leaves open and that can be used here."""
    named = parts.supply.names.resolve(model)
    wanted, today = getattr(named, "model", None), clock.now().date()
    offers = [offer for offer in parts.supply.by_task[task] if wanted in (None, offer.model)]
    return [offer for offer in offers if not _obstacle(parts, offer, wanted is not None, today)]


def _obstacle(parts: Parts, offer: Offer, is_asked_for: bool, today: date) -> str | None:
    return parts.routing.lives.obstacle(offer, today) or parts.supply.obstacle(offer, is_asked_for)
