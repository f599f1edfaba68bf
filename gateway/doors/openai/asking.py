"""What a body of OpenAI's asks for, as fields of a job. Pure: tables and small rules; all else is refused."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from adapters.schema import Role, Task
from gateway.doors import extras
from gateway.doors.extras import refused
from gateway.doors.openai.provider import preferred
from gateway.routing.body import Wishes

AUTO = "auto"

IMAGES = {
    "model": "model", "prompt": "prompt", "n": "count", "quality": "quality", "output_format": "format",
    "partial_images": "partial_images",
}  # fmt: skip
VIDEOS = {"model": "model", "prompt": "prompt", "seconds": "duration_s"}
CHAT = {
    "model": "model", "n": "count", "temperature": "temperature", "seed": "seed",
    "max_completion_tokens": "max_tokens", "max_tokens": "max_tokens",
}  # fmt: skip
"""Their field → ours, where the value is the same."""

OURS = frozenset({
    "negative_prompt", "aspect_ratio", "resolution", "width", "height", "fps", "seed", "steps", "guidance", "audio",
    "loras", "duration_s", "format", "strict",
})  # fmt: skip
"""Words of ours that OpenAI has none for: a client sends them as an extra field of the body."""

THEIRS = {ours: theirs for theirs, ours in (CHAT | VIDEOS | IMAGES).items()} | {"width": "size", "height": "size"}
"""Our field → theirs, for what is said of a fault in it."""

OWN = frozenset({"background", "moderation", "output_compression", "input_fidelity", "style", "complexity"})
"""Options of pictures that only OpenAI's own service knows: a job that says one is made there or not at all."""

SAMPLING = frozenset({
    "top_p", "stop", "presence_penalty", "frequency_penalty", "logit_bias", "response_format", "reasoning_effort",
    "verbosity", "top_k", "min_p",
})  # fmt: skip
"""Options of chats that whoever speaks OpenAI's protocol understands: a job that says one is made there."""

NEUTRAL: Mapping[str, tuple[object, ...]] = {
    "size": (AUTO,), "quality": (AUTO,), "background": (AUTO, "opaque"), "moderation": (AUTO,), "partial_images": (0,),
    "output_compression": (100,), "top_p": (1,), "presence_penalty": (0,), "frequency_penalty": (0,),
    "logit_bias": ({},), "response_format": ({"type": "text"},), "stop": ([],), "tools": ([],), "functions": ([],),
    "tool_choice": (AUTO, "none"), "parallel_tool_calls": (True, False), "logprobs": (False,), "top_logprobs": (0,),
    "modalities": (["text"],), "service_tier": (AUTO, "default"), "store": (False,), "input_fidelity": ("low",),
    "style": ("vivid",),
}  # fmt: skip
"""Values that ask for nothing beyond what every offer does. A field that is null asks for nothing either."""

PARTIAL = ("0", "1", "2", "3")
"""Partial pictures that may be asked for, in a form as words."""

LABELS = ("user", "safety_identifier", "prompt_cache_key")
"""Who asked, in the client's words: kept as labels of the job, told to nobody."""

_SIZE = re.compile(r"([1-9]\d{1,4})x([1-9]\d{1,4})")


class File(NamedTuple):
    """A file of a form, as base64."""

    name: str
    base64: str


class Asked(NamedTuple):
    """A job's fields, the options that only some providers know, and how the answer is wanted."""

    fields: dict[str, Any]
    options: dict[str, Any]
    max_price: Mapping[str, Any]
    stream: bool = False
    response_format: str | None = None
    include_usage: bool = False


