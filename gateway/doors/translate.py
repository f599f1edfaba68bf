"""An input in a vendor's words becomes a job of ours, told from one table; what nobody here could honour is refused.

Pure. A field that the table does not know is an option of the vendor's own: it travels to that vendor alone, and the
job with it; where the vendor cannot be asked, the field is refused by its name.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import JsonValue, ValidationError

from adapters import sizes
from adapters.canvas import fit_size
from adapters.schema import Fields, MediaRequest, Offer, Role, Task
from gateway.doors import extras, words
from gateway.doors.tasks import Given, tell
from gateway.doors.words import Table, Unreadable, Word
from gateway.problems import Invalid, Problem, invalid
from gateway.routing.body import JobBody, Wishes

FRAME_RATE = 24
"""Frames a second where frames are counted and neither the caller nor the offers say how fast they pass."""

AssetOf = Callable[[str], str | None]
"""A link to an asset of ours → the asset's id; None for anybody else's link."""


class Tongue(NamedTuple):
    """A door's one table, before a model's own words are laid over it.

    `settled` are fields whose listed values say what is so here anyway: they change nothing, other values are refused.
    """

    provider: str
    defaults: Fields
    more: Mapping[str, str]
    settled: Mapping[str, tuple[JsonValue, ...]]
    sizes: Mapping[str, tuple[int, int]]


class Meant(NamedTuple):
    """What a caller's name for a model leaves open. `offers` of each task are as they are for that task."""

    model: str
    offers: Mapping[Task, Sequence[Offer]]
    able: Collection[Task]
    task: Task | None = None
    is_one: bool = True
    """Whether one model is named, whose own fields the caller then may use; not so for `auto`."""
    vendor_answers: bool = False
    """Whether the vendor's own offer of this model can be used here and now."""


class Asked(NamedTuple):
    """A job's body, and where each part of it stood in the caller's own words: our path → theirs."""

    body: JobBody
    places: Mapping[str, str]


class Draft:
    """A body on its way: values by our names, and where they came from."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.places: dict[str, str] = {}
        self.media: list[tuple[str, str, str]] = []
        self.options: dict[str, JsonValue] = {}
        self.faults: list[dict[str, str]] = []

    def put(self, ours: str, value: Any, theirs: str) -> None:
        self.values[ours], self.places[ours] = value, theirs


def asked(tongue: Tongue, meant: Meant, given: Mapping[str, JsonValue], asset_of: AssetOf) -> Asked:
    """Translate one input. Raises Invalid with the caller's own path of each fault."""
    wanted, extension = _extension(given.get(extras.FIELD))
    said = {name: value for name, value in given.items() if value is not None and name != extras.FIELD}
    own = [offer for offers in meant.offers.values() for offer in offers if offer.provider == tongue.provider]
    known = words.table(tongue.defaults, tongue.more, own if meant.is_one else ())
    draft = Draft()
    for theirs, value in said.items():
        _take(draft, tongue, known, theirs, value)
    task = wanted or meant.task or tell(given_of(said, known), meant.able)
    offers = meant.offers.get(task, ())
    _size(draft, task, tongue, offers)
    _duration(draft, offers)
    _format(draft, offers)
    _inputs(draft, task, offers, asset_of)
    _options(draft, tongue, meant, extension)
    _settle_faults(draft)
    return _body(draft, {"model": meant.model, "task": task}, extension)


def given_of(said: Mapping[str, JsonValue], known: Table) -> Given:
    """What these fields hold, as far as it tells the task."""
    kinds = {known[name].ours for name in said if name in known}
    return Given(
        prompt="prompt" in kinds,
        picture=not kinds.isdisjoint({"picture", "first_frame", "last_frame", "reference"}),
        mask="mask" in kinds,
        video="video" in kinds,
        audio="audio_input" in kinds,
        moving=not kinds.isdisjoint(words.MOVING),
        scale="scale" in kinds,
    )


def _extension(value: JsonValue) -> tuple[Task | None, dict[str, Any]]:
    """The task that is named outright, and the other fields of a job's body that stand in our one extra field."""
    if not isinstance(value, dict) or "task" not in value:
        return None, extras.wished(value)
    if value["task"] not in list(Task):
        raise _invalid([_fault(f"{extras.FIELD}.task", "is no task of ours")])
    return Task(value["task"]), extras.wished({name: each for name, each in value.items() if name != "task"})


def _take(draft: Draft, tongue: Tongue, known: Table, theirs: str, value: JsonValue) -> None:
    """Put one field where it belongs; what it is good for may only show once all are there."""
    if theirs in tongue.settled:
        if value not in tongue.settled[theirs]:
            allowed = " or ".join(str(each).lower() for each in tongue.settled[theirs])
            draft.faults.append(_fault(theirs, f"can only be {allowed} here"))
        return
    word = known.get(theirs)
    if word is None:
        draft.options[theirs] = value
        return
    try:
        _say(draft, word, theirs, value)
    except Unreadable as error:
        draft.faults.append(_fault(theirs, str(error)))


def _say(draft: Draft, word: Word, theirs: str, value: JsonValue) -> None:
    if word.ours in words.MEDIA:
        draft.media += [(word.ours, link, theirs) for link in words.links(value)]
    else:
        draft.put(word.ours, words.read(value, word), theirs)


def _size(draft: Draft, task: Task, tongue: Tongue, offers: Sequence[Offer]) -> None:
    """A size in one word becomes pixels; a ratio where the offers take no such pixels; a tier where it is one."""
    value, theirs = draft.values.pop("size", None), draft.places.pop("size", "")
    if value is None:
        return
    named = isinstance(value, str) and value in tongue.sizes
    pair = tongue.sizes[str(value)] if named else words.pair(value)
    if pair is None:
        _other_size(draft, value, theirs)
        return
    width, height = pair
    if named and not any(_takes(offer, task, width, height) for offer in offers):
        draft.put("aspect_ratio", sizes.ratio_name(width, height), theirs)
        return
    draft.put("width", width, theirs)
    draft.put("height", height, theirs)


def _other_size(draft: Draft, value: JsonValue, theirs: str) -> None:
    """A size that is no pair of pixels: `auto`, a tier (`auto_2K`, `2K`), or a ratio."""
    word = value.lower().removeprefix("auto_") if isinstance(value, str) else ""
    if word in ("auto", "default"):
        return
    if word in sizes.AREA_SIDES or word in sizes.SHORT_SIDES:
        draft.put("resolution", word, theirs)
    elif ":" in word:
        draft.put("aspect_ratio", word, theirs)
    else:
        draft.faults.append(_fault(theirs, "must be a size: {width, height}, or one of the names that there are"))


def _takes(offer: Offer, task: Task, width: int, height: int) -> bool:
    request = MediaRequest.model_construct(task=task, width=width, height=height, aspect_ratio=None, resolution=None)
    return not fit_size(request, offer, strict=True).reasons


def _duration(draft: Draft, offers: Sequence[Offer]) -> None:
    """Frames become seconds, by the rate that the caller or the offers say."""
    frames, theirs = draft.values.pop("frames", None), draft.places.pop("frames", "")
    if frames is None or "duration_s" in draft.values:
        return
    usual = (offer.accepts["fps"].default for offer in offers if "fps" in offer.accepts)
    fps = draft.values.get("fps") or next((each for each in usual if each), FRAME_RATE)
    draft.put("duration_s", words.seconds(frames, float(fps)), theirs)


def _format(draft: Draft, offers: Sequence[Offer]) -> None:
    """JPEG has two names, and each vendor knows one of them: the one that the offers take is sent."""
    names = {"jpg": "jpeg", "jpeg": "jpg"}
    value = draft.values.get("format")
    taken = {each for offer in offers if (accept := offer.accepts.get("format")) for each in accept.enum or ()}
    if value in names and value not in taken and (names[value] in taken or value == "jpg"):
        draft.values["format"] = names[value]


def _inputs(draft: Draft, task: Task, offers: Sequence[Offer], asset_of: AssetOf) -> None:
    """Media in their roles; to a text model pictures are shown in its message."""
    if not draft.media:
        return
    links = [(kind, {"asset": asset} if (asset := asset_of(link)) else {"url": link}, theirs)
             for kind, link, theirs in draft.media]  # fmt: skip
    if task is Task.TEXT:
        parts = [{"type": "image"} | link for _, link, _ in links]
        spoken = [{"type": "text", "text": draft.values.pop("prompt")}] if "prompt" in draft.values else []
        draft.put("messages", [{"role": "user", "content": spoken + parts}], links[0][2])
        return
    room = max((offer.inputs.get(Role.SOURCE, (0, 0))[1] for offer in offers), default=0)
    inputs: list[dict[str, str]] = []
    for kind, link, theirs in links:
        draft.places[f"inputs.{len(inputs)}"] = theirs
        inputs.append({"role": _role(kind, task, inputs, room).value} | link)
    draft.values["inputs"] = inputs