def image(body: Mapping[str, Any], task: Task, inputs: Sequence[dict[str, Any]] = ()) -> Asked:
    """A generation, or with inputs an edit. Raises Invalid."""
    known = {"stream", "response_format", "image", "images", "mask"}
    said = _said(body, IMAGES.keys() | known | OWN | {"size"})
    response_format = said.get("response_format")
    if response_format not in (None, "url", "b64_json"):
        raise refused("response_format", "must be url or b64_json")
    if not isinstance(partial := said.get("partial_images", 0), int | str) or str(partial) not in PARTIAL:
        raise refused("partial_images", "must be from 0 to 3")
    fields = _fields(said, IMAGES) | _size(said) | {"task": task, "inputs": list(inputs)}
    if not (stream := _flag(said, "stream")):
        fields.pop("partial_images", None)  # there is no stream to show them in
    options = {name: said[name] for name in OWN if name in said}
    return _asked(said, fields, options)._replace(stream=stream, response_format=response_format)


def video(body: Mapping[str, Any], task: Task, inputs: Sequence[dict[str, Any]] = ()) -> Asked:
    """A clip, from words or from an input too. Raises Invalid."""
    said = _said(body, VIDEOS.keys() | {"size", "input_reference"})
    fields = _fields(said, VIDEOS) | _size(said) | {"task": task, "inputs": list(inputs)}
    return _asked(said, fields, {})


def chat(body: Mapping[str, Any]) -> Asked:
    """A completion. Raises Invalid, also for tools, which no job of ours calls."""
    said = _said(body, CHAT.keys() | SAMPLING | {"messages", "stream", "stream_options", "metadata"})
    if "max_tokens" in said and "max_completion_tokens" in said:
        raise refused("max_tokens", "give max_tokens or max_completion_tokens, not both")
    options = said.get("stream_options") or {}
    if not isinstance(options, Mapping) or options.keys() - {"include_usage", "include_obfuscation"}:
        raise refused("stream_options", "only include_usage is understood")
    fields = _fields(said, CHAT) | {"task": Task.TEXT, "messages": messages(said.get("messages"))}
    asked = _asked(said, fields, {name: said[name] for name in SAMPLING if name in said})
    return asked._replace(stream=_flag(said, "stream"), include_usage=_flag(options, "include_usage"))


def _said(body: Mapping[str, Any], known: frozenset[str] | set[str]) -> dict[str, Any]:
    """The fields that ask for something. Raises Invalid for one that nobody here understands."""
    said = {name: value for name, value in body.items() if value is not None and not _is_neutral(name, value)}
    always = OURS | {extras.FIELD, "provider", "webhook_url", *LABELS}
    if strangers := sorted(said.keys() - known - always):
        raise refused(strangers[0], "cannot be honoured here: leave it out")
    return said


def _is_neutral(name: str, value: object) -> bool:
    return any(type(value) is type(each) and value == each for each in NEUTRAL.get(name, ())) or (
        isinstance(value, float) and value in NEUTRAL.get(name, ())
    )


def _fields(said: Mapping[str, Any], table: Mapping[str, str]) -> dict[str, Any]:
    named = {ours: said[theirs] for theirs, ours in table.items() if theirs in said}
    if named.get("format") == "jpg":
        named["format"] = "jpeg"
    return {"model": AUTO} | named | {name: said[name] for name in OURS if name in said}


def _size(said: Mapping[str, Any]) -> dict[str, int]:
    """`1024x1536` as width and height."""
    size = said.get("size")
    if size is None:
        return {}
    found = _SIZE.fullmatch(size) if isinstance(size, str) else None
    if found is None:
        raise refused("size", 'must be "auto" or width x height in pixels, such as "1024x1536"')
    return {"width": int(found[1]), "height": int(found[2])}


def _asked(said: Mapping[str, Any], fields: dict[str, Any], options: dict[str, Any]) -> Asked:
    """Labels and routing wishes laid over the fields: ours go before those of `provider`."""
    own = said.get("metadata") or {}
    if not isinstance(own, Mapping):
        raise refused("metadata", "must be an object")
    labels = {name: said[name] for name in LABELS if name in said} | dict(own)
    preferences, max_price = preferred(said.get("provider"))
    wished = extras.wished(said.get(extras.FIELD))
    routing = preferences.pop("routing", {}) | _given(wished.pop("routing", None))
    metadata: dict[str, Any] = labels | dict(wished.pop("metadata", None) or {})
    also = {"routing": routing} | ({"metadata": metadata} if metadata else {})
    if "webhook_url" in said:
        also["webhook_url"] = said["webhook_url"]
    return Asked(fields | preferences | wished | also, options, max_price)


def _given(wishes: Wishes | None) -> dict[str, Any]:
    return wishes.model_dump(exclude_unset=True) if wishes else {}


def _flag(said: Mapping[str, Any], name: str) -> bool:
    """A boolean, which a form writes as a word."""
    match said.get(name):
        case None | False | "false":
            return False
        case True | "true":
            return True
        case _:
            raise refused(name, "must be true or false")


def messages(value: object) -> list[dict[str, Any]]:
    """A conversation in our words: instructions are the system's, and parts are words or pictures."""
    if not isinstance(value, list) or not value:
        raise refused("messages", "must be a list of at least one message")
    return [_message(each, f"messages.{index}") for index, each in enumerate(value)]


def _message(message: object, path: str) -> dict[str, Any]:
    match message:
        case {"role": "system" | "developer", "content": content, **more}:
            role = "system"
        case {"role": "user" | "assistant" as role, "content": content, **more}:
            pass
        case _:
            raise refused(path, "needs content, and a role out of system, developer, user and assistant")
    if strangers := [name for name, each in more.items() if each and name not in ("name", "refusal")]:
        raise refused(f"{path}.{strangers[0]}", "cannot be honoured here: leave it out")
    return {"role": role, "content": _content(content, f"{path}.content")}


def _content(content: object, path: str) -> str | list[dict[str, Any]]:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise refused(path, "must be words, or a list of parts")
    return [_part(each, f"{path}.{index}") for index, each in enumerate(content)]


def _part(part: object, path: str) -> dict[str, Any]:
    match part:
        case {"type": "text", "text": str(text)}:
            return {"type": "text", "text": text}
        case {"type": "image_url", "image_url": {"url": str(url)}} | {"type": "image_url", "image_url": str(url)}:
            return {"type": "image"} | place(url)
        case _:
            raise refused(path, "must be of the type text or image_url")


def place(value: str) -> dict[str, str]:
    """Where a picture is: a link, a data URI, or an asset of ours by its id."""
    return {"asset": value} if value.startswith("ast_") else {"url": value}


def given(value: object, path: str) -> dict[str, str]:
    """One file, link or file id of a form or of JSON. Raises Invalid."""
    match value:
        case File(_, base64):
            return {"base64": base64}
        case str(url) | {"image_url": str(url)} | {"image_url": {"url": str(url)}} | {"url": str(url)}:
            return place(url)
        case {"file_id": str(asset)}:
            return {"asset": asset}
        case _:
            raise refused(path, "must be a file, a link (image_url) or the id of an asset (file_id)")


def pictures(body: Mapping[str, Any]) -> list[dict[str, str]]:
    """What an edit is given, in its order. Raises Invalid."""
    name = "images" if body.get("images") is not None else "image"
    value = body.get(name)
    several = value if isinstance(value, list) else [value]
    if value is None or not several:
        raise refused("image", "at least one picture must be given")
    return [given(each, name) for each in several]


def roles(count: int, offered: Sequence[Mapping[Role, tuple[int, int]]]) -> list[Role]:
    """What each of so many pictures is for: providers take either several sources, or one and references beside it.

    `offered` are the inputs that each offer takes which might serve; the way that more of them take is chosen.
    """
    apart = [Role.SOURCE, *[Role.REFERENCE] * (count - 1)]
    many = [Role.SOURCE] * count
    alike = sum(each.get(Role.SOURCE, (0, 0))[1] >= count for each in offered)
    beside = sum(each.get(Role.REFERENCE, (0, 0))[1] >= count - 1 for each in offered)
    return many if alike > beside else apart