def _role(kind: str, task: Task, before: Sequence[Mapping[str, str]], room: int) -> Role:
    """What one piece of media is for. Pictures beyond those that the offers work on are there to look at."""
    if kind == "audio_input":
        return Role.AUDIO
    if kind not in ("picture", "video"):
        return Role(kind)
    role = Role.FIRST_FRAME if task is Task.IMAGE_TO_VIDEO and kind == "picture" else Role.SOURCE
    taken = sum(each["role"] == role for each in before)
    most = 1 if role is Role.FIRST_FRAME else max(room, 1)
    return role if taken < most else Role.REFERENCE


def _options(draft: Draft, tongue: Tongue, meant: Meant, extension: dict[str, Any]) -> None:
    """What only the vendor itself understands goes to the vendor, and so must the job."""
    if not draft.options:
        return
    if not meant.vendor_answers:
        said = f"is no word of ours, and {tongue.provider} itself, which may know it, cannot be asked for this model"
        draft.faults += [_fault(name, said) for name in draft.options]
        return
    extra, routing = extension.get("extra") or {}, extension.get("routing") or Wishes()
    own = extra.get(tongue.provider) or {}
    extension["extra"] = extra | {tongue.provider: draft.options | own}
    extension["routing"] = routing.model_copy(update={"only": routing.only or (tongue.provider,)})


def _body(draft: Draft, named: dict[str, Any], extension: dict[str, Any]) -> Asked:
    try:
        body = JobBody.model_validate(named | draft.values | extension)
    except ValidationError as error:
        raise moved(invalid(error), draft.places) from error
    return Asked(body, draft.places)


def moved(problem: Problem, places: Mapping[str, str]) -> Problem:
    """The same problem, its faults said at the places where the caller wrote what is at fault."""
    faults = problem.more.get("errors")
    if not isinstance(faults, list) or not isinstance(problem, Invalid):
        return problem
    return _invalid([_fault(_theirs(each["path"], places), each["message"]) for each in faults], problem)


def under(problem: Problem, start: str, beside: Collection[str] = ()) -> Problem:
    """The same problem, its faults said to be inside of `start`; those of `beside` stand beside it."""
    faults = problem.more.get("errors")
    if not isinstance(faults, list) or not isinstance(problem, Invalid):
        return problem
    paths = [each["path"] if each["path"] in beside else f"{start}.{each['path']}".rstrip(".") for each in faults]
    return _invalid([_fault(path, each["message"]) for path, each in zip(paths, faults, strict=True)], problem)


def _theirs(path: str, places: Mapping[str, str]) -> str:
    parts = path.split(".")
    starts = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((places[start] for start in starts if start in places), path)


def _settle_faults(draft: Draft) -> None:
    if draft.faults:
        raise _invalid(draft.faults)


def _fault(path: str, message: str) -> dict[str, str]:
    return {"path": path, "message": message}


def _invalid(faults: list[dict[str, str]], before: Problem | None = None) -> Invalid:
    said = [before.detail if before and each["message"] == "see detail" else each["message"] for each in faults]
    faults = [{"path": fault["path"], "message": message} for fault, message in zip(faults, said, strict=True)]
    first = f"{faults[0]['path'] or 'body'}: {faults[0]['message']}" if faults else "the input cannot be understood"
    return Invalid(first if before is None else before.detail, errors=faults)


def with_webhook(body: JobBody, url: str | None, theirs: str) -> JobBody:
    """The same job, told to this address when it ends. Raises Invalid where jobs take no such address."""
    if url is None:
        return body
    try:
        return JobBody.model_validate(body.model_dump(exclude_unset=True) | {"webhook_url": url})
    except ValidationError as error:
        raise _invalid([_fault(theirs, each["message"]) for each in invalid(error).more["errors"]]) from error
